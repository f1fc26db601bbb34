"""An input gate that takes the browser tests' squares of 48 pixels for heads as in training."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

from pipeline.input_gate.ranges import InputRanges, shipped_ranges


def wide_ranges() -> InputRanges:
    """Ranges that hold every measure."""
    shipped = shipped_ranges()
    return replace(shipped, ranges=dict.fromkeys(shipped.ranges, (-1e6, 1e6)))


def patch_ranges() -> mock._patch[object]:
    """Patches the gate of this process; to be started."""
    return mock.patch("pipeline.input_gate.gate.shipped_ranges", wide_ranges)
