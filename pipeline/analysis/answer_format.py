"""Bytes in which the cache stores an `Answer`: a JSON header, then each slice on its own.

::

    "OVR5" | SHA-256 of all that follows | length of the header (4 bytes, big endian) | header
    | slices of the probability | of the uncertainty | of the saliency | of what was left out

A slice is its ``h * w`` uint8 values through zlib, and takes no bytes where it is empty, so that
one slice of a large study is read without the others. Decoding trusts nothing and raises
`ValueError`.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from dataclasses import asdict, dataclass
from functools import cache
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, with_config

from pipeline.analysis.answer import Answer, Outline
from pipeline.analysis.results import AnswerMap, ModelReference
from pipeline.models.decision import DecidedBy
from pipeline.storage.checked_json import STRICT
from pipeline.storage.digests import seal, unseal
from pipeline.storage.field_types import Count, Share

_MAGIC = b"OVR5"
_LENGTH = struct.Struct(">I")
#: An answer that would unpack to more than this was not written by Overread.
_MAX_VOXELS = 2**31
Side = Annotated[int, Field(gt=0)]


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class _Header:
    """Everything of an answer but its maps, and the bytes of each of their slices."""

    key: str
    shape: tuple[Side, Side, Side]
    sizes: tuple[Count, ...]
    scores: tuple[Share, ...]
    classifier_scores: tuple[Share, ...]
    outline_evidence: tuple[Share | None, ...]
    decided_by: tuple[str, ...]
    left_out_px: tuple[Count, ...]
    thresholds: tuple[Share, Share]
    networks: tuple[ModelReference]
    warnings: tuple[str, ...]

    def check(self, key: str) -> None:
        """Make sure that the parts belong together, and to a key.

        Raises:
            ValueError: They do not.
        """
        n = self.shape[0]
        per_slice = (self.scores, self.classifier_scores, self.outline_evidence, self.decided_by)
        if self.key != key:
            raise ValueError("the entry is of another key")
        if len(AnswerMap) * math.prod(self.shape) > _MAX_VOXELS:
            raise ValueError("the entry is too large")
        if any(len(values) != n for values in per_slice) or len(self.left_out_px) not in (0, n):
            raise ValueError("the entry lacks values of slices")
        if len(self.sizes) != len(AnswerMap) * n:
            raise ValueError("the entry lacks maps of slices")
        if not set(self.decided_by) <= set(DecidedBy):
            raise ValueError("the entry has an unknown decision")


def encode_answer(answer: Answer, key: str) -> bytes:
    """Make the bytes of an answer; ``key`` is written into them."""
    nothing = [b""] * len(answer.probability)
    maps = [getattr(answer, name) for name in AnswerMap]
    blobs = [b for m in maps for b in (nothing if m is None else [_pack(s) for s in m])]
    header = _Header(
        key=key,
        shape=answer.probability.shape,
        sizes=tuple(len(blob) for blob in blobs),
        scores=answer.scores,
        classifier_scores=answer.classifier_scores,
        outline_evidence=answer.outline_evidence,
        decided_by=answer.decided_by,
        left_out_px=answer.left_out_px,
        thresholds=(answer.operating_point, answer.mask_threshold),
        networks=(answer.network,),
        warnings=answer.warnings,
    )
    text = json.dumps(asdict(header), allow_nan=False).encode()
    body = b"".join([_LENGTH.pack(len(text)), text, *blobs])
    return seal(_MAGIC, body)


def decode_answer(entry: bytes, key: str) -> Answer:
    """Read an answer back, without saliency and left_out: nothing but the screen wants these.

    Raises:
        ValueError: The bytes are damaged, of another key, or not an answer at all.
    """
    header, start = _read_header(entry, key)
    return Answer(
        **_outline_fields(header, entry, start),
        classifier_scores=header.classifier_scores,
        decided_by=header.decided_by,
        uncertainty=_read_map(header, entry, start, AnswerMap.UNCERTAINTY),
        left_out_px=header.left_out_px,
        warnings=header.warnings,
    )


def decode_outline(entry: bytes, key: str) -> Outline:
    """Read back what masks are made from, and nothing else.

    Raises:
        ValueError: As `decode_answer`.
    """
    header, start = _read_header(entry, key)
    return Outline(**_outline_fields(header, entry, start))


def decode_shape(entry: bytes, key: str) -> tuple[int, int, int]:
    """Read the shape ``(n, h, w)`` of an answer's maps, and check all of its bytes.

    Raises:
        ValueError: As `decode_answer`.
    """
    return _read_header(entry, key)[0].shape


def decode_slice(
    entry: bytes, key: str, k: int, *, name: AnswerMap = AnswerMap.PROBABILITY
) -> NDArray[np.uint8]:
    """Read one map ``(h, w)`` of slice ``k``, from 0.

    Raises:
        ValueError: As `decode_answer`, or there is no such slice.
    """
    header, start = _read_header(entry, key)
    n, h, w = header.shape
    if not 0 <= k < n:
        raise ValueError(f"slice must be from 0 to {n - 1}, got {k}")
    place = list(AnswerMap).index(name) * n + k
    start += sum(header.sizes[:place])
    size = header.sizes[place]
    return _unpack(entry[start : start + size], h, w) if size else np.zeros((h, w), np.uint8)


def _outline_fields(header: _Header, entry: bytes, start: int) -> dict[str, Any]:
    operating_point, mask_threshold = header.thresholds
    return {
        "network": header.networks[0],
        "scores": header.scores,
        "outline_evidence": header.outline_evidence,
        "probability": _read_map(header, entry, start, AnswerMap.PROBABILITY),
        "operating_point": operating_point,
        "mask_threshold": mask_threshold,
    }


def _read_map(header: _Header, entry: bytes, start: int, name: AnswerMap) -> NDArray[np.uint8]:
    """A whole map ``(n, h, w)``; slices begin at ``start``."""
    n, h, w = header.shape
    first = list(AnswerMap).index(name) * n
    start += sum(header.sizes[:first])
    volume = np.zeros((n, h, w), np.uint8)
    for k, size in enumerate(header.sizes[first : first + n]):
        if size:
            volume[k] = _unpack(entry[start : start + size], h, w)
        start += size
    return volume


def _read_header(entry: bytes, key: str) -> tuple[_Header, int]:
    """Check the bytes and their header; returns it and where the slices begin."""
    body = unseal(_MAGIC, entry)
    if len(body) < _LENGTH.size:
        raise ValueError("the entry is not an answer")
    end = _LENGTH.size + _LENGTH.unpack_from(body)[0]
    header = _header_type().validate_json(bytes(body[_LENGTH.size : end]))
    header.check(key)
    if end + sum(header.sizes) != len(body):
        raise ValueError("the entry's slices do not fill it")
    return header, len(entry) - len(body) + end


@cache
def _header_type() -> TypeAdapter[_Header]:
    return TypeAdapter(_Header)


def _pack(values: NDArray[np.uint8]) -> bytes:
    return zlib.compress(values.tobytes(), 1) if values.any() else b""


def _unpack(blob: bytes, h: int, w: int) -> NDArray[np.uint8]:
    """Undo zlib for one slice; never more bytes than the slice has."""
    unpacker = zlib.decompressobj()
    try:
        values = unpacker.decompress(blob, h * w)
    except zlib.error as error:
        raise ValueError("a slice of the entry is damaged") from error
    if len(values) != h * w:
        raise ValueError("a slice of the entry has another size")
    return np.frombuffer(values, np.uint8).reshape(h, w)
