from pathlib import Path

import pytest
from tiny_images import TASK, build_network, write_shipped

from pipeline.errors import InputError
from pipeline.image_tasks.models import read_image_model
from pipeline.models.quiet_keras import import_keras
from pipeline.models.registry import load_keras_model


def test_a_shipped_folder_is_read(tmp_path: Path) -> None:
    folder = write_shipped(tmp_path)
    (folder / "history.csv").write_text("epoch,loss\n0,0.5\n1,nan\n")
    (folder / "evaluation.json").write_text('{"figures": {}}')
    (folder / "README.md").write_text("# Card")
    info = read_image_model(tmp_path, TASK)
    assert (info.name, info.input_size, info.temperature) == ("mobilenetv2", 32, 2.0)
    assert info.history == ({"epoch": 0, "loss": 0.5}, {"epoch": 1})
    assert info.evaluation == {"figures": {}}
    assert info.card == folder / "README.md"


def test_a_damaged_evaluation_does_not_stop_the_model(tmp_path: Path) -> None:
    (write_shipped(tmp_path) / "evaluation.json").write_text("{")
    assert read_image_model(tmp_path, TASK).evaluation is None


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"schema": 2}, "schema must be 1"),
        ({"task": "brain-mri"}, "task must be chest-xray"),
        ({"classes": ["covid", "normal"]}, "classes must be covid, normal, pneumonia_bac"),
        ({"digest": "abc"}, "digest is missing or malformed"),
        ({"file": "../model.keras"}, "file is missing or malformed"),
        ({"input": {"size": 32, "fit": "content"}}, "fit must be whole"),
        ({"input": {"size": 1e9, "fit": "whole"}}, "size must be from 16 to 4096"),
        ({"preprocessing_version": 9}, "preprocessing_version must be 1"),
        ({"calibration": {"temperature": 0}}, "temperature must be from 0.05 to 50"),
    ],
)
def test_metadata_is_checked(tmp_path: Path, changes: dict, rule: str) -> None:
    write_shipped(tmp_path, **changes)
    with pytest.raises(InputError, match=rule):
        read_image_model(tmp_path, TASK)


def test_a_missing_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"metadata.json is missing: no model of this task"):
        read_image_model(tmp_path, TASK)
    write_shipped(tmp_path)
    with pytest.raises(InputError, match=r"model.keras of task chest-xray cannot be read\.$"):
        load_keras_model(read_image_model(tmp_path, TASK))


def test_other_weights_and_other_networks_are_not_loaded(tmp_path: Path) -> None:
    import_keras()
    write_shipped(tmp_path, model=build_network(), digest="0" * 64)
    with pytest.raises(InputError, match="are not those that metadata"):
        load_keras_model(read_image_model(tmp_path, TASK))
    write_shipped(tmp_path, model=build_network(classes=3))
    with pytest.raises(InputError, match=r"inputs or outputs .* are not those that metadata"):
        load_keras_model(read_image_model(tmp_path, TASK))
