"""Convolutions at int8: measured ranges, answers near float32's, nothing stored twice."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fake_models import make_case, write_metadata

from pipeline.engine.base import StageSettings
from pipeline.engine.openvino_engine import OpenVinoStage, convert
from pipeline.engine.openvino_graph import import_openvino
from pipeline.engine.openvino_int8 import measure_largest
from pipeline.evaluation.int8_calibration import measure_ranges
from pipeline.models.registry import read_model_info

# Keras and TensorFlow warn of their own and NumPy's coming changes when they are imported.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph of a convolution that reads the slice, and two that read what is never negative."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    slices = keras.Input((None, None, 1))
    x = layers.ReLU()(layers.Conv2D(16, 3, padding="same", name="stem_conv")(slices))
    wide = layers.ReLU()(layers.Conv2D(16, 3, padding="same", name="wide_conv")(x))
    narrow = layers.Conv2D(1, 1, name="narrow_conv")(wide)
    pooled = layers.GlobalMaxPooling2D()(narrow)
    path = tmp_path_factory.mktemp("graphs") / "first.xml"
    convert(keras.Model(slices, [pooled, wide]), path)
    return path


def measure(path: Path, slices: np.ndarray) -> dict[str, float]:
    return measure_largest([import_openvino().Core().read_model(str(path))], [slices])


def make_slices() -> np.ndarray:
    return np.random.default_rng(2).normal(size=(2, 32, 64, 1)).astype(np.float32)


def test_only_what_reads_nothing_negative_and_is_large_is_measured(written: Path) -> None:
    slices = make_slices()
    largest = measure(written, slices)
    assert list(largest) == ["wide_conv"]
    assert measure(written, 2 * slices)["wide_conv"] > largest["wide_conv"]


def test_answers_at_int8_are_near_those_at_float32(written: Path, tmp_path: Path) -> None:
    slices = make_slices()
    before = written.read_bytes()
    settings = StageSettings("int8", cache_dir=tmp_path, largest=measure(written, slices))
    right = OpenVinoStage(written).predict([slices])[1]
    for _ in ("compiled", "from what was stored"):
        given = OpenVinoStage(written, settings).predict([slices])[1]
        off = np.abs(given - right).max() / right.max()
        assert 0 < off < 0.03
    assert written.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1
    # Values beyond the range are cut off: other ranges are another network.
    narrow = StageSettings("int8", cache_dir=tmp_path, largest={"wide_conv": 0.01})
    assert OpenVinoStage(written, narrow).predict([slices])[1].max() < right.max() / 2
    assert len(list(tmp_path.iterdir())) == 2


def test_ranges_are_those_of_the_given_patients_and_weights(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: Any = SimpleNamespace(stages=(written,))
    monkeypatch.setattr("pipeline.evaluation.int8_calibration.require_export", lambda *_: files)
    write_metadata(tmp_path)
    info = read_model_info(tmp_path).network
    monkeypatch.setattr(
        "pipeline.evaluation.int8_calibration.preprocess_case",
        lambda case, *, size: SimpleNamespace(
            volume=case.pixels.astype(np.float32) - 128, foreground=np.ones((4, size, size), bool)
        ),
    )
    ranges = measure_ranges([make_case(masks=True)] * 2, info, tmp_path)
    assert ranges.keras_digest == info.digest
    assert ranges.patients == 2
    assert 2 <= ranges.slices <= 8
    assert list(ranges.largest) == ["wide_conv"]
