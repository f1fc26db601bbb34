"""What is stored is written by one module, whole or not at all; the code itself is read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ATOMIC = "pipeline/storage/atomic_files.py"
#: Blocks of that module, in which a temporary file or folder is written.
BLOCKS = {"replacing", "replacing_folder", "TemporaryDirectory"}
#: Modules that write otherwise, and why.
OTHERS = {
    "dashboard/comparisons/answers.py": "streams an image, then puts it in place",
    "dashboard/studies/intake.py": "an empty lock file",
    "pipeline/analysis/cache.py": "empty lock files; entries are diskcache's",
    "pipeline/predictions/checkpoints.py": "an empty lock file",
    "pipeline/data/reading/archives.py": "unpacks into a folder that ends with the reading",
    "pipeline/data/reading/gzip_files.py": "likewise",
}
_METHODS = {"write_text", "write_bytes"}


def writes_of(path: Path) -> Iterator[int]:
    """Lines of a module that write a file outside a block of the atomic module."""
    inside: list[ast.AST] = []

    def visit(node: ast.AST) -> Iterator[int]:
        is_block = isinstance(node, ast.With) and any(
            isinstance(item.context_expr, ast.Call) and name_of(item.context_expr) in BLOCKS
            for item in node.items
        )
        if is_block:
            inside.append(node)
        if isinstance(node, ast.Call) and not inside and is_write(node):
            yield node.lineno
        for child in ast.iter_child_nodes(node):
            yield from visit(child)
        if is_block:
            inside.pop()

    yield from visit(ast.parse(path.read_text("utf-8")))


def name_of(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def is_write(call: ast.Call) -> bool:
    name = name_of(call)
    if name in _METHODS:
        return isinstance(call.func, ast.Attribute)
    if name in ("save", "savez") and ast.unparse(call.func).startswith("np."):
        return True
    modes = [one.value for one in call.args if isinstance(one, ast.Constant)]
    return name == "open" and any(
        isinstance(mode, str) and mode[:1] in ("w", "x", "a") and len(mode) <= 3 for mode in modes
    )


def test_only_one_module_writes_files() -> None:
    found = {}
    for top in ("dashboard", "pipeline"):
        for path in sorted((ROOT / top).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            lines = list(writes_of(path))
            if lines and name not in OTHERS and name != ATOMIC:
                found[name] = lines
    assert found == {}, f"write with {ATOMIC}, or say in OTHERS why not"


def test_the_reasons_are_of_modules_that_write() -> None:
    assert {name for name in OTHERS if not list(writes_of(ROOT / name))} == set()
