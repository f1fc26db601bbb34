"""Which demo studies there are: one row each, everything else is drawn from it and a fixed seed.

The lesions were fixed before any model was scored on them, and no model's answer has changed them.
Positions are millimetres of the MNI152 template, RAS+: positive x is the patient's right.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

#: Raise when the same plans would give other pixels; folders of an older version are made again.
DEMO_VERSION: Literal[1] = 1
#: Everything random in the studies comes from this seed and the study's name.
DEMO_SEED = 20261101


class Side(StrEnum):
    """Side of the patient on which a lesion is."""

    LEFT = "left"
    RIGHT = "right"


class SliceOrder(StrEnum):
    """How the files of a study run and how their axes point."""

    ASCENDING = "ascending"  # rows to the patient's left, inferior slice first
    REVERSED = "reversed"  # rows to the patient's right, superior slice first


@dataclass(frozen=True)
class LesionPlan:
    """One lesion.

    Attributes:
        side: Stated side; the sign of ``seed_mm[0]`` must agree.
        site: Where, in words.
        seed_mm: MNI position (x, y, z) it grows from; x positive to the patient's right.
        volume_ml: Volume aimed at; the manifest states what the mask came to.
        border_mm: Half the width over which the lesion fades into the brain.
        flair: Intensity on FLAIR as a multiple of white matter.
        growth: Factor by which its bulk pushes the brain apart (mass effect), 1 for none.
        core: Part of its depth that a darker centre takes, 0 for none.
        core_flair: FLAIR intensity of that centre.
        enhancing: Whether the rim of the centre enhances after contrast.
    """

    side: Side
    site: str
    seed_mm: tuple[float, float, float]
    volume_ml: float
    border_mm: float = 2.0
    flair: float = 1.75
    growth: float = 1.1
    core: float = 0.0
    core_flair: float = 0.8
    enhancing: bool = False

    def __post_init__(self) -> None:
        if (self.seed_mm[0] > 0) != (self.side is Side.RIGHT):
            raise ValueError(f"seed x must be positive on the right only, got {self.seed_mm[0]}")


@dataclass(frozen=True)
class StudyPlan:
    """One patient and how the scanner saw the head.

    Attributes:
        patient_id: Folder and PatientID.
        study_date: YYYYMMDD.
        age: Years; older brains get wider sulci and ventricles.
        lesion: The lesion, or None.
        with_t1: Whether pre- and post-contrast T1 series go with FLAIR.
        skull_stripped: Whether everything outside the brain is blanked.
        order: Direction of files and axes.
        matrix: Rows and columns.
        pixel_mm: In-plane spacing.
        thickness_mm: Slice thickness, over which the scanner averages.
        spacing_mm: Distance between slice centres; more than the thickness where there is a gap.
        n_slices: Number of slices.
        bottom_mm: Height of the lowest slice in MNI mm.
        tilt_degrees: Tilt of the slices about the left-right axis.
        noise: Deviation of the noise as part of white matter's intensity.
    """

    patient_id: str
    study_date: str
    age: int
    lesion: LesionPlan | None
    with_t1: bool = False
    skull_stripped: bool = False
    order: SliceOrder = SliceOrder.ASCENDING
    matrix: int = 256
    pixel_mm: float = 0.9375
    thickness_mm: float = 5.0
    spacing_mm: float = 5.0
    n_slices: int = 29
    bottom_mm: float = -46.0
    tilt_degrees: float = 0.0
    noise: float = 0.04


DEMO_STUDIES: tuple[StudyPlan, ...] = (
    StudyPlan(
        "DEMO-01",
        "20261102",
        38,
        LesionPlan(Side.LEFT, "frontal lobe", (-30, 28, 24), 38.0, growth=1.12, flair=1.8),
        with_t1=True,
    ),
    StudyPlan(
        "DEMO-02",
        "20261103",
        46,
        LesionPlan(
            Side.RIGHT,
            "temporal lobe",
            (46, -14, -18),
            24.0,
            border_mm=1.5,
            core=0.4,
            core_flair=1.2,
        ),
        matrix=240,
        pixel_mm=1.0,
        thickness_mm=4.0,
        spacing_mm=4.0,
        n_slices=35,
    ),
    StudyPlan(
        "DEMO-03",
        "20261105",
        52,
        LesionPlan(
            Side.RIGHT,
            "frontal and parietal lobes",
            (32, 0, 30),
            70.0,
            border_mm=2.5,
            growth=1.2,
            core=0.4,
            core_flair=0.6,
            enhancing=True,
        ),
        with_t1=True,
    ),
    StudyPlan("DEMO-04", "20261107", 61, None, with_t1=True),
    StudyPlan(
        "DEMO-05",
        "20261110",
        33,
        LesionPlan(Side.LEFT, "insula", (-38, 6, 0), 16.0, border_mm=1.5, flair=1.7),
        tilt_degrees=9.0,
        bottom_mm=-42.0,
    ),
    StudyPlan(
        "DEMO-06",
        "20261112",
        57,
        LesionPlan(Side.LEFT, "parietal lobe", (-34, -46, 36), 12.0, border_mm=3.0, flair=1.6),
        order=SliceOrder.REVERSED,
    ),
    StudyPlan(
        "DEMO-07",
        "20261114",
        29,
        LesionPlan(Side.RIGHT, "frontal lobe", (24, 40, 10), 6.0, border_mm=1.5, growth=1.05),
        matrix=256,
        pixel_mm=1.0,
        thickness_mm=4.0,
        spacing_mm=5.0,
        n_slices=29,
    ),
    StudyPlan(
        "DEMO-08",
        "20261117",
        44,
        LesionPlan(
            Side.LEFT,
            "temporal and occipital lobes",
            (-36, -60, 2),
            46.0,
            border_mm=2.5,
            core=0.35,
            core_flair=1.1,
        ),
        skull_stripped=True,
        matrix=240,
        pixel_mm=1.0,
        with_t1=True,
    ),
    StudyPlan(
        "DEMO-09",
        "20261119",
        41,
        LesionPlan(Side.RIGHT, "parietal white matter", (28, -32, 34), 2.6, growth=1.0, flair=1.8),
    ),
    StudyPlan("DEMO-10", "20261120", 35, None, noise=0.05),
)
