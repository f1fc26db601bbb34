"""What the views of the performance page are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dash.development.base_component import Component

from dashboard.evaluation import Confusion, Evaluation
from dashboard.figures.training import Measure
from pipeline import ModelInfo


@dataclass(frozen=True, eq=False)
class PageData:
    """The installed network and its evaluation.

    Attributes:
        network: What is installed.
        evaluation: The evaluation file.
        measured: The four cells as they were measured.
        training: What the network's history can show.
        links: What a table shows for a case_id that can be opened.
        command: Command that measures again.
    """

    network: ModelInfo
    evaluation: Evaluation
    measured: Confusion
    training: Sequence[Measure]
    links: Mapping[str, Component | str]
    command: str

    @property
    def threshold(self) -> float:
        """Operating point of the slice score as shipped."""
        return self.network.decision.threshold
