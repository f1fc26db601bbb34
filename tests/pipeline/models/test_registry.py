"""Reading what is shipped: every field is checked, nothing is loaded but what is described."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from fake_models import network_folder, write_metadata

from pipeline.errors import InputError
from pipeline.models.decision import DecisionRule
from pipeline.models.metadata import InferenceOptions
from pipeline.models.registry import check_digest, read_model_info, read_run

SHOWN = "brain-tumor/resunet-resnet18/metadata.json"


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
    assert info.evaluation == folder.parent / "evaluation.json"


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
    with pytest.raises(InputError) as caught:
        read_run(tmp_path / "fold-4")
    assert caught.value.source == "brain-tumor/fold-4/metadata.json"


#: What is changed, and the field that the sentence names.
BAD_METADATA: list[tuple[dict[str, Any], str]] = [
    ({"schema": 1}, "schema"),
    ({"task": "other"}, "task"),
    ({"digest": "abc"}, "digest"),
    ({"file": "../../secret"}, "file"),
    ({"file": None}, "file"),
    ({"mask_threshold": 1.5}, "mask_threshold"),
    ({"mask_threshold": float("nan")}, "mask_threshold"),
    ({"mask_threshold": True}, "mask_threshold"),
    ({"mask_threshold": "0.5"}, "mask_threshold"),
    ({"decision": {"gate": -0.1}}, "decision.gate"),
    ({"decision": {"threshold": 0}}, "decision.threshold"),
    ({"decision": {"evidence_weight": -1}}, "decision.evidence_weight"),
    ({"decision": {"colour": 1}}, "decision.colour"),
    ({"input": []}, "input"),
    ({"input": {"size": 1e9, "channels": ["flair"]}}, "input.size"),
    ({"input": {"size": 32, "channels": "flair"}}, "input.channels"),
    ({"inference": {"flip_average": 1}}, "inference.flip_average"),
    ({"inference": {"sigma_slices": -1}}, "inference.sigma_slices"),
    ({"inference": {"min_component_fraction": 2}}, "inference.min_component_fraction"),
    ({"training": {"epochs": "20"}}, "training.epochs"),
    ({"colour": 1}, "colour"),
]


@pytest.mark.parametrize(("change", "field"), BAD_METADATA)
def test_metadata_that_is_not_valid_is_refused_with_its_field(
    tmp_path: Path, change: dict[str, Any], field: str
) -> None:
    write_metadata(tmp_path, **change)
    with pytest.raises(InputError) as caught:
        read_model_info(tmp_path)
    assert caught.value.source == SHOWN
    assert f": {field} " in caught.value.message
    assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize("content", ["{", "[]", "[" * 100_000, None])
def test_files_that_are_no_metadata(tmp_path: Path, content: str | None) -> None:
    write_metadata(tmp_path)
    path = network_folder(tmp_path) / "metadata.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_model_info(tmp_path)
    assert caught.value.source == SHOWN


def test_unknown_tasks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_model_info(tmp_path, "../x")
    assert caught.value.source == "../x"


def test_weights_of_another_digest_are_refused(tmp_path: Path) -> None:
    write_metadata(tmp_path)
    info = read_model_info(tmp_path).network
    for content in (None, b"other weights"):
        if content is not None:
            info.file.write_bytes(content)
        with pytest.raises(InputError) as caught:
            check_digest(info)
        assert caught.value.source == "resunet-resnet18/model.keras"


def test_history_that_is_no_table_is_left_out(tmp_path: Path) -> None:
    write_metadata(tmp_path)
    path = network_folder(tmp_path) / "history.csv"
    path.write_bytes(b"epoch,loss\n\xff\xfe,1\n")
    assert read_model_info(tmp_path).network.history == ()
    path.write_text(json.dumps({"epoch": 1}))
    assert read_model_info(tmp_path).network.history == ()
    path.write_text("epoch,loss\n1,2,3,4\nx\n")
    assert read_model_info(tmp_path).network.history == ({"epoch": 1.0, "loss": 2.0}, {})
