"""What a reader enters where a study's files do not say it."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.data.case import Case, SequenceName, SourceKind
from pipeline.data.cautions import Caution, ReadingAspect, cautions_of
from pipeline.data.entered_values import clean_label, enter_spacing, entered_spacing_warning
from pipeline.data.geometry import pixel_spacing_warnings
from pipeline.errors import InputError

CASE = Case(
    case_id="x",
    kind=SourceKind.IMAGES,
    pixels=np.zeros((2, 4, 5, 1), np.uint8),
    sequences=(SequenceName.FLAIR,),
    indices=(1, 2),
    sources=("a", "b"),
    cautions=(
        Caution("Other.", ReadingAspect.SPACING),
        *cautions_of(ReadingAspect.NO_SPACING, pixel_spacing_warnings(0.0, 0.0)),
        Caution(pixel_spacing_warnings(1000.0, 1.0)[0]),  # of an earlier version
    ),
)


def test_an_entered_spacing_is_used_and_marked() -> None:
    case = enter_spacing(CASE, (5, 0.9, 0.8), entered_by="Dr. Doe")
    assert case.spacing_mm == (5.0, 0.9, 0.8)
    assert case.warnings == ("Other.", entered_spacing_warning((5, 0.9, 0.8), "Dr. Doe"))
    assert case.content_digest() != CASE.content_digest()


@pytest.mark.parametrize("spacing", [(0, 1, 1), (5, 0, 1), (5, 1, 1000), (5, float("nan"), 1)])
def test_an_impossible_spacing_is_refused(spacing: tuple[float, float, float]) -> None:
    with pytest.raises(InputError):
        enter_spacing(CASE, spacing, entered_by="Dr. Doe")


def test_a_spacing_that_the_files_state_stays() -> None:
    with pytest.raises(InputError):
        enter_spacing(replace(CASE, spacing_mm=(5, 1, 1)), (4, 1, 1), entered_by="Dr. Doe")
    with pytest.raises(InputError):
        enter_spacing(CASE, (5, 1, 1), entered_by=" ")


def test_labels_are_one_printable_line() -> None:
    assert clean_label("  follow-up\n 2\x00 ") == "follow-up 2"
    for text in ("", " \n", "x" * 65):
        with pytest.raises(InputError):
            clean_label(text)
