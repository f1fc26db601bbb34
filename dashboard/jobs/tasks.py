"""What a worker runs: models are loaded when first needed and stay loaded.

Exports run in a process of their own: they need TensorFlow, which no worker imports.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pipeline
from dashboard.comparisons.answers import ImageAnswers
from dashboard.jobs.claims import judge_claims
from dashboard.store import JobRow, ResultClaims, ResultSummary
from dashboard.store.registrations import TASK as REGISTRATION
from dashboard.store.registrations import store_registration
from dashboard.store.stored_json import FoundRegistration
from dashboard.workspace.services import Services
from dashboard.workspace.settings import Settings
from pipeline import Analyser, Cancelled, InputError, ProgressCallback, ResultWithoutMaps
from pipeline.image_tasks.facade import IMAGE_TASKS, ImageClassifier, answer_image

_LOG = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parents[2]
_POLL_S = 0.2
_NOT_SHARED = (
    "The result could not be stored: the shared storage did not take it. Start the analysis again."
)
_NOT_STORED = (
    "The result could not be stored: the server's disk is full or cannot be written. Make room on"
    " it; then start the analysis again."
)
_OTHER_MODEL = (
    "The model was replaced meanwhile, or the worker has another one than the page; install the"
    " same everywhere and choose the image again."
)

_NO_PRIOR = "The prior is not registered: one of the two studies was deleted or changed."

_Opened = TypeVar("_Opened")
#: Creates the analyser with its models loaded; raises `InputError` where they cannot be used.
AnalyserFactory = Callable[[Services, threading.Event], Analyser]


class Tasks:
    """What one worker can run.

    Args:
        services: The server's parts.
        stopping: Set when the worker must end.
        make_analyser: Creates the analyser of studies.
    """

    def __init__(
        self, services: Services, stopping: threading.Event, make_analyser: AnalyserFactory
    ) -> None:
        self._services, self._stopping = services, stopping
        self._make_analyser = make_analyser
        self._opening = threading.Lock()
        self._analyser: Analyser | None = None
        self._classifiers: dict[str, ImageClassifier] = {}

    def run(self, job: JobRow, progress: ProgressCallback) -> ResultSummary | None:
        """Run a job and store its result.

        Returns:
            What the worklist shows of a study's analysis.

        Raises:
            InputError: It cannot be run; the sentence says why.
            Cancelled: ``progress`` stopped it.
        """
        if job.task == REGISTRATION:
            self._register(job, progress)
            return None
        if job.task not in IMAGE_TASKS:
            return self._analyse(job, progress)
        self._answer(job, progress)
        return None

    def prepare(self) -> None:
        """Load the analyser before a job needs it; the first job reports a failure."""
        try:
            self._open_analyser()
            _LOG.info("The models are ready.")
            self.complete_claims()
        except Cancelled:
            pass
        except InputError as error:
            _LOG.error("%s", error.message)
        except Exception:
            _LOG.exception("The models could not be prepared.")

    def complete_claims(self) -> None:
        """Complete the summaries of results that earlier versions stored, from the result cache.

        A result that is no longer there stays without: the worklist then shows no figures of it.
        """
        done: set[int] = set()
        for row in self._services.store.studies_without_claims():
            if self._stopping.is_set():
                return
            if row.job_id is None or row.job_id in done:
                continue
            key = self._services.result_key(row.content_digest)
            try:
                case = self._services.load_case(row)
                result = self._services.results.get(key, case) if key else None
            except InputError as error:
                _LOG.warning("%s", error.message)
                continue
            if result is not None:
                self._services.store.set_claims(row.job_id, judge_claims(self._services, result))
                done.add(row.job_id)

    def _analyse(self, job: JobRow, progress: ProgressCallback) -> ResultSummary:
        row = self._services.store.study_with_content(job.content_digest)
        if row is None:
            raise InputError("", "The study was deleted or changed.")
        case = self._services.load_case(row)
        if self._analyser is None:
            progress(0, max(job.total, 1), "Preparing the models")
        result = self._open_analyser().analyse(case, progress=progress)
        key = self._services.result_key(job.content_digest)
        if key is not None and not self._services.results.holds(key):
            raise InputError("", _NOT_STORED)
        if key is not None and not self._services.results.share(key):
            raise InputError("", _NOT_SHARED)
        if key is not None and row.entries.reference is None:  # pages add an attached reference
            self._services.results.keep_bound(key, result, case, data_digest=row.data_digest)
        return _summarise(result, judge_claims(self._services, result))

    def _register(self, job: JobRow, progress: ProgressCallback) -> None:
        """Register a prior, whose content is in the place of a model's digest."""
        store = self._services.store
        rows = [store.study_with_content(one) for one in (job.content_digest, job.model_digest)]
        fixed, moving = (self._services.load_case(row) if row else None for row in rows)
        if fixed is None or moving is None:
            raise InputError("", _NO_PRIOR)
        found = pipeline.register_cases(
            fixed,
            moving,
            threads=self._services.settings.threads or None,
            tick=lambda: progress(0, 1, "Registering the prior"),
        )
        registration = FoundRegistration(
            matrix=tuple(found.matrix.ravel().tolist()),
            overlap=found.overlap,
            correlation=found.correlation,
            problem=found.problem,
        )
        store_registration(store, job.content_digest, job.model_digest, registration)

    def _answer(self, job: JobRow, progress: ProgressCallback) -> None:
        images = ImageAnswers.of(self._services)
        content, source = images.read(job.content_digest)
        classifier = self._classifiers.get(job.task)
        if classifier is None or classifier.info.digest != job.model_digest:
            progress(0, job.total, "Preparing the model")
            classifier = open_classifier(self._services, job.task, self._stopping)
            self._classifiers[job.task] = classifier
        if classifier.info.digest != job.model_digest:
            raise InputError("", _OTHER_MODEL)
        progress(0, job.total, "Analysing")
        answer = answer_image(
            job.task,
            content,
            source=source,
            classifier=classifier,
            limits=self._services.settings.reading_limits,
        )
        images.store(job.content_digest, classifier.info, answer)

    def _open_analyser(self) -> Analyser:
        with self._opening:  # a job may start while the models are prepared
            if self._analyser is None:
                self._analyser = self._make_analyser(self._services, self._stopping)
            return self._analyser


def open_analyser(services: Services, stopping: threading.Event) -> Analyser:
    """The analyser of studies with its models loaded, exported first where needed.

    Raises:
        InputError: The models are missing, or cannot be exported or loaded.
        Cancelled: The worker was asked to end.
    """
    settings = services.settings
    analyser = Analyser(
        settings.models,
        engine=settings.engine,
        precision=services.precision,
        engine_dir=settings.engine_files,
        cache=services.results,
        threads=settings.threads or None,
    )
    _load(analyser.load, settings, analyser.models.task, stopping)
    return analyser


def open_classifier(services: Services, task: str, stopping: threading.Event) -> ImageClassifier:
    """The classifier of an image task, as `open_analyser`."""
    settings = services.settings

    def load() -> ImageClassifier:
        return ImageClassifier(
            settings.models,
            task,
            engine="keras" if settings.engine == "keras" else "openvino",
            engine_dir=settings.engine_files,
            threads=settings.threads or None,
        )

    return _load(load, settings, task, stopping)


def _load(
    load: Callable[[], _Opened], settings: Settings, task: str, stopping: threading.Event
) -> _Opened:
    try:
        return load()
    except InputError:
        if settings.engine == "keras":
            raise
        _LOG.info("The model of %s is prepared for this machine; this is done once.", task)
        export_model(settings, task, stopping=stopping)
        return load()


def export_model(settings: Settings, task: str, *, stopping: threading.Event) -> None:
    """Run ``python -m pipeline export``; quick where the model is already exported.

    Args:
        settings: How the server runs.
        task: The task.
        stopping: Ends the export when it is set.

    Raises:
        InputError: The export failed; the sentence says why.
        Cancelled: It was ended.
    """
    command = [sys.executable, "-m", "pipeline", "export", "--task", task]
    command += ["--engine", settings.engine, "--models", str(settings.models)]
    process = subprocess.Popen(
        [*command, "--engine-dir", str(settings.engine_files)],
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    while True:
        try:
            words = process.communicate(timeout=_POLL_S)[1].strip()
            break
        except subprocess.TimeoutExpired:
            if stopping.is_set():
                process.terminate()
    if stopping.is_set():
        raise Cancelled
    if process.returncode == 0:
        return
    _LOG.error("The export of the model failed:\n%s", words)
    if process.returncode == 1 and words:  # the command's own sentence
        raise InputError("", words.splitlines()[-1])
    raise InputError("", "The models could not be prepared on this machine; see the server's log.")


def _summarise(result: ResultWithoutMaps, claims: ResultClaims) -> ResultSummary:
    """What the worklist shows of a result."""
    return ResultSummary(
        highest_score=float(max((s.slice_score for s in result.slices), default=0.0)),
        volume_ml=result.volume_ml,
        positive_slices=int(sum(s.tumor for s in result.slices)),
        mask_slices=int(sum(s.mask_area_px > 0 for s in result.slices)),
        engine=result.network.engine,
        **vars(claims),
    )
