"""The browser of the tests, and the page's own modules in scripts that tests evaluate on it.

Nothing is put on `window` for tests: a module is imported by its address, and the page answers with
the one that it runs itself. Prefer what a reader sees (the document) wherever that shows as much.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

#: Programs of a browser; the first is Chromium without windows, which needs least of the CPU.
BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
_TREE = Path(__file__).resolve().parents[1] / "assets" / "js"
_NAME = re.compile(r"\bmodules\.(\w+)")
#: Path of each module by the name that other modules import it under: measureStore.
PATHS = {
    re.sub(r"_(\w)", lambda found: found[1].upper(), path.stem): path.relative_to(_TREE).as_posix()
    for path in _TREE.rglob("*.js")
}


def find_browser() -> str | None:
    """Path of the first of `BROWSERS` that is installed."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def require_browser() -> str:
    """Path of a browser; skips the test without one, or fails it where one is required."""
    path = find_browser()
    if path is None:
        message = "no Chromium or Chrome was found"
        if os.environ.get("OVERREAD_REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    return path


def with_modules(script: str) -> str:
    """A script for ``page.evaluate`` that may use the page's modules.

    It is asynchronous, so ``page.wait_for_function`` does not fit: Playwright takes a promise as
    true and returns at once. `wait_until` waits.

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


def wait_until(page: Page, script: str, argument: Any = None, *, timeout_ms: int = 30_000) -> None:
    """Wait until a function that may use the page's modules returns something true.

    Args:
        page: The page; its document must stay the same meanwhile.
        script: A function of one argument, as for `with_modules`; it may be asynchronous.
        argument: What it is called with.
        timeout_ms: The longest to wait.

    Raises:
        AssertionError: It was not true in time.
    """
    loop = with_modules(f"""async ({{ argument, timeout }}) => {{
        const holds = ({script});
        const end = performance.now() + timeout;
        while (!(await holds(argument))) {{
          if (performance.now() > end) return false;
          await new Promise((done) => setTimeout(done, 5));
        }}
        return true;
      }}""")
    done = page.evaluate(loop, {"argument": argument, "timeout": timeout_ms})
    assert done, f"not true within {timeout_ms} ms: {script}"
