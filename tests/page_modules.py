"""The page's own modules in scripts that tests evaluate on it.

Nothing is put on `window` for tests: a module is imported by its address, and the page answers with
the one that it runs itself. Prefer what a reader sees (the document) wherever that shows as much.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

_TREE = Path(__file__).resolve().parents[1] / "assets" / "js"
_NAME = re.compile(r"\bmodules\.(\w+)")
#: Path of each module by the name that other modules import it under: measureStore.
PATHS = {
    re.sub(r"_(\w)", lambda found: found[1].upper(), path.stem): path.relative_to(_TREE).as_posix()
    for path in _TREE.rglob("*.js")
}


def with_modules(script: str) -> str:
    """A script for ``page.evaluate`` or ``page.wait_for_function`` that may use the page's modules.

    Args:
        script: An expression, or a function of one argument, in which ``modules.viewer.now`` is
            what assets/js/viewer/viewer.js exports as ``now``.
    """
    names = sorted(set(_NAME.findall(script)))
    paths = json.dumps({name: PATHS[name] for name in names})
    return f"""async (argument) => {{
      const tree = document.querySelector('script[type="module"]').src.replace(/main\\.js$/, "");
      const modules = {{}};
      for (const [name, path] of Object.entries({paths})) modules[name] = await import(tree + path);
      const found = ({script});
      return typeof found === "function" ? found(argument) : found;
    }}"""
