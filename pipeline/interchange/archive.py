"""The files of a study as one ZIP, made in a confined child.

    content = make_archive(study, {ExportKind.SEG, ExportKind.SR})

The web process needs no DICOM library, and a study whose values a library cannot handle ends the
child only. The same study gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case_files import describe_case
from pipeline.errors import InputError, ProgressCallback
from pipeline.interchange import archive_job
from pipeline.interchange.archive_job import ArchiveRequest, send_study
from pipeline.interchange.content import ExportedStudy, ExportKind, KeyView
from pipeline.sandbox.sessions import open_session

_JOB = archive_job.__name__
#: What children have imported before they start.
_MODULES = (_JOB, "pipeline.interchange.exports")
_FAILED = "The files cannot be made; the log of the server has the details."


def make_archive(
    study: ExportedStudy,
    kinds: Collection[ExportKind],
    *,
    views: tuple[KeyView, ...] = (),
    pdf: bytes | None = None,
    replaced: ExportedStudy | None = None,
    replaced_views: tuple[KeyView, ...] = (),
    reason: str = "",
    channel: int = 0,
    progress: ProgressCallback | None = None,
) -> bytes:
    """Make the files of a study; what cannot be made is named in ``not-written.txt`` in the ZIP.

    Args:
        study: What is exported.
        kinds: As what; see `pipeline.interchange.exports.write_exports` for these and the rest.
        views: Key images.
        pdf: The report.
        replaced: The record of the same study that this one amends.
        replaced_views: Its key images.
        reason: Why it was amended.
        channel: Channel of the images that are written where the input is not DICOM.
        progress: Called with (done, total, what is being done); may raise `Cancelled`.

    Raises:
        InputError: None of the files can be made.
    """
    sent, arrays = send_study(study)
    case = replace(study.case, masks=None)
    sent_before, before = (None, []) if replaced is None else send_study(replaced)
    request = ArchiveRequest(
        description=describe_case(case),
        study=sent,
        replaced=sent_before,
        kinds=tuple(sorted(kinds)),
        views=views,
        replaced_views=replaced_views,
        reason=reason,
        channel=channel,
        has_pdf=pdf is not None,
    )
    documents: list[NDArray[np.generic]] = [] if pdf is None else [np.frombuffer(pdf, np.uint8)]
    everything = [np.asarray(case.pixels), *arrays, *before, *documents]
    with open_session(f"{_JOB}:MakeArchive", modules=_MODULES, progress=progress) as session:
        answer = session.ask(request.model_dump_json(), everything)
    if len(answer.arrays) != 1 or not answer.arrays[0].tobytes().startswith(b"PK"):
        raise InputError("", _FAILED)
    return answer.arrays[0].tobytes()
