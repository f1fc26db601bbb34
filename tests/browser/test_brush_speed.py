"""A brush keeps up with the pointer on a large slice; the figure is printed."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from correcting import edit, open_study
from playwright.sync_api import Page, Route
from reading import drag
from running_site import Site

SIZE, MOVES = 512, 100
#: A module in whose place another one stands, which times one of its functions.
TIMED = """
export * from "{url}";
import {{ {name} as run }} from "{url}";
export const {name} = (...given) => {{
  const begun = performance.now();
  const made = run(...given);
  (window.spent ??= {{ stroke: [], path: [], slice: [] }}).{name}.push(performance.now() - begun);
  return made;
}};
"""
PARTS = {
    "stroke": "correct/mask_shapes.js",
    "path": "viewer/contours.js",
    "slice": "correct/correction_figures.js",
}


def time_parts(page: Page) -> None:
    """Have the page note how long what follows each move of the brush takes."""

    def stand_in(name: str) -> Callable[[Route], None]:
        return lambda route: route.fulfill(
            body=TIMED.format(url=f"{route.request.url}.plain.js", name=name),
            content_type="text/javascript",
        )

    def original(route: Route) -> None:
        found = route.fetch(url=route.request.url.removesuffix(".plain.js"))
        route.fulfill(response=found)

    for name, path in PARTS.items():
        page.route(f"**/scripts/*/{path}", stand_in(name))
    page.route("**/*.plain.js", original)


@pytest.fixture(scope="module")
def large(site: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three slices of 512 x 512 with a lesion 240 pixels wide."""
    folder = tmp_path_factory.mktemp("large-slices")
    y, x = np.ogrid[:SIZE, :SIZE]
    picture = np.where((x - 200) ** 2 + (y - 230) ** 2 < 120**2, 220, 60).astype(np.uint8)
    volume = np.repeat(picture.T[..., None], 3, axis=2)
    affine = np.diag([-0.5, -0.5, 4.0, 1.0])
    nibabel.save(nibabel.Nifti1Image(volume, affine), folder / "large-flair.nii.gz")
    return site.add_folder(Path(folder), slices=3)


@pytest.mark.timing
def test_a_brush_keeps_up_with_the_pointer(
    page: Page, large: str, capsys: pytest.CaptureFixture[str]
) -> None:
    time_parts(page)
    open_study(page, large, 2)
    edit(page, size=40)
    page.evaluate("() => { window.spent = { stroke: [], path: [], slice: [] }; }")
    drag(page, *[(200 + 1.5 * i, 200 + i) for i in range(MOVES + 1)])
    spent: Any = page.evaluate("() => window.spent")
    assert len(spent["stroke"]) == MOVES + 1  # every move is painted; outline and area once a frame
    milliseconds = {name: statistics.median(times) for name, times in spent.items()}
    total = sum(milliseconds.values())
    with capsys.disabled():
        parts = "painting {stroke:.2f}, outline {path:.2f}, area and Dice {slice:.2f}"
        reported = parts.format(**milliseconds)
        sys.stdout.write(f"\nbrush on 512 x 512: {total:.1f} ms a move ({reported})\n")
    assert total < 1000 / 60
