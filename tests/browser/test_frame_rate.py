"""How fast slices follow each other on the screen."""

from __future__ import annotations

import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
from page_modules import with_modules
from playwright.sync_api import Page
from reading import open_study
from running_site import Site

SLICES, SIZE = 60, 256
LEAST_FRAMES_PER_S = 50
_WALK = with_modules(
    (Path(__file__).parent / "frame_walk.js").read_text(encoding="utf-8").rstrip().rstrip(";")
)


def write_volume(folder: Path) -> None:
    """A head of noise with a lesion on every slice; its corner's grey identifies the slice."""
    folder.mkdir()
    rng = np.random.default_rng(5)
    volume = rng.integers(30, 120, (SIZE, SIZE, SLICES), dtype=np.uint8)
    mask = np.zeros_like(volume)
    y, x = np.mgrid[:SIZE, :SIZE]
    for k in range(SLICES):
        lesion = (x - 90 - k) ** 2 + (y - 120) ** 2 < (20 + k % 7) ** 2
        volume[..., k][lesion] = 230
        mask[..., k] = (x - 92 - k) ** 2 + (y - 121) ** 2 < (22 + k % 5) ** 2
        volume[:12, :12, k] = 20 + 2 * k
    affine = np.diag([-1.0, -1.0, 3.0, 1.0])
    nibabel.save(nibabel.Nifti1Image(volume, affine), folder / "flair.nii.gz")
    nibabel.save(nibabel.Nifti1Image(mask, affine), folder / "seg.nii.gz")


@pytest.fixture(scope="module")
def study(site: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("frames") / "frames"
    write_volume(folder)
    (study_id,) = site.add_files(folder)
    site.settle()
    return study_id


@pytest.mark.timing
def test_slices_follow_each_other_at_fifty_frames_a_second(
    page: Page, study: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of five walks over all slices the fastest counts: a machine may be busy with others."""
    open_study(page, study)
    page.click("#view-menu summary")
    page.select_option("#window-preset", "full")
    page.keyboard.press("Escape")
    found = page.evaluate(_WALK)
    rates = [walk["good"] / walk["seconds"] for walk in found["walks"]]
    with capsys.disabled():
        shown = ", ".join(f"{rate:.1f}" for rate in rates)
        sys.stdout.write(f"\nframes/s, right slice, both outlines, {SLICES} slices: {shown}\n")

    assert len(set(found["greys"])) == SLICES, "every slice can be told by its corner"
    assert found["outlined"] == SLICES
    assert [walk["good"] for walk in found["walks"]] == [SLICES - 1] * 5, "no frame shows another"
    assert max(rates) >= LEAST_FRAMES_PER_S
