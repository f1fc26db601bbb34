"""DICOM segmentations: which segments are the tumor, and their pixels as a mask."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from pipeline.data.reading.dicom_files import LABEL_MAP_CLASS, SEGMENTATION_CLASS
from pipeline.data.reading.format_kinds import InputFile
from pipeline.data.reading.names import join_words
from pipeline.data.sequences import split_words
from pipeline.errors import InputError

#: Words of a segment's label or meaning that speak of what the reference outlines.
_LESION_WORDS = frozenset(
    """tumor tumour tumors tumours tumoral lesion lesions neoplasm neoplasia glioma glioblastoma gbm
    lgg hgg astrocytoma oligodendroglioma ependymoma meningioma metastasis metastases metastatic
    mass cancer carcinoma lymphoma edema oedema enhancing enhancement necrosis necrotic
    infiltration abnormality hyperintensity hyperintense flair wt tc et ncr ed net gtv
    ctv""".split()
)
#: Words that speak of anatomy, whatever else a label says.
_ANATOMY_WORDS = frozenset(
    """brain head skull scalp skin bone ventricle ventricles csf white gray grey matter wm gm cortex
    cerebellum brainstem thalamus hippocampus eye eyes nerve nerves vessel vessels background normal
    healthy cavity resection air""".split()
)
#: Codes of types and categories (SNOMED CT, and the older SRT) for lesions.
_LESION_CODES = frozenset(
    """108369006 4147007 52988006 79654002 6574001 49755003 86049000 14799000 128462008 393563007
    1156923005 M-8FFFF M-80003 M-80000 M-03000 M-01000 M-36300 M-54000 M-80006 M-94403 M-93803
    C0027651 C0006118""".split()
)
_ANATOMY_CODES = frozenset("12738006 T-A0100 69536005 T-D1100 89546000 T-11100".split())


@dataclass(frozen=True)
class Segments:
    """What of a segmentation becomes the reference.

    Attributes:
        numbers: Numbers of the segments; None where all frames count.
        is_label_map: Whether pixels are segment numbers.
        threshold: Smallest pixel value that counts, of others.
        notes: Sentences on what was chosen.
    """

    numbers: frozenset[int] | None
    is_label_map: bool
    threshold: float
    notes: tuple[str, ...]

    def has_frame(self, segment: int | None) -> bool:
        """Whether a frame of a segment counts; frames of a label map hold all segments."""
        return self.is_label_map or self.numbers is None or segment in {None, *self.numbers}


def choose_segments(file: InputFile, header: Dataset) -> Segments | None:
    """Choose the segments of a segmentation that mark the tumor.

    Args:
        file: The file.
        header: Its header.

    Returns:
        The choice; None where the file is no segmentation. Where nothing names the tumor, all
        segments count that are not named as anatomy.

    Raises:
        InputError: If its segments mark anatomy only.
    """
    uid = str(header.get("SOPClassUID", "") or "")
    if uid not in {SEGMENTATION_CLASS, LABEL_MAP_CLASS}:
        return None
    kind = str(header.get("SegmentationType", "") or "").upper()
    is_label_map = uid == LABEL_MAP_CLASS or kind == "LABELMAP"
    threshold, notes = 1.0, []
    if kind == "FRACTIONAL":
        threshold = max(float(header.get("MaximumFractionalValue") or 255) / 2, 0.5)
        notes.append(FRACTIONAL_NOTE)
    listed = list(header.get("SegmentSequence") or ())
    lesions = [one for one in listed if _is_lesion(one)]
    chosen = lesions or [one for one in listed if _is_lesion(one) is None]
    if listed and not chosen:
        raise InputError(
            file.source,
            f"{file.name} marks {_names_of(listed)}, not a lesion; it is left out.",
        )
    left = [one for one in listed if all(one is not other for other in chosen)]
    if left:
        notes.append(chosen_note(file.name, _names_of(chosen), _names_of(left)))
    elif len(chosen) > 1:
        notes.append(joined_note(file.name, _names_of(chosen)))
    return Segments(
        numbers=frozenset(map(_number_of, chosen)) if listed else None,
        is_label_map=is_label_map,
        threshold=threshold,
        notes=tuple(notes),
    )


def mask_of_segments(values: NDArray[np.generic], segments: Segments) -> NDArray[np.uint8]:
    """Mask, 0 or 1, of stored values of the same shape."""
    if not segments.is_label_map:
        marked = np.greater_equal(values, segments.threshold)
    elif segments.numbers is None:
        marked = np.greater(values, 0)
    else:
        marked = np.isin(values, sorted(segments.numbers - {0}))
    return np.asarray(marked, np.uint8)


def _number_of(segment: Dataset) -> int:
    return int(segment.get("SegmentNumber") or 0)


def _is_lesion(segment: Dataset) -> bool | None:
    """Whether a segment is a lesion; False for anatomy, None where it does not say."""
    codes: set[str] = set()
    texts = [str(segment.get("SegmentLabel", "") or "")]
    for keyword in ("SegmentedPropertyTypeCodeSequence", "SegmentedPropertyCategoryCodeSequence"):
        for item in segment.get(keyword) or ():
            codes.add(str(item.get("CodeValue", "") or ""))
            if keyword.startswith("SegmentedPropertyType"):
                texts.append(str(item.get("CodeMeaning", "") or ""))
    found = is_lesion_by(texts, codes)
    return False if found is None and _number_of(segment) == 0 else found


def is_lesion_by(texts: Iterable[str], codes: Collection[str]) -> bool | None:
    """Whether names and codes speak of a lesion; False for anatomy, None where they do not say.

    Args:
        texts: Names and meanings of codes.
        codes: Code values, SNOMED CT or the older SRT.
    """
    words = {word.text for text in texts for word in split_words(text)}
    if _ANATOMY_CODES & set(codes):
        return False
    if _LESION_CODES & set(codes) or words & _LESION_WORDS:
        return True
    return False if words & _ANATOMY_WORDS else None


def _names_of(segments: Sequence[Dataset]) -> str:
    return join_words(
        [
            str(one.get("SegmentLabel", "") or "").strip() or f"segment {_number_of(one)}"
            for one in segments
        ]
    )


FRACTIONAL_NOTE = "The reference outline holds fractions; it is cut at one half."


def chosen_note(name: str, chosen: str, left: str) -> str:
    """The sentence on the segments that are the reference, beside others."""
    return f"The reference outline is {chosen} of {name}; {left} is left out."


def joined_note(name: str, chosen: str) -> str:
    """The sentence on several segments that are the reference together."""
    return f"The reference outline joins {chosen} of {name}."
