"""A volume of one file to a case in the making: brought to axial, its channels named."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.data.background import bring_into_range, darken_background
from pipeline.data.case import Case, InputGrid, SequenceName, SourceKind, tidy_values
from pipeline.data.cautions import Caution, InputAspect, ReadingAspect, Severity, cautions_of
from pipeline.data.geometry import (
    ORIENTATIONS,
    Plane,
    is_oblique,
    is_usable,
    lay_out,
    pixel_spacing_warnings,
    plane_of,
    plane_warnings,
    positions_of,
    shear_warnings,
    slice_distance_warnings,
    spacing_of,
    to_case_volume,
)
from pipeline.data.reading.format_kinds import InputFile, Volume, VolumeFormat
from pipeline.data.reading.limits import MAX_CHANNELS
from pipeline.data.reading.names import NameParts, case_names, parse_name
from pipeline.data.reading.pending_cases import PendingCase
from pipeline.data.sequences import COLOUR_SEQUENCES, sequence_cautions

#: The Medical Segmentation Decathlon's brain task names its four-channel files BRATS_<number>.
_DECATHLON = re.compile(r"BRATS_\d{3}")
_DECATHLON_SEQUENCES = (
    SequenceName.FLAIR,
    SequenceName.PRE,
    SequenceName.POST,
    SequenceName.T2,
)

NO_ORIENTATION = (
    "The file does not state the volume's orientation in the patient; left and right are unknown."
)
CONTRADICTION = (
    "The file contradicts itself about left and right: its sform and its qform disagree. The sform"
    " is followed, and R and L are assumed. Check the side before relying on it."
)


def read_volume(file: InputFile[VolumeFormat], *, as_mask: bool = False) -> PendingCase:
    """Read one volume.

    Args:
        file: The file.
        as_mask: Whether its values are to stay as they are stored: 0 is outside of a mask.

    Returns:
        The case, axial where the file states its orientation. The file's array is the grid's input.

    Raises:
        InputError: If it cannot be read.
    """
    volume = file.format.read(file)
    parts = parse_name(file.stem)
    voxels, sequences, unsure = _channels_of(parts, volume)
    placed = volume.affine is not None and is_usable(volume.affine)
    grid, plane, stated = _grid_of(volume, placed=placed)
    absurd_z = slice_distance_warnings(stated[0])
    absurd = pixel_spacing_warnings(*stated[1:]) or absurd_z
    notes: tuple[str, ...] = ()
    if not as_mask:
        voxels, notes = bring_into_range(voxels)
    pixels = to_case_volume(tidy_values(voxels), grid)
    if not as_mask:
        pixels, more_notes = darken_background(pixels)
        notes = (*notes, *more_notes)
    n = pixels.shape[0]
    case = Case(
        case_id="case",
        kind=SourceKind.VOLUME,
        pixels=pixels,
        sequences=sequences,
        indices=tuple(range(1, n + 1)),
        sources=(file.source,) * n,
        spacing_mm=None if absurd else stated,
        orientation=ORIENTATIONS[plane] if placed else None,
        positions_mm=positions_of(grid) if placed and not absurd_z else None,
        grid=replace(
            grid,
            placement=volume.placement,
            is_stated=placed or volume.placement is not None,
        ),
        cautions=(
            *unsure,
            *volume.cautions,
            *cautions_of(ReadingAspect.NO_SPACING, absurd),
            *cautions_of(
                ReadingAspect.PLACE, (CONTRADICTION,) if volume.contradicts_itself else ()
            ),
            *_placement_cautions(grid, plane, placed=placed),
            *cautions_of(ReadingAspect.VALUES, notes),
        ),
        window=volume.window,
        orientation_assumed=placed and volume.contradicts_itself,
    )
    names = case_names(parts.stem, file.folder)
    study_names = case_names(parts.base or parts.stem, file.folder)
    return PendingCase(case=case, names=names, study_names=study_names, is_mask=as_mask)


def _grid_of(
    volume: Volume, *, placed: bool
) -> tuple[InputGrid, Plane, tuple[float, float, float]]:
    """Grid, plane, and the spacing ``(z, y, x)`` as stated, whether it can be right or not."""
    x, y, z = volume.voxels.shape[:3]
    if placed and volume.affine is not None:
        plane = _plane_for((x, y, z), volume.affine)
        grid = lay_out(volume.affine, (x, y, z), plane)
        return grid, plane, spacing_of(grid)
    sizes = np.array(volume.voxel_mm)
    stated = bool(np.isfinite(sizes).all() and (sizes > 1e-4).all())
    scale = sizes if stated else np.ones(3)
    affine = np.diag([-scale[0], scale[1], scale[2], 1.0])
    size_x, size_y, size_z = volume.voxel_mm
    return lay_out(affine, (x, y, z), Plane.AXIAL), Plane.AXIAL, (size_z, size_y, size_x)


def _plane_for(grid_shape: tuple[int, int, int], affine: NDArray[np.float64]) -> Plane:
    """Axial, except for a lone slice of another plane, which would become a line."""
    if 1 in grid_shape and sum(size == 1 for size in grid_shape) == 1:
        return plane_of(affine, grid_shape.index(1))
    return Plane.AXIAL


def _placement_cautions(grid: InputGrid, plane: Plane, *, placed: bool) -> tuple[Caution, ...]:
    """What a reader must know about the volume's orientation."""
    if not placed:
        return (Caution(NO_ORIENTATION, InputAspect.ORIENTATION),)
    leaning = cautions_of(ReadingAspect.PLACE, shear_warnings(grid))
    if plane is Plane.AXIAL and is_oblique(grid.affine):
        words = "The volume is oblique to the patient's axes; its slices are only roughly axial."
        return (*leaning, Caution(words, InputAspect.ORIENTATION))
    # volumes of several slices become axial
    other_plane = plane_warnings(plane, slices="slice is")
    return (
        *leaning,
        *cautions_of(InputAspect.ORIENTATION, other_plane, severity=Severity.UNFIT),
    )


def _channels_of(
    parts: NameParts, volume: Volume
) -> tuple[NDArray[np.generic], tuple[SequenceName, ...], tuple[Caution, ...]]:
    """The volumes of a file that are its channels, their sequences, and what is not sure.

    Args:
        parts: What the file's name says.
        volume: The file's content.
    """
    voxels = volume.voxels
    count = max(voxels.shape[3], volume.n_volumes)
    if count == len(_DECATHLON_SEQUENCES) and _DECATHLON.fullmatch(parts.stem):
        return voxels, _DECATHLON_SEQUENCES, ()
    if count == len(COLOUR_SEQUENCES) and parts.sequence is None:
        warning = (
            "The three volumes of this file are assumed to be T1 without contrast, FLAIR and T1"
            " with contrast; the file does not state them."
        )
        return voxels, COLOUR_SEQUENCES, (Caution(warning, InputAspect.SEQUENCE),)
    if 1 < count <= MAX_CHANNELS and parts.sequence is None:
        unknown = (SequenceName.UNKNOWN,) * count
        note = f"The file holds {count} volumes and does not say which sequences they are."
        return (
            voxels,
            unknown,
            (
                Caution(note, InputAspect.SEQUENCE),
                *sequence_cautions(unknown),
            ),
        )
    named = (parts.sequence or SequenceName.UNKNOWN,)
    if count == 1:
        return voxels, named, sequence_cautions(named)
    note = (
        f"The file holds {count} volumes of one sequence (time points, echoes or b-values); the"
        f" first is read, {count - 1} {'is' if count == 2 else 'are'} left out."
    )
    return (
        voxels[..., :1],
        named,
        (
            Caution(note, ReadingAspect.SELECTION),
            *sequence_cautions(named),
        ),
    )
