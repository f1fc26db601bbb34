import pytest

from pipeline.data.splits import institution, load_split, make_split, save_split

LOADS = {f"TCGA_{place}_{i:04d}_1": 10 * i for place in ("CS", "DU", "HT") for i in range(10)}


def test_the_committed_split_keeps_patients_apart():
    split = load_split()
    everybody = split.train + split.validation + split.held_out
    assert (len(split.train), len(split.validation), len(split.held_out)) == (62, 8, 18)
    assert len(set(everybody)) == 88


def test_every_institution_is_in_every_part():
    split = make_split(LOADS, validation=6, held_out=6)
    for part in (split.train, split.validation, split.held_out):
        assert {institution(p) for p in part} == {"CS", "DU", "HT"}
    assert set(split.train + split.validation + split.held_out) == set(LOADS)


def test_the_same_seed_gives_the_same_split():
    assert make_split(LOADS, validation=3, held_out=5) == make_split(
        LOADS, validation=3, held_out=5
    )


def test_more_than_everybody_cannot_be_set_aside():
    with pytest.raises(ValueError, match="of 30 patients 30 cannot be set aside"):
        make_split(LOADS, validation=10, held_out=20)


def test_a_patient_in_two_lists_is_refused(tmp_path):
    split = make_split(LOADS, validation=3, held_out=5)
    save_split(split, tmp_path / "split.json")
    text = (tmp_path / "split.json").read_text()
    (tmp_path / "split.json").write_text(text.replace(split.train[0], split.held_out[0]))
    with pytest.raises(ValueError, match="holds a patient twice"):
        load_split(tmp_path / "split.json")
