"""OpenVINO graphs whose convolutions multiply whole numbers of eight bits, not float32.

OpenVINO computes a convolution at int8 where a ``FakeQuantize`` node stands before what it reads
and before its kernel. They are put into the float32 graph when it is loaded, so that the weights
are stored once. What makes the answers agree with those of float32:

- Only what a convolution reads is rounded. Sums of a block and its shortcut, and what stage one
  passes on to stage two, stay at float32, so that errors of one block do not grow in the next.
- The stem reads the slice, of any range and with signs, and stays at float32, as do transposed
  convolutions, which OpenVINO's int8 does not make faster.
- Kernels have a range for each channel and 127 levels, not 255: processors without VNNI add two
  products in 16 bits, which 255 x 127 would overflow. All processors give the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.openvino_graph import import_openvino

_LEVELS = 256
#: A convolution with fewer channels gains nothing.
_LEAST_CHANNELS = 8
#: Largest number in a kernel, and what OpenVINO would use for it.
_KERNEL_MOST, _INT8_MOST = 63, 127


def quantise(model: Any, largest: Mapping[str, float]) -> Any:
    """Let convolutions of a graph be computed at int8.

    Args:
        model: From `pipeline.engine.openvino_graph.build_graph`; it is changed.
        largest: By the name of a convolution, the largest value that it reads; 0 is the smallest.

    Returns:
        The model.
    """
    import_openvino()
    import openvino.opset13 as op

    def rounded(output: Any, low: Any, high: Any, levels: int) -> Any:
        limits = [op.constant(np.asarray(one, np.float32)) for one in (low, high)]
        return op.fake_quantize(output, *limits, *limits, levels).output(0)

    read: dict[tuple[str, int, float], Any] = {}
    for node in _convolutions(model):
        most = largest.get(node.get_friendly_name())
        if most is None:
            continue
        source = node.input_value(0)
        key = source.get_node().get_friendly_name(), source.get_index(), most
        if key not in read:
            read[key] = rounded(
                source, np.zeros((1, 1, 1, 1)), np.full((1, 1, 1, 1), most), _LEVELS
            )
        kernel = node.input_value(1)
        values = kernel.get_node().get_data()
        widest = np.abs(values).max(axis=(1, 2, 3), keepdims=True)
        high = np.maximum(widest, np.finfo(np.float32).tiny) * (_INT8_MOST / _KERNEL_MOST)
        node.input(0).replace_source_output(read[key])
        node.input(1).replace_source_output(rounded(kernel, -high, high, _LEVELS - 1))
    model.validate_nodes_and_infer_types()
    return model


def measure_largest(
    stages: Sequence[Any], slices: Iterable[NDArray[np.float32]]
) -> dict[str, float]:
    """Measure what those convolutions read that may be computed at int8.

    Args:
        stages: From `pipeline.engine.openvino_graph.build_graph`; each gets what the one before
            passes on.
        slices: Batches ``(b, h, w, channels)``.

    Returns:
        By the name of a convolution, the largest value that it reads, of those that read nothing
        below 0 and are large enough to gain.
    """
    meters = [_Meter(model) for model in stages]
    for batch in slices:
        given = [batch]
        for meter in meters:
            given = meter.run(given)[1:]
    return {name: high for meter in meters for name, high in meter.largest().items()}


class _Meter:
    """A graph that answers what its convolutions read, too."""

    def __init__(self, model: Any) -> None:
        openvino = import_openvino()
        nodes = [node for node in _convolutions(model) if _is_large(node)]
        answers = [one.get_node().input_value(0) for one in model.outputs]
        outputs = [*answers, *(node.input_value(0) for node in nodes)]
        asked = openvino.Model(outputs, model.get_parameters())
        options = {"INFERENCE_PRECISION_HINT": "f32"}
        self._compiled = openvino.Core().compile_model(asked, "CPU", options)
        self._answers = len(answers)
        self._names = [node.get_friendly_name() for node in nodes]
        self._lows, self._highs = np.zeros(len(nodes)), np.zeros(len(nodes))

    def run(self, given: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """What the graph answers."""
        answer = self._compiled(given)
        values = [answer[k] for k in range(len(self._compiled.outputs))]
        read = values[self._answers :]
        self._lows = np.minimum(self._lows, [one.min() for one in read])
        self._highs = np.maximum(self._highs, [one.max() for one in read])
        return values[: self._answers]

    def largest(self) -> dict[str, float]:
        """By the name of a convolution that reads nothing below 0, the largest value."""
        found = zip(self._names, self._lows, self._highs, strict=True)
        return {
            name: round(float(high), 3) for name, low, high in found if low >= 0 and high >= 0.001
        }


def _convolutions(model: Any) -> list[Any]:
    return [node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]


def _is_large(node: Any) -> bool:
    return int(node.get_output_partial_shape(0)[1].get_length()) >= _LEAST_CHANNELS
