"""Declared models: what data from outside may hold, and in plain words what is wrong with it.

Data from outside (files, requests, the environment) is parsed by a pydantic model where it enters.
What pydantic reports of data that does not fit is written for programmers; `first_problem` turns it
into the words of a sentence that may be shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

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
    "string_type": "must be text",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "json_invalid": "is not valid JSON",
    "union_tag_not_found": "is missing",
}
_LONGEST = 60
_BOUNDS = (
    (r"^Input should be ", "must be "),
    (r"^\w+ should ", "must "),
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
        rule: What is wrong there, to be read after the subject: "must be at most 5".
        value: What was found there; never show it of a secret.
        subject: What a sentence calls the place: its field, or the key itself where a key is wrong.
    """

    field: str
    rule: str
    value: object
    subject: str


def first_problem(error: ValidationError) -> Problem:
    """The first problem.

    The message of a validator's own `ValueError` is used unchanged and continues the field's name.
    """
    first = error.errors(include_url=False)[0]
    place = list(first["loc"])
    subject = ""
    if place and place[-1] == "[key]":
        place.pop()
        subject = shorten(str(place[-1]))
    discriminator = str(first.get("ctx", {}).get("discriminator", "")).strip("'")
    if discriminator.isidentifier():
        place.append(discriminator)
    field = ""
    for part in place:
        field += f"[{part}]" if isinstance(part, int) else f".{shorten(part)}"
    field = field.removeprefix(".")
    return Problem(field, _rule(first, is_key=bool(subject)), first["input"], subject or field)


def shorten(text: str) -> str:
    """A text from outside as a sentence may hold it: cut after 60 characters."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _rule(problem: ErrorDetails, *, is_key: bool) -> str:
    """What is wrong, in plain words."""
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "value_error":
        return problem["msg"].removeprefix("Value error, ")
    if is_key:
        return "is not a known name"
    if kind == "union_tag_invalid":
        names = str(context["expected_tags"]).replace("'", "").split(", ")
        return f"must be {' or '.join((', '.join(names[:-1]), names[-1])[len(names) < 2 :])}"
    if kind in ("too_short", "too_long"):
        bound, number = (
            ("least", context["min_length"])
            if kind == "too_short"
            else ("most", context["max_length"])
        )
        unit = "character" if isinstance(problem["input"], str) else "item"
        return f"must have at {bound} {number} {unit}{'' if number == 1 else 's'}"
    rule = _RULES.get(kind)
    if rule is None:
        rule = problem["msg"]
        for pattern, words in _BOUNDS:
            rule = re.sub(pattern, words, rule)
    return rule
