"""Objects in a real archive: stored in Orthanc and fetched again unchanged."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from exported import exported
from factories import marked_volume, write_nifti
from readings import read_one

from pipeline.interchange.content import ExportKind, Signed
from pipeline.interchange.exports import ExportedFile, write_exports

_STARTS_WITHIN_S = 60.0
pytestmark = pytest.mark.services


class Orthanc:
    """An Orthanc of one's own, without passwords, on a port that only this machine reaches."""

    def __init__(self, program: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._address = f"http://127.0.0.1:{probe.getsockname()[1]}"
        settings = {
            "HttpPort": int(self._address.rpartition(":")[2]),
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomServerEnabled": False,
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "Plugins": [],
        }
        (folder / "orthanc.json").write_text(json.dumps(settings))
        self._log = (folder / "orthanc.log").open("wb")
        self._process = subprocess.Popen(
            [program, str(folder / "orthanc.json")], stdout=self._log, stderr=self._log
        )
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while not self._answers():
            assert self._process.poll() is None and time.monotonic() < deadline, "no Orthanc"
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            self.get("/system")
        except (urllib.error.URLError, OSError):
            return False
        return True

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self._address + path, timeout=10) as answer:
            return bytes(answer.read())

    def store(self, content: bytes) -> str:
        """Store an object; returns Orthanc's name for it."""
        request = urllib.request.Request(f"{self._address}/instances", data=content, method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(json.loads(answer.read())["ID"])

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.close()


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    program = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
    if program is None:
        sentence = "Orthanc is not installed (apt-get install orthanc)"
        if os.environ.get("OVERREAD_REQUIRE_SERVICES"):
            pytest.fail(f"{sentence}; OVERREAD_REQUIRE_SERVICES asks for it.")
        pytest.skip(sentence)
    server = Orthanc(program, tmp_path_factory.mktemp("orthanc"))
    try:
        yield server
    finally:
        server.stop()


def test_objects_come_back_as_they_were_sent(orthanc: Orthanc, tmp_path: Path) -> None:
    case = read_one(write_nifti(tmp_path / "v.nii.gz", marked_volume()))
    mask = np.asarray(case.pixels[..., 0]) > 500
    before = exported(case, mask)
    after = replace(exported(case, mask, digest="ef" * 32), amends=Signed(before.digest, before.at))
    made = write_exports(
        after, set(ExportKind), pdf=b"%PDF-1.7\n%%EOF\n", replaced=before, reason="Too large."
    )
    sent = {
        one.name: one.content
        for one in made
        if isinstance(one, ExportedFile) and one.name.endswith(".dcm")
    }
    names = {name: orthanc.store(content) for name, content in sent.items()}
    assert len(set(names.values())) == len(sent) == 6 + 8
    for name, where in names.items():
        assert orthanc.get(f"/instances/{where}/file") == sent[name]
    (study,) = json.loads(orthanc.get("/studies"))
    series = json.loads(orthanc.get(f"/studies/{study}/series"))
    kinds = sorted(one["MainDicomTags"]["Modality"] for one in series)
    assert kinds == ["DOC", "KO", "MR", "OT", "SEG", "SEG", "SEG", "SEG", "SR"]
