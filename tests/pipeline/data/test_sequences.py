import pytest

from pipeline.data.case import SequenceName
from pipeline.data.sequences import Timing, sequence_of_series, sequence_of_words, split_words

FLAIR, T1, T1C, T2, OTHER = (
    SequenceName.FLAIR,
    SequenceName.PRE,
    SequenceName.POST,
    SequenceName.T2,
    SequenceName.OTHER,
)
TIMES = {
    FLAIR: Timing(echo=120, repetition=9000, inversion=2500),
    T1: Timing(echo=10, repetition=500),
    T2: Timing(echo=100, repetition=4000),
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sub-01_space-T1w_FLAIR", FLAIR),
        ("sub-02_FLAIR_reg_to_T1", FLAIR),
        ("sub-03_T2-FLAIR", FLAIR),
        ("sub-04_acq-T1_FLAIR", FLAIR),
        ("sub-05_space-FLAIR_T1w", T1),
        ("sub-06_ce-gad_T1w", T1C),
        ("t1_registered_to_flair", T1),
        ("flair_in_t1", FLAIR),
        ("to_flair", FLAIR),  # nothing else names a sequence
        ("t1_space_sag", T1),
        ("t2_spc_da-fl_tra_p2_iso", FLAIR),
        ("t2_space_dark-fluid", FLAIR),
        ("T2_DAFL", FLAIR),
        ("AX T1 FLAIR", T1),
        ("ep2d_diff_b1000", OTHER),
        ("localizer", OTHER),
        ("scan 7", None),
    ],
)
def test_words_of_a_name(name, expected):
    assert sequence_of_words(split_words(name)) is expected


@pytest.mark.parametrize(
    ("descriptions", "timing", "with_contrast", "expected"),
    [
        (["t2_spc_tra"], TIMES[FLAIR], False, FLAIR),  # inversion comes before the name
        (["AX FLAIR"], TIMES[T1], False, T1),
        (["AX T2"], TIMES[T1], False, T1),
        (["AX T1"], TIMES[T2], False, T2),
        (["AX FLAIR"], TIMES[T2], False, FLAIR),  # its inversion time is missing
        (["AX T2*"], Timing(echo=20, repetition=600), False, OTHER),
        (["T2 CISS"], Timing(echo=3, repetition=6), False, T2),  # a gradient echo
        (["AX T1 +C"], TIMES[T1], False, T1C),
        (["AX T1"], TIMES[T1], True, T1C),
        (["AX"], TIMES[T1], True, T1C),
        (["AX FLAIR"], TIMES[FLAIR], True, FLAIR),
        (["AX PD/T2"], TIMES[T2], False, T2),  # its second echo
        (["AX PD/T2"], Timing(echo=20, repetition=4000), False, OTHER),
        (["PERFUSION"], TIMES[FLAIR], False, OTHER),
        (["", "T2W"], Timing(), False, T2),
        (["7", "FLUID_ATTENUATED"], Timing(), False, FLAIR),
        ([""], Timing(), False, SequenceName.UNKNOWN),
    ],
)
def test_timing_comes_before_names(descriptions, timing, with_contrast, expected):
    assert sequence_of_series(descriptions, timing, with_contrast=with_contrast) is expected
