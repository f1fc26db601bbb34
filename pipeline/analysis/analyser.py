"""The two stages over one case: classify every slice, gate, outline what passed, decide.

Where probabilities are smoothed through slices, the neighbours that did not pass are not computed
for that: the Gaussian's weights are renormalised over the slices that passed. A neighbour that the
first stage turned away is no evidence against a pixel, and outlining it would cost what the gate is
there to save.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.answer import Answer, bind_answer, count_pixels, reference
from pipeline.analysis.cache import ResultCache, result_key
from pipeline.analysis.postprocessing import (
    best_expected_level,
    set_aside_small_components,
    smooth_each_slice,
    smooth_through_slices,
)
from pipeline.analysis.regions import enlarge_part
from pipeline.analysis.results import CaseResult
from pipeline.analysis.slice_walk import SliceWalk, progress_words
from pipeline.data.case import Case
from pipeline.data.preprocessing import PREPROCESSING_VERSION, PreparedCase, preprocess_case
from pipeline.engine.base import NetworkStages
from pipeline.engine.grad_cam import scale_map
from pipeline.engine.selection import choose_engine, choose_precision, open_stages
from pipeline.errors import InputError, ProgressCallback
from pipeline.measurement.mask_levels import level_threshold, mask_level
from pipeline.models.decision import outline_evidence
from pipeline.models.registry import DEFAULT_TASK, ModelInfo, TaskInfo, read_model_info
from pipeline.storage.checked_json import json_number

#: Slices from which a case counts as a volume, in which neighbours say something of each other.
_MIN_VOLUME_SLICES = 3


class Analyser:
    """Answers cases with one task's network, loaded at the first case that needs it.

    One object serves one thread.

    Args:
        models: The network, from `pipeline.models.registry`, or the folder of the tasks.
        engine: One of `pipeline.engine.selection.CHOICES`. All but ``keras``, the reference, read
            exported models only and never import Keras.
        precision: ``auto``, ``f32``, ``bf16`` or ``int8``; see
            `pipeline.engine.selection.choose_precision`.
        engine_dir: Where exported models are kept.
        cache: Where answers are looked up and kept; None computes each time.
        task: Task to answer, where ``models`` is a folder.
        threads: CPU threads of the runtime; None leaves it to the runtime.
        unproven: Run at a precision that these weights were not shown to agree at, to show it.

    Raises:
        InputError: No such task, engine or precision, or a network that this version cannot run.
    """

    def __init__(
        self,
        models: TaskInfo | Path,
        *,
        engine: str = "auto",
        precision: str = "auto",
        engine_dir: Path,
        cache: ResultCache | None = None,
        task: str = DEFAULT_TASK,
        threads: int | None = None,
        unproven: bool = False,
    ) -> None:
        self.models = models if isinstance(models, TaskInfo) else read_model_info(models, task)
        self.network: ModelInfo = self.models.network
        version = self.network.preprocessing_version
        if version != PREPROCESSING_VERSION:
            raise InputError(
                self.network.name,
                f"The network {self.network.name} was trained with preprocessing version {version},"
                f" this program has version {PREPROCESSING_VERSION}; they are not compatible.",
            )
        self.precision = (
            precision if unproven else choose_precision(self.network, precision, engine=engine)
        )
        self._wanted_engine = engine
        self._engine_dir, self._threads = Path(engine_dir), threads
        self._cache = cache
        self._stages: NetworkStages | None = None

    @property
    def engine(self) -> str:
        """The runtime that answers."""
        return choose_engine(
            self.network,
            self._wanted_engine,
            precision=self.precision,
            engine_dir=self._engine_dir,
        )

    def key(self, case: Case) -> str:
        """Key of the case's result in the cache."""
        return result_key(case.content_digest(), self.models, precision=self.precision)

    def load(self) -> None:
        """Load the network now, so that the first case does not wait for it.

        Raises:
            InputError: The network is not exported yet, or cannot be loaded.
        """
        if self._stages is None:
            self._stages = open_stages(
                self.network,
                engine=self.engine,
                precision=self.precision,
                engine_dir=self._engine_dir,
                threads=self._threads,
            )

    def analyse(self, case: Case, *, progress: ProgressCallback | None = None) -> CaseResult:
        """Answer a case, from the cache where it can.

        Args:
            case: The case; its reference masks are used for nothing but ``dice``.
            progress: Called between batches; raises `pipeline.errors.Cancelled` to stop the work.

        Raises:
            InputError: The network cannot be loaded.
        """
        report = progress or _no_progress
        if self._cache is None:
            return bind_answer(self.answer(case, report), case)
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
            answer = self.answer(case, report)
            self._cache.put(key, answer)
        return bind_answer(answer, case)

    def answer(self, case: Case, progress: ProgressCallback | None = None) -> Answer:
        """What the network says of a case, with the maps that a `CaseResult` does not hold.

        Args:
            case: The case.
            progress: As of `analyse`.

        Raises:
            InputError: The network cannot be loaded.
        """
        report = progress or _no_progress
        report(0, 2 * case.n_slices, progress_words(0, 2 * case.n_slices))
        self.load()
        assert self._stages is not None
        prepared = preprocess_case(case, size=self.network.input_size)
        positions = np.array(case.indices, np.float64)
        is_volume = case.n_slices >= _MIN_VOLUME_SLICES
        sigma = self.network.inference.sigma_slices if is_volume else 0.0
        walk = SliceWalk(self._stages, self.network, prepared, positions, sigma=sigma)
        outlined = walk.run(report)
        maps = smooth_through_slices(outlined.maps, positions[outlined.passed], sigma)
        evidence = np.full(case.n_slices, np.nan)
        evidence[outlined.passed] = outline_evidence(maps)
        rule = self.network.decision
        scores = rule.slice_scores(outlined.classifier, evidence)
        known = [json_number(value) for value in evidence]
        pairs = zip(outlined.classifier, known, strict=True)
        probability = _to_input(maps, outlined.passed, prepared)
        uncertainty = np.zeros_like(probability)
        if outlined.differences is not None:
            # Smoothed with their signs: what the two views' final maps differ by.
            smoothed = smooth_each_slice(outlined.differences, positions[outlined.passed], sigma)
            uncertainty = _to_input(smoothed, outlined.passed, prepared)
        saliency = None
        if outlined.saliency is not None:
            size = self.network.input_size
            enlarged = (enlarge_part(scale_map(c), box, size) for c, box in outlined.saliency)
            saliency = _to_input(enlarged, outlined.passed, prepared)
        level = self._choose_level(probability[scores >= rule.threshold])
        kept, left_out = set_aside_small_components(
            probability, level=level, min_fraction=self.network.inference.min_component_fraction
        )
        return Answer(
            network=reference(self.network, engine=self.engine, precision=self.precision),
            scores=tuple(scores.tolist()),
            classifier_scores=tuple(outlined.classifier.tolist()),
            outline_evidence=tuple(known),
            decided_by=tuple(str(rule.decided_by(float(c), e)) for c, e in pairs),
            probability=kept,
            uncertainty=uncertainty,
            saliency=saliency,
            left_out=left_out,
            left_out_px=count_pixels(left_out),
            operating_point=rule.threshold,
            mask_threshold=level_threshold(level),
            warnings=prepared.warnings,
        )

    def _choose_level(self, called: NDArray[np.uint8]) -> int:
        """The case's mask level, from the maps of the slices that are called tumor."""
        highest = mask_level(self.network.mask_threshold)
        lowest = self.network.inference.lowest_mask_threshold
        if lowest <= 0:
            return highest
        return best_expected_level(called, lowest=min(mask_level(lowest), highest), highest=highest)


def _to_input(
    maps: Iterable[NDArray[np.float32]], passed: NDArray[np.intp], prepared: PreparedCase
) -> NDArray[np.uint8]:
    """Bring the maps, or their size where they have signs, back to the input's pixels.

    Returns:
        ``(n, h, w)`` uint8, 255 x the value.
    """
    result = np.zeros((len(prepared.volume), *prepared.grid.input_shape), np.uint8)
    for k, smoothed in zip(passed, maps, strict=True):
        shown = np.abs(prepared.grid.to_input(smoothed))
        result[k] = np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)
    return result


def _no_progress(done: int, total: int, message: str) -> None:
    """Nobody asked."""
