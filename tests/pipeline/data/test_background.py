"""One lesion in many grey values: the networks see the same picture, or a sentence says why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from readings import read_one

from pipeline.data.background import MID_GREY, darken_background
from pipeline.data.case import Case
from pipeline.data.cautions import InputAspect
from pipeline.data.preprocessing import preprocess_case
from pipeline.input_gate.gate import check_input

Values = NDArray[np.float64]


def head() -> tuple[Values, NDArray[np.bool_], NDArray[np.bool_]]:
    """A head ``(x, y, z)`` with a lesion on a background of 0, and where both are."""
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in (40, 48, 12)), indexing="ij")
    inside = (x / 0.75) ** 2 + (y / 0.85) ** 2 + (z / 1.2) ** 2 < 1
    lesion = (x - 0.3) ** 2 + (y - 0.2) ** 2 + (z / 2) ** 2 < 0.05
    noise = np.random.default_rng(0).normal(0, 25, x.shape)
    values = np.where(inside, 300 + 80 * np.cos(5 * x) * np.cos(4 * y) + noise, 0.0)
    return np.rint(np.clip(values + 350 * lesion, 0, None)), inside, lesion


def z_score(values: Values, inside: NDArray[np.bool_]) -> Values:
    return (values - values[inside].mean()) / values[inside].std()


RAW, INSIDE, LESION = head()
#: What a program may make of the head: its values, and whether a sentence must say so.
TRANSFORMATIONS: dict[str, tuple[Callable[[], NDArray[np.generic]], bool]] = {
    "thousandths": (lambda: RAW / 1000, False),
    "billionths": (lambda: RAW / 1e9, True),
    "denormal": (lambda: RAW * 1e-313, True),
    "times 1e36": (lambda: RAW * 1e36, True),
    "times 40": (lambda: (RAW * 40).astype(np.int32), False),
    "offset": (lambda: (RAW + 1000).astype(np.int16), False),
    "below zero": (lambda: (RAW - 1024).astype(np.int16), False),
    "eight bits": (lambda: np.rint(RAW * 255 / RAW.max()).astype(np.uint8), False),
    "float64": (lambda: RAW.astype(np.float64), False),
    "z-scored whole": (lambda: z_score(RAW, np.ones_like(INSIDE)), False),
    "z-scored, NaN outside": (lambda: np.where(INSIDE, z_score(RAW, INSIDE), np.nan), False),
    "z-scored, infinite outside": (lambda: np.where(INSIDE, z_score(RAW, INSIDE), np.inf), False),
    "z-scored, 0 outside": (lambda: np.where(INSIDE, z_score(RAW, INSIDE), 0), True),
    "padded far below": (lambda: np.where(INSIDE, RAW, -32768).astype(np.int16), False),
    "inverted": (lambda: (RAW.max() - RAW).astype(np.int16), True),
}


def read(folder: Path, values: NDArray[np.generic]) -> Case:
    nib.save(nib.Nifti1Image(values, np.diag([4.0, 4.0, 6.0, 1.0])), folder / "x_flair.nii")
    return read_one(folder / "x_flair.nii")


def intensity(case: Case) -> set[str]:
    """What is found in the grey values."""
    found = check_input(case)
    return {finding.sentence for finding in found if finding.aspect is InputAspect.INTENSITY}


def bright(case: Case) -> NDArray[np.bool_]:
    """What a rule marks in what the networks see."""
    return preprocess_case(case, size=64).volume[..., 1] > 1.7


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_the_answer_is_the_raw_image_s_or_a_sentence_says_why_not(
    name: str, tmp_path: Path
) -> None:
    transform, is_said = TRANSFORMATIONS[name]
    raw = read(tmp_path, RAW.astype(np.int16))
    wanted = bright(raw)
    assert wanted.any()
    case = read(tmp_path, transform())
    found = bright(case)
    more = intensity(case) - intensity(raw)
    assert (case.warnings != raw.warnings or more != set()) == is_said
    if name != "inverted":
        overlap = 2 * (wanted & found).sum() / (wanted.sum() + found.sum())
        assert overlap > 0.98


@pytest.mark.parametrize("background", [0, 5, -7])
def test_a_dark_background_stays_as_it_is(background: int) -> None:
    pixels = np.where(INSIDE, RAW + 40, background).astype(np.int16)[..., None]
    before = pixels.copy()
    found, notes = darken_background(pixels)
    np.testing.assert_array_equal(found, before)
    assert notes == ()


def test_values_like_the_background_inside_the_head_stay() -> None:
    tissue = np.where(np.rint(RAW / 40) == 8, 9, np.rint(RAW / 40))
    pixels = np.where(INSIDE, tissue, 8.0).astype(np.float32)[..., None]
    pixels[20, 24, 6] = 8
    found, notes = darken_background(pixels)
    assert found[20, 24, 6] == 8
    assert notes == (MID_GREY,)
    assert found[0, 0, 0] == found.min()


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_a_blank_volume_stays_blank(value: float) -> None:
    found, notes = darken_background(np.full((3, 4, 5, 1), value, np.float32))
    assert (found == value).all()
    assert notes == ()
