"""A mask as a NIfTI file that lies on the input's own voxels, in every program that opens it."""

from __future__ import annotations

import gzip

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import InputGrid, NiftiPlacement
from pipeline.data.geometry import is_sheared

#: Code of a form: coordinates of the scanner.
_SCANNER = 1
#: Bytes before the voxels: the header, and four that say that no extension follows.
_VOX_OFFSET = 352


def encode_nifti_mask(
    mask: NDArray[np.bool_],
    grid: InputGrid | None,
    spacing_mm: tuple[float, float, float] | None = None,
) -> bytes:
    """Encode a mask of a case as ``.nii.gz``.

    The header says what the input's header says about place and unit, word for word. For other
    formats it has the grid's affine, as a qform only where that can hold it: a leaning stack has an
    sform alone. Slices that are missing in the input are empty.

    Args:
        mask: ``(n, h, w)`` bool on the case's slices.
        grid: The case's. Without one, as for single images, and where no affine can say where its
            slices lie (`InputGrid.is_regular`), the file states no position, and its axes are
            columns, rows and slices.
        spacing_mm: ``(z, y, x)`` where there is no grid; the unit is left open where it is unknown.

    Returns:
        The file's bytes, the same for the same mask.

    Raises:
        ValueError: The mask has another shape than the grid.
    """
    header = nib.Nifti1Header()
    header.set_data_dtype(np.uint8)
    header["vox_offset"] = _VOX_OFFSET
    values = mask.astype(np.uint8)
    if grid is None or not grid.is_regular:
        spacing_mm = spacing_mm if grid is None else None
        volume: NDArray[np.generic] = np.transpose(values, (2, 1, 0))
        header.set_data_shape(volume.shape)
        header.set_zooms((spacing_mm or (1.0, 1.0, 1.0))[::-1])
        header.set_xyzt_units("unknown" if spacing_mm is None else "mm")
    else:
        volume = _on_grid(values, grid)
        header.set_data_shape(volume.shape)
        if grid.placement is not None:
            _place_like(header, grid.placement)
        else:
            header.set_xyzt_units("mm")
            _place_by_affine(header, grid.affine, volume.shape)
    before = header.binaryblock.ljust(_VOX_OFFSET, b"\0")
    content = before + volume.tobytes(order="F")
    return gzip.compress(content, compresslevel=6, mtime=0)


def _on_grid(values: NDArray[np.uint8], grid: InputGrid) -> NDArray[np.generic]:
    """The mask on the input's axes, with an empty slice where the input lacks one."""
    shape = tuple(grid.shape[axis] for axis in grid.axes)
    if values.shape != shape:
        raise ValueError(f"mask must have shape {shape}, got {values.shape}")
    volume = grid.restore(values)
    if grid.slots is None:
        return volume
    axis = grid.axes[0]
    whole = list(volume.shape)
    whole[axis] = round(grid.last_slot) + 1
    placed = np.zeros(whole, np.uint8)
    np.moveaxis(placed, axis, 0)[np.array(grid.slots, int)] = np.moveaxis(volume, axis, 0)
    return placed


def _place_like(header: nib.Nifti1Header, placement: NiftiPlacement) -> None:
    header["pixdim"][:4] = placement.pixdim
    header["qform_code"], header["sform_code"] = placement.qform_code, placement.sform_code
    header["quatern_b"], header["quatern_c"], header["quatern_d"] = placement.quaternion
    header["qoffset_x"], header["qoffset_y"], header["qoffset_z"] = placement.offset
    header["srow_x"], header["srow_y"], header["srow_z"] = np.reshape(placement.sform, (3, 4))
    header["xyzt_units"] = placement.unit


def _place_by_affine(
    header: nib.Nifti1Header, affine: NDArray[np.float64], shape: tuple[int, ...]
) -> None:
    header.set_zooms(np.linalg.norm(affine[:3, :3], axis=0))
    header.set_sform(affine, code=_SCANNER)
    if not is_sheared(affine, shape):
        header.set_qform(affine, code=_SCANNER)
