"""New studies made of a demo study's slices, so that real models find something in them."""

from __future__ import annotations

import io
import os
from pathlib import Path

import diskcache
import nibabel
import numpy as np
from sqlalchemy import delete

from dashboard.store import Origin
from dashboard.store.schema import JobRecord, ResultRecord
from dashboard.studies import intake
from dashboard.workspace.services import Services
from pipeline import BytesDisk


def add_studies(parts: Services, slices: int, count: int, folder: Path) -> list[str]:
    """Store studies around the lesion of a demo study; returns their ids."""
    demo = next(row for row in parts.store.list_studies() if row.mask_slices)
    case = parts.files.load(demo.study_id)
    result = parts.results.get(parts.result_key(demo.content_digest) or "", case)
    assert result is not None
    middle = max(range(case.n_slices), key=lambda k: result.slices[k].mask_area_px)
    flair = np.asarray(case.pixels[..., [str(s) for s in case.sequences].index("flair")], np.int16)
    wanted = np.clip(np.arange(slices) - slices // 2 + middle, 0, case.n_slices - 1)
    found = []
    for number in range(count):
        noise = np.random.default_rng([slices, number, os.getpid()]).integers(0, 3, flair[0].shape)
        volume = (flair[wanted] + noise).astype(np.int16).transpose(2, 1, 0)
        place = folder / f"study-{slices}-{number}"
        place.mkdir(parents=True)
        image = nibabel.Nifti1Image(volume, np.diag([-0.9, -0.9, 4.0, 1.0]))
        (place / "flair.nii").write_bytes(_nifti(image))
        report = intake.add_files(parts, [place], origin=Origin.UPLOAD)
        found += [row.study_id for row in report.studies]
    return found


def forget_analyses(parts: Services, study_ids: list[str]) -> None:
    """Take jobs and results of studies away, as if nobody had ever asked for them."""
    for study_id in study_ids:
        row = parts.store.study(study_id)
        if row is None or row.job_id is None:
            continue
        with parts.store.writing() as session:
            session.execute(delete(ResultRecord).where(ResultRecord.job_id == row.job_id))
            session.execute(delete(JobRecord).where(JobRecord.job_id == row.job_id))
        with diskcache.Cache(str(parts.settings.results), disk=BytesDisk) as entries:
            entries.delete(parts.result_key(row.content_digest))


def _nifti(image: nibabel.Nifti1Image) -> bytes:
    stream = io.BytesIO()
    image.to_file_map({"image": nibabel.FileHolder(fileobj=stream)})
    return stream.getvalue()
