"""Fingers on the review page: one is the tool, two zoom and move, the strip follows a swipe."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from page_modules import with_modules
from playwright.sync_api import CDPSession, Page, expect
from reading import in_view
from running_site import SLICES, Site

Point = tuple[float, float]


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    return site.add_study("touched", shift=6)


@pytest.fixture
def review(touched: Page, study: str) -> Page:
    touched.goto(f"/review?study={study}&slice=5")
    touched.wait_for_selector("#viewer-screen[data-slice]")
    return touched


@pytest.fixture
def fingers(review: Page) -> CDPSession:
    return review.context.new_cdp_session(review)


def touch(session: CDPSession, kind: str, points: Iterable[Point]) -> None:
    places = [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(points)]
    session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": places})


def middle(page: Page, selector: str) -> Point:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def view(page: Page) -> tuple[float, float, float]:
    """Screen pixels per image pixel, and the image's point in the middle of the screen.

    Read two frames later: a browser hands the moves of fingers on with its next frame.
    """
    page.evaluate(
        "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
    )
    x, y = middle(page, "#viewer-surface")
    place = page.evaluate(
        with_modules("([x, y]) => modules.viewer.now.screen.toImage(x, y)"), [x, y]
    )
    return page.evaluate(with_modules("modules.viewer.now.scale")), place["x"], place["y"]


def window(page: Page) -> dict[str, float]:
    return page.evaluate(
        with_modules("({...modules.viewer.now.windows[modules.viewer.now.channel]})")
    )


def test_one_finger_is_the_tool(review, fingers):
    x, y = middle(review, "#viewer-surface")
    before, place = window(review), view(review)
    touch(fingers, "Start", [(x, y)])
    touch(fingers, "Move", [(x + 60, y + 30)])
    touch(fingers, "End", [])
    after = window(review)
    assert after["high"] - after["low"] > before["high"] - before["low"]
    assert view(review) == place


def test_two_fingers_zoom_at_their_middle_and_move(review, fingers):
    x, y = middle(review, "#viewer-surface")
    before, (scale, at_x, at_y) = window(review), view(review)
    touch(fingers, "Start", [(x - 50, y)])
    touch(fingers, "Start", [(x - 50, y), (x + 50, y)])
    touch(fingers, "Move", [(x - 100, y), (x + 100, y)])
    doubled = view(review)
    assert doubled[0] == pytest.approx(2 * scale, rel=0.02)
    assert doubled[1:] == pytest.approx((at_x, at_y), abs=0.5)

    touch(fingers, "Move", [(x - 60, y + 30), (x + 140, y + 30)])
    moved = view(review)
    assert moved[0] == pytest.approx(2 * scale, rel=0.02)
    assert moved[1] == pytest.approx(at_x - 40 / (2 * scale), abs=0.5)
    assert moved[2] == pytest.approx(at_y - 30 / (2 * scale), abs=0.5)

    touch(fingers, "End", [(x - 60, y + 30)])
    touch(fingers, "Move", [(x, y + 90)])  # the finger that is left does not go on with the tool
    touch(fingers, "End", [])
    assert window(review) == before


def test_what_the_first_finger_began_is_taken_back_by_the_second(review, fingers):
    x, y = middle(review, "#viewer-surface")
    before = window(review)
    touch(fingers, "Start", [(x, y)])
    touch(fingers, "Move", [(x + 8, y + 5)])
    assert window(review) != before
    touch(fingers, "Start", [(x + 8, y + 5), (x + 90, y)])
    touch(fingers, "Move", [(x - 20, y), (x + 120, y)])
    touch(fingers, "End", [])
    assert window(review) == before


def test_one_finger_is_the_tool_again_after_two(review, fingers):
    x, y = middle(review, "#viewer-surface")
    touch(fingers, "Start", [(x - 50, y), (x + 50, y)])
    touch(fingers, "End", [])
    before, place = window(review), view(review)
    touch(fingers, "Start", [(x, y)])
    touch(fingers, "Move", [(x + 60, y)])
    touch(fingers, "End", [])
    assert window(review) != before
    assert view(review) == place


def test_strip_follows_a_swipe(review, fingers):
    box = review.locator("#strip-canvas").bounding_box()
    assert box is not None
    cell = box["width"] / SLICES
    y = box["y"] + 20
    touch(fingers, "Start", [(box["x"] + 1.5 * cell, y)])
    in_view(review, 2)
    for number in (4, 7):
        touch(fingers, "Move", [(box["x"] + (number - 0.5) * cell, y)])
        in_view(review, number)
    touch(fingers, "End", [])


def test_buttons_answer_a_tap(review):
    review.tap("#viewer-show-ai")
    expect(review.locator("#viewer-show-ai")).to_have_attribute("aria-pressed", "false")
