"""The two stages over one case: classify every slice, gate, outline what passed.

Only slices that pass the gate reach the segmenter. Where the segmenter's probabilities are smoothed
through slices, the neighbours beyond the gate are not computed for that: the Gaussian's weights are
renormalised over the slices that passed. A neighbour that the first stage turned away is no
evidence against a pixel, and outlining it would cost what the gate is there to save.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.binding import Answer, bind_answer, mask_level, references
from pipeline.cache import ResultCache, result_key
from pipeline.data.case import Case
from pipeline.data.preprocessing import PREPROCESSING_VERSION, PreparedCase, preprocess_case
from pipeline.engine.base import StageModel
from pipeline.engine.selection import open_stage, resolve_engine
from pipeline.errors import InputError
from pipeline.models.registry import DEFAULT_TASK, ModelInfo, TaskInfo, read_model_info
from pipeline.postprocessing import remove_small_components, smoothing_weights
from pipeline.results import CaseResult, ProgressCallback

#: Slices answered at once. More are no faster on a CPU, and make progress and cancelling coarser.
BATCH_SIZE = 4
#: Slices from which a case counts as a volume, in which neighbours say something of each other.
_MIN_VOLUME_SLICES = 3


class Analyser:
    """Answers cases with one task's two models, loaded at the first case that needs them.

    One object serves one thread.

    Args:
        models_dir: Folder of the tasks.
        engine: ``auto``, ``openvino`` or ``keras``. The first two read exported models only and
            never import Keras; ``keras`` is the reference.
        precision: Precision to compute at.
        engine_dir: Where exported models are kept.
        cache: Where answers are looked up and kept; None computes each time.
        task: Task to answer.
        threads: CPU threads of the runtime; None leaves it to the runtime.

    Raises:
        InputError: No such task or engine, or models that this version cannot run.
    """

    def __init__(
        self,
        models_dir: Path,
        *,
        engine: str = "auto",
        precision: str = "f32",
        engine_dir: Path,
        cache: ResultCache | None = None,
        task: str = DEFAULT_TASK,
        threads: int | None = None,
    ) -> None:
        self.models: TaskInfo = read_model_info(models_dir, task)
        version = self.models.classifier.preprocessing_version
        if version != PREPROCESSING_VERSION:
            raise InputError(
                task,
                f"The models of task {task} were trained with preprocessing version {version}, "
                f"this program has version {PREPROCESSING_VERSION}; they do not fit together.",
            )
        self.engine = resolve_engine(engine, precision)
        self.precision = precision
        self._engine_dir, self._threads = Path(engine_dir), threads
        self._cache = cache
        self._stages: tuple[StageModel, StageModel] | None = None

    def key(self, case: Case) -> str:
        """Key of the case's result in the cache."""
        return result_key(case.content_digest(), self.models, precision=self.precision)

    def load(self) -> None:
        """Load both models now, so that the first case does not wait for them.

        Raises:
            InputError: A model is not exported yet, or cannot be loaded.
        """
        if self._stages is None:
            first, second = (self._open(info) for info in self.models.stages)
            self._stages = first, second

    def analyse(self, case: Case, *, progress: ProgressCallback | None = None) -> CaseResult:
        """Answer a case, from the cache where it can.

        Args:
            case: The case; its reference masks are used for nothing but ``dice``.
            progress: Called between batches; raises `pipeline.errors.Cancelled` to stop the work.

        Raises:
            InputError: A model cannot be loaded.
        """
        report = progress or _no_progress
        if self._cache is None:
            return bind_answer(self._answer(case, report), case)
        key = self.key(case)
        found = self._cache.get(key, case)
        if found is not None:
            return found
        total = 2 * case.n_slices
        waiting = "Another process is analysing this study"
        with self._cache.computing(key, waiting=lambda: report(0, total, waiting)):
            found = self._cache.get(key, case)
            if found is not None:
                return found
            answer = self._answer(case, report)
            self._cache.put(key, answer)
        return bind_answer(answer, case)

    def _open(self, info: ModelInfo) -> StageModel:
        return open_stage(
            info,
            engine=self.engine,
            precision=self.precision,
            engine_dir=self._engine_dir,
            threads=self._threads,
        )

    def _answer(self, case: Case, report: ProgressCallback) -> Answer:
        report(0, 2 * case.n_slices, "Preparing the slices")
        self.load()
        assert self._stages is not None
        classifier, segmenter = self._stages
        prepared = preprocess_case(case, size=self.models.classifier.input_size)
        positions = np.array(case.indices, np.float64)
        scores = self._classify(classifier, prepared, positions, report)
        passed = np.flatnonzero(scores >= self.models.classifier.threshold)
        maps = self._segment(segmenter, prepared, passed, report)
        probability = self._to_input(maps, passed, positions, prepared)
        first, second = references(self.models, engine=self.engine, precision=self.precision)
        return Answer(
            classifier=first,
            segmenter=second,
            scores=tuple(scores.tolist()),
            probability=probability,
            classifier_threshold=self.models.classifier.threshold,
            segmenter_threshold=self.models.segmenter.threshold,
            warnings=prepared.warnings,
        )

    def _classify(
        self,
        stage: StageModel,
        prepared: PreparedCase,
        positions: NDArray[np.float64],
        report: ProgressCallback,
    ) -> NDArray[np.float64]:
        """Slice scores ``(n,)``, smoothed through slices where metadata.json says so."""
        info, n = self.models.classifier, len(prepared.volume)

        def tell(done: int) -> None:
            report(done, 2 * n, f"Classifying slice {min(done + 1, n)} of {n}")

        raw = _predict(stage, prepared.volume, flip=info.inference.flip_average, tell=tell)
        scores = raw.reshape(n).astype(np.float64)
        sigma = info.inference.score_sigma_slices if n >= _MIN_VOLUME_SLICES else 0.0
        weights = smoothing_weights(positions, sigma)
        return np.clip(weights @ scores, 0, 1)

    def _segment(
        self,
        stage: StageModel,
        prepared: PreparedCase,
        passed: NDArray[np.intp],
        report: ProgressCallback,
    ) -> NDArray[np.float32]:
        """Probability maps ``(passed, size, size)`` of the slices that passed the gate."""
        n, count = len(prepared.volume), len(passed)

        def tell(done: int) -> None:
            name = f"Outlining slice {min(done + 1, count)} of {count}"
            report(2 * n - count + done, 2 * n, name)

        flip = self.models.segmenter.inference.flip_average
        maps = _predict(stage, prepared.volume[passed], flip=flip, tell=tell)
        return maps.reshape(count, *prepared.volume.shape[1:3])

    def _to_input(
        self,
        maps: NDArray[np.float32],
        passed: NDArray[np.intp],
        positions: NDArray[np.float64],
        prepared: PreparedCase,
    ) -> NDArray[np.uint8]:
        """Bring the maps back to the input's pixels, smoothed and cleaned: ``(n, h, w)`` uint8."""
        info = self.models.segmenter
        is_volume = len(positions) >= _MIN_VOLUME_SLICES
        sigma = info.inference.mask_sigma_slices if is_volume else 0.0
        weights = smoothing_weights(positions[passed], sigma).astype(np.float32)
        result = np.zeros((len(positions), *prepared.grid.input_shape), np.uint8)
        for row, k in zip(weights, passed, strict=True):
            near = np.flatnonzero(row)
            smoothed = np.tensordot(row[near], maps[near], axes=1).astype(np.float32)
            shown = prepared.grid.to_input(smoothed)
            result[k] = np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)
        fraction = info.inference.min_component_fraction
        return remove_small_components(
            result, level=mask_level(info.threshold), min_fraction=fraction
        )


def _predict(
    stage: StageModel,
    volume: NDArray[np.float32],
    *,
    flip: bool,
    tell: Callable[[int], None],
) -> NDArray[np.float32]:
    """Answer slices ``(b, size, size, 3)`` batch by batch; ``tell(done)`` between them.

    With ``flip``, each answer is averaged with that for the mirrored slice, mirrored back.
    """
    parts = []
    for start in range(0, len(volume), BATCH_SIZE):
        tell(start)
        batch = volume[start : start + BATCH_SIZE]
        answer = stage.predict(batch)
        if flip:
            mirrored = stage.predict(np.ascontiguousarray(batch[:, :, ::-1]))
            if mirrored.ndim == 4:
                mirrored = mirrored[:, :, ::-1]
            answer = (answer + mirrored) * np.float32(0.5)
        parts.append(answer)
    tell(len(volume))
    return np.concatenate(parts) if parts else np.zeros((0, *volume.shape[1:3], 1), np.float32)


def _no_progress(done: int, total: int, message: str) -> None:
    """Nobody asked."""
