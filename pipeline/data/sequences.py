"""Which MRI sequence an image is, by words in names and by DICOM tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from pipeline.data.case import SequenceName
from pipeline.data.cautions import Caution, InputAspect, Severity

#: Names whose words are remembered: each name of a folder is asked for about ten times.
KNOWN_NAMES = 8192
_WORD = re.compile(r"[a-z0-9]+|\+c\b|\+", re.IGNORECASE)
_FLAIR = re.compile(r"[a-z0-9]*flair[a-z0-9]*|t2f|tirm|da(rk)?fl(uid)?")
#: Pairs of words that mean the same: Siemens' dark fluid, and the contrast of enhanced objects.
_FLAIR_PAIRS = frozenset(
    {("dark", "fluid"), ("dark", "fl"), ("da", "fl"), ("da", "fluid"), ("fluid", "attenuated")}
)
_POST = re.compile(r"t1w?(c|ce|gd|gad|km|post|contrast)")
_CONTRAST = re.compile(
    r"post|postcontrast|postgad|postgd|gd|gad|gado|gadolinium|ce|contrast|\+c|km"
)
_PRE = re.compile(r"t1|t1w|t1wi|t1n|t1pre|t1(se|tse|fse|ffe|tfe|mprage|mpr|spgr|vibe|space|tra|ax)")
_PRE_WORDS = re.compile(r"pre|precontrast|mprage|spgr|fspgr|bravo")
_T2 = re.compile(r"t2|t2w|t2wi|t2(se|tse|fse|space|tra|ax)")
_OTHER = re.compile(
    r"dwi|dti|diff|diffusion|e?adc|trace|tracew|swi|swan|t2star|hemo|perf|perfusion|pwi|dsc|dce|asl"
    r"|bold|tof|mra|mrv|pd|pdw|localizer|localiser|scout|survey|rcbv|cbv|cbf|mtt|t1map|t2map"
)
MASK_WORDS = frozenset({"mask", "seg", "segmentation"})
#: After "pre" or "post" these speak of the operation, not of the contrast agent.
_TIMING_WORDS = frozenset({"op", "operative", "surgery", "surgical", "treatment", "therapy", "rt"})

#: After these a name says to what the image was registered, not what it is: flair_to_t1.
_REGISTERED_WORDS = frozenset({"to", "onto", "into", "in", "on", "reg", "coreg", "registered"})
#: Keys of BIDS names, as in space-T1w, whose values are not the image's own sequence.
_OTHER_KEYS = frozenset({"space", "acq", "from", "to", "ref", "desc", "res"})

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
}


@dataclass(frozen=True)
class Word:
    """One word of a name.

    Attributes:
        text: In lower case.
        start: Where it begins in the name.
        end: Where it ends.
        of_other: Whether it speaks of another image, to which this one was registered.
    """

    text: str
    start: int
    end: int
    of_other: bool = False


@lru_cache(KNOWN_NAMES)
def split_words(name: str) -> tuple[Word, ...]:
    """Words of a name; underscore, hyphen, blank and full stop divide them."""
    found = list(_WORD.finditer(name))
    texts = [match[0].lower() for match in found]
    words = []
    for k, (text, match) in enumerate(zip(texts, found, strict=True)):
        before = texts[k - 1] if k else ""
        after = texts[k + 1] if k + 1 < len(texts) else ""
        if text in {"pre", "post"} and after in _TIMING_WORDS:
            continue
        if before in _WITHOUT_WORDS and text != "post" and _CONTRAST.fullmatch(text):
            continue
        is_value = before in _OTHER_KEYS and name[match.start() - 1] == "-"
        of_other = is_value or before in _REGISTERED_WORDS
        words.append(Word(text, match.start(), match.end(), of_other))
    return tuple(words)


def sequence_of_words(words: Iterable[Word]) -> SequenceName | None:
    """Sequence that a name's words say, or None where they say nothing.

    A "T1 FLAIR" is a T1-weighted image; FLAIR after contrast stays FLAIR. Words on another image,
    as in ``space-T1w_FLAIR`` and ``flair_to_t1``, count where no others name a sequence.
    """
    listed = list(words)
    own = _sequence_of_texts([word.text for word in listed if not word.of_other])
    return own or _sequence_of_texts([word.text for word in listed])


def _sequence_of_texts(texts: Sequence[str]) -> SequenceName | None:
    known = set(texts)

    def has(pattern: re.Pattern[str]) -> bool:
        return any(pattern.fullmatch(word) for word in known)

    other, t1 = has(_OTHER), has(_PRE) or has(_POST)
    if has(_FLAIR) or any(pair in _FLAIR_PAIRS for pair in pairwise(texts)):
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


@dataclass(frozen=True)
class Timing:
    """Times of an acquisition in milliseconds; None where they are not stated."""

    echo: float | None = None
    repetition: float | None = None
    inversion: float | None = None


def sequence_of_series(
    descriptions: Sequence[str], timing: Timing, *, with_contrast: bool = False
) -> SequenceName:
    """Sequence of a series of slices: by its timing where that is conclusive, else by its words.

    What timing cannot show (diffusion, perfusion, vessels) is known by words alone, and comes
    first. A FLAIR whose inversion time is not stated looks like T2, so that its name counts.

    Args:
        descriptions: What the series says of itself, the best text first.
        timing: Of these slices.
        with_contrast: Whether a contrast agent is stated.
    """
    named = None
    for text in descriptions:
        named = named or sequence_of_words(split_words(text.replace("*", "star")))
    timed = _sequence_of_timing(timing)
    if named is SequenceName.OTHER:
        is_double_echo = timed is SequenceName.T2 and _is_double_echo(descriptions)
        return timed if is_double_echo else named
    if named is None or timed is SequenceName.FLAIR:
        sequence = timed
    elif timed is SequenceName.PRE and (named is SequenceName.FLAIR or _is_spin_echo_t1(timing)):
        sequence = named if named is SequenceName.POST else timed
    elif timed is SequenceName.T2 and named in {SequenceName.PRE, SequenceName.POST}:
        sequence = timed
    else:
        sequence = named
    return SequenceName.POST if sequence is SequenceName.PRE and with_contrast else sequence


def _is_double_echo(descriptions: Iterable[str]) -> bool:
    """Whether words name both echoes of a series, as "PD/T2" does."""
    words = {word.text for text in descriptions for word in split_words(text)}
    return bool(words & {"pd", "pdw"}) and any(_T2.fullmatch(word) for word in words)


def _sequence_of_timing(timing: Timing) -> SequenceName:
    """What the physics says, or unknown.

    FLAIR nulls fluid (inversion time 1.5 to 3 s) at a long echo time; T1 has short echo and
    repetition times, T2 long ones.
    """
    echo, repetition, inversion = timing.echo, timing.repetition, timing.inversion
    if echo is None:
        return SequenceName.UNKNOWN
    if inversion is not None and 1500 <= inversion <= 3000 and echo > 70:
        return SequenceName.FLAIR
    if repetition is None:
        return SequenceName.UNKNOWN
    if echo < 30 and (repetition < 1000 or (inversion is not None and 300 <= inversion <= 1300)):
        return SequenceName.PRE
    if echo > 70 and repetition > 2000 and not inversion:
        return SequenceName.T2
    return SequenceName.UNKNOWN


def _is_spin_echo_t1(timing: Timing) -> bool:
    """Whether times of T1 weighting are not those of a fast gradient echo, which may be T2."""
    echo, repetition = timing.echo or 0.0, timing.repetition or 0.0
    return echo <= 20 and repetition >= 300


def sequence_cautions(sequences: Iterable[SequenceName]) -> tuple[Caution, ...]:
    """The caution for a case that is not FLAIR, or may not be; none for one with FLAIR.

    Where the sequence is unknown a reader may know that the images are FLAIR; the files do not say
    so, and nothing is claimed.
    """
    known = tuple(dict.fromkeys(sequences))
    if SequenceName.FLAIR in known:
        return ()
    return (Caution(_not_flair_words(known), InputAspect.SEQUENCE, Severity.UNFIT),)


def missing_sequences_warning(missing: Sequence[SequenceName]) -> str:
    """The sentence on sequences that the models use beside FLAIR, and that a study lacks."""
    words = " and ".join(SEQUENCE_WORDS[name] for name in missing)
    return f"{words} missing: FLAIR is used in {'their' if len(missing) > 1 else 'its'} place."


def _not_flair_words(known: Sequence[SequenceName]) -> str:
    trained = "the models were trained on FLAIR. Do not rely on this result"
    if SequenceName.UNKNOWN in known:
        return f"Sequence unknown: {trained} unless the images are FLAIR."
    words = " and ".join(SEQUENCE_WORDS[name] for name in known if name in SEQUENCE_WORDS)
    return f"Not FLAIR{f' ({words})' if words else ''}: {trained}."
