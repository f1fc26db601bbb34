"""Lesions of a study and of its registered prior are matched by place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from dashboard.decisions.priors import match_lesions

SHAPE = (2, 10, 10)
SAME = np.eye(3, 4)
SHIFTED = np.column_stack([np.eye(3), [0.0, 0.0, 3.0]])


@dataclass(frozen=True)
class Spot:
    """A square lesion on slice 0."""

    number: int
    columns: tuple[int, int]
    volume_ml: float | None = 1.0

    @property
    def mask(self) -> dict[int, Any]:
        found = np.zeros(SHAPE[1:], bool)
        found[2:5, slice(*self.columns)] = True
        return {0: found}


A, B, C = Spot(1, (0, 2)), Spot(2, (3, 5)), Spot(3, (0, 5))


@pytest.mark.parametrize(
    ("now", "then", "matrix", "expected"),
    [
        ([A], [A], SAME, [((1,), (1,))]),
        ([A, B], [A], SAME, [((1,), (1,)), ((2,), ())]),
        ([A], [A, B], SAME, [((1,), (1,)), ((), (2,))]),
        ([A, B], [C], SAME, [((1, 2), (3,))]),
        ([C], [A, B], SAME, [((3,), (1, 2))]),
        ([A], [B], SAME, [((1,), ()), ((), (2,))]),
        ([A], [B], SHIFTED, [((1,), (2,))]),
        ([], [], SAME, []),
    ],
)
def test_lesions_that_share_a_voxel_belong_together(
    now: Any, then: Any, matrix: Any, expected: Any
) -> None:
    found = match_lesions(now, then, matrix, SHAPE)
    assert [(one.lesions, one.prior_lesions) for one in found] == expected


def test_volumes_of_split_lesions_add_up() -> None:
    (found,) = match_lesions([A, B], [C], SAME, SHAPE)  # type: ignore[list-item]
    assert (found.volume_ml, found.prior_volume_ml) == (2.0, 1.0)
    (found,) = match_lesions([Spot(1, (0, 2), None)], [A], SAME, SHAPE)  # type: ignore[list-item]
    assert found.volume_ml is None
