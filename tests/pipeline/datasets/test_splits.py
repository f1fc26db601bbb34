import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.datasets.splits import (
    Split,
    assign,
    institution,
    leave_institution_out,
    load_fold,
    load_folds,
    make_folds,
    role_of,
    save_folds,
    split_by_slice,
)
from pipeline.errors import InputError

LGG = Path(__file__).resolve().parents[4] / "shared" / "data" / "lgg"
LOADS = {f"TCGA_{place}_{i:04d}_1": 10 * i for place in ("CS", "DU", "HT") for i in range(10)}
EVERYBODY = sorted(LOADS)
FIRST = Split("fold 1", tuple(EVERYBODY[1::3]), tuple(EVERYBODY[2::6]), tuple(EVERYBODY[::6]))


def test_the_committed_folds_hold_every_patient_out_once():
    folds = load_folds()
    assert [fold.name for fold in folds] == [f"fold {k}" for k in range(1, 6)]
    assert [len(fold.held_out) for fold in folds] == [18, 18, 18, 17, 17]
    assert len({patient for fold in folds for patient in fold.held_out}) == 88
    for fold in folds:
        assert len({*fold.train, *fold.validation, *fold.held_out}) == 88
        assert len(fold.validation) == 8
        assert {institution(p) for p in fold.held_out} >= {"CS", "DU", "FG", "HT"}


@pytest.mark.data
@pytest.mark.skipif(not LGG.is_dir(), reason="the public LGG set does not lie beside the checkout")
def test_the_committed_folds_are_made_again_from_the_first_one_and_the_data():
    loads = {
        folder.name: sum(
            int((np.asarray(Image.open(mask).convert("L")) > 127).sum())
            for mask in folder.glob("*_mask.*")
        )
        for folder in LGG.iterdir()
        if folder.is_dir()
    }
    folds = load_folds()
    assert make_folds(loads, first=folds[0]) == folds


def test_there_are_five_folds():
    assert load_fold(5) == load_folds()[4]
    with pytest.raises(ValueError, match="fold must be 1 to 5, got 6"):
        load_fold(6)


@pytest.mark.parametrize("role", ["train", "validation", "held_out"])
def test_what_a_patient_was_for_is_known(role):
    fold = load_fold(2)
    assert {role_of("fold 2", patient) for patient in getattr(fold, role)} == {role}


def test_what_others_were_for_is_not_known():
    assert role_of("fold 1", "flair") is None
    assert role_of("without CS", load_fold(1).train[0]) is None
    assert role_of("", "") is None


def test_groups_see_every_institution_and_small_and_large_tumors():
    for group in assign(LOADS, [7, 7, 7]):
        assert {institution(p) for p in group} == {"CS", "DU", "HT"}
        loads = [LOADS[p] for p in group]
        assert min(loads) < 40 < 50 < max(loads)


def test_more_than_everybody_cannot_be_set_aside():
    with pytest.raises(ValueError, match="of 30 patients 31 cannot be set aside"):
        assign(LOADS, [10, 21])


def test_folds_go_on_from_the_first():
    folds = make_folds(LOADS, first=FIRST, n_folds=3, validation=3)
    assert folds[0] == FIRST
    assert [len(fold.held_out) for fold in folds] == [5, 13, 12]
    assert sorted(p for fold in folds for p in fold.held_out) == EVERYBODY
    assert folds == make_folds(LOADS, first=FIRST, n_folds=3, validation=3)


def test_an_institution_is_left_out_whole():
    split = leave_institution_out(LOADS, "DU", validation=4)
    assert split.held_out == tuple(p for p in EVERYBODY if institution(p) == "DU")
    assert len(split.train) == 16
    with pytest.raises(ValueError, match="institution must be one of CS, DU, HT, got XX"):
        leave_institution_out(LOADS, "XX")


def test_a_split_by_slice_deals_each_slice_once():
    counts = {"a": 30, "b": 50, "c": 20}
    split = split_by_slice(counts, held_out=0.2, validation=0.1)
    assert sum(map(len, split.held_out.values())) == 20
    assert sum(map(len, split.validation.values())) == 10
    for patient, n in counts.items():
        assert not split.held_out[patient] & split.validation[patient]
        assert max(split.held_out[patient]) < n
        assert split.held_out[patient], "every patient is on both sides"
    assert split == split_by_slice(counts, held_out=0.2, validation=0.1)


def test_a_patient_in_two_lists_is_refused():
    with pytest.raises(ValueError, match="twice"):
        Split("x", ("a",), ("b",), ("a",))


def test_a_patient_held_out_twice_is_refused(tmp_path):
    path = tmp_path / "folds.json"
    with pytest.raises(ValueError, match="two folds"):
        save_folds([FIRST, FIRST], path)
    save_folds([FIRST], path)
    assert load_folds(path) == (FIRST,)
    content = json.loads(path.read_text())
    path.write_text(json.dumps({"folds": content["folds"] * 2}))
    with pytest.raises(InputError) as refused:
        load_folds(path)
    assert refused.value.source == "folds.json"
