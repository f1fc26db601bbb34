"""What is shipped under ``models/``: described, whole, and small enough for git."""

from pathlib import Path

import pytest

from pipeline.data.preprocessing import INPUT_CHANNELS, PREPROCESSING_VERSION
from pipeline.engine.precision import read_precision_checks
from pipeline.evaluation.document import read_evaluation
from pipeline.models.registry import TASKS, check_digest, read_model_info

MODELS = Path(__file__).resolve().parents[3] / "models"
MAX_WEIGHTS_BYTES = 40 * 2**20


@pytest.mark.parametrize("task", TASKS)
def test_the_shipped_network_is_what_its_metadata_says(task: str) -> None:
    network = read_model_info(MODELS, task).network
    check_digest(network)
    assert network.preprocessing_version == PREPROCESSING_VERSION
    assert network.channels == INPUT_CHANNELS
    assert network.history, "it has no history.csv"
    assert network.card is not None, "it has no model card"


@pytest.mark.parametrize("task", TASKS)
def test_the_evaluation_names_the_shipped_network(task: str) -> None:
    info = read_model_info(MODELS, task)
    assert info.evaluation is not None
    assert read_evaluation(info.evaluation).is_of(info.network.digest)


@pytest.mark.parametrize("task", TASKS)
def test_what_the_shipped_network_does_not_compute_was_shown_not_to_matter(task: str) -> None:
    network = read_model_info(MODELS, task).network
    checks = [c for c in read_precision_checks(network) if c.savings == network.savings]
    assert any(c.precision == "f32" and c.passes() for c in checks) or not network.savings


def test_all_weights_together_stay_small() -> None:
    files = [path for path in MODELS.rglob("*") if path.suffix in {".keras", ".npz", ".h5"}]
    assert sum(path.stat().st_size for path in files) < MAX_WEIGHTS_BYTES
