"""``predict``: analyse files of any kind; writes results.json and masks.

Developer notes: names and headers are looked over first, then cases are decoded, analysed and
written one after the other, each stage in a thread of its own (`pipeline.predictions.overlapping`).
Each finished case leaves a checkpoint on disk, so that the same command resumes a call that was
stopped (`pipeline.predictions.checkpoints`).
"""

from __future__ import annotations

import argparse
import logging
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.analysis.expected_dice import DiceModel, read_dice_model
from pipeline.analysis.results import CaseResult
from pipeline.commands.console import ProgressBar
from pipeline.commands.locations import (
    add_engine_arguments,
    add_precision_argument,
    add_reading_arguments,
    all_tasks,
    reading_limits,
    ready_engine,
)
from pipeline.commands.prediction_call import PredictionCall
from pipeline.data.case import Case, InputGrid
from pipeline.data.reading.formats import describe_formats
from pipeline.data.reading.isolated import IsolatedBatch, IsolatedReading, open_reading
from pipeline.data.reading.loaded import Place
from pipeline.data.reading.pending_cases import PendingCase
from pipeline.image_tasks.registry import IMAGE_TASKS
from pipeline.interchange.content import ExportKind
from pipeline.predictions.checkpoint_checks import binding_of, is_case
from pipeline.predictions.files import describe_results, rename_case, write_masks
from pipeline.predictions.folder import Entry, PredictionFolder, own_results
from pipeline.predictions.results import CaseRecord

if TYPE_CHECKING:
    from pipeline.analysis.analyser import Analyser

_LOG = logging.getLogger(__name__)
_Answered = tuple[Entry[CaseRecord], CaseResult, InputGrid | None, Case | None]
#: What ``--write`` may name.
_WRITABLE = tuple(kind for kind in ExportKind if kind is not ExportKind.PDF)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help=f"files and folders: {describe_formats()}",
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="folder for results and masks"
    )
    parser.add_argument(
        "--again", action="store_true", help="compute again what an earlier call finished"
    )
    parser.add_argument(
        "--single-pictures",
        action="store_true",
        help="treat each picture as a separate case instead of stacking numbered ones of one size",
    )
    parser.add_argument(
        "--write",
        type=_read_kinds,
        default=frozenset(),
        metavar="KINDS",
        help=f"files for other systems, with commas between: {', '.join(_WRITABLE)}"
        " (docs/export.md); not for image tasks",
    )
    add_engine_arguments(parser, tasks=all_tasks())
    add_precision_argument(parser)
    add_reading_arguments(parser)


def _read_kinds(text: str) -> frozenset[ExportKind]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word not in _WRITABLE]
    if unknown or not words:
        known = ", ".join(_WRITABLE)
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of {known}")
    return frozenset(map(ExportKind, words))


def run(arguments: argparse.Namespace) -> int:
    """Analyse what was given; returns 1 where any of it failed, and reports each in a sentence.

    Raises:
        InputError: The models cannot run, or the output folder cannot be written.
    """
    if arguments.task in IMAGE_TASKS:
        from pipeline.commands.predict_images import run as run_image_task

        return run_image_task(arguments)
    from pipeline import read_model_info

    models = read_model_info(arguments.models, arguments.task)
    with PredictionFolder(arguments.output, CaseRecord, again=arguments.again) as folder:
        describe = partial(describe_results, models)
        call = PredictionCall(folder, unit="slice", group="case", describe=describe)
        return call.carry_out(_Prediction(arguments, call).run, rename=rename_case)


def _own_results(paths: Sequence[Path], output: Path) -> Callable[[str], bool]:
    """Whether a source is an earlier result, where the output lies inside an input folder."""
    here = output.resolve()
    inside = [
        here.relative_to(path.resolve()).as_posix() + "/"
        for path in paths
        if here.is_relative_to(path.resolve()) and here != path.resolve()
    ]
    return lambda source: any(source.startswith(folder) for folder in inside)


@dataclass(frozen=True, eq=False)
class _Decoded:
    """A case on its way to the models; ``case`` is None where an earlier call finished it."""

    entry: Entry[CaseRecord]
    n_slices: int
    case: Case | None

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return 0 if self.case is None else self.case.pixels.nbytes


class _Prediction:
    """The three stages for cases of slices: decode, analyse, write."""

    def __init__(self, arguments: argparse.Namespace, call: PredictionCall[CaseRecord]) -> None:
        self._arguments, self._call, self._folder = arguments, call, call.folder
        self._model: DiceModel | None = None
        self._batches: deque[tuple[IsolatedBatch, int]] = deque()
        self._looking: ProgressBar | None = ProgressBar(" files")

    def run(self) -> None:
        """Look over the input, then do all of it.

        Raises:
            InputError: The models cannot run, or the output folder cannot be written.
        """
        paths, output = self._arguments.paths, self._arguments.output
        with open_reading(
            paths,
            own=own_results(paths, self._folder),
            output=output,
            single_pictures=self._arguments.single_pictures,
            progress=self._look_over,
            limits=reading_limits(self._arguments),
        ) as reading:
            self._close_look()
            self._call.notices, self._call.n_files = reading.notices, reading.n_files
            own = _own_results(paths, output)
            self._call.errors += [pair for pair in reading.errors if not own(pair[1].source)]
            self._batches.extend((batch, batch.n_slices) for batch in reading.batches)
            if not self._batches:
                return
            self._call.forecast = sum(n for _, n in self._batches)
            analyser = self._open_analyser()
            self._model = read_dice_model(analyser.network)
            self._call.run_stages(
                self._decode(reading, analyser),
                partial(self._analyse, analyser),
                self._write,
                size_of=lambda decoded: decoded.size,
            )

    def _look_over(self, done: int, total: int, message: str) -> None:
        """Progress of reading: headers have a bar, reading for the models may be stopped."""
        if self._looking is not None:
            self._looking(done, total, message)
        self._call.check_stop(done, total, message)

    def _close_look(self) -> None:
        if self._looking is not None:
            self._looking.close()
            self._looking = None

    def _open_analyser(self) -> Analyser:
        from pipeline import Analyser

        given = self._arguments
        return Analyser(
            given.models,
            engine=ready_engine(given),
            precision=given.precision,
            engine_dir=given.engine_dir,
            task=given.task,
            threads=given.threads,
        )

    def _decode(
        self, reading: IsolatedReading, analyser: Analyser
    ) -> Generator[_Decoded, None, None]:
        """Decode batch by batch; a batch's cases are let go one by one."""
        while self._batches:
            batch, forecast = self._batches.popleft()
            loaded = reading.load(batch)
            del batch
            self._call.errors += loaded.errors
            pending = deque(loaded.cases)
            loaded.cases.clear()
            self._call.known += sum(one.case.n_slices for _, one in pending)
            self._call.forecast -= forecast
            while pending:
                yield self._enter(*pending.popleft(), analyser)

    def _enter(self, place: Place, one: PendingCase, analyser: Analyser) -> _Decoded:
        case = one.case
        binding = [analyser.key(case), *binding_of(case), *self._binding_of_exports(case)]
        entry = self._folder.enter(place, one.names, case.sources[0], binding)
        if self._folder.reuse(entry, partial(is_case, case=case)):
            return _Decoded(entry, case.n_slices, None)
        return _Decoded(entry, case.n_slices, replace(case, case_id=entry.case_id))

    def _binding_of_exports(self, case: Case) -> list[str]:
        if not self._arguments.write:
            return []
        from pipeline.predictions.exports import binding_of_exports

        return binding_of_exports(case, self._arguments.write)

    def _analyse(self, analyser: Analyser, decoded: _Decoded) -> _Answered | None:
        call, case = self._call, decoded.case
        found = None
        if case is not None:
            analyser.load()

            def report(part: int, whole: int, message: str) -> None:
                call.advance(decoded.n_slices * part / whole, f"Analysing {decoded.entry.case_id}")

            try:
                result = analyser.analyse(case, progress=report)
                exported = case if self._arguments.write else None
                found = (decoded.entry, result, case.grid, exported)
            except Exception:  # whatever one case does to a library, the others keep their results
                _LOG.debug("case %s failed", case.case_id, exc_info=True)
                decoded.entry.failed = True
        call.done += decoded.n_slices
        call.advance(0, f"Analysing {decoded.entry.case_id}")
        return found

    def _write(self, answered: _Answered) -> None:
        entry, result, grid, exported = answered
        model = self._model
        volume = model.volume if model else None

        def write(output: Path) -> tuple[CaseRecord, dict[str, str]]:
            record, digests = write_masks(output, entry.case_id, result, grid, volume=volume)
            if exported is None:
                return record, digests
            from pipeline.predictions.exports import write_case_exports

            more, sentences = write_case_exports(
                output, exported, result, self._arguments.write, model=model
            )
            warnings = (*record.warnings, *sentences)
            return replace(record, warnings=warnings), digests | more

        self._folder.keep(entry, write)
