"""The documents beside the code name what there is, all of it where they promise to."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from predict_bench import Bench

from pipeline.__main__ import COMMANDS
from pipeline.predictions.results_page import format_results_page

ROOT = Path(__file__).resolve().parents[3]


def keys_of(content: Any) -> Iterator[str]:
    """All keys of a JSON document, however deep."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield key
            yield from keys_of(value)
    elif isinstance(content, list):
        for value in content:
            yield from keys_of(value)


def test_every_key_of_the_results_is_described(bench: Bench) -> None:
    (bench.input / "a" / "a_9.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    _, document, _ = bench.run()
    found = set(keys_of(document))
    assert {"tumor_probability", "outline_evidence", "message", "digest"} <= found
    told = set(re.findall(r"`([a-z_]+)`", (ROOT / "docs" / "results.md").read_text("utf-8")))
    assert found - told == set()


def test_readme_lists_every_command() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"-m pipeline ([a-z-]+)", text))
    assert set(COMMANDS) == listed


DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for glob in ("*.md", "docs/**/*.md", "models/**/*.md", "assets/**/*.md")
    for path in ROOT.glob(glob)
)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_and_paths_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    paths = re.findall(r"`((?:pipeline|dashboard|assets|tests|docs|models)/[\w/.-]*[\w/])`", text)
    written = {"models/experiments/NAME.json"}
    for link in links:
        assert ((ROOT / name).parent / link).exists(), link
    for path in set(paths) - written:
        assert "NAME" in path or (ROOT / path).exists(), path


def test_the_page_of_results_is_made_of_the_types() -> None:
    """``python -m pipeline report`` writes it."""
    assert (ROOT / "docs" / "results.md").read_text("utf-8") == format_results_page()
