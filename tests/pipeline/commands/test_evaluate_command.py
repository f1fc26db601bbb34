"""``evaluate``: which patients are measured, and what is written."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from fake_models import fake_stages, network_folder, write_metadata
from public_patients import write_patient

from pipeline.__main__ import main
from pipeline.commands.evaluate import choose_patients
from pipeline.datasets.splits import load_fold
from pipeline.errors import InputError
from pipeline.evaluation.computing import describe_intervals


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("pipeline.analysis.analyser.open_stages", lambda info, **_: fake_stages())
    monkeypatch.setattr("pipeline.commands.evaluate.ready_engine", lambda _: "openvino")
    write_metadata(tmp_path / "models")
    return tmp_path / "models"


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
    assert document["schema"] == 2
    assert document["network"]["name"] == "resunet-resnet18"
    assert not (tmp_path / "out" / "classifier").exists(), "one network, one file"
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
    assert run(models, tmp_path, "--demo", str(tmp_path / "data")) == 1
    assert "data holds no demo study" in capsys.readouterr().err


def test_a_missing_folder_is_reported(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(models, tmp_path, "--data", str(tmp_path / "nowhere")) == 1
    assert "nowhere" in capsys.readouterr().err


def test_the_held_out_patients_are_the_default() -> None:
    split = load_fold()
    everybody = split.train + split.validation + split.held_out
    assert choose_patients(everybody, None) == (split.held_out, "held-out")
    assert choose_patients(everybody, "validation") == (split.validation, "validation")
    assert choose_patients(everybody, "all") == (everybody, "all")
    assert choose_patients(["TCGA_ZZ_1"], None) == (("TCGA_ZZ_1",), "given folder")


def test_figures_of_a_split_are_never_of_a_part_of_it() -> None:
    split = load_fold()
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


FOLDS = (("TCGA_CS_0001_20000101", "TCGA_DU_0002_20000101"), ("TCGA_CS_0003_20000101",))


def write_run(folder: Path, split: str) -> None:
    """A training run's folder; nothing can load its weights, and nothing has to."""
    weights = split.encode()
    write_metadata(
        folder / "made",
        digest=hashlib.sha256(weights).hexdigest(),
        split={"name": split},
        calibration={"slope": 1.0, "intercept": 0.0},
    )
    metadata = network_folder(folder / "made") / "metadata.json"
    (folder / "metadata.json").write_text(metadata.read_text())
    (folder / "model.keras").write_bytes(weights)


@pytest.fixture
def runs(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two folds of three patients; the first one was trained."""
    folds = tuple(
        SimpleNamespace(name=f"fold {k}", held_out=patients)
        for k, patients in enumerate(FOLDS, start=1)
    )
    monkeypatch.setattr("pipeline.evaluation.runs.load_folds", lambda: folds)
    monkeypatch.setattr("pipeline.commands.fold_evaluation.is_exported", lambda *_: True)
    for patients in FOLDS:
        for patient in patients:
            write_patient(tmp_path / "data", patient)
    write_run(tmp_path / "runs" / "fold-1", "fold 1")
    return tmp_path / "runs"


def cross_validate(runs: Path, *words: str) -> int:
    data = str(runs.parent / "data")
    folder = runs.parent
    return run(folder / "models", folder, "--data", data, "--folds", str(runs), *words)


def read_document(runs: Path) -> dict[str, object]:
    document: dict[str, object] = json.loads((runs.parent / "out/evaluation.json").read_text())
    return document


def test_folds_are_pooled_and_missing_ones_named(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cross_validate(runs) == 0
    document = read_document(runs)
    assert document["split"] == "cross-validated, 1 of 2 folds (2 of 3 patients)"
    assert [fold.get("status") for fold in document["folds"]] == [None, "not run"]
    assert document["environment"]["command"].endswith("--output DIR --folds DIR")
    assert str(runs.parent) not in json.dumps(document)
    said = capsys.readouterr()
    assert "Not run: fold 2. To train it: python -m pipeline train" in said.err
    assert "fold 2 (not run)" in said.out


def test_every_run_that_is_there_is_measured(runs: Path) -> None:
    write_run(runs / "fold-2", "fold 2")
    write_run(runs / "by-slice", "by slice")
    assert cross_validate(runs) == 0
    document = read_document(runs)
    assert document["split"] == "cross-validated"
    assert [row["fold"] for row in document["patients"]] == ["fold 1", "fold 1", "fold 2"]
    # A fifth of nine slices.
    assert document["leakage"]["by_slice"]["slices"] == 2
    assert document["network"]["digest"] == "0" * 64, "that of the shipped network"


def test_a_second_call_only_pools(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cross_validate(runs) == 0
    first = read_document(runs)
    monkeypatch.setattr(
        "pipeline.commands.fold_evaluation.open_run", lambda *_: pytest.fail("nothing is opened")
    )
    assert cross_validate(runs) == 0
    assert read_document(runs)["slices_rows"] == first["slices_rows"]


def test_without_any_run_the_first_command_is_reported(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (runs / "fold-1" / "model.keras").unlink()
    assert cross_validate(runs) == 1
    assert "runs holds no trained fold; start with python -m" in capsys.readouterr().err


def test_a_run_of_another_split_is_refused_in_a_sentence(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(runs / "fold-1", "fold 2")
    assert cross_validate(runs) == 1
    assert "was not trained on the split fold 1" in capsys.readouterr().err


def test_all_patients_of_the_folds_are_needed(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = FOLDS[1][0]
    for path in (tmp_path / "data" / gone).iterdir():
        path.unlink()
    (tmp_path / "data" / gone).rmdir()
    assert cross_validate(runs) == 1
    assert f"1 of the 3 patients of the folds are missing, such as {gone}" in (
        capsys.readouterr().err
    )


def test_a_patient_without_reference_masks_is_named(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (tmp_path / "data" / FOLDS[0][0]).glob("*_mask.tif"):
        path.unlink()
    assert cross_validate(runs) == 1
    assert f"{FOLDS[0][0]} holds no study with reference masks" in capsys.readouterr().err


def test_the_worst_patients_of_the_folds_are_pictured(runs: Path, tmp_path: Path) -> None:
    assert cross_validate(runs, "--worst", "2", "--pictures", str(tmp_path / "seen")) == 0
    assert {path.name for path in (tmp_path / "seen").iterdir()} == {
        "worst.png",
        f"01-{FOLDS[0][0]}.png",
        f"02-{FOLDS[0][1]}.png",
    }


def test_the_worst_patients_of_the_shipped_network_are_pictured(
    models: Path, tmp_path: Path
) -> None:
    write_patient(tmp_path / "data", "TCGA_ZZ_0001_20000101")
    pictures = tmp_path / "seen"
    words = ["--data", str(tmp_path / "data"), "--worst", "5", "--pictures", str(pictures)]
    assert run(models, tmp_path, *words) == 0
    assert sorted(path.name for path in pictures.iterdir()) == [
        "01-TCGA_ZZ_0001_20000101.png",
        "worst.png",
    ]


@pytest.fixture
def evaluated(models: Path, tmp_path: Path) -> Path:
    """The file of two patients, as measured."""
    for patient in ("TCGA_ZZ_0001_20000101", "TCGA_ZY_0002_20000101"):
        write_patient(tmp_path / "data" / "kaggle_3m", patient)
    assert run(models, tmp_path, "--data", str(tmp_path / "data")) == 0
    return tmp_path / "out" / "evaluation.json"


def test_figures_are_computed_again_from_the_rows_of_a_file(
    evaluated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = evaluated.read_text()
    content = json.loads(measured)
    del content["figures"]["slice_auc"]
    content["figures"]["sensitivity"]["value"] = 0.25
    content["institutions"] = []
    evaluated.write_text(json.dumps(content))
    capsys.readouterr()
    assert main(["evaluate", "--from-rows", str(evaluated), "--draws", "50"]) == 0
    assert evaluated.read_text() == measured
    assert "2 patients, 6 slices" in capsys.readouterr().out
    assert [path.name for path in evaluated.parent.iterdir()] == ["evaluation.json"]


def test_other_draws_change_the_intervals_and_say_so(evaluated: Path) -> None:
    assert main(["evaluate", "--from-rows", str(evaluated), "--draws", "7"]) == 0
    intervals = json.loads(evaluated.read_text())["environment"]["intervals"]
    assert intervals == describe_intervals(7)


# (what the file holds, what is said)
@pytest.mark.parametrize("content", [None, "{", '{"schema": 1}', '{"schema": 2}'])
def test_files_to_compute_from_are_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    path = tmp_path / "evaluation.json"
    if content is not None:
        path.write_text(content)
    assert main(["evaluate", "--from-rows", str(path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("evaluation.json ")
    assert not path.exists() or path.read_text() == content


def test_a_file_without_patients_has_nothing_to_compute_from(
    evaluated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = json.loads(evaluated.read_text()) | {"patients": [], "slices_rows": []}
    evaluated.write_text(json.dumps(content))
    assert main(["evaluate", "--from-rows", str(evaluated)]) == 1
    assert "holds no rows of patients" in capsys.readouterr().err


def test_measuring_needs_a_folder_to_write_into(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--data", "d"]) == 1
    assert "--output names the folder" in capsys.readouterr().err


# (words, what is said)
REFUSED = [
    pytest.param(["--from-rows", "f"], "--draws", id="a folder to write into"),
    pytest.param(["--data", "d", "--worst", "3"], "given together", id="no folder for pictures"),
    pytest.param(["--data", "d", "--folds", "r", "--split", "all"], "no --split", id="two splits"),
    pytest.param(["--demo", "d", "--folds", "r"], "--folds needs --data", id="folds of the demo"),
]


@pytest.mark.parametrize(("words", "said"), REFUSED)
def test_options_that_do_not_go_together_are_refused(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert run(models, tmp_path, *words) == 1
    assert said in capsys.readouterr().err
