"""Answers of the network that nothing computed, and keys for them."""

from __future__ import annotations

import numpy as np

from pipeline.analysis.answer import Answer
from pipeline.analysis.results import ModelReference

KEY, OTHER = "ab" * 32, "cd" * 32


def make_answer(n: int = 4, *, size: int = 32, seed: int = 0) -> Answer:
    """Noise on all slices but the first, which did not pass."""
    probability = np.random.default_rng(seed).integers(0, 256, (n, size, size), np.uint8)
    probability[0] = 0
    return Answer(
        network=ModelReference("resunet-resnet18", "2.0.0", "1" * 64, "openvino", "f32"),
        scores=(0.1, *[1 / 3] * (n - 1)),
        classifier_scores=(0.2, *[2 / 3] * (n - 1)),
        outline_evidence=(None, *[0.75] * (n - 1)),
        decided_by=("gate", *["both"] * (n - 1)),
        probability=probability,
        uncertainty=probability // 3,
        operating_point=0.3,
        mask_threshold=0.5,
        warnings=("Only one sequence was analysed.",),
    )
