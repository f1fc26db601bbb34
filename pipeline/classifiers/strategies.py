"""How much of a network is trained.

A part without initial weights is never frozen: what cannot be trained honestly is `NotRun`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipeline.classifiers.bases.architecture import Architecture
from pipeline.classifiers.weights import FEATURES, Coverage, NotRun


class Strategy(StrEnum):
    """What is frozen and what is trained."""

    #: The whole base is frozen, a new head is trained on its features.
    HEAD = "head"
    #: As HEAD, on a base that is cut where its weights end.
    CUT = "cut"
    #: The base is frozen as far as its weights reach; its rest and the head are trained.
    REST = "rest"
    #: Everything is trained, with a small learning rate.
    ALL = "all"


#: Strategies that need weights: they freeze what these hold.
FREEZING = (Strategy.HEAD, Strategy.CUT, Strategy.REST)


@dataclass(frozen=True)
class TrainedPart:
    """Where a network is cut.

    Attributes:
        last_layer: Last layer of the base that is used at all; None for all of them.
        frozen_to: Last layer that is frozen, whose output is computed once; None where all is
            trained.
    """

    last_layer: str | None
    frozen_to: str | None


def choose_part(strategy: Strategy, architecture: Architecture, coverage: Coverage) -> TrainedPart:
    """Decide what is frozen.

    Raises:
        NotRun: The strategy would freeze layers without weights, or has no meaning here.
    """
    if strategy is Strategy.ALL:
        return TrainedPart(None, None)
    if coverage.random:
        raise NotRun(
            f"The ImageNet weights of {architecture.title} were not available, and a frozen random "
            "base would be meaningless."
        )
    if strategy is Strategy.HEAD:
        if not coverage.complete:
            raise NotRun(
                f"The available weights of {architecture.title} lack {coverage.missing}, and a "
                "frozen random part would be meaningless."
            )
        return TrainedPart(None, FEATURES)
    if coverage.complete:
        raise NotRun(f"The available weights of {architecture.title} are complete: see strategy 1.")
    if strategy is Strategy.CUT:
        return TrainedPart(coverage.last_layer, FEATURES)
    return TrainedPart(None, coverage.last_layer)


def strategy_label(strategy: Strategy, architecture: Architecture) -> str:
    """What a table calls a strategy: ``1``, ``1, without conv5``, ``1, conv5 trained`` or ``2``."""
    if strategy is Strategy.ALL:
        return "2"
    missing = architecture.missing
    words = {Strategy.CUT: f"1, without {missing}", Strategy.REST: f"1, {missing} trained"}
    return words.get(strategy, "1") if missing else "1"
