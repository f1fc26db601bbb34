"""What the tests of the review page do first, and where things are on it."""

from __future__ import annotations

import re
from typing import Any

from page_modules import with_modules
from playwright.sync_api import Page, expect

#: Selectors of what comes after the first slice.
RESULT = "#findings-threshold:visible"
MEASUREMENTS = "#findings-measurements[data-saved='true']"


def open_study(
    page: Page, study_id: str, slice_number: int | None = None, *, ready: str = ""
) -> None:
    """Open a study and wait for its first slice, and then for what ``ready`` selects."""
    place = "" if slice_number is None else f"&slice={slice_number}"
    page.goto(f"/review?study={study_id}{place}")
    page.wait_for_selector("#viewer-screen[data-slice]")
    if ready:
        page.wait_for_selector(ready)


def in_view(page: Page, slice_number: int) -> None:
    """Expect a slice to be in view, by its number in the file."""
    expect(page.locator("#viewer-screen")).to_have_attribute("data-slice", str(slice_number))


def numbers(page: Page, selector: str) -> list[float]:
    """All numbers in an element's text, in order."""
    return [float(found) for found in re.findall(r"\d+(?:\.\d+)?", page.inner_text(selector))]


def point(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where an image coordinate is in the window."""
    found: Any = page.evaluate(
        with_modules("""([x, y]) => {
             const { screen } = modules.viewer.now, [sx, sy] = screen.scale();
             const zero = screen.toImage(0, 0);
             return [(x - zero.x) * sx, (y - zero.y) * sy]; }"""),
        [x, y],
    )
    return found[0], found[1]


def drag(page: Page, *points: tuple[float, float], steps: int = 1) -> None:
    """Press at the first image coordinate, move over the others, let go."""
    page.mouse.move(*point(page, *points[0]))
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(*point(page, x, y), steps=steps)
    page.mouse.up()


def click(page: Page, *points: tuple[float, float]) -> None:
    """Click image coordinates, one after the other."""
    for x, y in points:
        page.mouse.click(*point(page, x, y))
