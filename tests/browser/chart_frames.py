"""What every chart of a page must have, found by walking through its frames."""

from __future__ import annotations

import csv
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

#: Titles of the axes of the figure in a frame, which may be "".
AXES = """frame => {
  const layout = frame.querySelector(".js-plotly-plot")._fullLayout;
  return [layout.xaxis.title.text ?? "", layout.yaxis.title.text ?? ""];
}"""
#: What the frame's buttons save.
KINDS = ["png", "svg", "csv"]


def drawn_frames(page: Page) -> list[Locator]:
    """The frames of all charts of a page, once they are drawn; no chart is without one."""
    frames = page.locator(".chart-frame")
    assert frames.count() == page.locator(".chart").count()
    for frame in frames.all():
        frame.locator(".js-plotly-plot .main-svg").first.wait_for()
        frame.locator(".js-plotly-plot .xtitle").first.wait_for(state="attached")
    return frames.all()


def check_frame(page: Page, frame: Locator) -> None:
    """Check title, reading, axes, the table behind the chart and its CSV, all by keyboard."""
    title = frame.locator("figcaption .panel-title").inner_text()
    assert title and frame.locator(".chart-reading").inner_text(), title
    assert all(frame.evaluate(AXES)), title
    buttons = frame.locator("[data-chart-save]")
    assert [one.get_attribute("data-chart-save") for one in buttons.all()] == KINDS, title
    frame.locator(".chart-data > summary").focus()
    page.keyboard.press("Enter")
    rows = frame.locator(".chart-table tbody tr")
    expect(rows.first).to_be_attached()
    heads = frame.locator(".chart-table th").all_text_contents()
    buttons.nth(KINDS.index("csv")).focus()
    with page.expect_download() as started:
        page.keyboard.press("Enter")
    content = Path(started.value.path()).read_text("utf-8")
    head, *lines = csv.reader(content.splitlines())
    assert head == heads and len(lines) == rows.count(), title
