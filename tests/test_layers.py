"""Packages import downward only, in one order; the code itself is read."""

from __future__ import annotations

import pytest
from imported_modules import MODULES, imports_of, libraries_of

#: Packages from the top down. A package may import those that stand after it. A module at the root
#: of ``dashboard`` or ``pipeline`` is an entry point and stands above all packages.
DASHBOARD = (
    "dashboard",
    "dashboard.pages",
    "dashboard.api",
    "dashboard.components",
    "dashboard.figures",
    "dashboard.evaluation",
    "dashboard.reports",
    "dashboard.decisions",
    "dashboard.studies",
    "dashboard.masks",
    "dashboard.jobs",
    "dashboard.comparisons",
    "dashboard.processes",
    "dashboard.workspace",
    "dashboard.store",
)
PIPELINE = (
    "pipeline",
    "pipeline.commands",
    "pipeline.experiments",
    "pipeline.image_tasks",
    "pipeline.benchmark",
    "pipeline.classifiers",
    "pipeline.training",
    "pipeline.evaluation",
    "pipeline.predictions",
    "pipeline.reports",
    "pipeline.interchange",
    "pipeline.analysis",
    "pipeline.engine",
    "pipeline.models",
    "pipeline.measurement",
    "pipeline.surfaces",
    "pipeline.input_gate",
    "pipeline.demo",
    "pipeline.datasets",
    "pipeline.data.reading",
    "pipeline.data",
    "pipeline.documents",
    "pipeline.sandbox",
    "pipeline.storage",
    "pipeline.metrics",
)
ORDER = {name: rank for rank, name in enumerate((*DASHBOARD, *PIPELINE))}
#: What every package may use: the facade, which imports nothing before it is asked, and errors.
EVERYWHERE = ("pipeline", "pipeline.errors")


def package_of(module: str) -> str:
    """The longest package of the order that a module belongs to."""
    parts = module.split(".")
    ends = len(parts) if MODULES[module].name == "__init__.py" else len(parts) - 1
    names = (".".join(parts[:end]) for end in range(ends, 0, -1))
    return next(name for name in names if name in ORDER)


def test_every_package_has_a_place_in_the_order() -> None:
    unknown = {m.rpartition(".")[0] for m in MODULES if m not in ORDER} - set(ORDER)
    # A package within one of the order stands where that one does; `dashboard` and `pipeline`
    # hold entry points alone.
    outer = {name for name in ORDER if "." in name}
    assert {name for name in unknown if not any(name.startswith(f"{o}.") for o in outer)} == set()


@pytest.mark.parametrize("package", [*DASHBOARD, *PIPELINE])
def test_a_package_imports_only_packages_below_it(package: str) -> None:
    upward = [
        f"{module} imports {imported}"
        for module in MODULES
        if package_of(module) == package and module not in EVERYWHERE
        for imported in imports_of(module)
        if imported not in EVERYWHERE and ORDER[package_of(imported)] < ORDER[package]
    ]
    assert not upward


def test_no_module_imports_itself_through_others() -> None:
    graph = {
        module: {name for name in imports_of(module) if name not in EVERYWHERE}
        for module in MODULES
        if module not in EVERYWHERE
    }
    assert find_circle(graph) == []


def find_circle(graph: dict[str, set[str]]) -> list[str]:
    """Modules of one circle in the order in which they import each other; empty without any."""
    done: set[str] = set()
    path: list[str] = []

    def visit(module: str) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        path.append(module)
        for name in sorted(graph.get(module, ())):
            if circle := visit(name):
                return circle
        path.pop()
        done.add(module)
        return []

    return next((circle for module in sorted(graph) if (circle := visit(module))), [])


@pytest.mark.parametrize(
    ("graph", "circle"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}}, ["b", "c", "b"]),
        ({"a": {"a"}}, ["a", "a"]),
    ],
)
def test_circles_are_found(graph: dict[str, set[str]], circle: list[str]) -> None:
    assert find_circle(graph) == circle


#: Top-level packages that may be imported in the worker's process only, by the pipeline.
RUNTIMES = ("tensorflow", "keras", "openvino", "onnxruntime", "torch")
WEB_FRAMEWORKS = ("dash", "plotly", "flask")
#: What the dashboard may call of the pipeline.
FACADES = ("pipeline", "pipeline.evaluation.facade", "pipeline.image_tasks.facade")


@pytest.mark.parametrize("module", sorted(MODULES))
def test_libraries_stay_on_their_side(module: str) -> None:
    forbidden = RUNTIMES if module.startswith("dashboard") else (*WEB_FRAMEWORKS, "dashboard")
    assert not libraries_of(module) & set(forbidden)


def test_the_dashboard_uses_the_facades_of_the_pipeline_only() -> None:
    past = [
        f"{module} imports {imported}"
        for module in MODULES
        if module.startswith("dashboard")
        for imported in imports_of(module)
        if imported.startswith("pipeline") and imported not in FACADES
    ]
    assert not past


def test_pages_do_not_import_each_other() -> None:
    across = [
        f"{module} imports {imported}"
        for module in MODULES
        if package_of(module) == "dashboard.pages"
        for imported in imports_of(module)
        if imported.startswith("dashboard.pages.")
        and imported.split(".")[2] != module.split(".")[2]
    ]
    assert not across
