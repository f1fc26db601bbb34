"""What browsers send to callbacks: declared as types, checked once when a callback is called."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar, get_type_hints

from dash.exceptions import PreventUpdate
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, WrapValidator
from pydantic_core.core_schema import ValidatorFunctionWrapHandler

from dashboard.figures.template import Theme

_Result = TypeVar("_Result")
_Mark = TypeVar("_Mark")


def checked(callback: Callable[..., _Result]) -> Callable[..., _Result]:
    """Check a callback's values by the types of its parameters, all of which need one.

    A value that does not fit was not sent by the page: the callback is not run and changes nothing,
    unless the type has a `fallback`.
    """
    kinds = get_type_hints(callback, include_extras=True)
    kinds.pop("return", None)
    adapter: TypeAdapter[Any] = TypeAdapter(tuple[tuple(kinds.values())])  # type: ignore[misc, arg-type]

    @functools.wraps(callback)
    def call(*values: object) -> _Result:
        try:
            valid = adapter.validate_python(values)
        except ValidationError:
            raise PreventUpdate from None
        return callback(*valid)

    return call


def fallback(value: object) -> WrapValidator:
    """Take ``value``, which must not be mutable, in place of one that does not fit the type."""

    def validate(given: object, handler: ValidatorFunctionWrapHandler) -> object:
        try:
            return handler(given)
        except ValidationError:
            return value

    return WrapValidator(validate)


class BrowserValue(BaseModel):
    """A mapping from the browser, of which only the declared fields are read."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


#: A short text, such as a part of an id.
Name = Annotated[str, Field(max_length=256)]
#: The theme of the page.
ThemeName = Annotated[Theme, fallback("dark")]
#: How often a button was clicked; 0 before the first time.
Clicks = Annotated[int, Field(ge=0), fallback(0)]
ManyClicks = Annotated[tuple[Clicks, ...], fallback(())]


class Place(BrowserValue):
    """The id of one of several components of a kind (a pattern-matching id of Dash)."""

    type: Name = ""
    kind: Name = ""
    group: Name = ""
    which: Name = ""


class Click(BrowserValue, Generic[_Mark]):
    """A click on a chart (Plotly's ``clickData``).

    Attributes:
        points: What was clicked.
    """

    points: Annotated[tuple[_Mark, ...], Field(min_length=1)]
