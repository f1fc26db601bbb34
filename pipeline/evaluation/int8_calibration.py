"""Measures the ranges that answering at int8 needs, on training patients."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.regions import find_heads, fit_boxes
from pipeline.data.case import Case
from pipeline.data.preprocessing import preprocess_case
from pipeline.engine.exports import require_export
from pipeline.engine.openvino_graph import import_openvino
from pipeline.engine.openvino_int8 import measure_largest
from pipeline.errors import InputError
from pipeline.models.int8_ranges import Int8Ranges
from pipeline.models.registry import ModelInfo

#: Slices of a patient with a head, at even distances, and more of those that show tumor.
_SLICES, _TUMOR_SLICES = 3, 2


def measure_ranges(cases: Iterable[Case], info: ModelInfo, engine_dir: Path) -> Int8Ranges:
    """Run slices through both stages at float32 and keep the largest value of each convolution.

    Args:
        cases: Training patients with reference masks, read one by one.
        info: The network, exported for OpenVINO.
        engine_dir: Where exported models are kept.

    Raises:
        InputError: The network is not exported, or no case shows a head.
    """
    openvino = import_openvino()
    files = require_export(info, engine_dir, "openvino")
    stages = [openvino.Core().read_model(str(path)) for path in files.stages]
    patients = slices = 0

    def batches() -> Iterator[NDArray[np.float32]]:
        nonlocal patients, slices
        for case in cases:
            chosen = _choose_slices(case, info.input_size)
            patients, slices = patients + 1, slices + len(chosen)
            yield from chosen

    largest = measure_largest(stages, batches())
    if not largest:
        raise InputError("", "None of these patients shows a head: nothing to measure.")
    return Int8Ranges(
        keras_digest=info.digest,
        patients=patients,
        slices=slices,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        largest=largest,
    )


def _choose_slices(case: Case, size: int) -> list[NDArray[np.float32]]:
    """Some slices of a case, each a batch of the head's box."""
    prepared = preprocess_case(case, size=size)
    heads = find_heads(prepared.foreground)
    shown = [k for k, head in enumerate(heads) if head is not None]
    tumor = [k for k in shown if case.masks is not None and case.masks[k].any()]
    chosen = {*_evenly(shown, _SLICES), *_evenly(tumor, _TUMOR_SLICES)}
    batches = []
    for k in sorted(chosen):
        head = heads[k]
        assert head is not None
        (box,) = fit_boxes([head], size)
        batches.append(prepared.volume[(slice(k, k + 1), *box.here)])
    return batches


def _evenly(found: list[int], count: int) -> list[int]:
    """The middles of so many equal parts of a list."""
    return [found[len(found) * (2 * k + 1) // (2 * count)] for k in range(count)] if found else []
