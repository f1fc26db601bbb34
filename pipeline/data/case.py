"""The one shape in which every input reaches the models and the viewer: a `Case`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pipeline.data.cautions import Caution
from pipeline.data.dicom_source import DicomSource


class SequenceName(StrEnum):
    """MRI sequence of one channel, as far as names or tags say."""

    PRE = "t1"
    FLAIR = "flair"
    POST = "t1c"
    T2 = "t2"
    OTHER = "other"
    UNKNOWN = "unknown"


class SourceKind(StrEnum):
    """Kind of format that a case was read from; the values are those of stored studies."""

    IMAGES = "images"
    SERIES = "dicom"
    VOLUME = "nifti"


@dataclass(frozen=True)
class Orientation:
    """Anatomical letters (R, L, A, P, S, I) at the four edges of the displayed image."""

    left: str
    right: str
    top: str
    bottom: str


#: The LGG slices, and every volume brought to axial: the patient's right is image-left.
RADIOLOGICAL_AXIAL = Orientation(left="R", right="L", top="A", bottom="P")


@dataclass(frozen=True)
class NiftiPlacement:
    """What a NIfTI header says about the place of its voxels, number by number, as it is stored.

    Programs differ in what they read of it, so that a mask lies on its image in all of them only
    where its header says the same.

    Attributes:
        pixdim: The first four numbers: sign of the third axis, then voxel sizes in the file's unit.
        qform_code, sform_code: What the two forms refer to; 0 where a form is not stated.
        quaternion: b, c and d of the qform.
        offset: Of the qform, in the file's unit.
        sform: Its three rows one after the other, in the file's unit.
        unit: Code of the unit of length; 0 where it is not stated.
    """

    pixdim: tuple[float, ...]
    qform_code: int
    sform_code: int
    quaternion: tuple[float, ...]
    offset: tuple[float, ...]
    sform: tuple[float, ...]
    unit: int


@dataclass(frozen=True)
class InputGrid:
    """How the case's array lies on the grid of the file that it came from.

    The case's volume is ``(slice, row, column)``. ``np.flip(np.transpose(input, axes), flips)``
    makes it from the input's array, ``restore`` undoes that.

    Attributes:
        shape: Shape of the input's own array, three axes.
        affine: 4x4, voxel index of the input's own array to RAS+ millimetres (NIfTI convention).
        axes: Input axis that became the case's slice, row and column axis.
        flips: Case axes that were reversed after the transposition.
        slots: Where each of the input's slices lies along its slice axis, in steps of the affine,
            rising from 0. Whole numbers with gaps where slices are missing, fractions where the
            distances are uneven; None where slice ``k`` lies at ``k``.
        placement: What the header of a NIfTI input says about its place; None for other formats.
        is_stated: Whether the affine, or the placement, is the input's word. Where sizes or
            directions are assumed, no mask file may state them.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    axes: tuple[int, int, int]
    flips: tuple[int, ...] = ()
    slots: tuple[float, ...] | None = None
    placement: NiftiPlacement | None = None
    is_stated: bool = True

    @property
    def is_regular(self) -> bool:
        """Whether the affine says where every voxel lies, perhaps with empty slices between."""
        if not self.is_stated:
            return False
        return self.slots is None or all(slot == round(slot) for slot in self.slots)

    @property
    def last_slot(self) -> float:
        """Place of the input's last slice in steps of the affine."""
        return self.shape[self.axes[0]] - 1 if self.slots is None else self.slots[-1]

    def restore(self, volume: NDArray[np.generic]) -> NDArray[np.generic]:
        """Bring a ``(slice, row, column)`` volume back to the input's own axes and directions."""
        return np.transpose(np.flip(volume, self.flips), np.argsort(self.axes))


def volume_ml(
    areas_px: Sequence[int] | NDArray[np.integer],
    spacing_mm: tuple[float, float, float] | None,
    slice_weights: Sequence[float] | None = None,
) -> float | None:
    """Volume of a mask in mL (1 mL is 1000 cubic millimetres).

    Args:
        areas_px: Pixels of the mask on each slice.
        spacing_mm: ``(z, y, x)``, as of `Case`.
        slice_weights: As of `Case`; None where each slice counts alike.

    Returns:
        None without spacing.
    """
    if spacing_mm is None:
        return None
    areas = np.asarray(areas_px)
    voxels = int(areas.sum()) if slice_weights is None else float(areas @ np.array(slice_weights))
    return voxels * float(np.prod(spacing_mm)) / 1000


@dataclass(frozen=True)
class StudyLabels:
    """What identifies the study to a reader. Empty strings where the input does not say."""

    patient: str = ""
    study_date: str = ""
    description: str = ""
    synthetic: bool = False


@dataclass(frozen=True)
class PatientIdentity:
    """Who the patient is, as the files state it. Empty strings where they state nothing.

    Attributes:
        patient_id: PatientID.
        issuer: IssuerOfPatientID: which hospital or system gave the id.
        name: PatientName with its carets.
        sex: "M", "F" or "O".
        birth_date: As "YYYY-MM-DD".
    """

    patient_id: str = ""
    issuer: str = ""
    name: str = ""
    sex: str = ""
    birth_date: str = ""


@dataclass(frozen=True, eq=False)
class Case:
    """One study as the models and the viewer see it.

    Attributes:
        case_id: Name safe for a file system, letters, digits, ``. _ -`` only.
        kind: Kind of format it came from.
        pixels: ``(n, h, w, c)``, as stored (uint8, uint16, int16) or float32 after a DICOM rescale
            or from NIfTI. Slices run from inferior to superior; in the public LGG layout they keep
            its numbering.
        sequences: Sequence of each of the ``c`` channels.
        indices: Number of each slice, counted from 1 (public LGG numbering kept).
        sources: File of each slice, relative to the path the user gave.
        spacing_mm: ``(z, y, x)`` or None where the input does not say. z is the distance between
            slice positions, not SliceThickness; their mean where the distances are uneven.
        orientation: Letters at the image's edges, None where unknown.
        orientation_assumed: Whether the input contradicts itself about the letters.
        positions_mm: Position of each slice along the slice normal, or None.
        masks: ``(n, h, w)`` bool reference masks, or None without a reference.
        grid: Grid of a DICOM series or NIfTI volume, None for single images.
        labels: Patient, date and description for display.
        patient: Who the patient is, as the files state it.
        cautions: What stays with every result of this case.
        window: Default display window ``(low, high)`` in pixel values, or None.
        dicom: The images that its slices are; None for other formats, and where the files name no
            images or places.
    """

    case_id: str
    kind: SourceKind
    pixels: NDArray[np.generic]
    sequences: tuple[SequenceName, ...]
    indices: tuple[int, ...]
    sources: tuple[str, ...]
    spacing_mm: tuple[float, float, float] | None = None
    orientation: Orientation | None = None
    positions_mm: tuple[float, ...] | None = None
    masks: NDArray[np.bool_] | None = None
    grid: InputGrid | None = None
    labels: StudyLabels = field(default_factory=StudyLabels)
    cautions: tuple[Caution, ...] = ()
    window: tuple[float, float] | None = None
    orientation_assumed: bool = False
    patient: PatientIdentity = field(default_factory=PatientIdentity)
    dicom: DicomSource | None = None

    def __post_init__(self) -> None:
        if self.pixels.ndim != 4:
            raise ValueError(f"pixels must be (n, h, w, c), got shape {self.pixels.shape}")
        n, h, w, c = self.pixels.shape
        lengths = (len(self.sequences), len(self.indices), len(self.sources))
        if lengths != (c, n, n):
            raise ValueError(
                f"sequences, indices and sources must number {(c, n, n)}, got {lengths}"
            )
        if self.masks is not None and self.masks.shape != (n, h, w):
            raise ValueError(f"masks must have shape {(n, h, w)}, got {self.masks.shape}")

    @property
    def warnings(self) -> tuple[str, ...]:
        """The cautions' sentences."""
        return tuple(caution.sentence for caution in self.cautions)

    @property
    def n_slices(self) -> int:
        """Number of slices."""
        return int(self.pixels.shape[0])

    @property
    def slice_weights(self) -> tuple[float, ...] | None:
        """For how many times the distance of slices each slice stands; None where all stand alike.

        Where distances are uneven, a slice stands for half the way to each neighbour. What lies in
        a gap, more than twice as wide as the usual distance, is not counted.
        """
        slots = None if self.grid is None else self.grid.slots
        if slots is None or all(slot == round(slot) for slot in slots):
            return None
        gaps = np.diff(slots)
        usual = float(np.median(gaps))
        gaps = np.where(gaps > 2 * usual, usual, gaps)
        heights = (np.append(gaps[0], gaps) + np.append(gaps, gaps[-1])) / 2
        flipped = self.grid is not None and 0 in self.grid.flips
        return tuple((heights[::-1] if flipped else heights).tolist())

    def content_digest(self) -> str:
        """SHA-256 (hex) over everything that a model's answer depends on, masks left out."""
        digest = hashlib.sha256()
        # Gaps between slices weigh where answers are smoothed through the volume.
        steps = tuple(int(index - self.indices[0]) for index in self.indices)
        spacing = None if self.spacing_mm is None else tuple(map(float, self.spacing_mm))
        header = (self.pixels.shape, self.pixels.dtype.str, self.sequences, spacing, steps)
        digest.update(repr(header).encode())
        digest.update(np.ascontiguousarray(self.pixels).data)
        return digest.hexdigest()


def tidy_values(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Bring values to uint8, uint16, int16 or float32, native byte order.

    What is not finite stands for the background: it becomes 0, or the smallest value where that is
    less.
    """
    if values.dtype.kind == "b":
        return values.astype(np.uint8)
    if values.dtype.kind in "iu":
        if values.dtype.itemsize == 1 and values.dtype.kind == "u":
            return values
        low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
        for kind in (np.uint16, np.int16) if values.dtype.kind == "u" else (np.int16, np.uint16):
            limits = np.iinfo(kind)
            if limits.min <= low and high <= limits.max:
                return values.astype(kind, copy=False)
    with np.errstate(over="ignore"):
        floats = values.astype(np.float32, copy=True)
    finite = np.isfinite(floats)
    if not finite.all():
        floats[~finite] = min(0.0, float(floats[finite].min())) if finite.any() else 0.0
    return floats
