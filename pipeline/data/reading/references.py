"""Which images each reference mask may belong to, by names and folders, before a pixel is decoded.

A mask's name leads to its image's by the words that are left when those for masks are taken out
(`keys_of_mask`, `keys_of_image`). It is looked for in its own folder, then in the folders that
differ only in words for images and masks (``images/1.png`` and ``masks/1.png``), then everywhere. A
mask whose name leads nowhere belongs to the only image beside it, or to one of a few between which
their places in space decide (`pipeline.data.reading.combining`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import PurePosixPath
from typing import Generic, TypeVar

from pipeline.data.case import Case
from pipeline.data.reading.format_kinds import Format, ImageFormat, InputFile
from pipeline.data.reading.mask_words import (
    Role,
    core_of,
    is_folder_of_images,
    mask_spans,
    role_of_folder,
    strip_folder,
)
from pipeline.data.reading.names import NameParts, folder_names, parse_name, strip_suffix
from pipeline.data.sequences import split_words

#: Images between which the place of a mask may decide; more are not decoded for it.
_MOST_CANDIDATES = 8
#: Letters of a name by which a mask finds its image in a folder that has nothing in common.
_TELLING_LETTERS = 3
FormatT = TypeVar("FormatT", bound=Format)
Target = TypeVar("Target", bound=Hashable)
Key = tuple[object, ...]


@dataclass(frozen=True, eq=False)
class NamedFile(Generic[FormatT]):
    """A file of pictures or of a volume, with what its name and folder say.

    Attributes:
        number: Place among all such files, in the order in which they were given.
        file: The file.
        parts: What its name says.
        role: What it is, by its name, its folder and the other files.
    """

    number: int
    file: InputFile[FormatT]
    parts: NameParts
    role: Role


class Bond(Enum):
    """What a mask and its image have in common."""

    NAME = "name"
    #: The image is the only one beside the mask.
    ALONE = "alone"
    #: One of few images; the place in space decides.
    PLACE = "place"


@dataclass(frozen=True)
class Match(Generic[Target]):
    """Images that a mask may belong to."""

    targets: tuple[Target, ...]
    bond: Bond


def name_files(
    files: Sequence[InputFile[FormatT]], *, others: bool = False
) -> list[NamedFile[FormatT]]:
    """Determine what each file is.

    Args:
        files: Files of pictures, or of volumes.
        others: Whether there are other images; without any, a folder's name does not make a mask.
    """
    beside_images = {
        skeleton_of(folder)
        for folder in {file.folder for file in files}
        if any(map(is_folder_of_images, folder_names(folder, with_parent=True)[-1:]))
    }
    named = [_name_file(k, file, by_folder=True) for k, file in enumerate(files)]
    named = [
        one  # pictures in a folder of tumors are as often a class of images
        if one.role is not Role.UNSURE
        or one.parts.role is Role.UNSURE
        or is_volume(one.file)
        or skeleton_of(one.file.folder) in beside_images
        else replace(one, role=Role.IMAGE)
        for one in named
    ]
    if not others and all(one.role is not Role.IMAGE for one in named):
        named = [_name_file(k, file, by_folder=False) for k, file in enumerate(files)]
    masked = {
        (skeleton_of(one.file.folder), key)
        for one in named
        if one.role is Role.REFERENCE
        for key in keys_of_mask(one.parts, is_volume=is_volume(one.file))
        if key[0] == "stem"
    }
    return [
        replace(one, role=Role.IMAGE)  # tumor_1 has a mask of its own, so that it is none
        if one.role is Role.UNSURE
        and (skeleton_of(one.file.folder), ("stem", one.parts.stem.lower())) in masked
        else one
        for one in named
    ]


def _name_file(number: int, file: InputFile[FormatT], *, by_folder: bool) -> NamedFile[FormatT]:
    parts = parse_name(file.stem)
    role = parts.role
    if by_folder and role in {Role.IMAGE, Role.UNSURE}:
        said = role_by_folders(file.folder)
        if said is Role.REFERENCE and parts.sequence is not None:
            said = Role.UNSURE
        role = role if said is Role.IMAGE else said
    return NamedFile(number, file, parts, role)


def role_by_folders(folder: str) -> Role:
    """What the folders in a folder's key say that their files are; the innermost one first."""
    for name in reversed(folder_names(folder, with_parent=True)):
        role = role_of_folder(name)
        if role is not Role.IMAGE or is_folder_of_images(name):
            return role
    return Role.IMAGE


def skeleton_of(folder: str) -> str:
    """Folder without the words for images and masks, and without BIDS derivatives.

    Files that were given one by one have no folder: they are assumed to belong together.
    """
    parts = folder_names(folder)
    kept: list[str] = []
    skip = False
    for part in parts:
        if skip or part.lower() == "derivatives":
            skip = not skip
            continue
        kept.append(strip_folder(part))
    return "/".join(part for part in kept if part)


def keys_of_image(parts: NameParts, *, is_volume: bool) -> list[Key]:
    """Keys by which masks find an image, the strictest first."""
    keys: list[Key] = [("stem", parts.stem.lower())]
    if parts.sequence is not None:
        keys.append(("study", parts.study.lower(), parts.number))
    if is_volume:
        keys.append(("base", parts.base.lower()))
    text, number = core_of(parts.stem, with_channels=is_volume)
    keys += [("core", text, number), ("group", text)]
    return [key for key in keys if key not in _EMPTY]


_EMPTY: frozenset[Key] = frozenset(
    {("stem", ""), ("base", ""), ("core", "", None), ("study", "", None), ("group", "")}
)


def keys_of_mask(parts: NameParts, *, is_volume: bool) -> list[Key]:
    """Keys by which a mask looks for its image, the strictest first."""
    stems = [parts.stem]
    words = split_words(parts.whole)
    spans = mask_spans(words)
    if spans:  # x_mask_2 is the second mask of x
        stems.append(parts.whole[: spans[0][0]].strip("_-. +"))
    else:
        stems += [parts.whole[: word.start].strip("_-. +") for word in words[1:][-1:]]
    keys: list[Key] = []
    for stem in stems:
        named = parse_name(stem)
        keys += [
            ("stem", stem.lower()),
            ("study", named.study.lower(), named.number),
            ("base", named.base.lower()),
        ]
    text, number = core_of(parts.whole, with_channels=is_volume)
    keys.append(("core", text, number))
    if number is None:  # one mask of a whole stack
        keys.append(("group", text))
    return [key for key in dict.fromkeys(keys) if key not in _EMPTY]


def slices_of_names(stems: Sequence[str], case: Case) -> list[int | None]:
    """Slice of a case to which each name of a mask leads, by the names of the case's files.

    Args:
        stems: Names without their suffixes.
        case: The case.
    """
    slices: dict[Key, int] = {}
    for k, source in enumerate(case.sources):
        parts = parse_name(strip_suffix(PurePosixPath(source).name))
        for key in keys_of_image(parts, is_volume=False):
            if key[0] != "group":
                slices.setdefault(key, k)
    found: list[int | None] = []
    for stem in stems:
        keys = keys_of_mask(parse_name(stem), is_volume=False)
        found.append(next((slices[key] for key in keys if key in slices), None))
    return found


class ImageIndex(Generic[Target]):
    """Images by the keys of their names and by their folders.

    Args:
        places: Whether images lie in space, so that the place of a mask can decide between them.
    """

    def __init__(self, *, places: bool) -> None:
        self._places = places
        self._by_key: dict[str, dict[Key, list[Target]]] = defaultdict(lambda: defaultdict(list))
        self._folders: dict[str, list[str]] = defaultdict(list)
        self._everywhere: dict[Key, list[Target]] = defaultdict(list)
        self._in_folder: dict[str, list[Target]] = defaultdict(list)

    def add(self, folder: str, keys: Iterable[Key], target: Target) -> None:
        """Add an image, or one that has no name to go by (no keys)."""
        if folder not in self._in_folder:
            self._folders[skeleton_of(folder)].append(folder)
        self._in_folder[folder].append(target)
        for key in keys:
            self._by_key[folder][key].append(target)
            self._everywhere[key].append(target)

    def find(self, folder: str, keys: Sequence[Key]) -> Match[Target] | None:
        """Images that a mask in a folder may belong to, or None."""
        skeleton = skeleton_of(folder)
        scopes = [[folder], self._folders.get(skeleton, [])]
        for scope in scopes:
            for key in keys:
                hits = [hit for one in scope for hit in self._hits(one, key)]
                if hits:
                    return Match(tuple(dict.fromkeys(hits)), Bond.NAME)
        wider = self._around(skeleton)
        for key in keys:
            found = [(one, hit) for one in wider for hit in self._hits(one, key)]
            if found and len({one for one, _ in found}) == 1:
                return Match(tuple(dict.fromkeys(hit for _, hit in found)), Bond.NAME)
        for key in keys:
            hits = list(dict.fromkeys(self._everywhere.get(key, ())))
            if len(hits) == 1 and len(core_of(str(key[1]))[0]) >= _TELLING_LETTERS:
                return Match((hits[0],), Bond.NAME)
        for scope in (*scopes, wider):
            targets = list(dict.fromkeys(hit for one in scope for hit in self._in(one)))
            if len(targets) == 1:
                return Match((targets[0],), Bond.ALONE)
            if targets and self._places and len(targets) <= _MOST_CANDIDATES:
                return Match(tuple(targets), Bond.PLACE)
            if targets:
                return None
        return None

    def _around(self, skeleton: str) -> list[str]:
        """Folders that lie in another, or around it, by their skeletons."""
        return [
            one
            for other, folders in self._folders.items()
            if not other
            or not skeleton
            or f"{other}/".startswith(f"{skeleton}/")
            or f"{skeleton}/".startswith(f"{other}/")
            for one in folders
        ]

    def has(self, folder: str, key: Key) -> bool:
        """Whether an image of a folder, or of one that belongs to it, has a key."""
        folders = [folder, *self._folders.get(skeleton_of(folder), [])]
        return any(self._hits(one, key) for one in folders)

    def _hits(self, folder: str, key: Key) -> list[Target]:
        return self._by_key[folder].get(key, []) if folder in self._by_key else []

    def _in(self, folder: str) -> list[Target]:
        return self._in_folder.get(folder, [])


def is_volume(file: InputFile[FormatT]) -> bool:
    """Whether a file holds a volume rather than a picture."""
    return not isinstance(file.format, ImageFormat)
