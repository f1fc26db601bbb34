"""``evaluate``: which patients are measured, and what is written."""

import json
from pathlib import Path

import numpy as np
import pytest
from fake_models import SIZE, FakeStage, bright_pixels, bright_slice, write_metadata
from PIL import Image

from pipeline.__main__ import main
from pipeline.commands.evaluate import choose_patients
from pipeline.data.splits import load_split
from pipeline.errors import InputError


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    stages = {"classifier": FakeStage(bright_slice), "segmenter": FakeStage(bright_pixels)}
    monkeypatch.setattr("pipeline.inference.open_stage", lambda info, **_: stages[info.stage])
    monkeypatch.setattr("pipeline.commands.evaluate.ready_engine", lambda _: "openvino")
    write_metadata(tmp_path / "models")
    return tmp_path / "models"


def write_patient(data: Path, patient: str, *, masks: bool = True) -> None:
    """Three slices in the public layout, two of them with tumor."""
    folder = data / patient
    folder.mkdir(parents=True)
    for k in range(1, 4):
        pixels = np.full((SIZE, SIZE, 3), 60, np.uint8)
        pixels[:4] = 0
        pixels[8:14, 8:16] = 200 if k > 1 else 60
        Image.fromarray(pixels).save(folder / f"{patient}_{k}.tif")
        if masks:
            mask = Image.fromarray((pixels[..., 0] == 200).astype(np.uint8) * 255)
            mask.save(folder / f"{patient}_{k}_mask.tif")


def run(models: Path, tmp_path: Path, *words: str) -> int:
    output = ["--output", str(tmp_path / "out"), "--models", str(models)]
    return main(["evaluate", *words, *output, "--draws", "50"])


def test_unknown_patients_are_a_given_folder(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for patient in ("TCGA_ZZ_0001_20000101", "TCGA_ZZ_0002_20000101"):
        write_patient(tmp_path / "data" / "kaggle_3m", patient)
    assert run(models, tmp_path, "--data", str(tmp_path / "data")) == 0
    document = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert document["split"] == "given folder"
    assert document["counts"] == {"patients": 2, "slices": 6, "tumor_slices": 4}
    assert document["figures"]["patient_dice_mean"]["value"] == 1.0
    assert [row["institution"] for row in document["patients"]] == ["ZZ", "ZZ"]
    assert document["environment"]["command"].startswith("python -m pipeline evaluate --data DIR")
    assert str(tmp_path) not in json.dumps(document)
    assert "2 patients, 6 slices" in capsys.readouterr().out


def test_a_folder_of_other_studies_is_evaluated_as_well(models: Path, tmp_path: Path) -> None:
    write_patient(tmp_path / "data", "somebody")
    assert run(models, tmp_path, "--data", str(tmp_path / "data")) == 0
    document = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert document["counts"]["patients"] == 1
    assert document["split"] == "given folder"


def test_without_reference_masks_there_is_nothing_to_compare_with(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_patient(tmp_path / "data", "somebody", masks=False)
    assert run(models, tmp_path, "--data", str(tmp_path / "data")) == 1
    assert "data holds no patient with reference masks" in capsys.readouterr().err


def test_a_missing_folder_is_told(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(models, tmp_path, "--data", str(tmp_path / "nowhere")) == 1
    assert "nowhere" in capsys.readouterr().err


def test_the_held_out_patients_are_the_default() -> None:
    split = load_split()
    everybody = split.train + split.validation + split.held_out
    assert choose_patients(everybody, None) == (split.held_out, "held-out")
    assert choose_patients(everybody, "validation") == (split.validation, "validation")
    assert choose_patients(everybody, "all") == (everybody, "all")
    assert choose_patients(["TCGA_ZZ_1"], None) == (("TCGA_ZZ_1",), "given folder")


def test_figures_of_a_split_are_never_of_a_part_of_it() -> None:
    split = load_split()
    with pytest.raises(InputError, match=r"1 of the \d+ patients of the held-out split"):
        choose_patients(split.held_out[1:], None)
    with pytest.raises(InputError, match="of the validation split are missing"):
        choose_patients(["TCGA_ZZ_1"], "validation")


def test_demo_studies_are_counted_and_never_called_accuracy(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_patient(tmp_path / "demo", "one")
    write_patient(tmp_path / "demo", "two")
    assert run(models, tmp_path, "--demo", str(tmp_path / "demo")) == 0
    document = json.loads((tmp_path / "out" / "demo.json").read_text())
    assert (document["found"], document["lesions"], document["synthetic"]) == (2, 2, True)
    told = capsys.readouterr().out
    assert told.startswith("2 of 2 synthetic lesions in 2 demo studies")
    assert "says nothing about accuracy" in told
    assert not (tmp_path / "out" / "evaluation.json").exists()
