"""A real server on a free port, a workspace of its own, a worker whose models answer by rule."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diskcache
import nibabel
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "dashboard"))
from fake_evaluation import make_metadata
from service_processes import free_port
from square_heads import patch_ranges

from dashboard.jobs import table
from dashboard.jobs.execution import Worker
from dashboard.store import Origin
from dashboard.studies import intake
from dashboard.workspace.services import build_services
from dashboard.workspace.settings import read_settings
from pipeline import BytesDisk, Case, CaseResult, InputError, ProgressCallback
from pipeline.analysis.answer import Answer, bind_answer, count_pixels, reference

ROOT = Path(__file__).resolve().parents[2]
APP = "square_heads_app:server"
SLICES, SIZE = 12, 64
SPECK = 147
LESION_SLICES = range(4, 9)
#: Classifier's score, outline evidence and what decided: without and with a lesion, and two slices
#: on which the stages contradict each other.
STAGES_OF = {False: (0.01, None, "gate"), True: (0.96, 0.95, "both")}
STAGES = {3: (0.62, 0.1, "outline"), 8: (0.99, 0.31, "classifier")}
START_S = 120  # on a busy machine


class RuleAnalyser:
    """Outlines what is brighter than 180; waits at ``gate`` before every slice.

    What is brighter than 150 only gets a probability of 100 of 255. What has the grey of a speck
    is left out of the mask. Cases of ``refusals`` fail with the sentence there.
    """

    def __init__(
        self, services: Any, gate: threading.Semaphore, refusals: Mapping[str, str]
    ) -> None:
        self._services, self._gate, self._refusals = services, gate, refusals

    def analyse(self, case: Case, *, progress: ProgressCallback | None = None) -> CaseResult:
        assert progress is not None
        if case.case_id in self._refusals:
            raise InputError("", self._refusals[case.case_id])
        for k in range(case.n_slices):
            progress(k, case.n_slices, f"Classifying slice {k + 1} of {case.n_slices}")
            while not self._gate.acquire(timeout=0.05):
                progress(k, case.n_slices, f"Classifying slice {k + 1} of {case.n_slices}")
        values = np.asarray(case.pixels[..., 0])
        bright, rim = values > 180, values > 150
        specks = np.where(values == SPECK, 200, 0).astype(np.uint8)
        network = self._services.models.network
        stages = [STAGES.get(k, STAGES_OF[bool(mask.any())]) for k, mask in enumerate(bright)]
        answer = Answer(
            network=reference(network, engine="openvino", precision="f32"),
            scores=tuple(0.97 if mask.any() else 0.02 for mask in bright),
            classifier_scores=tuple(classifier for classifier, _, _ in stages),
            outline_evidence=tuple(evidence for _, evidence, _ in stages),
            decided_by=tuple(decided for _, _, decided in stages),
            probability=np.where(bright, 250, np.where(rim, 100, 0)).astype(np.uint8),
            uncertainty=bright.astype(np.uint8) * np.uint8(20),
            saliency=rim.astype(np.uint8) * np.uint8(130) + bright.astype(np.uint8) * np.uint8(120),
            left_out=specks,
            left_out_px=count_pixels(specks),
            operating_point=0.5,
            mask_threshold=0.5,
        )
        self._services.results.put(self._services.result_key(case.content_digest()), answer)
        return bind_answer(answer, case)


class Site:
    """Server and worker; ``gate.release(n)`` lets the worker do n slices."""

    def __init__(self, folder: Path) -> None:
        write_models(folder / "models")
        self.environment = {
            "OVERREAD_HOME": str(folder / "workspace"),
            "OVERREAD_PORT": str(free_port()),
            "OVERREAD_MODELS": str(folder / "models"),
            "OVERREAD_DEMO": "no",
        }
        self.url = f"http://127.0.0.1:{self.environment['OVERREAD_PORT']}"
        self.gate = threading.Semaphore(0)
        #: Sentences with which analyses fail, by the case's name.
        self.refusals: dict[str, str] = {}
        self._folder = folder
        self._studies = 0
        self._services = build_services(read_settings(self.environment))
        self._worker = Worker(
            self._services,
            make_analyser=lambda parts, stopping: RuleAnalyser(parts, self.gate, self.refusals),
        )
        self._thread = threading.Thread(target=self._worker.run, daemon=True)
        self._server: subprocess.Popen[bytes] | None = None
        self._ranges = patch_ranges()

    def start(self) -> None:
        """Start both; returns when the server answers."""
        self._ranges.start()
        self._thread.start()
        self.start_server()

    def start_server(self) -> None:
        """Start the server; returns when it answers."""
        address = f"--listen=127.0.0.1:{self.environment['OVERREAD_PORT']}"
        log = (self._folder / "server.log").open("ab")
        with log:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "waitress", "--threads=8", address, APP],
                cwd=ROOT,
                env={**os.environ, **self.environment, "PYTHONPATH": str(Path(__file__).parent)},
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + START_S
        while not _answers(f"{self.url}/api/health"):
            if time.monotonic() > until or self._server.poll() is not None:
                raise RuntimeError((self._folder / "server.log").read_text())
            time.sleep(0.1)

    def kill_server(self) -> None:
        """Kill the server, whatever it is doing."""
        assert self._server is not None
        self._server.kill()
        self._server.wait()

    def stop(self) -> None:
        """End both."""
        self._worker.stopping.set()
        self.gate.release(1000)
        self._thread.join(10)
        self._ranges.stop()
        if self._server is not None:
            self._server.terminate()
            self._server.wait(10)

    def cancel(self, study_id: str) -> None:
        """Cancel a study's analysis, as another page would."""
        row = self._services.store.study(study_id)
        assert row is not None and row.job_id is not None
        table.cancel(self._services.store, row.job_id)

    def damage_result(self, study_id: str) -> None:
        """Replace a study's result in the cache by bytes that are none."""
        row = self._services.store.study(study_id)
        assert row is not None
        folder = Path(self.environment["OVERREAD_HOME"]) / "results"
        with diskcache.Cache(str(folder), disk=BytesDisk) as cache:
            key = self._services.result_key(row.content_digest)
            assert key in cache
            cache.set(key, b"damaged")

    def settle(self) -> None:
        """Let the worker finish whatever waits; then the gate is closed again."""
        until = time.monotonic() + START_S
        while {"queued", "running"} & {str(s) for s in self._services.store.count_studies().states}:
            assert time.monotonic() < until
            self.gate.release(20)
            time.sleep(0.05)
        while self.gate.acquire(blocking=False):
            pass

    def add_files(self, folder: Path) -> list[str]:
        """Store whatever a folder holds as uploads; returns the studies' ids."""
        report = intake.add_files(self._services, [folder], origin=Origin.UPLOAD)
        assert not report.errors, report.errors
        return [row.study_id for row in report.studies]

    def add_study(
        self,
        name: str,
        *,
        analysed: bool = True,
        shift: int = 0,
        rim: bool = False,
        speck: bool = False,
        prefix: str = "",
    ) -> str:
        """Store a FLAIR volume with a bright block and a reference around it; returns its id.

        Args:
            name: Its folder's name, and so the case's.
            analysed: Wait for the worker's answer.
            shift: Moves the block, so that the study is another one.
            rim: Give it a rim two pixels wide that is less bright.
            speck: Put 3 x 3 pixels on slice 7, rows and columns 45 to 47, that the AI leaves out.
            prefix: Begins its files' names, and so the patient's in the worklist.
        """
        self._studies += 1  # no two studies hold the same: the answer to one would be the other's
        folder = self._folder / "studies" / str(self._studies) / name
        write_study(folder, shift=shift, rim=rim, speck=speck, prefix=prefix, mark=self._studies)
        return self.add_folder(folder, analysed=analysed)

    def add_folder(self, folder: Path, *, slices: int = SLICES, analysed: bool = True) -> str:
        """Store the one study that a folder holds; returns its id."""
        report = intake.add_files(self._services, [folder], origin=Origin.UPLOAD)
        assert not report.errors, report.errors
        (row,) = report.studies
        if analysed:
            self.gate.release(slices)
            until = time.monotonic() + START_S
            while str(self._services.store.study(row.study_id).job_state) != "done":
                assert time.monotonic() < until
                time.sleep(0.05)
        return row.study_id


def write_models(folder: Path) -> None:
    """metadata.json of the network: the web process needs no weights."""
    place = folder / "brain-tumor" / "resunet-resnet18"
    place.mkdir(parents=True)
    content = make_metadata(
        version="1.0.0",
        digest="0123456789abcdef" * 4,
        input={"size": 32, "channels": ["t1", "flair", "t1c"]},
    )
    (place / "metadata.json").write_text(json.dumps(content), encoding="utf-8")


def write_study(
    folder: Path,
    *,
    shift: int = 0,
    rim: bool = False,
    speck: bool = False,
    prefix: str = "",
    mark: int = 0,
) -> None:
    """A NIfTI volume and its mask: grey grows with the slice, a bright block is the lesion.

    ``mark`` is the grey of one dark pixel outside the head.
    """
    folder.mkdir(parents=True)
    volume = np.zeros((SIZE, SIZE, SLICES), np.uint8)
    volume[0, 0, 0] = mark
    mask = np.zeros_like(volume)
    for k in range(SLICES):
        volume[8:56, 8:56, k] = 40 + 6 * k
        if k in LESION_SLICES:
            if rim:
                volume[14 + shift : 34 + shift, 18:38, k] = 170
            volume[16 + shift : 32 + shift, 20:36, k] = 220
            mask[14 + shift : 34 + shift, 18:38, k] = 1
    if speck:
        volume[44:47, 44:47, 6] = SPECK
    affine = np.diag([-1.0, -1.0, 4.0, 1.0])
    nibabel.save(nibabel.Nifti1Image(volume, affine), folder / f"{prefix}flair.nii.gz")
    nibabel.save(nibabel.Nifti1Image(mask, affine), folder / f"{prefix}seg.nii.gz")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
