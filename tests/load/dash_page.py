"""Dash's protocol as its renderer speaks it: layout, callbacks, background callbacks with polling.

The bodies are made from the server's answers (``/_dash-dependencies``, the pages' layouts), so
that a page that changes needs no change here.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent

from .browser import Browser

UPDATE = "/_dash-update-component"
PAGES = ".._pages_content.children..._pages_store.data.."
_RESOURCE = re.compile(r"""(?:src|href)=["'](/[^"']+)["']""")
_CONFIG = re.compile(r'id="_dash-config"[^>]*>(.*?)</script>', re.DOTALL)
_SUITES = "/_dash-component-suites"
_GRAPH = (f"{_SUITES}/dash/dcc/async-graph.js", f"{_SUITES}/plotly/package_data/plotly.min.js")
#: What the style sheets load themselves.
STYLES = (
    "/assets/vendor/bootstrap/bootstrap.min.css",
    "/assets/vendor/inter/inter-latin-wght-normal.woff2",
)
#: Scripts that a page's components load when they are shown first.
LAZY = {
    "/": (f"{_SUITES}/dash_ag_grid/async-community.js",),
    "/review": _GRAPH,
    "/performance": _GRAPH,
    "/about": (),
}


class DashPage:
    """One load of the app in a browser, until the next reload.

    Args:
        browser: The browser.

    Attributes:
        props: Values of the components' properties: ``props[id]["data"]``.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._dependencies: list[dict[str, Any]] = []
        self._end_id = ""
        self._job = ""  # handle of the background callback that was started last
        self.props: dict[str, dict[str, Any]] = {}

    def load(self, path: str = "/", search: str = "") -> None:
        """Load the document, its scripts and styles, and the page at a path."""
        text = self._browser.get(path + search, "document").decode()
        found = _CONFIG.search(text)
        self._end_id = json.loads(found.group(1)).get("end_id", "") if found else ""
        resources = [*sorted(set(_RESOURCE.findall(text))), *STYLES]
        self._browser.get_all(resources, "script or style")
        layout = json.loads(self._browser.get("/_dash-layout", "layout"))
        self._dependencies = json.loads(self._browser.get("/_dash-dependencies", "layout"))
        self._learn(layout)
        self.go(path, search)

    def go(self, path: str, search: str = "") -> None:
        """Show a page, as a link inside the app does, and run the callbacks that it starts with."""
        self.props["_pages_location"] = {"pathname": path, "search": search}
        shown = {"_pages_location.pathname", "_pages_location.search"}
        answer = self.call(PAGES, "callback: page", changed=sorted(shown))
        content = answer["_pages_content"]["children"] if answer else None
        for key in [k for k in self.props if k != "theme" and not k.startswith(("_pages", "nav-"))]:
            del self.props[key]
        here = set(self._learn(content))
        self.props.setdefault("theme", {})["data"] = "dark"
        self._browser.get_all(LAZY.get(path, ()), "script or style")
        for dependency in self._dependencies:
            if _starts_by_itself(dependency) and self._is_here(dependency, here):
                self.call(dependency["output"], "callback: figures", changed=[])

    def call(self, output: str, kind: str, *, changed: list[str]) -> dict[str, Any] | None:
        """Call a callback with the page's present values; keeps what it answers.

        Args:
            output: The callback, by its output.
            kind: Name in the statistics.
            changed: Properties that changed.
        """
        answer = self._browser.post(self._address(), kind, self._body(output, changed))
        return self._take(answer)

    def follow(
        self,
        output: str,
        *,
        changed: str,
        interval_s: float,
        wanted: Callable[[], bool],
        heard: Callable[[dict[str, Any]], None],
    ) -> None:
        """Run a background callback: start it, then ask until it answers or nobody wants it."""
        body = self._body(output, [changed])
        handles, ends = "", f"&oldJob={self._job}" if self._job else ""
        while wanted():
            kind = "callback: analysis poll" if handles else "callback: analysis start"
            answer = self._browser.post(self._address() + (handles or ends), kind, body)
            if answer is None:
                break
            if not handles and "cacheKey" in answer:
                self._job = answer["job"]
                handles = f"&cacheKey={answer['cacheKey']}&job={self._job}"
                body = {**body, "inputs": [{**item, "value": None} for item in body["inputs"]]}
            for progress in answer.get("progress", {}).values():
                heard(progress)
            if "response" in answer:
                for reported in (self._take(answer) or {}).values():
                    heard(reported.get("data") or {})
                break
            gevent.sleep(interval_s)
        else:
            return  # it still runs until it is cancelled
        self._job = ""

    def outputs_of(self, changed: str) -> list[tuple[str, float | None]]:
        """Server callbacks that a change starts: output; seconds between polls in background."""
        found = []
        for dependency in self._dependencies:
            inputs = [f"{item['id']}.{item['property']}" for item in dependency["inputs"]]
            if changed in inputs and not dependency.get("clientside_function"):
                background = dependency.get("background")
                pause = background["interval"] / 1000 if background else None
                found.append((dependency["output"], pause))
        return found

    def _address(self) -> str:
        return f"{UPDATE}?endId={self._end_id}" if self._end_id else f"{UPDATE}?"

    def _body(self, output: str, changed: list[str]) -> dict[str, Any]:
        dependency = next(d for d in self._dependencies if d["output"] == output)
        outputs = [self._resolve(*_split(name)) for name in _outputs(output)]
        body = {
            "output": output,
            "outputs": outputs if output.startswith("..") else outputs[0],
            "inputs": [self._values(item) for item in dependency["inputs"]],
            "changedPropIds": changed,
            "parsedChangedPropsIds": changed,
        }
        if dependency["state"]:
            body["state"] = [self._values(item) for item in dependency["state"]]
        return body

    def _values(self, item: dict[str, str]) -> Any:
        """An input or state with its value; a list of them for a pattern."""
        found = self._resolve(item["id"], item["property"])
        many = found if isinstance(found, list) else [found]
        for one in many:
            key = _key(one["id"])
            value = self.props.get(key, {}).get(one["property"])
            one["value"] = one["id"] if one["property"] == "id" else value
        return many if isinstance(found, list) else many[0]

    def _resolve(self, name: str, prop: str) -> Any:
        """The component of an id; those on the page for a pattern (``ALL``)."""
        if not name.startswith("{"):
            return {"id": name, "property": prop}
        pattern = json.loads(name)
        if ["ALL"] not in pattern.values():
            return {"id": pattern, "property": prop}
        found = [json.loads(key) for key in self.props if key.startswith("{")]
        return [{"id": one, "property": prop} for one in found if _fits(one, pattern)]

    def _is_here(self, dependency: dict[str, Any], here: set[str]) -> bool:
        ids = [_split(name)[0] for name in _outputs(dependency["output"])]
        return all(
            bool(self._resolve(name, "id")) if "ALL" in name else _key(name) in here for name in ids
        )

    def _take(self, answer: dict[str, Any] | None) -> dict[str, Any] | None:
        if answer is None or "response" not in answer:
            return None
        response: dict[str, Any] = answer["response"]
        for name, values in response.items():
            self.props.setdefault(name, {}).update(values)
        return response

    def _learn(self, layout: Any) -> list[str]:
        """Remember the components of a layout; gives their ids."""
        found = []
        for component in _components(layout):
            props = component["props"]
            if "id" in props:
                key = _key(props["id"])
                self.props[key] = {k: v for k, v in props.items() if k not in ("id", "children")}
                found.append(key)
        return found


def now_ms() -> int:
    """The browser's ``Date.now()``."""
    return int(time.time() * 1000)


def _components(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for item in node:
            yield from _components(item)
    elif isinstance(node, dict) and "props" in node and "type" in node:
        yield node
        for value in node["props"].values():
            if isinstance(value, list | dict):
                yield from _components(value)


def _starts_by_itself(dependency: dict[str, Any]) -> bool:
    quiet = dependency["prevent_initial_call"] or dependency.get("clientside_function")
    return not quiet and not dependency.get("background")


def _outputs(output: str) -> list[str]:
    """``..a.x...b.y..`` is a.x and b.y."""
    return output[2:-2].split("...") if output.startswith("..") else [output]


def _split(name: str) -> tuple[str, str]:
    where, _, prop = name.rpartition(".")
    return where, prop.partition("@")[0]


def _fits(one: dict[str, Any], pattern: dict[str, Any]) -> bool:
    return set(one) == set(pattern) and all(
        value == ["ALL"] or one[name] == value for name, value in pattern.items()
    )


def _key(name: Any) -> str:
    """The key of an id: its text, or its JSON with sorted names."""
    if isinstance(name, str):
        return name if not name.startswith("{") else _key(json.loads(name))
    return json.dumps(name, sort_keys=True, separators=(",", ":"))
