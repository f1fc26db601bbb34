"""What the name of a file says: its series, its number, its sequence, whether it is a mask."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.data.case import SequenceName
from pipeline.data.reading.mask_words import (
    Role,
    core_of,
    mask_spans,
    role_of_words,
    says_nothing,
)
from pipeline.data.sequences import (
    is_sequence_word,
    sequence_of_words,
    split_words,
)

_NUMBERED = re.compile(r"(?P<prefix>.*[^_])_(?P<number>\d{1,15})")
#: The public LGG set names its slices TCGA_<institution>_<patient>_<date>_<number>.
_LGG_SERIES = re.compile(r"TCGA_[A-Z0-9]{2}_[A-Z0-9]{4}_(?P<date>\d{8})")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
#: Long enough for any name that a person reads, short enough for every file system.
MAX_CASE_ID = 80


@dataclass(frozen=True)
class NameParts:
    """Parts of a file's name.

    Attributes:
        stem: The name without its suffix and without a mask word.
        prefix: What comes before ``_<number>``; the whole stem where there is no number.
        number: The slice's number, or None.
        base: The stem without the words that name a sequence, with its number.
        study: The prefix without the words that name a sequence: equal within one study.
        sequence: What the words say, or None.
        role: Whether the name says that this is a mask.
        is_lgg: Whether the name is one of the public LGG set's.
        whole: The stem with its mask words.
    """

    stem: str
    prefix: str
    number: int | None
    base: str
    study: str
    sequence: SequenceName | None
    role: Role
    is_lgg: bool
    whole: str

    @property
    def is_mask(self) -> bool:
        """Whether this is surely a mask."""
        return self.role in {Role.REFERENCE, Role.ANATOMY}


def strip_suffix(name: str, suffixes: Sequence[str] = ()) -> str:
    """Name of a file without its suffix, at most five letters long.

    Args:
        name: The file's own name.
        suffixes: Suffixes that count as one however long they are, such as ``.nii.gz``, the longest
            first.
    """
    for suffix in suffixes:
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and stem and len(suffix) <= 5 else name


def parse_name(stem: str) -> NameParts:
    """Read the parts of a file's name, which comes without its suffix.

    >>> parse_name("x_t1ce_12").study, parse_name("x_t1ce_12").number
    ('x', 12)
    """
    whole, words = stem, split_words(stem)
    role = role_of_words(words)
    if role in {Role.REFERENCE, Role.ANATOMY}:
        stem = _without(stem, mask_spans(words))
        words = split_words(stem)
    prefix, number = _split_number(stem)
    if _LGG_SERIES.fullmatch(prefix):
        return NameParts(stem, prefix, number, stem, prefix, None, role, True, whole)
    base = stem
    sequence = sequence_of_words(words)
    if sequence is not None:
        named = [(word.start, word.end) for word in words if is_sequence_word(word.text)]
        base = _without(stem, named)
        if number is None:
            number = _split_number(base)[1]  # x_12_flair
    study = _split_number(base)[0]
    if number is not None and re.fullmatch(f"0*{number}", study):
        study = ""  # flair_12: the number is all that was left
    return NameParts(stem, prefix, number, base, study, sequence, role, False, whole)


def _split_number(stem: str) -> tuple[str, int | None]:
    match = _NUMBERED.fullmatch(stem)
    return (match["prefix"], int(match["number"])) if match else (stem, None)


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    """Take out the words at ``spans``, each with the divider before it."""
    for start, end in reversed(spans):
        text = text[:start].rstrip("_-. +") + text[end:]
    return text.strip("_-. +")


def join_words(words: Sequence[str], *, last: str = "and") -> str:
    """Words in a sentence: ``A, B and C``.

    Args:
        words: At least one.
        last: The word before the last one.
    """
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def folder_names(key: str, *, with_parent: bool = False) -> list[str]:
    """Names of the user's folders and archives in a folder's key, the outermost first.

    Args:
        key: `InputFile.folder`: ``0:given/inner|archive.zip/inner``, or the whole path of the
            folder of a file that was given by itself.
        with_parent: Whether the folder of a file that was given by itself is one.
    """
    head, *inside = key.split("|")
    outer = head.split("/")
    if head.startswith("/"):
        outer = outer[-1:] if with_parent else []
    parts = [*outer, *(part for inner in inside for part in inner.split("/"))]
    return [re.sub(r"^\d+:", "", strip_suffix(part)) for part in parts if part]


def case_names(name: str, key: str) -> tuple[str, ...]:
    """What a case may be called: its file's name, or its folder's where that says nothing.

    >>> case_names("flair", "0:data/smith"), case_names("p7", "0:data/smith")
    (('smith', 'smith_flair', 'data_smith_flair'), ('p7', 'smith_p7', 'data_smith_p7'))

    Args:
        name: The name of the file, or of what several have in common.
        key: `InputFile.folder`.

    Returns:
        Names, best first; each later one has one more folder, for cases of equal names.
    """
    folders = folder_names(key)
    telling = [folder for folder in folders if core_of(folder) != ("", None)]
    if name and not (says_nothing(name) and telling):
        names = [name]
    else:
        names = (telling or folders or [""])[-1:]
    for chosen in (telling, folders):
        longer = name
        for folder in reversed(chosen):
            if folder != longer:
                longer = f"{folder}_{longer}" if longer else folder
                names.append(longer)
    return tuple(dict.fromkeys(names))


def lgg_labels(prefix: str) -> tuple[str, str]:
    """Patient and ISO study date of a series of the public LGG set."""
    match = _LGG_SERIES.fullmatch(prefix)
    if match is None:
        return prefix, ""
    date = match["date"]
    return prefix[:12], f"{date[:4]}-{date[4:6]}-{date[6:]}"


def safe_name(text: str, *, fallback: str = "case") -> str:
    """Name that is safe on every file system: letters, digits, ``. _ -``, no leading full stop."""
    name = _UNSAFE.sub("_", text.strip()).strip("._-")
    return name[:MAX_CASE_ID].rstrip("._-") or fallback
