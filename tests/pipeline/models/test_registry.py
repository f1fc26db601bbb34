"""Reading what is shipped: every field is checked, nothing is loaded but what is described."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from fake_models import network_folder, write_metadata

from pipeline.errors import InputError
from pipeline.models.decision import DecisionRule
from pipeline.models.registry import InferenceOptions, check_digest, read_model_info, read_run


def test_the_network_is_described(tmp_path: Path) -> None:
    write_metadata(
        tmp_path,
        decision={"gate": 0.2, "threshold": 0.4},
        inference={"flip_average": True, "sigma_slices": 0.7},
        mask_threshold=0.45,
    )
    folder = network_folder(tmp_path)
    (folder / "history.csv").write_text("epoch,loss,val_auc\n0,0.7,nan\n1,0.5,0.9\n")
    (folder / "README.md").write_text("# card")
    (folder.parent / "evaluation.json").write_text('{"schema": 1}')
    info = read_model_info(tmp_path)
    network = info.network
    assert (network.name, network.version) == ("resunet-resnet18", "2.0.0")
    assert network.decision == DecisionRule(0.2, 1.0, 0.0, 0.0, 0.4)
    assert network.mask_threshold == 0.45
    assert network.channels == ("t1", "flair", "t1c", "flair-below", "flair-above")
    assert network.inference == InferenceOptions(flip_average=True, sigma_slices=0.7)
    assert network.history == (
        {"epoch": 0.0, "loss": 0.7},
        {"epoch": 1.0, "loss": 0.5, "val_auc": 0.9},
    )
    assert network.card == folder / "README.md"
    assert info.evaluation == {"schema": 1}


def test_what_may_be_missing_may_be_missing(tmp_path: Path) -> None:
    write_metadata(tmp_path)
    info = read_model_info(tmp_path)
    assert info.evaluation is None
    assert info.network.history == ()
    assert info.network.card is None
    assert info.network.inference == InferenceOptions()


def test_a_run_is_read_from_its_own_folder(tmp_path: Path) -> None:
    write_metadata(tmp_path)
    shutil.move(network_folder(tmp_path), tmp_path / "fold-3")
    info = read_run(tmp_path / "fold-3")
    assert info.network.file == tmp_path / "fold-3" / "model.keras"
    with pytest.raises(InputError, match=r"fold-4/metadata\.json is missing"):
        read_run(tmp_path / "fold-4")


def test_a_damaged_evaluation_does_not_stop_the_models(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_metadata(tmp_path)
    (tmp_path / "brain-tumor" / "evaluation.json").write_text("{")
    assert read_model_info(tmp_path).evaluation is None
    assert "evaluation.json cannot be read as JSON" in caplog.text


BAD_METADATA: list[tuple[dict[str, Any], str]] = [
    ({"schema": 1}, "schema must be 2"),
    ({"task": "other"}, "task must be brain-tumor"),
    ({"digest": "abc"}, "digest is missing or malformed"),
    ({"file": "../../secret"}, "file is missing or malformed"),
    ({"file": None}, "file is missing or malformed"),
    ({"mask_threshold": 1.5}, "mask_threshold must be from"),
    ({"mask_threshold": float("nan")}, "mask_threshold must be from"),
    ({"mask_threshold": True}, "mask_threshold must be from"),
    ({"mask_threshold": "0.5"}, "mask_threshold must be from"),
    ({"decision": {"gate": -0.1}}, "gate must be from 0 to 1"),
    ({"decision": {"threshold": 0}}, "threshold must be from"),
    ({"decision": {"evidence_weight": -1}}, "evidence_weight must be from 0 to 100"),
    ({"input": []}, "input must be an object"),
    ({"input": {"size": 1e9, "channels": ["flair"]}}, "size must be from 16 to 4096"),
    ({"input": {"size": 32, "channels": "flair"}}, "channels must be a list of names"),
    ({"inference": {"flip_average": 1}}, "flip_average must be true or false"),
    ({"inference": {"sigma_slices": -1}}, "sigma_slices must be from 0 to 10"),
    ({"inference": {"min_component_fraction": 2}}, "min_component_fraction must be from 0 to 1"),
]


@pytest.mark.parametrize(("change", "sentence"), BAD_METADATA)
def test_metadata_that_does_not_fit_is_told_in_a_sentence(
    tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    write_metadata(tmp_path, **change)
    with pytest.raises(InputError, match=sentence) as caught:
        read_model_info(tmp_path)
    assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "must hold a JSON object"),
        ("[" * 100_000, "cannot be read as JSON"),
        (None, "is missing: no model of this task is installed"),
    ],
)
def test_files_that_are_no_metadata(tmp_path: Path, content: str | None, sentence: str) -> None:
    write_metadata(tmp_path)
    path = network_folder(tmp_path) / "metadata.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=f"resunet-resnet18/metadata.json {sentence}"):
        read_model_info(tmp_path)


def test_unknown_tasks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no task '\.\./x'; known: brain-tumor"):
        read_model_info(tmp_path, "../x")


def test_weights_of_another_digest_are_refused(tmp_path: Path) -> None:
    write_metadata(tmp_path)
    info = read_model_info(tmp_path).network
    with pytest.raises(
        InputError, match=r"weights resunet-resnet18/model\.keras .* cannot be read"
    ):
        check_digest(info)
    info.file.write_bytes(b"other weights")
    with pytest.raises(InputError, match="SHA-256 differs"):
        check_digest(info)


def test_history_that_is_no_table_is_left_out(tmp_path: Path) -> None:
    write_metadata(tmp_path)
    path = network_folder(tmp_path) / "history.csv"
    path.write_bytes(b"epoch,loss\n\xff\xfe,1\n")
    assert read_model_info(tmp_path).network.history == ()
    path.write_text(json.dumps({"epoch": 1}))
    assert read_model_info(tmp_path).network.history == ()
    path.write_text("epoch,loss\n1,2,3,4\nx\n")
    assert read_model_info(tmp_path).network.history == ({"epoch": 1.0, "loss": 2.0}, {})
