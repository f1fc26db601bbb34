"""A brush keeps up with the pointer on a large slice; the figure is printed."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from correcting import edit, open_study
from playwright.sync_api import Page
from reading import drag
from running_site import Site

SIZE, MOVES = 512, 100
MEASURE = """() => {
  const spent = (window.spent = { stroke: [], path: [], slice: [] });
  const time = (part, name) => {
    const run = part[name];
    part[name] = (...given) => {
      const begun = performance.now();
      const made = run(...given);
      spent[name].push(performance.now() - begun);
      return made;
    };
  };
  time(overread.maskShapes, "stroke");
  time(overread.contours, "path");
  time(overread.correctionFigures, "slice");
}"""


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


def test_a_brush_keeps_up_with_the_pointer(
    page: Page, large: str, capsys: pytest.CaptureFixture[str]
) -> None:
    open_study(page, large, 2)
    edit(page, size=40)
    page.evaluate(MEASURE)
    drag(page, *[(200 + 1.5 * i, 200 + i) for i in range(MOVES + 1)])
    spent: Any = page.evaluate("() => window.spent")
    assert len(spent["stroke"]) == MOVES + 1  # every move is painted; outline and area once a frame
    milliseconds = {name: statistics.median(times) for name, times in spent.items()}
    total = sum(milliseconds.values())
    with capsys.disabled():
        parts = "painting {stroke:.2f}, outline {path:.2f}, area and Dice {slice:.2f}"
        told = parts.format(**milliseconds)
        sys.stdout.write(f"\nbrush on 512 x 512: {total:.1f} ms a move ({told})\n")
    assert total < 1000 / 60
