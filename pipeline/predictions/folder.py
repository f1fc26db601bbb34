"""The folder that ``predict`` writes to: each case as soon as it is finished, results.json last.

Cases get their final names when all of them are known; until then a case goes by the first name
that nobody has taken. Files are renamed at the end, which only cases of equal names need.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.data.reading.batches import Place
from pipeline.data.reading.format_kinds import InputFile
from pipeline.data.reading.names import safe_name
from pipeline.data.reading.pending_cases import choose_names, take_name
from pipeline.predictions.checkpoints import FinishedParts, Part, remove_file
from pipeline.predictions.files import rename_case, sweep_masks, writing
from pipeline.storage.atomic_files import replacing
from pipeline.storage.checked_json import Fields

Check = Callable[[Fields, Mapping[str, str]], None]


@dataclass
class Entry:
    """A case of this call.

    Attributes:
        place: Where it stands in results.json.
        names: What it may be called, best first.
        case_id: What it is called now.
        source: Its first file.
        part_name: Of the part that it leaves.
        part: What was written for it, None while it is not finished or where it failed.
        failed: Whether it cannot be analysed.
        reused: Whether an earlier call finished it.
    """

    place: Place
    names: tuple[str, ...]
    case_id: str
    source: str
    part_name: str
    part: Part | None = None
    failed: bool = False
    reused: bool = False


class PredictionFolder:
    """The output folder, held by one call at a time.

    Args:
        folder: Made where it does not exist.
        again: Whether nothing of an earlier call may be used.

    Raises:
        InputError: The folder cannot be written, or another call is writing to it.
    """

    def __init__(self, folder: Path, *, again: bool = False) -> None:
        self.folder = folder
        self.entries: list[Entry] = []
        self._again, self._taken = again, set[str]()
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(folder / ".writable") as probe:
                probe.touch()
            (folder / ".writable").unlink()
            self.parts = FinishedParts(folder)

    def __enter__(self) -> PredictionFolder:
        return self

    def __exit__(self, *error: object) -> None:
        self.parts.close()

    @property
    def results(self) -> Path:
        """The document that is written last."""
        return self.folder / "results.json"

    def enter(
        self, place: Place, names: tuple[str, ...], source: str, binding: Sequence[object]
    ) -> Entry:
        """Enter a case.

        Args:
            place: Where it stands in results.json.
            names: What it may be called, best first.
            source: Its first file.
            binding: All that its part of results.json depends on.
        """
        part_name = self.parts.name_of(*binding)
        entry = Entry(place, names, "", source, part_name)
        self.entries.append(entry)
        return entry

    def reuse(self, entry: Entry, check: Check) -> bool:
        """Take what an earlier call finished; returns whether there was something that fits.

        Where there is not, the case gets a name that is free.

        Raises:
            FolderError: The folder cannot be written.
        """
        part = None if self._again else self.parts.find(entry.part_name, check)
        if part is not None and part.content["case_id"].lower() not in self._taken:
            entry.case_id = take_name(part.content["case_id"], self._taken)
            entry.part, entry.reused = part, True
            return True
        entry.case_id = take_name(safe_name(entry.names[0]), self._taken)
        return False

    def keep(
        self, entry: Entry, write: Callable[[Path], tuple[dict[str, Any], dict[str, str]]]
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
            # The document of an earlier call would tell of masks that are replaced now.
            self.results.unlink(missing_ok=True)
            content, files = write(self.folder)
            part = Part(entry.part_name, content, files)
            self.parts.keep(part)
        entry.part = part

    def finished(self) -> list[Entry]:
        """The cases that are finished, in the order of results.json."""
        ordered = sorted(self.entries, key=lambda entry: entry.place)
        return [entry for entry in ordered if entry.part is not None]

    def settle_names(self) -> None:
        """Give all cases, those that failed too, their final names; files follow.

        Raises:
            FolderError: The folder cannot be written.
        """
        ordered = sorted(self.entries, key=lambda entry: entry.place)
        moves: list[tuple[str, str]] = []
        renamed: list[Part] = []
        for entry, name in zip(ordered, choose_names([e.names for e in ordered]), strict=True):
            old, entry.case_id = entry.case_id, name
            if entry.part is not None and old != name:
                files = {_renamed(file, old, name): file for file in entry.part.files}
                moves += [(file, new) for new, file in files.items()]
                digests = {new: entry.part.files[file] for new, file in files.items()}
                entry.part = Part(entry.part_name, rename_case(entry.part.content, name), digests)
                renamed.append(entry.part)
        if renamed:
            with writing(self.folder):
                self.results.unlink(missing_ok=True)
                _move(self.folder, moves)
                for part in renamed:
                    self.parts.keep(part)

    def write_results(self, document: Mapping[str, Any]) -> None:
        """Write results.json in one step, unless it stands there already.

        Raises:
            FolderError: The folder cannot be written.
        """
        text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
        with writing(self.folder):
            if not self.results.is_file() or self.results.read_bytes() != text.encode():
                with replacing(self.results) as draft:
                    draft.write_text(text, encoding="utf-8")

    def clean(self) -> None:
        """Remove what earlier calls left: parts and files of other cases, strays.

        Raises:
            FolderError: The folder cannot be written.
        """
        parts = [entry.part for entry in self.entries if entry.part is not None]
        with writing(self.folder):
            self.parts.forget_others(parts)
            for part in parts:
                sweep_masks(self.folder, part.content["case_id"], keep=part.files)


def _renamed(file: str, old: str, new: str) -> str:
    """A mask's file name for the same case by another name."""
    if file == f"masks/{old}.nii.gz":
        return f"masks/{new}.nii.gz"
    return file.replace(f"masks/{old}/", f"masks/{new}/", 1)


def _move(folder: Path, moves: Iterable[tuple[str, str]]) -> None:
    """Rename files by way of names that nobody has: two cases may change theirs."""
    listed = [(old, new, folder / f"masks/.moving-{k}") for k, (old, new) in enumerate(moves)]
    for old, _, between in listed:
        (folder / old).rename(between)
        remove_file(folder, old)
    for _, new, between in listed:
        (folder / new).parent.mkdir(parents=True, exist_ok=True)
        between.rename(folder / new)


def own_files(paths: Sequence[Path], folder: PredictionFolder) -> Callable[[InputFile], bool]:
    """Tell files of earlier results, where the output lies in an input folder, or is one.

    In an input folder of which the output is a part, all of the output is passed over; where both
    are one, what earlier calls are known to have written.
    """
    here = folder.folder.resolve()
    given = [path.resolve() for path in paths]
    inside = any(here.is_relative_to(path) and here != path for path in given)
    written = {here / file for file in folder.parts.files()} if here in given else set()

    def is_own(file: InputFile) -> bool:
        path = file.path.resolve()
        return path in written or (inside and path.is_relative_to(here) and path not in given)

    return is_own
