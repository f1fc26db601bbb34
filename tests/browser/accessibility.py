"""What axe finds on a page against WCAG 2.2 AA, in both themes.

axe sees what a machine can see. The themes differ in colours alone, so that everything else is
looked at once.
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

_ALL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
#: The rules on what the theme changes.
_COLOURS = ["color-contrast", "link-in-text-block"]

_RUN = "(runOnly) => axe.run({ runOnly, resultTypes: ['violations'] })"
#: Changes the theme without a press, which would close what is open; styles follow at once.
_SWITCH = """() => { const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "light" ? "dark" : "light"; }"""


def violations(page: Page, state: str) -> list[str]:
    """Returns a line for each element that violates a rule, with the state and the theme."""
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(AXE_SCRIPT)
    found = _run(page, state, {"type": "tag", "values": _ALL})
    page.evaluate(_SWITCH)
    found += _run(page, f"{state}, other theme", {"type": "rule", "values": _COLOURS})
    page.evaluate(_SWITCH)
    return found


def _run(page: Page, state: str, rules: dict[str, Any]) -> list[str]:
    return [
        f"{state}: {rule['id']} at {' '.join(map(str, node['target']))}: "
        + " | ".join(node["failureSummary"].split("\n")[1:])
        for rule in page.evaluate(_RUN, rules)["violations"]
        for node in rule["nodes"]
    ]
