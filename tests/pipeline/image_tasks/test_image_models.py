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
    (folder / "README.md").write_text("# Card")
    info = read_image_model(tmp_path, TASK)
    assert (info.name, info.input_size, info.temperature) == ("mobilenetv2", 32, 2.0)
    assert info.history == ({"epoch": 0, "loss": 0.5}, {"epoch": 1})
    assert info.evaluation is None
    assert info.card == folder / "README.md"


def test_a_damaged_evaluation_does_not_stop_the_model(tmp_path: Path) -> None:
    (write_shipped(tmp_path) / "evaluation.json").write_text("{")
    assert read_image_model(tmp_path, TASK).evaluation is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"schema": 2}, "schema"),
        ({"task": "brain-mri"}, "task"),
        ({"classes": ["covid", "normal"]}, "classes"),
        ({"digest": "abc"}, "digest"),
        ({"file": "../model.keras"}, "file"),
        ({"input": {"size": 32, "fit": "content"}}, "input.fit"),
        ({"input": {"size": 1e9, "fit": "whole"}}, "input.size"),
        ({"preprocessing_version": 9}, "preprocessing_version"),
        ({"calibration": {"temperature": 0}}, "calibration.temperature"),
        ({"colour": 1}, "colour"),
    ],
)
def test_metadata_is_checked(tmp_path: Path, changes: dict, field: str) -> None:
    write_shipped(tmp_path, **changes)
    with pytest.raises(InputError) as refused:
        read_image_model(tmp_path, TASK)
    assert refused.value.source == f"{TASK}/mobilenetv2/metadata.json"
    assert f": {field} " in refused.value.message


def test_a_missing_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read_image_model(tmp_path, TASK)
    assert refused.value.source == f"{TASK}/mobilenetv2/metadata.json"
    write_shipped(tmp_path)
    with pytest.raises(InputError) as refused:
        load_keras_model(read_image_model(tmp_path, TASK))
    assert refused.value.source == "mobilenetv2/model.keras"


def test_other_weights_and_other_networks_are_not_loaded(tmp_path: Path) -> None:
    import_keras()
    write_shipped(tmp_path, model=build_network(), digest="0" * 64)
    with pytest.raises(InputError):
        load_keras_model(read_image_model(tmp_path, TASK))
    write_shipped(tmp_path, model=build_network(classes=3))
    with pytest.raises(InputError):
        load_keras_model(read_image_model(tmp_path, TASK))
