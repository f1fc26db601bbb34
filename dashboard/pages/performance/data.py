"""The data that the views of the performance page show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dash.development.base_component import Component

from dashboard.evaluation import Measured
from pipeline import ModelInfo
from pipeline.evaluation.facade import Evaluation


@dataclass(frozen=True, eq=False)
class PageData:
    """The installed network and its evaluation.

    Attributes:
        measured: Network, evaluation, and the cases as tables.
        links: Link of each case_id that can be opened.
        command: Command that repeats the evaluation.
    """

    measured: Measured
    links: Mapping[str, Component | str]
    command: str

    @property
    def network(self) -> ModelInfo:
        """The installed network."""
        return self.measured.network

    @property
    def evaluation(self) -> Evaluation:
        """The evaluation file."""
        return self.measured.evaluation
