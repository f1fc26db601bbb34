"""Writes the documents that are generated from code: ``python -m dashboard.document``.

The README's table of settings comes from the settings' model, docs/openapi.json from what the
endpoints declare. A test compares both.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from dashboard import api
from dashboard.api import scripts
from dashboard.api.openapi import describe_interface
from dashboard.workspace.settings import VARIABLES, Settings
from pipeline import write_text

_ROOT = Path(__file__).resolve().parents[1]
_SECTION = re.compile(r"(<!-- settings:[^\n]*-->\n).*?(<!-- end of settings -->)", re.DOTALL)


def make_documents() -> dict[Path, str]:
    """Return the content of each document with a generated part, by its path."""
    readme = _ROOT / "README.md"
    table = describe_settings()
    text = _SECTION.sub(
        lambda found: f"{found[1]}\n{table}\n\n{found[2]}", readme.read_text("utf-8")
    )
    interface = json.dumps(describe_interface(_make_server()), indent=1)
    return {readme: text, _ROOT / "docs" / "openapi.json": f"{interface}\n"}


def _make_server() -> Flask:
    """Return a server with all endpoints but no services."""
    server = Flask("overread")
    for blueprint in api.BLUEPRINTS:
        server.register_blueprint(blueprint)
    scripts.register(server, scripts.ScriptTree({}, ""))
    return server


def describe_settings() -> str:
    """Return the table of all settings as Markdown."""
    lines = ["| Variable | Default | Values | What it does |", "|---|---|---|---|"]
    schema = Settings.model_json_schema()["properties"]
    for name, field in VARIABLES.items():
        info = Settings.model_fields[field]
        default = _default_text(info.default)
        shown = f"`{default}`" if default else "not set"
        values = _values_text(schema[name])
        lines.append(f"| `{name}` | {shown} | {values} | {info.description} |")
    return "\n".join(lines)


def _default_text(default: object) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, Path):
        return f"./{default.relative_to(_ROOT)}"
    if isinstance(default, tuple):
        return ",".join(default)
    return "" if default is None else str(default)


def _values_text(schema: Mapping[str, Any]) -> str:
    """Return what a variable may be set to, from the JSON schema of its field."""
    if "enum" in schema:
        return ", ".join(schema["enum"])
    if "minimum" in schema:
        return f"{schema['minimum']:,} to {schema['maximum']:,}"
    if schema.get("type") == "boolean":
        return "yes, no"
    return "path" if schema.get("format") == "path" or "anyOf" in schema else "text"


def main() -> int:
    """Write the documents; returns the exit status."""
    for path, text in make_documents().items():
        write_text(path, text)
        sys.stdout.write(f"{path.relative_to(_ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
