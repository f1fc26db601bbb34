"""The words of reports, for what a reader signed and for what only the AI outlined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.data.case import PatientIdentity
from pipeline.interchange.content import withheld_words
from pipeline.measurement.bidimensional import judge_diameters
from pipeline.reports.volume_words import ml_words, range_words

REPORT_TITLE: Final = "Brain MRI: FLAIR abnormality"
NOT_GIVEN: Final = "not given"
NOT_ASSESSED: Final = "Enhancing disease is not assessed here."
NOTHING_CLAIMED: Final = "Nothing is claimed of the accuracy of the AI result."
NO_SPACING: Final = "No pixel spacing is known: sizes are in voxels and pixels."
#: Why the table of lesions has no ranges.
NO_RANGE: Final = (
    "Single lesions have no range: it was learned from the whole outlines of patients."
)
_TIMES, _DASH = "\N{MULTIPLICATION SIGN}", "\N{EN DASH}"
_DIGEST: Final = 8
_ENGINES = {"openvino": "OpenVINO", "onnxruntime": "ONNX Runtime", "keras": "Keras"}
_PRECISIONS = {"f32": "float32", "bf16": "bfloat16", "int8": "int8"}
_SIDES = {"right": "on the right", "left": "on the left", "both sides": "on both sides"}


def voxel_words(count: int) -> str:
    """A size where no spacing is known."""
    return f"{count:,} voxels"


def size_words(volume_ml: float | None, voxels: int) -> str:
    """The size of a lesion with its unit."""
    return voxel_words(voxels) if volume_ml is None else f"{ml_words(volume_ml)} mL"


def expected_range(range_ml: tuple[float, float] | None) -> str:
    """The expected range of a volume, to stand after it; "" without one."""
    return "" if range_ml is None else f" (expected range {range_words(*range_ml)})"


def diameter_words(diameters: tuple[float, float] | None, unit: str) -> str:
    """Both diameters for a table."""
    if diameters is None:
        return _DASH
    return f"{diameters[0]:.0f} {_TIMES} {diameters[1]:.0f} {unit}"


def slice_words(numbers: Sequence[int], first: int, last: int) -> str:
    """The slices of a lesion, by the numbers that the page shows.

    Args:
        numbers: Number of each slice.
        first: Its first slice, from 0.
        last: Its last one.
    """
    start, end = (numbers[k] if k < len(numbers) else k + 1 for k in (first, last))
    return f"{start}" if start == end else f"{start} to {end}"


def slices_phrase(words: str) -> str:
    """``slice 5`` or ``slices 5 to 7``, from what `slice_words` returns."""
    return f"{'slices' if ' to ' in words else 'slice'} {words}"


def side_words(side: str) -> str:
    """Where a lesion lies of which only the side is known; "" where it is not."""
    return _SIDES.get(side, "")


def lesion_sentence(
    *,
    place: str,
    size: str,
    diameters: tuple[float, float] | None,
    unit: str,
    slices: str,
    n_slices: int,
    is_first: bool,
    is_readers: bool = False,
) -> str:
    """A lesion as a radiologist would dictate it.

    Args:
        place: Such as ``in the right frontal lobe``, or "".
        size: With its unit.
        diameters: The longest one and its perpendicular, or None.
        unit: ``mm`` or ``px``.
        slices: As of `slice_words`.
        n_slices: How many.
        is_first: Whether it is the first of the findings.
        is_readers: Whether the reader outlined what the AI did not.
    """
    start = "FLAIR abnormality" if is_first else "Further FLAIR abnormality"
    parts = [f"{start}{f' {place}' if place else ''}: {size}"]
    if diameters is not None:
        longest, across = f"{diameters[0]:.0f}", f"{diameters[1]:.0f}"
        parts.append(f"longest diameter {longest} {unit}, perpendicular {across} {unit}")
    parts.append(slices_phrase(slices))
    sentence = ", ".join(parts)
    if unit == "mm" and diameters is not None:
        measurable, _ = judge_diameters(diameters, slices=n_slices, in_mm=True)
        sentence += "; measurable by RANO 2.0" if measurable else "; not measurable by RANO 2.0"
    if is_readers:
        sentence += ", added by the reader"
    return f"{sentence}. Edema is included." if is_first else f"{sentence}."


def trust_sentences(
    *,
    expected: str,
    expected_dice: float | None,
    volume_ml: float | None,
    range_ml: tuple[float, float] | None,
    left_out_ml: float | None,
    n_lesions: int,
) -> tuple[str, ...]:
    """How far an AI outline can be trusted.

    Args:
        expected: What is to be expected of it, in a sentence, or "".
        expected_dice: The same as a number, where there is no sentence.
        volume_ml: Of the outline, None without spacing.
        range_ml: Expected range of that volume, or None.
        left_out_ml: What was left out of it as small, None without spacing.
        n_lesions: Rows of the lesion table.
    """
    words = [expected] if expected else []
    if not words and expected_dice is not None:
        words.append(f"Expected Dice of the AI outline {expected_dice:.2f}.")
    if volume_ml is not None:
        words.append(f"The AI outline has {ml_words(volume_ml)} mL{expected_range(range_ml)}.")
    if range_ml is not None and n_lesions > 1:
        words.append(NO_RANGE)
    if left_out_ml:
        words.append(f"{ml_words(left_out_ml)} mL were left out of it as small.")
    return tuple(words) or (NOTHING_CLAIMED,)


def withheld_findings(reason: str) -> tuple[str, ...]:
    """The findings where the AI result is withheld and no reader has outlined anything."""
    return withheld_words(reason), "No finding is reported."


def other_cautions(cautions: Sequence[str], withheld: str) -> tuple[str, ...]:
    """The cautions but for the one that the findings give as the reason."""
    return tuple(one for one in cautions if one != withheld)


def model_sentences(
    *,
    network: str,
    version: str,
    digest: str,
    engine: str,
    precision: str,
    operating_point: float,
    mask_threshold: float,
) -> tuple[str, ...]:
    """The network and its thresholds."""
    how = [_ENGINES.get(engine, engine), _PRECISIONS.get(precision, precision)]
    name = f"{network} {version} (SHA-256 {digest[:_DIGEST]})"
    points = f"Operating point {operating_point:.2f}, mask threshold {mask_threshold:.2f}."
    return f"{', '.join(filter(None, [name, *how]))}.", points


def patient_words(patient: PatientIdentity | None, otherwise: str) -> str:
    """Name and id of a patient, or what stands in their place."""
    known = [_person(patient.name), patient.patient_id] if patient else []
    found = [one for one in known if one] or [otherwise]
    return ", ".join(dict.fromkeys(found))


def birth_words(patient: PatientIdentity | None) -> str:
    """Date of birth and sex."""
    known = [patient.birth_date, patient.sex] if patient else []
    return ", ".join(filter(None, known)) or NOT_GIVEN


def _person(name: str) -> str:
    """A DICOM name in reading order: "MAYER^ANNA" becomes "MAYER, ANNA"."""
    family, *others = [part.strip() for part in name.split("=")[0].split("^")]
    return ", ".join(filter(None, [family, " ".join(filter(None, others))]))
