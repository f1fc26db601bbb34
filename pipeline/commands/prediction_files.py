"""The files that ``predict`` writes: results.json and masks, in the form that is promised.

``results.json`` is a contract with other programs: its keys, and what they mean, do not change
within schema 1; keys may be added.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.atomic_files import replacing, write_json
from pipeline.data.case import Case
from pipeline.errors import InputError
from pipeline.models.registry import TaskInfo
from pipeline.results import CaseResult

SCHEMA = 1
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_OUR_MASK = re.compile(r"[0-9]+\.png")


class PredictionFolder:
    """The folder that receives the results of one call.

    Args:
        folder: Made where it does not exist.

    Raises:
        InputError: The folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cases: list[dict[str, Any]] = []
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(folder / ".writable") as probe:
                probe.touch()
            (folder / ".writable").unlink()

    def add(self, case: Case, result: CaseResult) -> None:
        """Write a case's masks and remember its part of results.json.

        Raises:
            InputError: The folder cannot be written.
        """
        if _SAFE_NAME.fullmatch(case.case_id) is None:
            raise ValueError(f"a case's name must be safe for a file system, got {case.case_id!r}")
        with writing(self._folder):
            named = self._write_slices(case.case_id, result)
            if case.grid is not None:
                path = self._folder / "masks" / f"{case.case_id}.nii.gz"
                write_nifti_mask(path, case, result.masks())
        self._cases.append(describe_case(result, named))

    def finish(self, models: TaskInfo, errors: Iterable[InputError]) -> Path:
        """Write results.json in one step; returns its path.

        Raises:
            InputError: The folder cannot be written.
        """
        path = self._folder / "results.json"
        with writing(self._folder):
            write_json(path, describe_results(models, self._cases, errors))
        return path

    def _write_slices(self, case_id: str, result: CaseResult) -> list[str | None]:
        """Write a PNG for each slice that is called tumor; returns their names, None elsewhere."""
        from PIL import Image

        folder = self._folder / "masks" / case_id
        # What an earlier call left here would pass for this one's.
        for path in folder.glob("*.png"):
            if _OUR_MASK.fullmatch(path.name):
                path.unlink()
        names: list[str | None] = [None] * len(result.slices)
        for k, (answer, mask) in enumerate(zip(result.slices, result.masks(), strict=True)):
            if answer.tumor:
                folder.mkdir(parents=True, exist_ok=True)
                pixels = np.where(mask, np.uint8(255), np.uint8(0))
                Image.fromarray(pixels).save(folder / f"{answer.index}.png")
                names[k] = f"masks/{case_id}/{answer.index}.png"
        return names


def describe_results(
    models: TaskInfo, cases: list[dict[str, Any]], errors: Iterable[InputError]
) -> dict[str, Any]:
    """The whole of results.json."""
    return {
        "schema": SCHEMA,
        "task": models.task,
        "models": {
            stage: {"name": models.network.name, "digest": models.network.digest}
            for stage in ("classifier", "segmenter")
        },
        "cases": cases,
        "errors": [{"source": error.source, "message": error.message} for error in errors],
    }


def describe_case(result: CaseResult, masks: Iterable[str | None]) -> dict[str, Any]:
    """One case of results.json; ``masks`` names the file of each slice, or None."""
    spacing = result.spacing_mm
    return {
        "case_id": result.case_id,
        "spacing_mm": None if spacing is None else [float(mm) for mm in spacing],
        "tumor": result.tumor,
        "volume_ml": result.volume_ml,
        "dice": result.dice,
        "warnings": list(result.warnings),
        "slices": [
            {
                "index": int(answer.index),
                "source": answer.source,
                "tumor_probability": answer.tumor_probability,
                "tumor": answer.tumor,
                "classifier_score": answer.classifier_score,
                "outline_evidence": answer.outline_evidence,
                "decided_by": answer.decided_by,
                "mask": name,
                "mask_area_px": answer.mask_area_px,
                "dice": answer.dice,
            }
            for answer, name in zip(result.slices, masks, strict=True)
        ],
    }


def write_nifti_mask(path: Path, case: Case, masks: NDArray[np.bool_]) -> None:
    """Write masks ``(n, h, w)`` as 0 and 1 on the grid of the case's input, with its affine."""
    import nibabel

    assert case.grid is not None
    volume = np.ascontiguousarray(case.grid.restore(masks.astype(np.uint8)))
    image = nibabel.Nifti1Image(volume, case.grid.affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(case.grid.affine, code="scanner")
    image.set_qform(case.grid.affine, code="scanner")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        nibabel.save(image, temporary)


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses into one sentence about the folder."""
    try:
        yield
    except OSError as error:
        name = folder.name or str(folder)
        message = f"The folder {name} cannot be written: {error.strerror or 'unknown reason'}."
        raise InputError(name, message) from error
