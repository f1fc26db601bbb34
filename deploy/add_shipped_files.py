"""Adds what is shipped beside Python packages to the lists of `make sbom`: scripts and weights.

Usage: ``python deploy/add_shipped_files.py SBOM LICENCES``. The facts are those of
assets/vendor/README.md and of each model's metadata.json.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
#: A row of the table of third-party files: folder, npm package, version, files, licence.
ROW = re.compile(r"\| `[^`]+/` \| `([^`]+)` \| ([\d.]+) \|[^|]*\| ([^|]+) \|")


def list_components() -> list[dict[str, Any]]:
    """The shipped files as components of CycloneDX."""
    found: list[dict[str, Any]] = []
    table = (ROOT / "assets" / "vendor" / "README.md").read_text("utf-8")
    for name, version, licence in ROW.findall(table):
        url = f"pkg:npm/{name.replace('@', '%40')}@{version}"
        found.append(
            {
                "type": "library",
                "name": name,
                "version": version,
                "purl": url,
                "licenses": [{"license": {"name": licence}}],
            }
        )
    for path in sorted((ROOT / "models").glob("*/*/metadata.json")):
        facts = json.loads(path.read_text("utf-8"))
        licence = facts.get("licence") or facts["data"]["licence"]
        found.append(
            {
                "type": "machine-learning-model",
                "name": path.parent.relative_to(ROOT / "models").as_posix(),
                "licenses": [{"license": {"name": licence}}],
            }
        )
    return found


def main() -> int:
    """Add them to both files."""
    sbom, licences = (Path(argument) for argument in sys.argv[1:3])
    content = json.loads(sbom.read_text("utf-8"))
    components = list_components()
    content["components"] += components
    sbom.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    rows = [
        f"| {one['name']} | {one.get('version', '')} | {one['licenses'][0]['license']['name']} | |"
        for one in components
    ]
    table = licences.read_text("utf-8").rstrip("\n")  # a blank line would end it
    licences.write_text("\n".join([table, *rows]) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
