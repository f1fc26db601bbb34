"""A mask as a NIfTI file that lies on the input's own voxels."""

from __future__ import annotations

import gzip

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import InputGrid


def encode_nifti_mask(
    mask: NDArray[np.bool_],
    grid: InputGrid | None,
    spacing_mm: tuple[float, float, float] | None = None,
) -> bytes:
    """Encode a mask of a case as ``.nii.gz``.

    Args:
        mask: ``(n, h, w)`` bool on the case's slices.
        grid: The case's, whose axes, directions and affine the file gets. Single images have none:
            theirs have columns that run to the patient's left and rows to posterior, and state that
            this is no position of a scanner.
        spacing_mm: ``(z, y, x)`` where there is no grid; 1 where it is unknown.

    Returns:
        The file's bytes, the same for the same mask.

    Raises:
        ValueError: The mask has another shape than the grid.
    """
    values = mask.astype(np.uint8)
    if grid is not None:
        shape = tuple(grid.shape[axis] for axis in grid.axes)
        if mask.shape != shape:
            raise ValueError(f"mask must have shape {shape}, got {mask.shape}")
        volume, affine, code = grid.restore(values), grid.affine, "scanner"
    else:
        volume, code = np.transpose(values, (2, 1, 0)), "aligned"
        depth, height, width = spacing_mm or (1.0, 1.0, 1.0)
        affine = np.diag([-width, -height, depth, 1.0])
    image = nib.Nifti1Image(np.ascontiguousarray(volume), affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code=code)
    image.set_qform(affine, code=code)
    return gzip.compress(image.to_bytes(), compresslevel=6, mtime=0)
