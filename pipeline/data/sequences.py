"""Which MRI sequence an image is, by words in names and by DICOM tags."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.data.case import SequenceName

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_WORD = re.compile(r"[a-z0-9]+|\+c\b|\+", re.IGNORECASE)
_FLAIR = re.compile(r"[a-z0-9]*flair[a-z0-9]*|t2f|tirm|darkfluid")
_POST = re.compile(r"t1w?(c|ce|gd|gad|km|post|contrast)")
_CONTRAST = re.compile(
    r"post|postcontrast|postgad|postgd|gd|gad|gado|gadolinium|ce|contrast|\+c|km"
)
_PRE = re.compile(r"t1|t1w|t1wi|t1n|t1pre|t1(se|tse|fse|ffe|tfe|mprage|mpr|spgr|vibe|space|tra|ax)")
_PRE_WORDS = re.compile(r"pre|precontrast|mprage|spgr|fspgr|bravo")
_T2 = re.compile(r"t2|t2w|t2wi|t2(se|tse|fse|space|tra|ax)")
_OTHER = re.compile(
    r"dwi|dti|adc|trace|swi|swan|t2star|hemo|perf|pwi|dsc|dce|asl|bold|tof|mra|mrv|pd|pdw"
    r"|localizer|localiser|scout|survey|rcbv|cbv|cbf|mtt|t1map|t2map"
)
MASK_WORDS = frozenset({"mask", "seg", "segmentation"})
#: After "pre" or "post" these speak of the operation, not of the contrast agent.
_TIMING_WORDS = frozenset({"op", "operative", "surgery", "surgical", "treatment", "therapy", "rt"})

#: Before "contrast", "gd" and the like these say that there was none.
_WITHOUT_WORDS = frozenset({"pre", "non", "no", "without", "wo"})

#: Sequences of one study that become the channels of one case, in this order.
COMBINABLE = (SequenceName.PRE, SequenceName.FLAIR, SequenceName.POST, SequenceName.T2)
#: What three channels without names are taken to be: those of the public LGG set.
COLOUR_SEQUENCES = (SequenceName.PRE, SequenceName.FLAIR, SequenceName.POST)

#: Labels by a sequence's value, where there is room and where there is little.
SEQUENCE_LABELS = {
    SequenceName.FLAIR.value: "FLAIR",
    SequenceName.PRE.value: "T1 pre-contrast",
    SequenceName.POST.value: "T1 post-contrast",
    SequenceName.T2.value: "T2",
    SequenceName.OTHER.value: "Other sequence",
    SequenceName.UNKNOWN.value: "Unknown sequence",
}
SHORT_SEQUENCE_LABELS = {
    SequenceName.FLAIR.value: "FLAIR",
    SequenceName.PRE.value: "T1",
    SequenceName.POST.value: "T1c",
    SequenceName.T2.value: "T2",
    SequenceName.OTHER.value: "other",
}
#: Words for a sentence.
SEQUENCE_WORDS = {
    SequenceName.PRE: "T1 without contrast",
    SequenceName.POST: "T1 with contrast",
    SequenceName.T2: "T2",
    SequenceName.OTHER: "a sequence other than FLAIR",
}


@dataclass(frozen=True)
class Word:
    """One word of a name, lower case, with its place in it."""

    text: str
    start: int
    end: int


def split_words(name: str) -> list[Word]:
    """Words of a name; underscore, hyphen, blank and full stop divide them."""
    words = [Word(m[0].lower(), m.start(), m.end()) for m in _WORD.finditer(name)]
    texts = [word.text for word in words]
    return [
        word
        for before, word, after in zip(["", *texts], words, [*texts[1:], ""], strict=False)
        if not (word.text in {"pre", "post"} and after in _TIMING_WORDS)
        and not (
            before in _WITHOUT_WORDS and word.text != "post" and _CONTRAST.fullmatch(word.text)
        )
    ]


def sequence_of_words(words: Iterable[str]) -> SequenceName | None:
    """Sequence that a name's words say, or None where they say nothing.

    A "T1 FLAIR" is a T1-weighted image; FLAIR after contrast stays FLAIR.
    """
    known = set(words)

    def has(pattern: re.Pattern[str]) -> bool:
        return any(pattern.fullmatch(word) for word in known)

    other, t1 = has(_OTHER), has(_PRE) or has(_POST)
    if has(_FLAIR) or {"dark", "fluid"} <= known:
        if not t1:
            return SequenceName.FLAIR
    elif other:
        return SequenceName.OTHER
    contrast = has(_CONTRAST) or {"c", "+"} <= known
    if has(_POST) or (t1 and contrast):
        return SequenceName.POST
    if has(_T2) and not t1:
        return SequenceName.T2
    if t1:
        return SequenceName.PRE
    if known & {"post", "postcontrast"}:
        return SequenceName.POST
    if has(_PRE_WORDS):
        return SequenceName.POST if contrast else SequenceName.PRE
    return None


def is_sequence_word(word: str) -> bool:
    """Whether a word alone names a sequence, so that it may be left out of a study's name."""
    patterns = (_FLAIR, _POST, _PRE, _T2)
    return any(p.fullmatch(word) for p in patterns) or word in {"pre", "post", "postcontrast"}


def sequence_of_dicom(dataset: Dataset) -> SequenceName:
    """Sequence of a DICOM series: its own words first, then its timing.

    The fall-back follows the physics: FLAIR nulls fluid (inversion time 1.5 to 3 s) at a long echo
    time; T1 has short echo and repetition times, T2 long ones.
    """
    for keyword in ("SeriesDescription", "ProtocolName", "SequenceName"):
        text = str(dataset.get(keyword, "") or "")
        named = sequence_of_words(word.text for word in split_words(text.replace("*", "star")))
        if named is SequenceName.PRE and _has_contrast(dataset):
            return SequenceName.POST
        if named is not None:
            return named
    return _sequence_of_timing(dataset)


def _has_contrast(dataset: Dataset) -> bool:
    agent = str(dataset.get("ContrastBolusAgent", "") or "").strip().lower()
    return agent not in {"", "no", "none", "n", "0", "without"}


def _sequence_of_timing(dataset: Dataset) -> SequenceName:
    echo, repetition, inversion = (
        _number(dataset, keyword) for keyword in ("EchoTime", "RepetitionTime", "InversionTime")
    )
    if echo is None:
        return SequenceName.UNKNOWN
    if inversion is not None and 1500 <= inversion <= 3000 and echo > 70:
        return SequenceName.FLAIR
    if repetition is None:
        return SequenceName.UNKNOWN
    if echo < 30 and (repetition < 1000 or (inversion is not None and 300 <= inversion <= 1300)):
        return SequenceName.POST if _has_contrast(dataset) else SequenceName.PRE
    if echo > 70 and repetition > 2000 and not inversion:
        return SequenceName.T2
    return SequenceName.UNKNOWN


def _number(dataset: Dataset, keyword: str) -> float | None:
    try:
        value = float(dataset.get(keyword))
    except (TypeError, ValueError):
        return None
    return value or None


def sequence_warnings(sequences: Iterable[SequenceName]) -> tuple[str, ...]:
    """What a reader must know where a case is not FLAIR, or may not be."""
    known = tuple(dict.fromkeys(sequences))
    if SequenceName.FLAIR in known:
        return ()
    end = "the models were trained on FLAIR. Read the result with care."
    if SequenceName.UNKNOWN in known:
        return (f"The sequence of this image is not known; {end}",)
    words = " and ".join(SEQUENCE_WORDS[name] for name in known)
    return (f"This is {words}, not FLAIR; {end}",)
