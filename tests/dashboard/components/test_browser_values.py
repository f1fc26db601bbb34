"""Values from browsers are checked once, by the types of a callback's parameters."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from dash.exceptions import PreventUpdate
from pydantic import Field, TypeAdapter, ValidationError

from dashboard.components.browser_values import Place, ThemeName, checked, fallback


@checked
def callback(number: Annotated[int, Field(ge=1)], place: Place, anything: Any) -> tuple[Any, ...]:
    if anything == "fault":
        TypeAdapter(int).validate_python("x")
    return number, place.which, anything


def test_valid_values_arrive_as_declared():
    given = {"which": "a", "unknown": 3}
    assert callback(2, given, object) == (2, "a", object)


@pytest.mark.parametrize(
    "values",
    [(0, {}, 1), ("x", {}, 1), (1, None, 1), (1, {"which": []}, 1), (1, {}), (1, {}, 1, 1)],
)
def test_values_that_do_not_fit_change_nothing(values):
    with pytest.raises(PreventUpdate):
        callback(*values)


def test_a_fault_of_the_callback_itself_is_not_hidden():
    with pytest.raises(ValidationError):
        callback(1, {}, "fault")


@pytest.mark.parametrize("value", ["purple", None, 3, ["light"], "LIGHT"])
def test_unknown_theme_is_dark(value):
    assert TypeAdapter(ThemeName).validate_python(value) == "dark"


def test_fallback_is_used_only_where_the_value_does_not_fit():
    kind: TypeAdapter[int] = TypeAdapter(Annotated[int, fallback(7)])
    assert [kind.validate_python(value) for value in (3, "x", None)] == [3, 7, 7]
