"""What is shipped under ``models/``: described, whole, and small enough for git."""

import json
from pathlib import Path

import pytest

from pipeline.data.preprocessing import PREPROCESSING_VERSION
from pipeline.evaluation.evaluate import stage_evaluation
from pipeline.models.registry import TASKS, check_digest, read_model_info

MODELS = Path(__file__).resolve().parents[3] / "models"
MAX_WEIGHTS_BYTES = 40 * 2**20


@pytest.mark.parametrize("task", TASKS)
def test_shipped_models_are_what_their_metadata_says(task: str) -> None:
    info = read_model_info(MODELS, task)
    for model in info.stages:
        check_digest(model)
        assert model.preprocessing_version == PREPROCESSING_VERSION
        assert model.history, f"{model.stage} has no history.csv"
        assert model.card is not None, f"{model.stage} has no model card"


@pytest.mark.parametrize("task", TASKS)
def test_the_evaluation_is_of_the_shipped_models(task: str) -> None:
    info = read_model_info(MODELS, task)
    assert info.evaluation is not None
    assert info.evaluation["models"] == {model.stage: model.digest for model in info.stages}
    for model in info.stages:
        own = json.loads((model.folder / "evaluation.json").read_text(encoding="utf-8"))
        assert own == stage_evaluation(dict(info.evaluation), model.stage)


def test_all_weights_together_stay_small() -> None:
    files = [path for path in MODELS.rglob("*") if path.suffix in {".keras", ".npz", ".h5"}]
    assert sum(path.stat().st_size for path in files) < MAX_WEIGHTS_BYTES
