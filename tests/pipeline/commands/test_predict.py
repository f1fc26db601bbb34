"""``predict`` on real files of every kind, with networks that find a bright square."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from predicting import Predict, check_contract, slice_pixels

from pipeline.__main__ import main


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
    write_series(tmp_path / "in" / "study", "scan", masks=True)
    status, document = predict(tmp_path / "in")
    assert status == 0
    check_contract(document, tmp_path / "out")
    (case,) = document["cases"]
    assert case["dice"] == 1.0
    assert case["spacing_mm"] is None
    assert [s["source"] for s in case["slices"]] == [f"study/scan_{k}.png" for k in range(1, 5)]
    assert [s["tumor"] for s in case["slices"]] == [False, True, True, True]
    assert [s["dice"] for s in case["slices"]] == [None, 1.0, 1.0, 1.0]
    mask = np.asarray(Image.open(tmp_path / "out" / case["slices"][1]["mask"]))
    assert ((mask == 255) == (slice_pixels() == 200)).all()
    assert not list((tmp_path / "out").rglob("*.nii.gz"))


def test_masks_beside_the_images_change_nothing_but_dice(predict: Predict, tmp_path: Path) -> None:
    write_series(tmp_path / "in", "scan", masks=True)
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
    write_series(tmp_path / "deep" / "down", "scan", 2)
    status, document = predict(tmp_path / "deep" / "down" / "scan_2.png")
    assert status == 0
    (case,) = document["cases"]
    assert [s["source"] for s in case["slices"]] == ["scan_2.png"]


def test_bad_files_are_told_and_the_others_analysed(
    predict: Predict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_series(tmp_path / "in", "scan")
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
    from pipeline.inference import Analyser

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
    write_series(tmp_path / "study", "scan")
    for _ in range(2):
        status, document = predict(tmp_path)
        assert status == 0
        assert [case["case_id"] for case in document["cases"]] == ["scan"]
        assert (tmp_path / "out" / document["cases"][0]["slices"][1]["mask"]).exists()


def test_masks_of_an_earlier_call_do_not_stay(predict: Predict, tmp_path: Path) -> None:
    write_series(tmp_path / "in", "scan")
    _, document = predict(tmp_path / "in")
    case_id = document["cases"][0]["case_id"]
    stale = tmp_path / "out" / "masks" / case_id / "9.png"
    stale.write_bytes(b"")
    other = stale.with_name("notes.txt")
    other.write_text("mine")
    predict(tmp_path / "in")
    assert not stale.exists()
    assert other.exists()


def test_an_output_that_cannot_be_written_is_told(
    predict: Predict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    write_series(tmp_path / "in", "scan", 1)
    models = ["--models", str(tmp_path / "models")]
    status = main(["predict", str(tmp_path / "in"), "--output", str(tmp_path / "file"), *models])
    assert status == 1
    assert "The folder file cannot be written: File exists." in capsys.readouterr().err
