"""The reference that a reader attached to a study: how it is stored, and the case with it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import pipeline
from dashboard.masks.corrections import make_volume, shape_of
from dashboard.masks.encoding import decode_mask, encode_mask
from dashboard.store import StudyRow
from dashboard.store.entries import read_reference
from dashboard.store.stored_json import AttachedFiles
from dashboard.workspace.services import Services
from pipeline import Case, Caution, InputError, ReadingAspect

if TYPE_CHECKING:  # with it come the readers of all formats
    from pipeline import AttachedReference

_GONE = "The reference of this study has changed; open it again."


def load_case(services: Services, row: StudyRow) -> Case:
    """A study's case with what readers entered: spacing and reference.

    Args:
        services: The server's parts.
        row: The study. Where it is not the latest row, its reference may be gone.

    Raises:
        InputError: Its files are damaged, the shared storage does not answer, or the reference was
            detached meanwhile.
    """
    case, attached = services.load_case(row), row.entries.reference
    if attached is None:
        return case

    def read() -> NDArray[np.bool_]:
        content = read_reference(services.store, row.study_id)
        if content is None or digest_of(content) != attached.digest:
            raise InputError("", _GONE)
        return make_volume(decode_mask(content, shape_of(row)), shape_of(row))

    masks = services.files.keep_reference(attached.digest, read)
    reference = pipeline.AttachedReference(masks, attached.sources, attached.warnings)
    return with_attached(case, reference)


def with_attached(case: Case, reference: AttachedReference) -> Case:
    """A case with an attached reference and the sentences on it."""
    added = (Caution(sentence, ReadingAspect.REFERENCE) for sentence in reference.warnings)
    cautions = tuple(dict.fromkeys((*case.cautions, *added)))
    return replace(pipeline.with_reference(case, reference), cautions=cautions)


def digest_of(content: bytes) -> str:
    """Digest of a reference as it is stored."""
    return hashlib.sha256(content).hexdigest()


def encode_reference(masks: NDArray[np.bool_]) -> bytes:
    """A reference ``(n, h, w)`` as it is stored; empty slices are left out."""
    n, h, w = masks.shape
    return encode_mask({k: mask for k, mask in enumerate(masks) if mask.any()}, (n, h, w))


def decode_reference(row: StudyRow, content: bytes, attached: AttachedFiles) -> AttachedReference:
    """A stored reference of a study, with where it comes from."""
    masks = make_volume(decode_mask(content, shape_of(row)), shape_of(row))
    return pipeline.AttachedReference(masks, attached.sources, attached.warnings)
