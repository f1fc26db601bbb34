"""One call of ``predict``, whatever the task: what is counted, what went wrong, how it ends."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from pipeline.commands.console import ProgressBar, complain, say
from pipeline.data.reading.loaded import Place
from pipeline.data.reading.passed_over import split_passed_over
from pipeline.errors import Cancelled, InputError
from pipeline.predictions.files import FolderError
from pipeline.predictions.folder import Entry, PredictionFolder
from pipeline.predictions.overlapping import overlap
from pipeline.predictions.results import AnyCase, ImageResults, Results

Item = TypeVar("Item")
Result = TypeVar("Result")

INTERRUPTED = 130
RESUME = "Run the same command again to resume."


class PredictionCall(Generic[AnyCase]):
    """Runs the stages of one call and writes what came of it, however it ends.

    Args:
        folder: The output folder.
        unit: What is counted: ``slice`` or ``image``.
        group: What holds it, in a sentence: ``case``; "" where each is its own.
        describe: Makes results.json of cases and errors.

    Attributes:
        folder: The output folder.
        errors: Sentences with their places, in any order.
        notices: Sentences on files that were passed over.
        n_files: Files that were found, once that is known.
        forecast: How many there are in files that are not decoded yet, as far as is known.
        known: How many there are in those that are.
        done: How many of them are through.
    """

    def __init__(
        self,
        folder: PredictionFolder[AnyCase],
        *,
        unit: str,
        group: str,
        describe: Callable[[Sequence[AnyCase], Sequence[InputError]], Results | ImageResults],
    ) -> None:
        self.folder = folder
        self._bar: ProgressBar | None = None
        self.errors: list[tuple[Place, InputError]] = []
        self.notices: tuple[str, ...] = ()
        self.n_files = 0
        self.forecast = self.known = self.done = 0
        self._unit, self._group, self._describe = unit, group, describe
        self._started = time.monotonic()
        self._stopping = False

    def advance(self, count: float, message: str) -> None:
        """Show progress within the current case, in addition to those that are done."""
        if self._bar is None:
            self._bar = ProgressBar(f" {self._unit}s")
        self._bar(self.done + int(count), self.known + max(self.forecast, 0), message)

    def check_stop(self, done: int, total: int, message: str) -> None:
        """Progress of what runs in another thread.

        Raises:
            Cancelled: The call is ending.
        """
        if self._stopping:
            raise Cancelled

    def run_stages(
        self,
        items: Generator[Item, None, None],
        work: Callable[[Item], Result | None],
        keep: Callable[[Result], None],
        *,
        size_of: Callable[[Item], int],
    ) -> None:
        """`pipeline.predictions.overlapping.overlap`, in which `check_stop` ends the reading."""
        overlap(items, work, keep, size_of=size_of, stop=self._stop)

    def carry_out(
        self,
        stages: Callable[[], None],
        *,
        rename: Callable[[AnyCase, str], AnyCase] | None = None,
    ) -> int:
        """Run everything and end the call.

        Args:
            stages: Reads, analyses and writes.
            rename: Makes the record of a case by another name, where cases get their final names
                at the end.

        Returns:
            The exit status.

        Raises:
            InputError: The models cannot run; nothing was written.
        """
        try:
            try:
                stages()
            finally:
                if self._bar is not None:
                    self._bar.close()
            if rename is not None:
                self.folder.settle_names(rename)
            return self._end_well()
        except KeyboardInterrupt:
            self._end_early("Stopped before the end.")
            return INTERRUPTED
        except FolderError as error:
            self._end_early(error.message)
            return 1

    def _stop(self) -> None:
        self._stopping = True

    def _end_well(self) -> int:
        everything = self._sorted_errors()
        errors = self._sort_out(everything)
        self.folder.write_results(self._document(errors))
        self.folder.clean()
        for error in errors:
            complain(error.message)
        for notice in self.notices:
            say(notice)
        say(f"Results are in {self.folder.results}")
        say(self._summary(sum(error.n_files for error in everything)))
        return 1 if errors else 0

    def _end_early(self, why: str) -> None:
        """Save what is finished, and report how to continue."""
        self._stopping = True
        entries = self.folder.finished()
        verb = "is" if _slices(entries) == 1 else "are"
        kept = f"{self._count(entries)} {verb} finished and saved"
        if not entries:
            kept = "Nothing is finished yet"
        errors = self._sort_out(self._sorted_errors())
        if entries and not self.folder.results.exists():
            note = InputError("", f"{why} {kept}. {RESUME}")
            document = self._document([*errors, note])
            with contextlib.suppress(FolderError):
                self.folder.write_results(document)
        for error in errors:
            complain(error.message)
        complain(f"{why} {kept}. {RESUME}")

    def _document(self, errors: Sequence[InputError]) -> Results | ImageResults:
        results = self._describe(self.folder.records(), errors)
        return replace(results, notices=tuple(self.notices))

    def _sorted_errors(self) -> list[InputError]:
        """All sentences: of reading in the order of the input, then of analysing."""
        errors = [error for _, error in sorted(self.errors, key=lambda pair: pair[0])]
        for entry in sorted(self.folder.entries, key=lambda entry: entry.place):
            if entry.failed:
                name = Path(entry.source).name
                message = (
                    f"{name} was read as {entry.case_id} but cannot be analysed; it is left out."
                )
                errors.append(InputError(entry.source, message))
        return errors

    def _sort_out(self, errors: Sequence[InputError]) -> tuple[InputError, ...]:
        """The errors among them; what holds nothing to analyse joins the notices beside cases."""
        found, more = split_passed_over(errors, has_cases=bool(self.folder.finished()))
        self.notices = (*self.notices, *more)
        return found

    def _summary(self, left_out: int) -> str:
        entries = self.folder.finished()
        made = [entry for entry in entries if not entry.reused]
        reused = [entry for entry in entries if entry.reused]
        seconds = max(time.monotonic() - self._started, 1e-3)
        words = []
        if made:
            rate = f"{_slices(made) / seconds:.1f} {self._unit}s/s"
            words.append(f"{self._count(made)} in {seconds:.1f} s, {rate}.")
        if reused and made:
            words.append(f"Finished before: {self._count(reused)}.")
        elif reused:
            words.append(
                f"Nothing was left to do. Finished before: {self._count(reused)}. Give --again to"
                " compute them again."
            )
        elif not made:
            words.append(f"There was no {self._unit} to analyse.")
        if left_out:
            files = _plural(max(self.n_files, left_out), "file")
            verb = "was" if left_out == 1 else "were"
            words.append(f"{left_out:,} of {files} {verb} left out, for the reasons above.")
        return " ".join(words)

    def _count(self, entries: Sequence[Entry[Any]]) -> str:
        """So many slices of so many cases."""
        words = _plural(_slices(entries), self._unit)
        return f"{words} of {_plural(len(entries), self._group)}" if self._group else words


def _slices(entries: Iterable[Entry[Any]]) -> int:
    records = [entry.checkpoint.record for entry in entries if entry.checkpoint is not None]
    return sum(len(record.slices) for record in records)


def _plural(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}"
