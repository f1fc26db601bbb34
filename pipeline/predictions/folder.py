"""The folder that ``predict`` writes to: each case as soon as it is finished, results.json last.

Cases get their final names when all of them are known; until then a case goes by the first name
that nobody has taken. Files are renamed at the end, which only cases of equal names need.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from pipeline.data.reading.loaded import Place
from pipeline.data.reading.names import safe_name
from pipeline.data.reading.own_results import OwnResults
from pipeline.data.reading.pending_cases import choose_names, take_name
from pipeline.predictions.checkpoints import Checkpoint, Checkpoints, remove_file
from pipeline.predictions.files import sweep_masks, writing
from pipeline.predictions.results import AnyCase, ImageResults, Results
from pipeline.storage.atomic_files import replacing, write_text
from pipeline.storage.checked_json import dump_json


@dataclass
class Entry(Generic[AnyCase]):
    """A case of this call.

    Attributes:
        place: Its position in results.json.
        names: What it may be called, best first.
        case_id: What it is called now.
        source: Its first file.
        checkpoint_name: Of the checkpoint that it leaves.
        checkpoint: What was written for it, None while it is not finished or where it failed.
        failed: Whether it cannot be analysed.
        reused: Whether an earlier call finished it.
    """

    place: Place
    names: tuple[str, ...]
    case_id: str
    source: str
    checkpoint_name: str
    checkpoint: Checkpoint[AnyCase] | None = None
    failed: bool = False
    reused: bool = False


class PredictionFolder(Generic[AnyCase]):
    """The output folder, held by one call at a time.

    Args:
        folder: Made where it does not exist.
        kind: Type of the cases.
        again: Whether nothing of an earlier call may be used.

    Raises:
        InputError: The folder cannot be written, or another call is writing to it.
    """

    def __init__(self, folder: Path, kind: type[AnyCase], *, again: bool = False) -> None:
        self.folder = folder
        self.entries: list[Entry[AnyCase]] = []
        self._again, self._taken = again, dict[str, int]()
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(folder / ".writable") as probe:
                probe.touch()
            (folder / ".writable").unlink()
            self.checkpoints = Checkpoints(folder, kind)

    def __enter__(self) -> PredictionFolder[AnyCase]:
        return self

    def __exit__(self, *error: object) -> None:
        self.checkpoints.close()

    @property
    def results(self) -> Path:
        """The document that is written last."""
        return self.folder / "results.json"

    def enter(
        self, place: Place, names: tuple[str, ...], source: str, binding: Sequence[object]
    ) -> Entry[AnyCase]:
        """Enter a case.

        Args:
            place: Its position in results.json.
            names: What it may be called, best first.
            source: Its first file.
            binding: All that its part of results.json depends on.
        """
        name = self.checkpoints.name_of(*binding)
        entry: Entry[AnyCase] = Entry(place, names, "", source, name)
        self.entries.append(entry)
        return entry

    def reuse(
        self, entry: Entry[AnyCase], check: Callable[[AnyCase, Mapping[str, str]], bool]
    ) -> bool:
        """Take what an earlier call finished; returns whether there was something that fits.

        Where there is not, the case gets a name that is free.

        Raises:
            FolderError: The folder cannot be written.
        """
        found = None if self._again else self.checkpoints.find(entry.checkpoint_name, check)
        if found is not None and found.record.case_id.lower() not in self._taken:
            entry.case_id = take_name(found.record.case_id, self._taken)
            entry.checkpoint, entry.reused = found, True
            return True
        entry.case_id = take_name(safe_name(entry.names[0]), self._taken)
        return False

    def keep(
        self, entry: Entry[AnyCase], write: Callable[[Path], tuple[AnyCase, dict[str, str]]]
    ) -> None:
        """Finish a case.

        Args:
            entry: The case.
            write: Given the output folder, writes the case's files; returns its part of
                results.json, and the digests of the files.

        Raises:
            FolderError: The folder cannot be written.
        """
        with writing(self.folder):
            # results.json of an earlier call would name masks that are replaced now.
            self.results.unlink(missing_ok=True)
            record, files = write(self.folder)
            checkpoint = Checkpoint(entry.checkpoint_name, record, files)
            self.checkpoints.keep(checkpoint)
        entry.checkpoint = checkpoint

    def finished(self) -> list[Entry[AnyCase]]:
        """The cases that are finished, in the order of results.json."""
        ordered = sorted(self.entries, key=lambda entry: entry.place)
        return [entry for entry in ordered if entry.checkpoint is not None]

    def records(self) -> list[AnyCase]:
        """Those of the finished cases, in the order of results.json."""
        found = [entry.checkpoint for entry in self.finished()]
        return [checkpoint.record for checkpoint in found if checkpoint is not None]

    def settle_names(self, rename: Callable[[AnyCase, str], AnyCase]) -> None:
        """Give all cases, those that failed too, their final names; files follow.

        Args:
            rename: Makes the record of a case by another name.

        Raises:
            FolderError: The folder cannot be written.
        """
        ordered = sorted(self.entries, key=lambda entry: entry.place)
        moves: list[tuple[str, str]] = []
        renamed: list[Checkpoint[AnyCase]] = []
        for entry, name in zip(ordered, choose_names([e.names for e in ordered]), strict=True):
            old, entry.case_id = entry.case_id, name
            before = entry.checkpoint
            if before is not None and old != name:
                moved = {file: _renamed(file, old, name) for file in before.files}
                moves += moved.items()
                digests = {moved[file]: digest for file, digest in before.files.items()}
                entry.checkpoint = Checkpoint(before.name, rename(before.record, name), digests)
                renamed.append(entry.checkpoint)
        if renamed:
            with writing(self.folder):
                self.results.unlink(missing_ok=True)
                _move(self.folder, moves)
                for checkpoint in renamed:
                    self.checkpoints.keep(checkpoint)

    def write_results(self, results: Results | ImageResults) -> None:
        """Write results.json in one step, unless it is there already.

        Raises:
            FolderError: The folder cannot be written.
        """
        content = dump_json(results)
        text = json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
        with writing(self.folder):
            if not self.results.is_file() or self.results.read_bytes() != text.encode():
                write_text(self.results, text)

    def clean(self) -> None:
        """Remove what earlier calls left: checkpoints and files of other cases, strays.

        Raises:
            FolderError: The folder cannot be written.
        """
        kept = [entry.checkpoint for entry in self.entries if entry.checkpoint is not None]
        with writing(self.folder):
            self.checkpoints.forget_others(kept)
            for checkpoint in kept:
                sweep_masks(self.folder, checkpoint.record.case_id, keep=checkpoint.files)


def _renamed(file: str, old: str, new: str) -> str:
    """A mask's file name for the same case by another name."""
    if file == f"masks/{old}.nii.gz":
        return f"masks/{new}.nii.gz"
    for home in ("masks", "exports"):
        if file.startswith(f"{home}/{old}/"):
            return file.replace(f"{home}/{old}/", f"{home}/{new}/", 1)
    return file


def _move(folder: Path, moves: Iterable[tuple[str, str]]) -> None:
    """Rename files by way of names that nobody has: two cases may change theirs."""
    listed = [(old, new, folder / f".parts/.moving-{k}") for k, (old, new) in enumerate(moves)]
    for old, _, between in listed:
        (folder / old).rename(between)
        remove_file(folder, old)
    for _, new, between in listed:
        (folder / new).parent.mkdir(parents=True, exist_ok=True)
        between.rename(folder / new)


def own_results(paths: Sequence[Path], folder: PredictionFolder[Any]) -> OwnResults:
    """Earlier results, where the output is in an input folder, or is one.

    In an input folder of which the output is a part, all of the output is passed over; where both
    are one, what earlier calls are known to have written.
    """
    here = folder.folder.resolve()
    given = [path.resolve() for path in paths]
    inside = any(here.is_relative_to(path) and here != path for path in given)
    written = folder.checkpoints.files() if here in given else ()
    return OwnResults(
        within=here if inside else None,
        given=frozenset(given),
        written=frozenset(here / file for file in written),
    )
