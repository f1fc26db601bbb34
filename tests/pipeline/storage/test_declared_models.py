"""What declared models refuse, where, and in which words."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, Field, ValidationError, field_validator

from pipeline.storage.declared_models import DeclaredModel, first_problem


def refuse(text: str) -> str:
    if text:
        raise ValueError("must be a folder's path")
    return text


class Point(DeclaredModel):
    x: Annotated[float, Field(ge=0, le=5)]
    name: Annotated[str, Field(max_length=3, pattern="^[a-z]*$")] = ""


class Line(DeclaredModel):
    points: Annotated[list[Point], Field(max_length=2)]
    count: int = 0

    @field_validator("count")
    @classmethod
    def check_count(cls, count: int) -> int:
        if count == 7:
            raise ValueError("must not be seven")
        return count


def problem_of(content: Any) -> tuple[str, str]:
    with pytest.raises(ValidationError) as caught:
        Line.model_validate(content)
    found = first_problem(caught.value)
    return found.field, found.rule


@pytest.mark.parametrize(
    ("content", "field", "rule"),
    [
        ({}, "points", "is missing"),
        ([], "", "must be an object"),
        ({"points": [], "colour": 1}, "colour", "is not a known field"),
        ({"points": [{"x": 1.0}, {"x": 5.5}]}, "points[1].x", "must be at most 5"),
        ({"points": [{"x": -1}]}, "points[0].x", "must be at least 0"),
        ({"points": [{"x": "1"}]}, "points[0].x", "must be a number"),
        ({"points": [{"x": float("nan")}]}, "points[0].x", "must be a finite number"),
        (
            {"points": [{"x": 1, "name": "abcd"}]},
            "points[0].name",
            "must have at most 3 characters",
        ),
        ({"points": [{"x": 1, "name": "A"}]}, "points[0].name", "is malformed"),
        ({"points": [{"x": 1}] * 3}, "points", "must have at most 2 items"),
        ({"points": [], "count": 1.5}, "count", "must be a whole number"),
        ({"points": [], "count": True}, "count", "must be a whole number"),
        ({"points": [], "count": 7}, "count", "must not be seven"),
    ],
)
def test_first_problem(content: Any, field: str, rule: str) -> None:
    assert problem_of(content) == (field, rule)


class Measured(DeclaredModel):
    status: Literal["measured"]
    seconds: int


class Missing(DeclaredModel):
    status: Literal["not installed"]


class Report(DeclaredModel):
    part: Annotated[Measured | Missing, Field(discriminator="status")] | None = None
    keys: dict[Literal["next", "back"], str] | None = None
    name: Annotated[str, AfterValidator(str), Field(min_length=1, max_length=3)] = "a"
    folder: Annotated[str, AfterValidator(refuse)] = ""
    kind: Literal["a", "b"] = "a"


@pytest.mark.parametrize(
    ("content", "field", "subject", "rule"),
    [
        ('{"part": {"status": "zzz"}}', "part.status", "", "must be measured or not installed"),
        ('{"part": {}}', "part.status", "", "is missing"),
        ('{"keys": {"A": "x"}}', "keys.A", "A", "is not a known name"),
        ('{"name": "abcd"}', "name", "", "must have at most 3 characters"),
        ('{"name": ""}', "name", "", "must have at least 1 character"),
        ('{"name": 5}', "name", "", "must be text"),
        ('{"folder": "x"}', "folder", "", "must be a folder's path"),
        ('{"kind": "c"}', "kind", "", "must be a or b"),
        ("{", "", "", "is not valid JSON"),
        ('{"%s": 1}' % ("x" * 500), "x" * 60 + "…", "", "is not a known field"),
    ],
)
def test_the_rule_reads_after_its_subject(
    content: str, field: str, subject: str, rule: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        Report.model_validate_json(content)
    found = first_problem(caught.value)
    assert (found.field, found.subject, found.rule) == (field, subject or field, rule)


def test_a_whole_number_is_a_number() -> None:
    assert Line.model_validate({"points": [{"x": 2}]}).points[0].x == 2.0
