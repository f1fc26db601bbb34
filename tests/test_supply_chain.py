"""What is installed and shipped: locks, licences, containers."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "deploy/requirements.lock")
PIN = re.compile(r"^(?:# )?([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^\s;]+)", re.MULTILINE)


def pins(text: str) -> dict[str, set[str]]:
    """Versions by package, with names as the index has them."""
    found: dict[str, set[str]] = {}
    for name, version in PIN.findall(text):
        found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), set()).add(version)
    return found


@pytest.fixture(scope="module")
def required() -> dict[str, set[str]]:
    return pins((ROOT / "requirements.txt").read_text("utf-8"))


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_has_the_required_versions(lock: str, required: dict[str, set[str]]) -> None:
    locked = pins((ROOT / lock).read_text("utf-8"))
    optional = {"s3fs"} if lock == "requirements.lock" else set()
    for name, versions in required.items():
        if name not in optional:
            assert locked.get(name) == versions, f"{name}: run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_each_package_of_the_lock_has_digests_and_no_other_index(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    blocks = re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 80
    for block in blocks:
        assert re.match(r"[a-z0-9.-]+==\S+", block), block[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block[:80]
    assert not re.search(r"(index-url|find-links|file:|https?:)", text)


def test_the_lock_names_what_requires_it_and_nothing_else(required: dict[str, set[str]]) -> None:
    text = (ROOT / "requirements.lock").read_text("utf-8")
    named = re.findall(
        r"^([a-z0-9.-]+)==(?:(?!^[a-z0-9]).)*?-r requirements\.txt", text, re.M | re.S
    )
    assert set(named) == set(required) - {"s3fs"}


def test_the_list_of_components_holds_scripts_and_weights(tmp_path: Path) -> None:
    (tmp_path / "sbom.json").write_text('{"components": []}')
    (tmp_path / "licences.md").write_text("| Name |\n")
    command = [ROOT / "deploy" / "add_shipped_files.py", "sbom.json", "licences.md"]
    subprocess.run([sys.executable, *command], cwd=tmp_path, check=True)
    components = json.loads((tmp_path / "sbom.json").read_text())["components"]
    licences = {one["name"]: one["licenses"][0]["license"]["name"] for one in components}
    assert {"bootstrap", "tus-js-client"} < set(licences)
    assert licences["brain-tumor/resunet-resnet18"] == "CC BY-NC-SA 4.0"
    folders = {path.name for path in (ROOT / "assets" / "vendor").iterdir() if path.is_dir()}
    assert len([one for one in components if one["type"] == "library"]) == len(folders)
    assert "CC BY-NC-SA" in (tmp_path / "licences.md").read_text()


@pytest.mark.parametrize("place", ["README.md", "models/LICENSE", "SECURITY.md"])
def test_the_licence_of_the_weights_is_stated(place: str) -> None:
    text = (ROOT / place).read_text("utf-8")
    if place == "README.md":
        text = text[: text.index("\n## ")]  # before the first heading
    if place != "SECURITY.md":
        assert "CC BY-NC-SA 4.0" in text
    else:
        assert "make audit" in text and "make sbom" in text


def test_an_audit_never_takes_what_it_could_not_check_for_sound() -> None:
    judge = runpy.run_path(str(ROOT / "deploy" / "audit_packages.py"))["judge"]
    sound = {"name": "a", "version": "1", "vulns": []}
    bad = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
    skipped = {"name": "c", "skip_reason": "not found"}

    def status(*packages: dict[str, Any]) -> tuple[int, str]:
        found, lines = judge({"dependencies": list(packages)})
        return found, "\n".join(lines)

    assert status(sound)[0] == 0
    assert status(sound, bad)[0] == 1 and "CVE-1" in status(sound, bad)[1]
    assert status(sound, skipped)[0] == 1 and "c" in status(sound, skipped)[1]
    assert status(skipped)[0] == 0 and "NOT CHECKED" in status(skipped)[1]


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return found


def test_containers_are_limited_and_know_their_exact_image() -> None:
    services = compose()["services"]
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"] != "root", name
        for limit in ("mem_limit", "cpus", "pids_limit"):
            assert service[limit], (name, limit)
        for tmpfs in service["tmpfs"]:
            assert re.search(r":size=\d+[mk]", tmpfs), (name, tmpfs)
        if "build" not in service:
            assert re.search(r":\d+\.\d+(\.\d+)?-", service["image"]), name
    base = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    assert re.search(r"^FROM python:\d+\.\d+\.\d+-", base, re.MULTILINE)


def test_the_image_holds_what_runs_and_nothing_else() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    steps = [line.split() for line in text.splitlines() if line[:1].isupper()]
    known = {"FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "CMD"}
    assert {step[0] for step in steps} <= known and steps[0][0] == "FROM"
    copied = {step[1] for step in steps if step[0] == "COPY"}
    assert copied == {"deploy/requirements.lock", "dashboard", "pipeline", "assets", "models"}
    assert all((ROOT / source).exists() for source in copied)
    assert [step[1] for step in steps if step[0] == "USER"] == ["overread"]


def test_only_nginx_is_reachable_and_it_reaches_web_processes_only() -> None:
    services, networks = compose()["services"], compose()["networks"]
    assert [name for name, one in services.items() if "ports" in one] == ["nginx"]
    reached = {
        name
        for name, one in services.items()
        if set(one["networks"]) & set(services["nginx"]["networks"])
    }
    assert reached == {"nginx", "web-1", "web-2"}
    assert networks["front"]["internal"] is True
