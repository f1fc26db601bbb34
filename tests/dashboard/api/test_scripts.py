"""The tree of the browser's modules: what is served, under which address, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.api import scripts
from dashboard.api.scripts import ScriptTree
from dashboard.components import shell

MODULES = Path(__file__).resolve().parents[3] / "assets" / "js"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tree = tmp_path / "js"
    (tree / "viewer").mkdir(parents=True)
    (tree / "main.js").write_text('import "./viewer/maps.js";\n')
    (tree / "viewer" / "maps.js").write_text("export const LINE = 1; // °\n", "utf-8")
    (tree / "globals.d.ts").write_text("declare const secret: string;\n")
    (tmp_path / "secret.js").write_text("secret\n")
    return tree


def client_of(tree: ScriptTree) -> FlaskClient:
    server = Flask("test")
    scripts.register(server, tree)
    return server.test_client()


def test_modules_are_served_as_such_and_indefinitely(folder: Path) -> None:
    tree = ScriptTree.read(folder)
    answer = client_of(tree).get(tree.address("viewer/maps.js"))
    assert answer.status_code == 200
    assert answer.data == (folder / "viewer" / "maps.js").read_bytes()
    assert answer.content_type == "text/javascript; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_what_is_served_is_what_was_read(folder: Path) -> None:
    tree = ScriptTree.read(folder)
    before = (folder / "main.js").read_bytes()
    (folder / "main.js").write_text("changed\n")
    assert client_of(tree).get(tree.address("main.js")).data == before


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "viewer" / "maps.js").write_text("export const LINE = 2;\n"),
        lambda folder: (folder / "viewer" / "maps.js").rename(folder / "maps.js"),
        lambda folder: (folder / "more.js").write_text(""),
    ],
    ids=["other content", "other place", "one more"],
)
def test_every_change_gives_another_path_and_the_old_one_answers_404(folder, change) -> None:
    old = ScriptTree.read(folder)
    change(folder)
    new = ScriptTree.read(folder)
    assert new.digest != old.digest
    client = client_of(new)
    assert client.get(new.address("main.js")).status_code == 200
    assert client.get(old.address("main.js")).status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        "no.js",
        "globals.d.ts",
        "viewer/",
        "../secret.js",
        "viewer/../../secret.js",
        "..%2fsecret.js",
        "%2e%2e/secret.js",
        "/etc/passwd",
        "viewer\\maps.js",
    ],
)
def test_nothing_outside_of_the_tree_is_served(folder: Path, name: str) -> None:
    tree = ScriptTree.read(folder)
    answer = client_of(tree).get(tree.address(name), follow_redirects=True)
    assert answer.status_code == 404


def test_the_page_fetches_all_modules_at_once_and_then_begins() -> None:
    tree = ScriptTree.read(MODULES)
    page = shell.index_string(tree.tags())
    for name in tree.files:
        assert f'<link rel="modulepreload" href="{tree.address(name)}">' in page
    assert page.count('<script type="module"') == 1
    assert f'<script type="module" src="{tree.address("main.js")}"></script>' in page
    assert "/site/scripts/" in tree.tags("/site/")
