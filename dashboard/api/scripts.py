"""The browser's ES modules, served below a path that names their digest.

Imports between modules are relative, and browsers never fetch again what they have in their cache:
both are safe because the path changes with every change of any module. All modules are read once,
when the server starts, so that what is served always fits the digest; nothing outside of the tree
can be requested, because nothing is looked up on disk.
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

from dashboard.api.endpoint import Address, endpoint

#: The module that imports all others.
ENTRY: Final = "main.js"
_ROOT: Final = "/scripts"
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_JAVASCRIPT: Final = "text/javascript"


class ScriptAddress(Address):
    """A module, by the digest of all of them and its path among them."""

    digest: str
    name: str


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
        """Tags of the page's head: the entry, and all modules to be fetched at once.

        Without the list a browser would find each level of imports only after the one above.

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
    @endpoint(_JAVASCRIPT)
    def module(address: ScriptAddress) -> Response:
        """Return one of the browser's modules."""
        content = tree.files.get(address.name)
        if content is None or address.digest != tree.digest:
            abort(404)
        return Response(content, mimetype=_JAVASCRIPT, headers={"Cache-Control": _IMMUTABLE})
