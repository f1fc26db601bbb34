"""Reading what is shipped: every field is checked, nothing is loaded but what is described."""

import json
from pathlib import Path
from typing import Any

import pytest
from fake_models import write_metadata

from pipeline.errors import InputError
from pipeline.models.registry import InferenceOptions, check_digest, read_model_info


def test_both_stages_are_described(tmp_path: Path) -> None:
    write_metadata(
        tmp_path,
        classifier={"threshold": 0.4},
        segmenter={"inference": {"flip_average": True, "mask_sigma_slices": 0.7}},
    )
    stage = tmp_path / "brain-tumor" / "classifier"
    (stage / "history.csv").write_text("epoch,loss,val_auc\n0,0.7,nan\n1,0.5,0.9\n")
    (stage / "README.md").write_text("# card")
    (stage.parent / "evaluation.json").write_text('{"schema": 1}')
    info = read_model_info(tmp_path)
    assert [model.name for model in info.stages] == ["resnet18", "resunet"]
    assert info.classifier.threshold == 0.4
    assert info.classifier.channels == ("t1", "flair", "t1c")
    assert info.classifier.inference == InferenceOptions()
    assert info.segmenter.inference.flip_average
    assert info.segmenter.inference.mask_sigma_slices == 0.7
    assert info.classifier.history == (
        {"epoch": 0.0, "loss": 0.7},
        {"epoch": 1.0, "loss": 0.5, "val_auc": 0.9},
    )
    assert info.classifier.card == stage / "README.md"
    assert info.segmenter.card is None
    assert info.evaluation == {"schema": 1}


def test_what_may_be_missing_may_be_missing(tmp_path: Path) -> None:
    write_metadata(tmp_path)
    info = read_model_info(tmp_path)
    assert info.evaluation is None
    assert info.classifier.history == ()


def test_a_damaged_evaluation_does_not_stop_the_models(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_metadata(tmp_path)
    (tmp_path / "brain-tumor" / "evaluation.json").write_text("{")
    assert read_model_info(tmp_path).evaluation is None
    assert "evaluation.json cannot be read as JSON" in caplog.text


BAD_METADATA: list[tuple[dict[str, Any], str]] = [
    ({"schema": 2}, "schema must be 1"),
    ({"stage": "gate"}, "stage must be classifier"),
    ({"task": "other"}, "task must be brain-tumor"),
    ({"digest": "abc"}, "digest is missing or malformed"),
    ({"file": "../../secret"}, "file is missing or malformed"),
    ({"file": None}, "file is missing or malformed"),
    ({"threshold": 1.5}, "threshold must be from"),
    ({"threshold": float("nan")}, "threshold must be from"),
    ({"threshold": True}, "threshold must be from"),
    ({"threshold": "0.5"}, "threshold must be from"),
    ({"input": []}, "input must be an object"),
    ({"input": {"size": 1e9, "channels": ["flair"]}}, "size must be from 16 to 4096"),
    ({"input": {"size": 32, "channels": "flair"}}, "channels must be a list of names"),
    ({"inference": {"flip_average": 1}}, "flip_average must be true or false"),
    ({"inference": {"mask_sigma_slices": -1}}, "mask_sigma_slices must be from 0 to 10"),
    ({"inference": {"min_component_fraction": 2}}, "min_component_fraction must be from 0 to 1"),
]


@pytest.mark.parametrize(("change", "sentence"), BAD_METADATA)
def test_metadata_that_does_not_fit_is_told_in_a_sentence(
    tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    write_metadata(tmp_path, classifier=change)
    with pytest.raises(InputError, match=sentence) as caught:
        read_model_info(tmp_path)
    assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "must hold a JSON object"),
        ("[" * 100_000, "cannot be read as JSON"),
        (None, "is missing: no such model is installed"),
    ],
)
def test_files_that_are_no_metadata(tmp_path: Path, content: str | None, sentence: str) -> None:
    write_metadata(tmp_path)
    path = tmp_path / "brain-tumor" / "segmenter" / "metadata.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=f"segmenter/metadata.json {sentence}"):
        read_model_info(tmp_path)


def test_unknown_tasks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no task '\.\./x'; known tasks: brain-tumor"):
        read_model_info(tmp_path, "../x")


def test_stages_must_agree_on_their_input(tmp_path: Path) -> None:
    write_metadata(tmp_path, segmenter={"preprocessing_version": 2})
    with pytest.raises(InputError, match="differ in preprocessing_version"):
        read_model_info(tmp_path)


def test_weights_of_another_digest_are_refused(tmp_path: Path) -> None:
    write_metadata(tmp_path)
    info = read_model_info(tmp_path).classifier
    with pytest.raises(InputError, match=r"weights classifier/model\.keras .* cannot be read"):
        check_digest(info)
    info.file.write_bytes(b"other weights")
    with pytest.raises(InputError, match="SHA-256 differs"):
        check_digest(info)


def test_history_that_is_no_table_is_left_out(tmp_path: Path) -> None:
    write_metadata(tmp_path)
    path = tmp_path / "brain-tumor" / "classifier" / "history.csv"
    path.write_bytes(b"epoch,loss\n\xff\xfe,1\n")
    assert read_model_info(tmp_path).classifier.history == ()
    path.write_text(json.dumps({"epoch": 1}))
    assert read_model_info(tmp_path).classifier.history == ()
    path.write_text("epoch,loss\n1,2,3,4\nx\n")
    assert read_model_info(tmp_path).classifier.history == ({"epoch": 1.0, "loss": 2.0}, {})
