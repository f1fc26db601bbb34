import json
from dataclasses import fields, replace

import numpy as np
import pytest

from pipeline.data.case import (
    RADIOLOGICAL_AXIAL,
    Case,
    InputGrid,
    NiftiPlacement,
    SequenceName,
    SourceKind,
    StudyLabels,
)
from pipeline.data.case_files import load_case, save_case
from pipeline.data.cautions import Caution, InputAspect, ReadingAspect, Severity
from pipeline.errors import InputError

#: Of no files; NumPy opens it as a file of several arrays.
ZIP = b"PK\x05\x06" + bytes(18)


@pytest.fixture
def case():
    return Case(
        case_id="a",
        kind=SourceKind.SERIES,
        pixels=np.arange(24, dtype=np.int16).reshape(2, 3, 2, 2),
        sequences=(SequenceName.PRE, SequenceName.FLAIR),
        indices=(4, 7),
        sources=("ä_1", "b"),
        spacing_mm=(5.0, 0.9, 0.8),
        orientation=RADIOLOGICAL_AXIAL,
        positions_mm=(0.0, 5.0),
        masks=np.eye(3, 2, dtype=bool)[None].repeat(2, 0),
        grid=InputGrid(
            (2, 3, 2),
            np.diag([1.0, 2.0, 3.0, 1.0]),
            (2, 1, 0),
            (1, 2),
            slots=(0.0, 2.5),
            placement=NiftiPlacement(
                pixdim=(-1.0, -0.1, 2.0, float("inf")),
                qform_code=1,
                sform_code=4,
                quaternion=(0.1, 0.2, 0.3),
                offset=(1e-30, 2.0, 3.0),
                sform=(float("nan"), *(float(k) for k in range(11))),
                unit=3,
            ),
        ),
        labels=StudyLabels("p", "2024-01-31", "d", True),
        cautions=(
            Caution("w", InputAspect.SEQUENCE, Severity.UNFIT),
            Caution("v", ReadingAspect.STACK),
            Caution("u"),
        ),
        window=(0.0, 9.5),
        orientation_assumed=True,
    )


def assert_equal(one, other):
    for field in fields(Case):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name == "grid" and a is not None:
            assert (a.shape, a.axes, a.flips) == (b.shape, b.axes, b.flips)
            assert (a.slots, repr(a.placement)) == (b.slots, repr(b.placement))
            np.testing.assert_array_equal(a.affine, b.affine)
        elif isinstance(a, np.ndarray):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
        else:
            assert a == b, field.name


def test_what_is_saved_is_loaded(tmp_path, case):
    save_case(case, tmp_path / "deep" / "x")
    loaded = load_case(tmp_path / "deep" / "x")
    assert_equal(case, loaded)
    assert isinstance(loaded.pixels, np.memmap)
    assert loaded.content_digest() == case.content_digest()
    assert not loaded.pixels.flags.writeable


def test_what_is_unknown_stays_unknown(tmp_path, case):
    bare = replace(
        case,
        spacing_mm=None,
        orientation=None,
        positions_mm=None,
        masks=None,
        grid=None,
        window=None,
    )
    save_case(bare, tmp_path / "x")
    assert_equal(bare, load_case(tmp_path / "x"))


def test_a_newer_case_replaces_the_older_and_leaves_nothing_behind(tmp_path, case):
    save_case(case, tmp_path / "x")
    save_case(replace(case, masks=None, cautions=()), tmp_path / "x")
    assert load_case(tmp_path / "x").masks is None
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == ["case.json", "pixels.npy"]


def test_a_failed_save_leaves_the_older_case(tmp_path, case, monkeypatch):
    save_case(case, tmp_path / "x")

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(np, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        save_case(case, tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert_equal(case, load_case(tmp_path / "x"))


@pytest.mark.parametrize("name", ["case.json", "pixels.npy", "masks.npy"])
@pytest.mark.parametrize(
    "content", [None, b"", b"{}", b"\x93NUMPY", b"\x93NUMPY\x01\x00\x04\x00(((\n", ZIP]
)
def test_a_damaged_case_is_reported_in_a_sentence(tmp_path, case, name, content):
    save_case(case, tmp_path / "x")
    if content is None:
        (tmp_path / "x" / name).unlink()
    else:
        (tmp_path / "x" / name).write_bytes(content)
    with pytest.raises(InputError):
        load_case(tmp_path / "x")


GRID = {"shape": [2, 3, 2], "affine": np.eye(4).tolist(), "axes": [0, 1, 2], "flips": []}


def test_arrays_of_other_types_are_refused(tmp_path, case):
    for changed in ({"pixels": case.pixels.astype(np.int64)}, {"masks": case.masks.view(np.uint8)}):
        save_case(replace(case, **changed), tmp_path / "x")
        with pytest.raises(InputError):
            load_case(tmp_path / "x")


def rewrite(folder, **changes):
    path = folder / "case.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")


@pytest.mark.parametrize(
    "changes",
    [
        {"spacing_mm": [float("nan"), 1.0, 1.0]},
        {"spacing_mm": [float("inf"), 1.0, 1.0]},
        {"spacing_mm": [-1.0, 1.0, 1.0]},
        {"spacing_mm": [1.0, 1.0]},
        {"positions_mm": [0.0]},
        {"indices": [4]},
        {"indices": ["4", "7"]},
        {"sequences": ["t9", "flair"]},
        {"window": [0.0]},
        {"labels": {"patient": "p"}},
        {"colour": 1},
        {"schema": 2},
        {"grid": {"shape": [2, 3, 2]}},
        {"grid": GRID | {"shape": [2, 2, 3]}},
        {"grid": GRID | {"flips": [1, 1]}},
        {"grid": GRID | {"slots": [0.0]}},
        {"grid": GRID | {"slots": [2.0, 2.0]}},
    ],
)
def test_a_description_that_does_not_fit_is_refused(tmp_path, case, changes):
    save_case(case, tmp_path / "x")
    rewrite(tmp_path / "x", **changes)
    with pytest.raises(InputError):
        load_case(tmp_path / "x")


@pytest.mark.parametrize("content", ["[" * 100_000, "[]", "null", "\ud800"])
def test_a_description_that_is_no_object_is_refused(tmp_path, case, content):
    save_case(case, tmp_path / "x")
    (tmp_path / "x" / "case.json").write_text(content, "utf-8", "surrogatepass")
    with pytest.raises(InputError):
        load_case(tmp_path / "x")


def test_folders_of_earlier_versions_open(tmp_path, case):
    save_case(case, tmp_path / "x")
    path = tmp_path / "x" / "case.json"
    stated = json.loads(path.read_text("utf-8"))
    for name in ("cautions", "orientation_assumed"):
        del stated[name]
    for name in ("slots", "placement", "is_stated"):
        del stated["grid"][name]
    stated["grid"]["is_sized"] = True
    path.write_text(json.dumps(stated), "utf-8")
    loaded = load_case(tmp_path / "x")
    assert loaded.cautions == tuple(map(Caution, case.warnings))
    assert loaded.grid.is_stated


def test_pickles_are_refused(tmp_path, case):
    save_case(case, tmp_path / "x")
    np.save(tmp_path / "x" / "pixels.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(InputError):
        load_case(tmp_path / "x")
