"""What tests of both packages share: their tiers, and storage as several machines see it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.small_disk import SmallDisk, mounted_disk

#: Whether the long forms run (`make soak`).
SOAK = os.environ.get("OVERREAD_SOAK") == "1"
# Examples of each property test that states no number itself.
settings.register_profile("test", max_examples=50, deadline=None)
settings.register_profile("soak", max_examples=1000, deadline=None)
settings.load_profile("soak" if SOAK else "test")

#: Fixtures that start processes, and parameters of fixtures that do.
_SERVICES = {"s3_server", "postgres", "redis_server", "site"}
_SERVICE_PARAMETERS = {"s3", "redis", "postgresql"}
_STARTS_WITHIN_S = 120  # on a busy machine


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that start services, and properties, which have a long form.

    Files with slow tests come first: one that began last would run alone at the end.
    """
    for item in items:
        if not isinstance(item, pytest.Function):
            continue
        call = getattr(item, "callspec", None)
        values = {value for value in call.params.values() if isinstance(value, str)} if call else ()
        if _SERVICES & set(item.fixturenames) or _SERVICE_PARAMETERS & set(values):
            item.add_marker(pytest.mark.services)
        if getattr(item.obj, "is_hypothesis_test", False):
            item.add_marker(pytest.mark.soak)
    slow = {
        item.path for item in items if {"services", "slow"} & {m.name for m in item.iter_markers()}
    }
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def soak() -> bool:
    """Whether tests with the mark ``soak`` run their long form."""
    return SOAK


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of 16 MB of its own."""
    with mounted_disk(tmp_path / "disk") as disk:
        yield disk


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Address of a server that speaks S3, in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + _STARTS_WITHIN_S
    try:
        while not _answers(address):
            assert process.poll() is None and time.monotonic() < deadline, "no S3 server"
            time.sleep(0.1)
        yield address
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def new_bucket(s3_server: str) -> Callable[[pytest.MonkeyPatch], str]:
    """Creates an empty bucket, and puts what S3's clients read into the environment."""
    import fsspec

    def create(patched: pytest.MonkeyPatch) -> str:
        for name, value in s3_environment(s3_server).items():
            patched.setenv(name, value)
        bucket = f"overread-{uuid.uuid4().hex[:12]}"
        fsspec.filesystem("s3").mkdir(bucket)
        return f"s3://{bucket}/prefix"

    return create


@pytest.fixture
def s3_url(new_bucket: Callable[[pytest.MonkeyPatch], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty bucket for one test."""
    return new_bucket(monkeypatch)


@pytest.fixture(params=["folder", "s3"])
def storage_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty storage of each kind."""
    if request.param == "folder":
        return str(tmp_path / "shared storage")
    url: str = request.getfixturevalue("s3_url")
    return url


def s3_environment(address: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=1).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
