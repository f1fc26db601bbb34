"""Small cases, models' metadata and networks that answer by rule, for tests without any runtime."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import Case, SequenceName, SourceKind
from pipeline.data.preprocessing import INPUT_CHANNELS, PREPROCESSING_VERSION
from pipeline.engine.base import NetworkStages

SIZE = 32


def make_case(n: int = 4, *, size: int = SIZE, masks: Any = None, **changes: Any) -> Case:
    """A FLAIR-only case of n slices, a bright square on each but the first.

    ``masks`` True makes reference masks of just that square, an array is taken as it is.
    """
    pixels = np.full((n, size, size, 1), 60, np.uint8)
    pixels[:, :4] = 0
    reference = np.zeros((n, size, size), bool)
    for k in range(1, n):
        pixels[k, 8:16, 8:16] = 200
        reference[k, 8:16, 8:16] = True
    fields: dict[str, Any] = {
        "case_id": "case",
        "kind": SourceKind.IMAGES,
        "pixels": pixels,
        "sequences": (SequenceName.FLAIR,),
        "indices": tuple(range(1, n + 1)),
        "sources": tuple(f"case_{k}.png" for k in range(1, n + 1)),
        "masks": reference if masks is True else masks,
    }
    return Case(**(fields | changes))


#: A rule under which the slice score is the classifier's own, and nothing is gated below 0.5.
CLASSIFIER_ALONE = {
    "gate": 0.5,
    "classifier_weight": 1.0,
    "evidence_weight": 0.0,
    "intercept": 0.0,
    "threshold": 0.5,
}


def network_folder(models_dir: Path, task: str = "brain-tumor") -> Path:
    """Folder of the task's network."""
    return models_dir / task / "resunet-resnet18"


def write_metadata(models_dir: Path, *, digest: str = "0" * 64, **changes: Any) -> None:
    """metadata.json of the network; ``decision`` changes some of `CLASSIFIER_ALONE`."""
    folder = network_folder(models_dir)
    folder.mkdir(parents=True, exist_ok=True)
    decision = CLASSIFIER_ALONE | changes.pop("decision", {})
    content = {
        "schema": 2,
        "task": "brain-tumor",
        "name": "resunet-resnet18",
        "version": "2.0.0",
        "file": "model.keras",
        "digest": digest,
        "input": {"size": SIZE, "channels": list(INPUT_CHANNELS)},
        "preprocessing_version": PREPROCESSING_VERSION,
        "decision": decision,
        "mask_threshold": 0.5,
    }
    (folder / "metadata.json").write_text(json.dumps(content | changes), encoding="utf-8")


class FakeStage:
    """A stage whose answer is a function of the slices; counts what it was asked.

    The slices themselves stand for the encoder's features, so that stage two sees them too.
    """

    engine, precision = "openvino", "f32"

    def __init__(self, answer: Any, *, passes_on: bool) -> None:
        self.answer = answer
        self._passes_on = passes_on
        self.batches: list[int] = []

    def predict(self, inputs: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Answer by rule."""
        (batch,) = inputs
        self.batches.append(len(batch))
        answer = np.asarray(self.answer(batch), np.float32)
        return [answer, batch] if self._passes_on else [answer]


def fake_stages(first: Any = None, second: Any = None) -> NetworkStages:
    """Stages that find the bright square."""
    return NetworkStages(
        FakeStage(first or bright_slice, passes_on=True),
        FakeStage(second or bright_pixels, passes_on=False),
    )


def bright_slice(batch: NDArray[np.float32]) -> NDArray[np.float64]:
    """Stage one: 0.9 where a slice has a bright square, else 0.1; ``(b, 1)``."""
    return np.where(batch[..., 1].max(axis=(1, 2)) > 1, 0.9, 0.1)[:, None]


def bright_pixels(batch: NDArray[np.float32]) -> NDArray[np.float64]:
    """Stage two: 0.8 on bright pixels, else 0.1; ``(b, size, size, 1)``."""
    return np.where(batch[..., 1:2] > 1, 0.8, 0.1)
