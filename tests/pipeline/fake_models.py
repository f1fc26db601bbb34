"""Small cases, models' metadata and networks that answer by rule, for tests without any runtime."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import Case, SequenceName, SourceKind

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


def write_metadata(
    models_dir: Path, *, task: str = "brain-tumor", digest: str = "0" * 64, **changes: Any
) -> None:
    """metadata.json of both stages; ``classifier`` and ``segmenter`` hold changes of one stage."""
    stages = {stage: changes.pop(stage, {}) for stage in ("classifier", "segmenter")}
    for stage, name in (("classifier", "resnet18"), ("segmenter", "resunet")):
        folder = models_dir / task / stage
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "schema": 1,
            "task": task,
            "stage": stage,
            "name": name,
            "version": "1.0.0",
            "file": "model.keras",
            "digest": digest,
            "input": {"size": SIZE, "channels": ["t1", "flair", "t1c"]},
            "preprocessing_version": 1,
            "threshold": 0.5,
        }
        text = json.dumps(content | changes | stages[stage])
        (folder / "metadata.json").write_text(text, encoding="utf-8")


class FakeStage:
    """A network whose answer is a function of the batch; counts what it was asked."""

    engine, precision = "openvino", "f32"

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self.batches: list[int] = []

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Answer by rule."""
        self.batches.append(len(batch))
        return np.asarray(self._answer(batch), np.float32)


def bright_slice(batch: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Classifier: 0.9 where a slice has a bright square, else 0.1; ``(b, 1)``."""
    return np.where(batch[..., 1].max(axis=(1, 2)) > 1, 0.9, 0.1)[:, None]


def bright_pixels(batch: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Segmenter: 0.8 on bright pixels, else 0.1; ``(b, size, size, 1)``."""
    return np.where(batch[..., 1:2] > 1, 0.8, 0.1)
