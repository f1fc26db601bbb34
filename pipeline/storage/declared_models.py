"""Declared models: what data from outside may hold, and in plain words what is wrong with it.

Data from outside (files, requests, the environment) is parsed by a pydantic model where it enters.
What pydantic reports of data that does not fit is written for programmers; `first_problem` turns it
into the words of a sentence that may be shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

#: Pydantic's kinds of errors whose own messages say too little, or too much.
_RULES = {
    "missing": "is missing",
    "extra_forbidden": "is not a known field",
    "unexpected_keyword_argument": "is not a known field",
    "string_pattern_mismatch": "is malformed",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be yes or no",
    "string_type": "must be a text",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "json_invalid": "is not valid JSON",
}
_BOUNDS = (
    (r"^Input should be ", "must be "),
    (r"^\w+ should ", "must "),
    (r"^Value error, ", ""),
    (r" after validation, not .*$", ""),
    (r"greater than or equal to", "at least"),
    (r"less than or equal to", "at most"),
    (r"'", ""),
)


class DeclaredModel(BaseModel):
    """A model of data from outside: no unknown field, no conversion, no number but a finite one."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Problem:
    """Why data does not fit its model.

    Attributes:
        field: Where, such as "items[2].points"; "" for the data as a whole.
        rule: What is wrong there, to be read after the field: "must be at most 5".
        value: What was found there; never show it of a secret.
    """

    field: str
    rule: str
    value: object


def first_problem(error: ValidationError) -> Problem:
    """The first problem.

    The message of a validator's own `ValueError` is used unchanged and continues the field's name.
    """
    first = error.errors(include_url=False)[0]
    rule = _RULES.get(first["type"])
    if rule is None:
        rule = first["msg"]
        for pattern, words in _BOUNDS:
            rule = re.sub(pattern, words, rule)
    place = ""
    for part in first["loc"]:
        place += f"[{part}]" if isinstance(part, int) else f".{part}"
    return Problem(place.removeprefix("."), rule, first["input"])
