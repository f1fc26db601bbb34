"""The composed app, imported in a process of its own: Dash's page registry is global."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

_QUESTIONS = """
import json, sys
import dashboard.app as module
import dash
client = module.server.test_client()
paths = ("/", "/review", "/performance", "/comparisons", "/about")
pages = {path: client.get(path).status_code for path in paths}
dependencies = client.get("/_dash-dependencies").json
layout = client.get("/_dash-layout").json
index = client.get("/")
print(json.dumps({
    "heavy": [m for m in ("tensorflow", "keras", "openvino", "onnxruntime") if m in sys.modules],
    "celery": sorted({"celery", "kombu", "psycopg"} & set(sys.modules)),
    "celery_app": module.celery_app is not None,
    "registry": {p["path"]: p["title"] for p in dash.page_registry.values()},
    "pages": pages,
    "callbacks": len(dependencies),
    "index": index.text,
    "policy": index.headers["Content-Security-Policy"],
    "secret": len(module.server.secret_key),
    "assets": module.app.config.assets_folder,
}))
"""


def run(code: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if "OVERREAD" not in name}
    environment |= {"OVERREAD_HOME": str(home), "PYTHONPATH": str(ROOT)} | variables
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Any:
    done = run(_QUESTIONS, tmp_path_factory.mktemp("app") / "home")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_web_process_imports_no_runtime(answers: Any) -> None:
    assert answers["heavy"] == []
    assert (answers["celery"], answers["celery_app"]) == ([], False)


def test_web_process_of_several_machines_imports_no_runtime_either(tmp_path: Path) -> None:
    done = run(_QUESTIONS, tmp_path / "home", REDIS_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 0, done.stderr
    answered = json.loads(done.stdout)
    assert answered["heavy"] == []
    assert answered["celery"] == ["celery", "kombu"] and answered["celery_app"]
    assert set(answered["pages"].values()) == {200}


def test_every_page_is_registered_and_answers(answers: Any) -> None:
    titles = {"Worklist", "Review", "Performance", "Comparisons", "About", "Not found"}
    assert set(answers["registry"].values()) == {f"{title} · Overread" for title in titles}
    assert set(answers["pages"].values()) == {200}
    assert answers["callbacks"] > 5


def test_nothing_comes_from_elsewhere(answers: Any) -> None:
    assert "<title>Overread</title>" in answers["index"]
    assert 'name="viewport"' in answers["index"]
    assert "https://" not in answers["index"]
    assert "'sha256-" in answers["policy"]
    assert answers["secret"] >= 32
    assert answers["assets"] == str(ROOT / "assets")


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"OVERREAD_PORT": "x"}, "OVERREAD_PORT must be a whole number, got 'x'."),
        ({"OVERREAD_DATABASE_URL": "sqlite:////no/such/x.db"}, "The review database"),
    ],
)
def test_bad_settings_end_with_a_sentence(
    tmp_path: Path, variables: dict[str, str], sentence: str
) -> None:
    done = run("import dashboard.app", tmp_path / "home", **variables)
    assert done.returncode == 2
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1


def test_failed_callbacks_are_reported_in_a_sentence(tmp_path: Path) -> None:
    code = """
import json
import dashboard.app as module
from dash import Input, Output
@module.app.callback(Output("top-context", "children"), Input("nothing", "n_clicks"))
def broken(clicks):
    raise RuntimeError("inner words")
client = module.server.test_client()
answer = client.post("/_dash-update-component", json={
    "output": "top-context.children", "outputs": {"id": "top-context", "property": "children"},
    "inputs": [{"id": "nothing", "property": "n_clicks", "value": 1}],
    "changedPropIds": ["nothing.n_clicks"], "state": []})
print(answer.text)
print(json.dumps([answer.status_code, module.CALLBACK_FAILED in answer.text]))
"""
    done = run(code, tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [200, True]
    assert "inner words" not in done.stdout
    assert "RuntimeError" in done.stderr
    assert "inner words" not in done.stderr  # it may quote a patient


def test_what_dash_does_not_know_is_reported_in_a_sentence(tmp_path: Path) -> None:
    code = """
import dashboard.app as module
client = module.server.test_client()
for body in ({}, [], {"output": "nothing.children"}, {"output": ["x"]}):
    answer = client.post("/_dash-update-component", json=body)
    print(answer.status_code, answer.text.strip())
for path in ("..%2fx.js", "nothing/x.js", "dash/..%2f..%2fx.py"):
    answer = client.get(f"/_dash-component-suites/{path}")
    print(answer.status_code, answer.text.strip())
"""
    done = run(code, tmp_path / "home")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line[:3] for line in lines] == ["400"] * 4 + ["404"] * 3
    assert all(line.endswith(".") for line in lines)
    assert "Traceback" not in done.stderr
