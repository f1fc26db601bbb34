"""The table of states and steps, row by row."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from dashboard.store.states import STEPS, Step, StepRefused, StudyState, next_state, shown_state

ALLOWED = {
    ("new", "open"): "in review",
    ("analysed", "open"): "in review",
    ("in review", "open"): "in review",
    ("in review", "leave"): "analysed",
    ("in review", "decide"): "read",
    ("read", "open"): "read",
    ("read", "leave"): "read",
    ("read", "decide"): "read",
    ("read", "withdraw"): "in review",
    ("read", "sign"): "signed",
    ("signed", "open"): "signed",
    ("signed", "leave"): "signed",
    ("signed", "amend"): "amended",
    ("amended", "open"): "amended",
    ("amended", "leave"): "amended",
    ("amended", "amend"): "amended",
}


@pytest.mark.parametrize(("state", "step"), list(itertools.product(StudyState, Step)))
def test_steps_lead_to_their_state_or_are_refused(state: StudyState, step: Step) -> None:
    expected = ALLOWED.get((state.value, step.value))
    if expected is None:
        with pytest.raises(StepRefused) as caught:
            next_state(state, step)
        assert (caught.value.state, caught.value.step) == (state, step)
    else:
        assert next_state(state, step) is StudyState(expected)


def test_a_study_that_nobody_has_read_is_new_until_it_is_analysed() -> None:
    for stored in (None, StudyState.NEW, StudyState.ANALYSED):
        assert shown_state(stored, has_result=False) is StudyState.NEW
        assert shown_state(stored, has_result=True) is StudyState.ANALYSED
    for stored in set(StudyState) - {StudyState.NEW, StudyState.ANALYSED}:
        assert shown_state(stored, has_result=False) is stored


def test_the_document_shows_the_same_table() -> None:
    text = (Path(__file__).parents[3] / "docs" / "reading.md").read_text("utf-8")
    table = text.split("<!-- steps -->")[1].split("<!-- end of steps -->")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")][1:]
    rows = [[cell.strip() for cell in line.split("|")[1:4]] for line in lines]
    shown = {(state, step): to for state, step, to in rows}
    assert shown == {(str(a), str(b)): str(c) for (a, b), c in STEPS.items()}
