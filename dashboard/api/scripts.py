"""The browser's ES modules, served below a path that names their digest.

Imports between modules are relative, and a browser keeps what it has once fetched: a path that
changes with every change of any module is what makes both safe. All modules are read once, when
the server starts, so that what is served always fits the digest; an address outside of the tree
cannot be asked for, because nothing is looked up on disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Final

from flask import Flask, Response, abort

#: The module that imports all others.
ENTRY: Final = "main.js"
_ROOT: Final = "/scripts"
_FOREVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class ScriptTree:
    """A folder of modules as it was when it was read.

    Attributes:
        files: Content of each module by its path inside the folder, "viewer/maps.js".
        digest: Of all paths and contents, 16 hexadecimal digits.
    """

    files: Mapping[str, bytes]
    digest: str

    @classmethod
    def read(cls, folder: Path) -> ScriptTree:
        """Read every ``*.js`` below a folder."""
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*.js"))
        }
        digest = hashlib.sha256()
        for name, content in files.items():
            digest.update(f"{name}\0{len(content)}\0".encode())
            digest.update(content)
        return cls(MappingProxyType(files), digest.hexdigest()[:16])

    def address(self, name: str) -> str:
        """Where a module is served, "/scripts/0123456789abcdef/viewer/maps.js"."""
        return f"{_ROOT}/{self.digest}/{name}"

    def tags(self, prefix: str = "/") -> str:
        """What the page's head holds: the entry, and all modules to be fetched at once.

        Without the list a browser would find each level of imports only after it has the one above.

        Args:
            prefix: Path below which the app is served, "/" at the root of a host.
        """
        root = prefix.rstrip("/")
        lines = [
            f'<link rel="modulepreload" href="{escape(root + self.address(name))}">'
            for name in self.files
        ]
        entry = escape(root + self.address(ENTRY))
        return "\n        ".join([*lines, f'<script type="module" src="{entry}"></script>'])


def register(server: Flask, tree: ScriptTree) -> None:
    """Serve the modules of a tree, and nothing else, below its digest."""

    @server.get(f"{_ROOT}/<digest>/<path:name>")
    def module(digest: str, name: str) -> Response:
        content = tree.files.get(name)
        if content is None or digest != tree.digest:
            abort(404)
        return Response(content, mimetype="text/javascript", headers={"Cache-Control": _FOREVER})
