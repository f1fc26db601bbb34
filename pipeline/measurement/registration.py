"""Rigid registration of a prior study with a later one, and whether it can be trusted.

SimpleITK finds the rotation and the shift that maximise mutual information (Mattes), from coarse to
fine. The result leads from voxels to voxels, so that it holds wherever these pixels lie in space.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.data.case import Case
from pipeline.errors import InputError

if TYPE_CHECKING:
    import SimpleITK

_LOG = logging.getLogger(__name__)
#: Least agreement of the two heads (Dice) and of their grey values (correlation of FLAIR with
#: FLAIR) at which a registration is used.
LEAST_OVERLAP, LEAST_CORRELATION = 0.8, 0.5
#: A head turned further than this between two scans is a wrong result.
MOST_DEGREES = 45.0
#: Part of the study that the prior must cover.
_LEAST_COVERED = 0.5
_BAD = "The prior could not be registered reliably; it is shown as it was acquired."
_NOT_REGISTERED = "The prior is not registered: "
_NO_SPACE = "the files of {study} do not state where the slices lie."
_NO_DIRECTIONS = "the files of {study} do not state which way the images face."
_UNEVEN = "the slices of {study} are not evenly spaced, or some are missing."
_NO_SEQUENCE = "the two studies have no sequence in common."
#: Voxels need not be smaller than this, nor an axis shorter; places that the metric looks at.
_FINEST_MM, _LEAST_LENGTH, _SAMPLES = 1.6, 48, 60_000
#: Shorter axes are shrunk less.
_LEAST_SHRUNK = 16
#: Sequences by which two studies are registered, the best first.
_SEQUENCES = ("flair", "t2", "t1", "t1c", "unknown")


@dataclass(frozen=True)
class Registration:
    """How a prior lies on a study.

    Attributes:
        matrix: 3 x 4, from a voxel ``(slice, row, column, 1)`` of the study to one of the prior.
        overlap: Dice of the two heads after it, in [0, 1].
        correlation: Of their grey values, in [-1, 1].
        problem: Why it must not be used, in one sentence, or "".
    """

    matrix: NDArray[np.float64]
    overlap: float
    correlation: float
    problem: str = ""


def register_cases(
    fixed: Case,
    moving: Case,
    *,
    threads: int | None = None,
    tick: Callable[[], None] = lambda: None,
) -> Registration:
    """Register a prior with a study.

    Args:
        fixed: The study.
        moving: The prior.
        threads: Threads of SimpleITK; None for its own choice.
        tick: Called often meanwhile; what it raises ends the registration.

    Raises:
        InputError: The files do not state where the slices lie, the slices are not evenly spaced,
            or no sequence is in common. The sentence names the study.
    """
    import SimpleITK

    for case, study in ((fixed, "this study"), (moving, "the prior")):
        if lack := _find_lack(case):
            raise InputError(case.case_id, _NOT_REGISTERED + lack.format(study=study))
    channels = _common_channels(fixed, moving)
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    if threads:
        SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    images = [_image(case, at) for case, at in zip((fixed, moving), channels, strict=True)]
    try:
        transform = _find(*images, tick=tick)
    except RuntimeError:  # SimpleITK's only error: the images do not overlap
        _LOG.info("A prior could not be registered.", exc_info=True)
        return Registration(_scaled(fixed, moving), 0.0, 0.0, _BAD)
    matrix = _voxel_matrix(fixed, moving, transform)
    return _judge(fixed, moving, channels, matrix, _degrees(transform))


def resample_slice(
    volume: NDArray[np.generic], registration: NDArray[np.float64], shape: tuple[int, int], k: int
) -> NDArray[np.float32]:
    """A slice of the study's grid from the prior's voxels.

    Args:
        volume: ``(n, h, w)`` of the prior.
        registration: `Registration.matrix`.
        shape: Rows and columns of the study.
        k: The study's slice, from 0.

    Returns:
        ``shape`` float32, linear between voxels; NaN where the prior has none.
    """
    rows, columns = np.meshgrid(*map(np.arange, shape), indexing="ij")
    points = np.stack([np.full(rows.size, k), rows.ravel(), columns.ravel(), np.ones(rows.size)])
    found = ndimage.map_coordinates(
        volume, registration @ points, np.float32, order=1, cval=np.nan, prefilter=False
    )
    return np.asarray(found.reshape(shape))


def _common_channels(fixed: Case, moving: Case) -> tuple[int, int]:
    for name in _SEQUENCES:
        if name in fixed.sequences and name in moving.sequences:
            return (
                [str(one) for one in fixed.sequences].index(name),
                [str(one) for one in moving.sequences].index(name),
            )
    raise InputError(moving.case_id, _NOT_REGISTERED + _NO_SEQUENCE)


def _find_lack(case: Case) -> str:
    """Why a study cannot be registered, as the end of a sentence on ``{study}``; "" if it can."""
    if case.spacing_mm is None:
        return _NO_SPACE
    if case.orientation is None:
        return _NO_DIRECTIONS
    steps = np.diff(case.grid.slots) if case.grid is not None and case.grid.slots else np.ones(1)
    return "" if np.allclose(steps, steps[0]) else _UNEVEN


def _sizes(case: Case) -> NDArray[np.float64]:
    """Millimetres between slices, rows and columns of a study that can be registered."""
    return np.asarray(case.spacing_mm, float)


def _image(case: Case, channel: int) -> SimpleITK.Image:
    """A volume on its own axes: the patient's axes, since a case's slices lie upright."""
    import SimpleITK

    values = np.ascontiguousarray(case.pixels[..., channel], np.float32)
    low, high = np.percentile(values, (0.5, 99.5))
    image = SimpleITK.GetImageFromArray(np.clip(values, low, max(high, low + 1e-6)))
    sizes = [float(one) for one in _sizes(case)[::-1]]
    image.SetSpacing(sizes)
    factors = [
        max(1, min(int(_FINEST_MM / size), length // _LEAST_LENGTH))
        for size, length in zip(sizes, image.GetSize(), strict=True)
    ]
    return SimpleITK.Shrink(image, factors)


def _find(
    fixed: SimpleITK.Image, moving: SimpleITK.Image, *, tick: Callable[[], None]
) -> SimpleITK.Euler3DTransform:
    """Coarse from two starts, centres of mass and of the volumes; fine from the better one."""
    import SimpleITK

    is_small = min(fixed.GetSize() + moving.GetSize()) < _LEAST_SHRUNK
    coarse, fine = ([2], [1]) if is_small else ([4], [2, 1])
    kinds = SimpleITK.CenteredTransformInitializerFilter
    found = []
    for kind in (kinds.MOMENTS, kinds.GEOMETRY):
        start = SimpleITK.CenteredTransformInitializer(
            fixed, moving, SimpleITK.Euler3DTransform(), kind
        )
        found.append(_optimise(fixed, moving, start, levels=coarse, tick=tick))
    _, best = min(found, key=lambda one: one[0])
    return _optimise(fixed, moving, best, levels=fine, tick=tick)[1]


def _optimise(
    fixed: SimpleITK.Image,
    moving: SimpleITK.Image,
    start: SimpleITK.Transform,
    *,
    levels: list[int],
    tick: Callable[[], None],
) -> tuple[float, SimpleITK.Euler3DTransform]:
    """Improve a start at some levels of shrinking; returns the metric, the less the better, too."""
    import SimpleITK

    method = SimpleITK.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(min(0.5, _SAMPLES / fixed.GetNumberOfPixels()), 1)
    method.SetInterpolator(SimpleITK.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=2.0, minStep=1e-3, numberOfIterations=150, relaxationFactor=0.6
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(levels)
    method.SetSmoothingSigmasPerLevel([float(one) for one in levels])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    transform = SimpleITK.Euler3DTransform(start)
    method.SetInitialTransform(transform, inPlace=True)
    stops: list[Exception] = []

    def watch() -> None:
        try:
            tick()
        except Exception as error:  # SimpleITK would turn it into its own
            stops.append(error)
            method.StopRegistration()

    method.AddCommand(SimpleITK.sitkIterationEvent, watch)
    method.Execute(fixed, moving)
    if stops:
        raise stops[0]
    return method.GetMetricValue(), transform


def _voxel_matrix(
    fixed: Case, moving: Case, transform: SimpleITK.Euler3DTransform
) -> NDArray[np.float64]:
    """The transform from voxels to voxels, slices first."""
    turn = np.array(transform.GetMatrix()).reshape(3, 3)[::-1, ::-1]
    centre = np.array(transform.GetCenter())[::-1]
    shift = np.array(transform.GetTranslation())[::-1] + centre - turn @ centre
    own, other = _sizes(fixed), _sizes(moving)
    return np.column_stack([turn * own / other[:, None], shift / other])


def _scaled(fixed: Case, moving: Case) -> NDArray[np.float64]:
    return np.column_stack([np.diag(_sizes(fixed) / _sizes(moving)), np.zeros(3)])


def _degrees(transform: SimpleITK.Euler3DTransform) -> float:
    trace = float(np.trace(np.array(transform.GetMatrix()).reshape(3, 3)))
    return float(np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1))))


def _judge(
    fixed: Case,
    moving: Case,
    channels: tuple[int, int],
    matrix: NDArray[np.float64],
    degrees: float,
) -> Registration:
    """Compare the study with the registered prior, where both have voxels."""
    study = np.asarray(fixed.pixels[..., channels[0]], np.float32)
    prior = moving.pixels[..., channels[1]]
    placed = np.stack(
        [resample_slice(prior, matrix, fixed.pixels.shape[1:3], k) for k in range(fixed.n_slices)]
    )
    both = np.isfinite(placed)
    heads = study > _floor(study), np.nan_to_num(placed) > _floor(np.asarray(prior, np.float32))
    covered = float((heads[0] & both).sum()) / max(int(heads[0].sum()), 1)
    inside = [head & both for head in heads]
    overlap = 2 * float((inside[0] & inside[1]).sum()) / max(sum(int(h.sum()) for h in inside), 1)
    region = inside[0] | inside[1]
    correlation = 0.0
    if region.sum() > 1 and study[region].std() and placed[region].std():
        correlation = float(np.corrcoef(study[region], placed[region])[0, 1])
    bad = (
        overlap < LEAST_OVERLAP
        or correlation < LEAST_CORRELATION
        or covered < _LEAST_COVERED
        or degrees > MOST_DEGREES
    )
    return Registration(matrix, overlap, correlation, _BAD if bad else "")


def _floor(volume: NDArray[np.float32]) -> float:
    """Grey value above which a voxel belongs to the head: a tenth of the way up."""
    low, high = (float(one) for one in np.percentile(volume, (1, 99)))
    return low + 0.1 * (high - low)
