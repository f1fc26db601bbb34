"""From the click on a study to its overlay, in a real Chromium: ``python -m tests.load.latency``.

Studies that nobody has analysed are opened from the worklist, as a reader does; the time ends when
the result is there and, on a slice that is called, its outline is drawn. Then the same studies are
opened again, their results cached; the server's own time for that is reported separately.

The studies are slices of the demo studies with other noise. They are analysed on arrival like all
others; for the measurement their jobs and results are then taken away again.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from dashboard.workspace.services import build_services
from dashboard.workspace.settings import read_settings
from tests.page_modules import find_browser, wait_until

from .document import latency_table
from .measuring import run_measurement
from .report import percentile
from .running_server import RunningServer
from .study_copies import add_studies, forget_analyses

_SIZES = {"one slice": 1, "36 slices": 36}
_SHOWN = """() => {
  const { now } = modules.viewer;
  const result = now?.study?.result;
  if (!result || !now.screen) return false;
  if (!document.getElementById("viewer-screen").dataset.slice) return false;
  const drawn = document.querySelector("path.outline-ai")?.getAttribute("d");
  return !result.slices[now.k].tumor || !result.slices[now.k].mask_area_px || Boolean(drawn);
}"""


@dataclass(frozen=True)
class Found:
    """Times of one kind of study, in milliseconds.

    Attributes:
        uncached_ms: From the click to the overlay, the analysis not done before.
        cached_ms: Likewise, its result cached.
        server_ms: What the server took for the cached study.
        outlined: Of how many studies the slice in view was called and outlined.
    """

    uncached_ms: list[float]
    cached_ms: list[float]
    server_ms: list[float]
    outlined: int


def open_study(page: Page, url: str, study_id: str) -> tuple[float, float]:
    """Open a study from the worklist: ms until its overlay, ms of the server for its JSON."""
    page.goto(f"{url}/")
    row = page.locator(f'a.study-link[href*="{study_id}"]')
    row.wait_for()
    page.wait_for_timeout(300)
    with page.expect_response(lambda r: f"/api/studies/{study_id}" in r.url) as answered:
        began = time.perf_counter()
        row.click()
        wait_until(page, _SHOWN, timeout_ms=120_000)
        took = (time.perf_counter() - began) * 1000
    timing = answered.value.headers.get("server-timing", "app;dur=0")
    return took, float(timing.partition("dur=")[2])


def measure(home: Path, *, worker: str, count: int) -> dict[str, Found]:
    """Measure all kinds of studies on a server of our own."""
    server = RunningServer(home, worker=worker)
    try:
        server.start()
        server.prepare()
        parts = build_services(read_settings(server.environment))
        ids = {
            name: add_studies(parts, slices, count + 1, home / f"latency-{os.getpid()}")
            for name, slices in _SIZES.items()
        }
        server.await_analyses()
        for some in ids.values():
            forget_analyses(parts, some)
        server.restart()
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=find_browser(),
                args=["--no-sandbox", "--disable-gpu"],
            )
            page = chromium.new_page(viewport={"width": 1440, "height": 900})
            return {name: _measure_kind(page, server.url, some) for name, some in ids.items()}
    finally:
        server.stop()


def _measure_kind(page: Page, url: str, study_ids: list[str]) -> Found:
    open_study(page, url, study_ids[0])  # scripts are loaded, the models are warm
    uncached, outlined = [], 0
    for study_id in study_ids[1:]:
        uncached.append(open_study(page, url, study_id)[0])
        outlined += bool(page.locator("path.outline-ai").get_attribute("d"))
    again = [open_study(page, url, study_id) for study_id in study_ids[1:]]
    return Found(uncached, [t for t, _ in again], [s for _, s in again], outlined)


def _as_dict(found: dict[str, Found]) -> dict[str, Any]:
    def three(values: list[float]) -> dict[str, float]:
        return {f"p{share}": round(percentile(values, share), 1) for share in (50, 95, 100)}

    return {
        name: {
            "studies": len(kind.uncached_ms),
            "outlined": kind.outlined,
            "uncached_ms": three(kind.uncached_ms),
            "cached_ms": three(kind.cached_ms),
            "cached_server_ms": three(kind.server_ms),
        }
        for name, kind in found.items()
    }


def main() -> int:
    """Print the times as a table, and store them where asked."""

    def measured(home: Path, *, worker: str, count: int) -> dict[str, Any]:
        return {"kinds": _as_dict(measure(home, worker=worker, count=count))}

    return run_measurement(
        "latency",
        __doc__,
        measured,
        count=8,
        counted="studies of each kind",
        describe=lambda found: latency_table(found["kinds"]),
    )


if __name__ == "__main__":
    sys.exit(main())
