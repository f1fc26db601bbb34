"""A mask as a NIfTI file that lies on the input's own voxels."""

from __future__ import annotations

import gzip

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import Case


def encode_nifti_mask(case: Case, mask: NDArray[np.bool_]) -> bytes:
    """Encode a mask of a case as ``.nii.gz``.

    Args:
        case: The case; where its input had a grid, axes, directions and affine are that grid's.
            Single images have none: theirs get the case's spacing (1 where it is unknown), columns
            running to the patient's left and rows to posterior, and say that this is no position
            of a scanner.
        mask: ``(n, h, w)`` bool on the case's slices.

    Returns:
        The file's bytes, the same for the same mask.

    Raises:
        ValueError: The mask has another shape than the case.
    """
    if mask.shape != case.pixels.shape[:3]:
        raise ValueError(f"mask must have shape {case.pixels.shape[:3]}, got {mask.shape}")
    values = mask.astype(np.uint8)
    if case.grid is not None:
        volume, affine, code = case.grid.restore(values), case.grid.affine, "scanner"
    else:
        volume, code = np.transpose(values, (2, 1, 0)), "aligned"
        depth, height, width = case.spacing_mm or (1.0, 1.0, 1.0)
        affine = np.diag([-width, -height, depth, 1.0])
    image = nib.Nifti1Image(np.ascontiguousarray(volume), affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code=code)
    image.set_qform(affine, code=code)
    return gzip.compress(image.to_bytes(), compresslevel=6, mtime=0)
