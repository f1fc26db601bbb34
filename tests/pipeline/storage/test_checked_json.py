"""JSON files as declared types: what is read, written and refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import with_config

from pipeline import InputError
from pipeline.storage.checked_json import STRICT, parse_json, read_json, write_document
from pipeline.storage.field_types import Count, PlainName, Share


@dataclass(frozen=True)
class Part:
    share: Share
    name: PlainName = "a"


@with_config(STRICT)
@dataclass(frozen=True)
class Record:
    count: Count
    parts: tuple[Part, ...] = ()


RECORD = Record(2, (Part(0.5), Part(1.0, "b-1")))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_document(path, RECORD)
    assert read_json(path, Record, shown="a.json", remedy="write it again") == RECORD


def test_a_missing_file_is_none(tmp_path: Path) -> None:
    assert read_json(tmp_path / "a.json", Record, shown="a.json", remedy="write it") is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        "{}",
        '{"count": "1"}',
        '{"count": true}',
        '{"count": -1}',
        '{"count": 1.5}',
        '{"count": 1, "colour": 2}',
        '{"count": 1, "parts": [{"share": 0.5, "colour": 2}]}',
        '{"count": 1, "parts": [{"share": NaN}]}',
        '{"count": 1, "parts": [{"share": 1.01}]}',
        '{"count": 1, "parts": [{"share": 1, "name": "../a"}]}',
        '{"count": 1, "parts": [{"share": 1, "name": "a\\n"}]}',
        '{"count": 1, "parts": {}}',
    ],
)
def test_other_content_is_refused_with_what_to_do(content: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_json(content, Record, shown="a.json", remedy="write it again")
    assert refused.value.source == "a.json"
    assert refused.value.message.startswith("a.json ")
    assert refused.value.message.endswith("; write it again.")


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(InputError) as refused:
        parse_json('{"count": 1, "colour": 2}', Record, shown="a.json", remedy="write it again")
    assert "colour is not a known field" in refused.value.message


def test_the_sentence_names_the_field() -> None:
    content = '{"count": 1, "parts": [{"share": 0.5}, {"share": 2}]}'
    with pytest.raises(InputError) as refused:
        parse_json(content, Record, shown="a.json", remedy="write it again")
    assert "parts[1].share" in refused.value.message


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read_json(tmp_path, Record, shown="a.json", remedy="write it again")
    assert refused.value.source == "a.json"
