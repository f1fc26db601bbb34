"""DESIGN's direction: app -> pages -> components, figures -> pipeline facade, and never back."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: What the dashboard may call.
FACADES = {"pipeline", "pipeline.evaluation.facade", "pipeline.image_tasks.facade"}
#: Only the worker's process may hold one of these, and only through the pipeline.
RUNTIMES = {"tensorflow", "keras", "openvino", "onnxruntime", "torch"}
#: What builds processes; nothing else may import them.
ENTRIES = {"dashboard.app", "dashboard.web", "dashboard.worker", "dashboard.prepare"}


def modules(package: str) -> Iterator[tuple[str, set[str]]]:
    """Each module's name and the modules that it imports, absolutely or relatively."""
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        imported: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name} imports relatively"
                base = node.module or ""
                imported |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
        yield name, imported


def below(imported: set[str], *packages: str) -> set[str]:
    return {m for m in imported if any(m == p or m.startswith(f"{p}.") for p in packages)}


def test_pipeline_knows_neither_dash_nor_plotly() -> None:
    for name, imported in modules("pipeline"):
        assert not below(imported, "dashboard", "dash", "plotly", "flask"), name


def test_networks_know_nothing_of_those_who_use_them() -> None:
    """The kit knows neither image tasks nor experiments, and image tasks no experiment."""
    ranks = (
        {"pipeline.engine", "pipeline.models"},
        {"pipeline.classifiers", "pipeline.training"},
        {"pipeline.image_tasks"},
        {"pipeline.experiments"},
        {"pipeline.commands"},
    )
    for name, imported in modules("pipeline"):
        for rank, packages in enumerate(ranks):
            if below({name}, *packages):
                above = set().union(*ranks[rank + 1 :])
                assert not below(imported, *above), name


def test_dashboard_uses_the_facades_only_and_no_runtime() -> None:
    known = {name for name, _ in modules("pipeline")}
    assert known >= FACADES
    for name, imported in modules("dashboard"):
        assert not below(imported, *RUNTIMES), name
        inner = {m for m in below(imported, "pipeline") if m in known} - FACADES
        assert not inner, f"{name} imports {inner} past the facades"


def test_pages_know_neither_each_other_nor_the_app() -> None:
    for name, imported in modules("dashboard"):
        if name not in ENTRIES:
            assert not below(imported, *ENTRIES), name
        if name != "dashboard.app":
            others = below(imported, "dashboard.pages") - {name}
            assert not others, f"{name} imports {others}"


def test_components_and_figures_know_no_server() -> None:
    for name, imported in modules("dashboard"):
        if name.startswith("dashboard.figures"):
            allowed = below(imported, "dashboard.figures", "dashboard.evaluation")
            assert below(imported, "dashboard") <= allowed, name
        if name.startswith("dashboard.components"):
            assert not below(imported, "dashboard.services", "dashboard.routes"), name
