"""States of a study, from its arrival to its signature, and the steps between them.

The table `STEPS` is the only place that says what is allowed; `docs/reading.md` shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class StudyState(StrEnum):
    """Where a study stands.

    Attributes:
        NEW: Not analysed yet.
        ANALYSED: The AI result is there; no reader has it open.
        IN_REVIEW: A reader has it open, and no decision is recorded.
        READ: A decision is recorded and not yet signed.
        SIGNED: A reader has signed it.
        AMENDED: It was signed, changed with a reason, and signed again.
    """

    NEW = "new"
    ANALYSED = "analysed"
    IN_REVIEW = "in review"
    READ = "read"
    SIGNED = "signed"
    AMENDED = "amended"

    @property
    def is_signed(self) -> bool:
        """Whether a signed record exists."""
        return self in (StudyState.SIGNED, StudyState.AMENDED)


class Step(StrEnum):
    """What a reader does with a study.

    Attributes:
        OPEN: Open it in Review, or go on with it.
        LEAVE: Return it to the worklist; it also happens when a claim expires.
        DECIDE: Record a decision, or change the recorded one.
        WITHDRAW: Withdraw the recorded decision.
        SIGN: Sign it.
        AMEND: Change a signed study, with a reason, and sign it again.
    """

    OPEN = "open"
    LEAVE = "leave"
    DECIDE = "decide"
    WITHDRAW = "withdraw"
    SIGN = "sign"
    AMEND = "amend"


_S = StudyState
#: The state that a step leads to. A step that is not here is not allowed. A study that is left
#: without a decision is new again if it has no result.
STEPS: Final[Mapping[tuple[StudyState, Step], StudyState]] = MappingProxyType(
    {
        (_S.NEW, Step.OPEN): _S.IN_REVIEW,
        (_S.ANALYSED, Step.OPEN): _S.IN_REVIEW,
        (_S.IN_REVIEW, Step.OPEN): _S.IN_REVIEW,
        (_S.IN_REVIEW, Step.LEAVE): _S.ANALYSED,
        (_S.IN_REVIEW, Step.DECIDE): _S.READ,
        (_S.READ, Step.OPEN): _S.READ,
        (_S.READ, Step.LEAVE): _S.READ,
        (_S.READ, Step.DECIDE): _S.READ,
        (_S.READ, Step.WITHDRAW): _S.IN_REVIEW,
        (_S.READ, Step.SIGN): _S.SIGNED,
        (_S.SIGNED, Step.OPEN): _S.SIGNED,
        (_S.SIGNED, Step.LEAVE): _S.SIGNED,
        (_S.SIGNED, Step.AMEND): _S.AMENDED,
        (_S.AMENDED, Step.OPEN): _S.AMENDED,
        (_S.AMENDED, Step.LEAVE): _S.AMENDED,
        (_S.AMENDED, Step.AMEND): _S.AMENDED,
    }
)


class StepRefused(Exception):
    """A step that the study's state does not allow.

    Args:
        state: Where the study stands.
        step: What was tried.
    """

    def __init__(self, state: StudyState, step: Step) -> None:
        super().__init__(f"a study that is {state} cannot take the step {step}")
        self.state = state
        self.step = step


def next_state(state: StudyState, step: Step) -> StudyState:
    """The state that a step leads to.

    Raises:
        StepRefused: The state does not allow it.

    Example:
        >>> next_state(StudyState.READ, Step.SIGN)
        <StudyState.SIGNED: 'signed'>
    """
    found = STEPS.get((state, step))
    if found is None:
        raise StepRefused(state, step)
    return found


def shown_state(state: StudyState | None, *, has_result: bool) -> StudyState:
    """The state that readers see.

    Args:
        state: The stored state; None for a study that no reader has opened.
        has_result: Whether the installed models have analysed it.
    """
    if state in (None, StudyState.NEW, StudyState.ANALYSED):
        return StudyState.ANALYSED if has_result else StudyState.NEW
    return state
