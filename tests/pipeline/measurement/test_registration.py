"""Registration finds a known movement, and says when it did not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from pipeline import Case, InputError, register_cases, resample_slice
from pipeline.data.case import RADIOLOGICAL_AXIAL, InputGrid, SequenceName, SourceKind

SHAPE, SPACING = (24, 64, 60), np.array([4.0, 2.5, 2.5])


def head(seed: int = 0) -> NDArray[np.float32]:
    """An egg-shaped head with structures inside, without symmetry."""
    rng = np.random.default_rng(seed)
    grid = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    inside = (grid[0] / 0.75) ** 2 + (grid[1] / 0.8) ** 2 + ((grid[2] + 0.1) / 0.65) ** 2 < 1
    texture = ndimage.gaussian_filter(rng.normal(size=SHAPE), (1.5, 3, 3))
    texture = texture / np.abs(texture).max()
    return np.where(inside, 500 + 400 * texture, 0).astype(np.float32)


def case_of(volume: NDArray[np.float32], **changes: object) -> Case:
    n = len(volume)
    fields: dict[str, object] = {
        "case_id": "case",
        "kind": SourceKind.SERIES,
        "pixels": volume[..., None],
        "sequences": (SequenceName.FLAIR,),
        "indices": tuple(range(1, n + 1)),
        "sources": tuple(map(str, range(n))),
        "spacing_mm": tuple(SPACING.tolist()),
        "orientation": RADIOLOGICAL_AXIAL,
    }
    return Case(**(fields | changes))  # type: ignore[arg-type]


def moved(volume: NDArray[np.float32], degrees: list[float], shift_mm: list[float]) -> tuple:
    """The volume after a movement, and the matrix from its own voxels to the moved ones'."""
    turn = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    centre = SPACING * (np.array(SHAPE) - 1) / 2
    linear = turn * SPACING / SPACING[:, None]
    offset = (np.array(shift_mm) + centre - turn @ centre) / SPACING
    inverse = np.linalg.inv(linear)
    found = ndimage.affine_transform(volume, inverse, -inverse @ offset, order=1)
    return found, np.column_stack([linear, offset])


@pytest.mark.parametrize(
    ("degrees", "shift_mm"),
    [([0, 0, 0], [0, 0, 0]), ([0, 0, 0], [6, -7, 4]), ([8, -3, 4], [3, 5, -6])],
)
def test_a_known_movement_is_found_within_half_a_voxel(
    degrees: list[float], shift_mm: list[float]
) -> None:
    volume = head()
    prior, truth = moved(volume, degrees, shift_mm)
    found = register_cases(case_of(volume), case_of(prior), threads=1)
    assert found.problem == ""
    points = np.argwhere(volume > 0)[::50]
    points = np.column_stack([points, np.ones(len(points))])
    off = np.linalg.norm(points @ (found.matrix - truth).T, axis=1)
    assert off.max() < 0.5
    k = SHAPE[0] // 2
    again = resample_slice(prior, found.matrix, SHAPE[1:], k)
    both = np.isfinite(again)
    assert np.corrcoef(again[both], volume[k][both])[0, 1] > 0.95


def test_another_head_is_not_used() -> None:
    other = head(seed=1)[::-1, ::-1, ::-1]
    found = register_cases(case_of(head()), case_of(other), threads=1)
    assert found.problem.endswith(".")


def test_outside_of_the_prior_there_are_no_values() -> None:
    matrix = np.column_stack([np.eye(3), [0.0, 0.0, 1.0]])
    found = resample_slice(np.ones((2, 3, 3), np.uint8), matrix, (3, 3), 0)
    assert np.isnan(found[:, 2]).all()
    assert (found[:, :2] == 1).all()


@pytest.mark.parametrize("changes", [{"spacing_mm": None}, {"sequences": (SequenceName.OTHER,)}])
def test_what_cannot_be_registered_is_refused_in_a_sentence(changes: dict[str, object]) -> None:
    with pytest.raises(InputError) as refused:
        register_cases(case_of(head()), case_of(head(), **changes))
    assert refused.value.message.endswith(".")


def test_the_sentence_names_the_study_and_its_fault() -> None:
    slots = tuple(k + float(k > 9) for k in range(SHAPE[0]))  # the tenth slice is missing
    affine = np.diag([*SPACING[::-1], 1.0])
    gap = InputGrid(SHAPE[::-1], affine, axes=(2, 1, 0), slots=slots)
    faults: tuple[dict[str, object], ...] = (
        {"spacing_mm": None},
        {"orientation": None},
        {"grid": gap},
    )
    sentences = []
    for changes in faults:
        good, faulty = case_of(head()), case_of(head(), **changes)
        for pair in ((good, faulty), (faulty, good)):
            with pytest.raises(InputError) as refused:
                register_cases(*pair)
            sentences.append(refused.value.message)
    assert len(set(sentences)) == len(sentences)
    assert [("the prior" in one, "this study" in one) for one in sentences] == [
        (True, False),
        (False, True),
    ] * len(faults)
