"""``predict`` on real files of every kind, with networks that find a bright square."""

from pathlib import Path
from typing import Any

import cv2
import nibabel
import numpy as np
import pytest
from fake_models import SIZE
from PIL import Image
from predicting import Predict, check_contract, slice_pixels

from pipeline.__main__ import main
from pipeline.analysis.analyser import Analyser
from pipeline.data.reading.reading import read_cases
from pipeline.predictions.files import describe_case
from pipeline.storage.checked_json import dump_json


def write_series(folder: Path, name: str, count: int = 4, *, masks: bool = False) -> None:
    """Slices ``<name>_<k>.png``, all but the first with the square, and its masks."""
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(1, count + 1):
        pixels = slice_pixels(k > 1)
        Image.fromarray(pixels).save(folder / f"{name}_{k}.png")
        if masks:
            Image.fromarray((pixels == 200).astype(np.uint8) * 255).save(
                folder / f"{name}_{k}_mask.png"
            )


def test_a_folder_of_slices_is_one_case(predict: Predict, tmp_path: Path) -> None:
    write_series(tmp_path / "in" / "study", "visit", masks=True)
    status, document = predict(tmp_path / "in")
    assert status == 0
    check_contract(document, tmp_path / "out")
    (case,) = document["cases"]
    assert case["dice"] == 1.0
    assert case["spacing_mm"] is None
    assert [s["source"] for s in case["slices"]] == [f"study/visit_{k}.png" for k in range(1, 5)]
    assert [s["tumor"] for s in case["slices"]] == [False, True, True, True]
    assert [s["dice"] for s in case["slices"]] == [None, 1.0, 1.0, 1.0]
    mask = np.asarray(Image.open(tmp_path / "out" / case["slices"][1]["mask"]))
    assert ((mask == 255) == (slice_pixels() == 200)).all()
    assert not list((tmp_path / "out").rglob("*.nii.gz"))


def test_masks_beside_the_images_change_nothing_but_dice(predict: Predict, tmp_path: Path) -> None:
    write_series(tmp_path / "in", "visit", masks=True)
    _, with_masks = predict(tmp_path / "in")
    for path in (tmp_path / "in").glob("*_mask.png"):
        path.unlink()
    _, without = predict(tmp_path / "in")
    assert with_masks != without
    for document in (with_masks, without):
        for case in document["cases"]:
            case["dice"] = None
            for answer in case["slices"]:
                answer["dice"] = None
    assert with_masks == without


def test_a_single_file_goes_by_its_name(predict: Predict, tmp_path: Path) -> None:
    write_series(tmp_path / "deep" / "down", "visit", 2)
    status, document = predict(tmp_path / "deep" / "down" / "visit_2.png")
    assert status == 0
    (case,) = document["cases"]
    assert [s["source"] for s in case["slices"]] == ["visit_2.png"]


def test_bad_files_are_reported_and_the_others_analysed(
    predict: Predict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_series(tmp_path / "in", "visit")
    (tmp_path / "in" / "broken.dcm").write_bytes(b"no DICOM at all")
    status, document = predict(tmp_path / "in", tmp_path / "missing.png")
    assert status == 1
    check_contract(document, tmp_path / "out")
    assert len(document["cases"]) == 1
    assert {error["source"] for error in document["errors"]} == {"broken.dcm", "missing.png"}
    told = capsys.readouterr().err
    assert "missing.png does not exist" in told
    assert "Traceback" not in told


def test_nothing_readable_still_writes_results(predict: Predict, tmp_path: Path) -> None:
    status, document = predict(tmp_path / "missing")
    assert status == 1
    assert document["cases"] == []
    assert len(document["errors"]) == 1


@pytest.mark.parametrize("failure", [MemoryError, RuntimeError, cv2.error])
def test_a_case_that_fails_leaves_the_others(
    failure: type[Exception], predict: Predict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyse = Analyser.analyse

    def fail_once(self: Analyser, case: Any, **options: Any) -> Any:
        if case.case_id == "a":
            raise failure("inside a library")
        return analyse(self, case, **options)

    monkeypatch.setattr(Analyser, "analyse", fail_once)
    for name in ("a", "b"):
        Image.fromarray(slice_pixels()).save(tmp_path / f"{name}.png")
    status, document = predict(tmp_path / "a.png", tmp_path / "b.png")
    assert status == 1
    assert [case["case_id"] for case in document["cases"]] == ["b"]
    message = "a.png was read as a but cannot be analysed; it is left out."
    assert document["errors"] == [{"source": "a.png", "message": message}]


def test_results_inside_the_input_are_not_taken_for_input(predict: Predict, tmp_path: Path) -> None:
    write_series(tmp_path / "study", "visit")
    for _ in range(2):
        status, document = predict(tmp_path)
        assert status == 0
        assert [case["case_id"] for case in document["cases"]] == ["visit"]
        assert (tmp_path / "out" / document["cases"][0]["slices"][1]["mask"]).exists()


def test_masks_of_an_earlier_call_do_not_stay(predict: Predict, tmp_path: Path) -> None:
    write_series(tmp_path / "in", "visit")
    _, document = predict(tmp_path / "in")
    case_id = document["cases"][0]["case_id"]
    stale = tmp_path / "out" / "masks" / case_id / "9.png"
    stale.write_bytes(b"")
    other = stale.with_name("notes.txt")
    other.write_text("mine")
    predict(tmp_path / "in")
    assert not stale.exists()
    assert other.exists()


def test_cases_that_are_read_one_by_one_are_those_of_reading_all(
    predict: Predict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mixture(tmp_path / "in")
    status, document = predict(tmp_path / "in")
    assert status == 1
    report = read_cases([tmp_path / "in"])
    analyser = Analyser(tmp_path / "models", engine_dir=tmp_path / "engine")
    expected = []
    for case in report.cases:
        result = analyser.analyse(case)
        names = [f"masks/{case.case_id}/{s.index}.png" if s.tumor else None for s in result.slices]
        expected.append(dump_json(describe_case(result, names)))
    errors = [{"source": e.source, "message": e.message} for e in report.errors]
    assert document["cases"] == expected
    assert document["errors"] == errors
    assert [case["case_id"] for case in expected] == ["p1_s", "z", "p2_s", "v"]
    assert len(errors) == 3


def write_mixture(folder: Path) -> None:
    """Names that are equal, files that are damaged, masks without image, images and NIfTI."""
    for name, place in (("s", "p2"), ("s", "p1"), ("z", "p1")):
        write_series(folder / place, name, masks=place == "p1")
    (folder / "p1" / "z_2.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (folder / "p2" / "lost_mask.png").write_bytes((folder / "p2" / "s_1.png").read_bytes())
    (folder / "empty.dcm").touch()
    volume = np.full((SIZE, SIZE, 3), 60, np.int16)
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), folder / "v.nii.gz")


def test_an_output_that_cannot_be_written_is_reported(
    predict: Predict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    write_series(tmp_path / "in", "visit", 1)
    models = ["--models", str(tmp_path / "models")]
    status = main(["predict", str(tmp_path / "in"), "--output", str(tmp_path / "file"), *models])
    assert status == 1
    assert "The folder file cannot be written: File exists." in capsys.readouterr().err
