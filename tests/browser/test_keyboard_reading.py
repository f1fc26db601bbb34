"""A study read with the keyboard alone, from the worklist to the amended record."""

from __future__ import annotations

from page_modules import wait_until
from playwright.sync_api import Page, expect
from reading import RESULT, open_study
from running_site import Site

OURS = {"X-Overread": "1"}
#: Whether the focus is seen: on a control with an outline, or on nothing.
SEEN = """() => {
  const node = document.activeElement;
  if (!node || node === document.body) return true;
  const style = getComputedStyle(node), box = node.getBoundingClientRect();
  return box.width > 0 && box.bottom > 0 && box.top < innerHeight
    && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
}"""


def tab(page: Page, selector: str) -> None:
    """Press Tab until what a selector finds has the focus, which is seen at each stop."""
    for _ in range(80):
        page.keyboard.press("Tab")
        assert page.evaluate(SEEN), page.evaluate("document.activeElement.outerHTML")
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"Tab never came to {selector}")


def look_at_marked_slices(page: Page) -> None:
    """Go from one marked slice to the next until none is left."""
    for _ in range(12):
        at = page.get_attribute("#viewer-screen", "data-slice")
        page.keyboard.press("n")
        page.wait_for_function(
            "(at) => document.querySelector('#viewer-screen').dataset.slice !== at", arg=at
        )
        wait_until(
            page,
            "() => !modules.readingStore.remaining().includes(modules.viewer.now.k)",
        )
        if not page.is_visible("#decision-show"):
            return
    raise AssertionError("N never showed all marked slices")


def test_a_study_is_read_signed_and_amended_with_keys_alone(page: Page, site: Site) -> None:
    study = site.add_study("keyed", shift=4, speck=True, prefix="keyed_")
    page.request.put("/api/reader", data={"name": "Ada"}, headers=OURS)
    page.goto("/")
    page.wait_for_selector(f"[row-id='{study}']")
    page.keyboard.press("/")
    page.keyboard.type("keyed")
    expect(page.locator("#worklist-grid-frame .ag-center-cols-container .ag-row")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(page.locator(f"[row-id='{study}'] .ag-cell:focus")).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_selector(RESULT)
    look_at_marked_slices(page)
    lesions = page.locator("#lesions .lesion")
    expect(lesions).to_have_count(2)
    page.keyboard.press("Shift+f")
    tab(page, "select[data-part='location']")
    page.keyboard.type("Temp")
    page.keyboard.press("Escape")
    wait_until(page, "() => modules.readingStore.now().lesions.some((one) => one.location)")
    page.keyboard.press("Shift+f")
    expect(lesions.nth(1).locator(".lesion-open")).to_have_attribute("aria-expanded", "true")
    tab(page, "[data-part='verdict']")
    page.keyboard.press("Space")
    expect(lesions.nth(1)).to_have_attribute("data-verdict", "add")
    expect(lesions.nth(1).locator(".lesion-verdict")).to_be_focused()
    page.keyboard.press("Space")
    expect(lesions.nth(1)).to_have_attribute("data-verdict", "remove")
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+e")
    tab(page, "[data-part='verdict']")
    page.keyboard.press("Enter")
    expect(lesions.nth(0)).to_have_attribute("data-verdict", "remove")
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+r")
    expect(page.locator("#decision-reason")).to_be_focused()
    page.keyboard.type("False")
    page.keyboard.press("Enter")
    expect(page.locator("#top-state")).to_have_attribute("data-state", "read")
    page.keyboard.press("Enter")
    record = f"/api/studies/{study}/records/1"
    wait_until(page, f"async () => (await fetch('{record}')).ok")
    content = page.request.get(record).json()["content"]
    assert (content["decision"]["verdict"], content["decision"]["reason"]) == (
        "reject",
        "false lesion",
    )
    removed = next(one for one in content["lesions"] if one["source"] == "ai")
    assert removed["verdict"] == "remove"
    assert removed["location"]
    open_study(page, study, ready=RESULT)  # another study may be in view, the next one to read
    expect(page.locator("#top-state")).to_have_attribute("data-state", "signed")
    tab(page, "#decision-amend")
    page.keyboard.press("Enter")
    expect(page.locator("#decision-amendment")).to_be_focused()
    page.keyboard.type("The location was wrong.")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    wait_until(page, f"async () => (await fetch('{record[:-1]}2')).ok")
