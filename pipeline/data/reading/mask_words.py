"""Which words in names of files and folders say that something is a mask, and of what."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache

from pipeline.data.sequences import KNOWN_NAMES, Word, split_words


class Role(Enum):
    """What a file is, as far as names say."""

    IMAGE = "image"
    #: A reference mask of a lesion.
    REFERENCE = "reference"
    #: A mask, or an image whose name speaks of a lesion: its pixels decide.
    UNSURE = "unsure"
    #: A mask of the brain, of tissues or of regions: neither an image nor a lesion's reference.
    ANATOMY = "anatomy"


_LESION = r"tumou?rs?|lesions?|gliomas?|metastas[ei]s|meningiomas?|gtv|ctv|wmh|edema|enhancing"
_MASK = (
    r"masks?|msk|segs?|segm|segmentations?|labels?|labelmaps?|gts?|annotations?|dseg|probseg|rois?"
    r"|delineations?"
)
_ANATOMY = (
    r"brain|head|skull|bet|hdbet|synthstrip|gm|wm|csf|tissues?|aseg|aparc|wmparc|ribbon|parc|atlas"
    r"|parcellations?|ventricles?|hippocamp(us|i)|cortex|cortical|subcortical|lobes?|thalamus"
)
#: A mask whatever else the name says, alone or joined to what it is of: ``brainmask``, ``mask01``.
_SURE = re.compile(
    rf"(?P<of>({_LESION}|{_ANATOMY}|manual|expert|auto|final|wt|tc|et|image|img)*)"
    r"(masks?|msk|segs?|segm|segmentations?|labels?|labelmaps?|gts?|groundtruth|annotations?|dseg"
    r"|delineations?|labelst[rs]|otmulticlass)(?P<number>\d*)"
    rf"|(?P<of_region>({_LESION}|{_ANATOMY})+)rois?(?P<number_of_region>\d*)"
)
#: A mask at the end of a name, if the pixels agree: ``x_roi``, ``x_lesion``.
_PERHAPS = re.compile(rf"({_LESION}|rois?|vois?|truth|contours?|outlines?|probseg|ot)\d*")
#: Last or first in a folder's name they make it one of masks, whatever the other words.
_PLURALS = frozenset("masks labels labelmaps segmentations annotations labelstr labelsts".split())
_IMAGES = re.compile(r"(images?|imgs?|scans?|pictures?)(t[rs]|val)?")
_OF_LESION = re.compile(rf".*({_LESION}).*|wt|tc|et|otmulticlass")
_OF_ANATOMY = re.compile(rf"({_ANATOMY})({_MASK})?\d*")
#: Files of regions that FreeSurfer and others name without any word for a mask.
_REGIONS = re.compile(r"aseg|aparc|wmparc|ribbon|brainmask")
#: Words of a folder's name beside those for masks, which leave it a folder of masks.
_FOLDER_FILLING = re.compile(
    r"tr|ts|train|training|test|testing|val|validation|manual|expert|binary|final|the|of|and|new"
    r"|\d+|ground|png|jpg|tif|tiff|nii|gz|[23]d"
)
#: ``desc-brain``, ``space-T1w``: how BIDS says what was done to an image; ``sub-`` and others stay.
_BIDS_ENTITY = re.compile(
    r"(?:(?<=_)|^)(?:desc|label|space|res|den|rater|method|tool|atlas|model)-[A-Za-z0-9]+"
)
#: Words that say nothing about whose file it is.
GENERIC_WORDS = frozenset(
    """image images imaging img imgs im scan scans slice slices frame frames picture pictures photo
    photos pic pics page volume volumes vol data mri mr brain head anat dicom dcm nifti nii raw
    input series stack file export output original orig source study""".split()
)
#: Words for what was done to an image, or who drew a mask: not part of a patient's name.
_DESCRIBING = frozenset(
    """bet hdbet brain bias n4 corrected stripped ss reg registered coreg warped norm normalized
    normalised preproc resampled manual expert auto final consensus whole core enhancing wt tc et
    ed binary ground truth gtv lesion lesions tumor tumors tumour tumours roi rois probseg
    of""".split()
)
_SEQUENCES = re.compile(
    r"[a-z0-9]*flair[a-z0-9]*|t1|t1w|t1n|t1c|t1ce|t1gd|t1post|t2|t2w|t2f|pre|post|adc|dwi|swi|pd"
)


@lru_cache(KNOWN_NAMES)
def role_of_words(words: tuple[Word, ...]) -> Role:
    """What the words of a file's name say that it is."""
    texts = [word.text for word in words]
    if any(_is_sure(text) for text in texts) or {"ground", "truth"} <= set(texts):
        about = [_OF_LESION.fullmatch(text) for text in texts]
        if any(_OF_ANATOMY.fullmatch(text) for text in texts) and not any(about):
            return Role.ANATOMY
        return Role.REFERENCE
    if "probseg" in texts:
        return Role.UNSURE if any(_OF_LESION.fullmatch(t) for t in texts) else Role.ANATOMY
    if any(_REGIONS.fullmatch(text) for text in texts):
        return Role.ANATOMY
    named = [text for text in texts if not text.isdigit()]
    if named and _PERHAPS.fullmatch(named[-1]):
        return Role.UNSURE
    return Role.IMAGE


def is_of_lesion(name: str) -> bool:
    """Whether a name, such as that of a segment, speaks of a lesion."""
    return any(_OF_LESION.fullmatch(word.text) for word in split_words(name))


def _is_sure(text: str) -> bool:
    return _SURE.fullmatch(text) is not None


def mask_spans(words: Iterable[Word]) -> list[tuple[int, int]]:
    """Where the words for masks are in a name; a number joined to one stays."""
    spans = []
    for word in words:
        match = _SURE.fullmatch(word.text)
        if match:
            number = match["number"] or match["number_of_region"] or ""
            spans.append((word.start, word.end - len(number)))
    return spans


def role_of_folder(name: str) -> Role:
    """What the name of a folder says that everything in it is."""
    texts = [word.text for word in split_words(name)]
    masks = [text for text in texts if _is_sure(text)]
    regions = [text for text in texts if _OF_ANATOMY.fullmatch(text)]
    rest = [text for text in texts if text not in masks and text not in regions]
    perhaps = [text for text in rest if _PERHAPS.fullmatch(text)]
    if any(_IMAGES.fullmatch(text) for text in rest):
        return Role.IMAGE
    filling = all(
        _FOLDER_FILLING.fullmatch(text) or text in GENERIC_WORDS
        for text in rest
        if text not in perhaps
    )
    if not filling and not {*texts[:1], *texts[-1:]} & _PLURALS:
        return Role.IMAGE
    if masks and regions and not perhaps:
        return Role.ANATOMY
    if masks or {"ground", "truth"} <= set(texts):
        return Role.REFERENCE
    return Role.UNSURE if perhaps else Role.IMAGE


def is_folder_of_images(name: str) -> bool:
    """Whether a folder's name says that its files are images: ``images``, ``imagesTr``."""
    return any(_IMAGES.fullmatch(word.text) for word in split_words(name))


def strip_folder(name: str) -> str:
    """A folder's name without the words for images and masks: equal for folders that belong."""
    texts = [word.text for word in split_words(name)]
    kept = [
        text
        for text in (re.sub(r"^(images|labels)(t[rs]|val)$", r"\2", text) for text in texts)
        if text not in GENERIC_WORDS and not _is_sure(text) and text not in _DESCRIBING
    ]
    return "-".join(kept)


@lru_cache(KNOWN_NAMES)
def core_of(stem: str, *, with_channels: bool = False) -> tuple[str, int | None]:
    """What a file's name says about whose it is, and which: words, and its last number.

    >>> core_of("sub-02_space-FLAIR_desc-tumor_mask"), core_of("img007")
    (('sub', 2), ('', 7))

    Args:
        stem: The name without its suffix.
        with_channels: Whether ``_0000`` at the end is a channel, as nnU-Net writes volumes.
    """
    text = _BIDS_ENTITY.sub("", stem)
    if with_channels:
        text = re.sub(r"(?<=[A-Za-z0-9])_000\d$", "", text)
    words = [part for part in re.split(r"[^A-Za-z0-9]+", text.lower()) if part]
    words = [word for word in words if not _SEQUENCES.fullmatch(word)]
    kept = []
    for word in words:
        match = re.fullmatch(r"(.*?)(\d*)", word)
        letters, digits = (match[1], match[2]) if match else (word, "")
        if letters in GENERIC_WORDS or letters in _DESCRIBING or _is_sure(letters):
            letters = ""
        kept.append((letters, digits))
    parts = [letters + digits for letters, digits in kept]
    number: int | None = None
    for k in reversed(range(len(kept))):
        if kept[k][1]:
            number = int(kept[k][1][:15])
            parts[k] = kept[k][0]
            break
    return "_".join(part for part in parts if part), number


def says_nothing(name: str) -> bool:
    """Whether a file's name does not say whose it is: ``image_001``, ``IM-0001-0020``."""
    return not any(c.isalpha() for c in core_of(name)[0])
