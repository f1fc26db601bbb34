"""Bytes in which the cache keeps an `Answer`: a JSON header, then each slice on its own.

::

    "OVR5" | SHA-256 of all that follows | length of the header (4 bytes, big endian) | header
    | slices of the probability | of the uncertainty | of the saliency | of what was left out

A slice is its ``h * w`` uint8 values through zlib, and takes no bytes where it is empty, so that
one slice of a large study is read without the others. Decoding trusts nothing and raises
`ValueError`.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import zlib
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.answer import Answer, Outline
from pipeline.analysis.results import AnswerMap, ModelReference
from pipeline.models.decision import DecidedBy

_MAGIC = b"OVR5"
_LENGTH = struct.Struct(">I")
_BODY = len(_MAGIC) + hashlib.sha256().digest_size
#: Lists of the header that hold one value for each slice.
_PER_SLICE = {"scores", "classifier_scores", "outline_evidence", "decided_by"}
#: An answer that would unpack to more than this is none of ours.
_MAX_VOXELS = 2**31


def encode_answer(answer: Answer, key: str) -> bytes:
    """Make the bytes of an answer; ``key`` is written into them."""
    nothing = [b""] * len(answer.probability)
    maps = [getattr(answer, name) for name in AnswerMap]
    blobs = [b for m in maps for b in (nothing if m is None else [_pack(s) for s in m])]
    header = {
        "key": key,
        "shape": list(answer.probability.shape),
        "sizes": [len(blob) for blob in blobs],
        "scores": list(answer.scores),
        "classifier_scores": list(answer.classifier_scores),
        "outline_evidence": list(answer.outline_evidence),
        "decided_by": list(answer.decided_by),
        "left_out_px": list(answer.left_out_px),
        "thresholds": [answer.operating_point, answer.mask_threshold],
        "networks": [asdict(answer.network)],
        "warnings": list(answer.warnings),
    }
    text = json.dumps(header, allow_nan=False).encode()
    body = b"".join([_LENGTH.pack(len(text)), text, *blobs])
    return _MAGIC + hashlib.sha256(body).digest() + body


def decode_answer(entry: bytes, key: str) -> Answer:
    """Read an answer back, without saliency and left_out: nothing but the screen wants these.

    Raises:
        ValueError: The bytes are damaged, of another key, or not an answer at all.
    """
    header, start = _read_header(entry, key)
    return Answer(
        **_outline_fields(header, entry, start),
        classifier_scores=tuple(header["classifier_scores"]),
        outline_evidence=tuple(header["outline_evidence"]),
        decided_by=tuple(header["decided_by"]),
        uncertainty=_read_map(header, entry, start, AnswerMap.UNCERTAINTY),
        left_out_px=tuple(header["left_out_px"]),
        warnings=tuple(header["warnings"]),
    )


def decode_outline(entry: bytes, key: str) -> Outline:
    """Read back what masks are made from, and nothing else.

    Raises:
        ValueError: As `decode_answer`.
    """
    header, start = _read_header(entry, key)
    return Outline(**_outline_fields(header, entry, start))


def decode_slice(
    entry: bytes, key: str, k: int, *, name: AnswerMap = AnswerMap.PROBABILITY
) -> NDArray[np.uint8]:
    """Read one map ``(h, w)`` of slice ``k``, from 0.

    Raises:
        ValueError: As `decode_answer`, or there is no such slice.
    """
    header, start = _read_header(entry, key)
    n, h, w = header["shape"]
    if not 0 <= k < n:
        raise ValueError(f"slice must be from 0 to {n - 1}, got {k}")
    place = list(AnswerMap).index(name) * n + k
    start += sum(header["sizes"][:place])
    size = header["sizes"][place]
    return _unpack(entry[start : start + size], h, w) if size else np.zeros((h, w), np.uint8)


def _outline_fields(header: dict[str, Any], entry: bytes, start: int) -> dict[str, Any]:
    return {
        "network": _model(header["networks"][0]),
        "scores": tuple(header["scores"]),
        "probability": _read_map(header, entry, start, AnswerMap.PROBABILITY),
        "operating_point": header["thresholds"][0],
        "mask_threshold": header["thresholds"][1],
    }


def _read_map(
    header: dict[str, Any], entry: bytes, start: int, name: AnswerMap
) -> NDArray[np.uint8]:
    """A whole map ``(n, h, w)``; slices begin at ``start``."""
    n, h, w = header["shape"]
    first = list(AnswerMap).index(name) * n
    start += sum(header["sizes"][:first])
    volume = np.zeros((n, h, w), np.uint8)
    for k, size in enumerate(header["sizes"][first : first + n]):
        if size:
            volume[k] = _unpack(entry[start : start + size], h, w)
        start += size
    return volume


def _read_header(entry: bytes, key: str) -> tuple[dict[str, Any], int]:
    """Check the bytes and their header; returns it and where the slices begin."""
    body = entry[_BODY:]
    if entry[: len(_MAGIC)] != _MAGIC or len(body) < _LENGTH.size:
        raise ValueError("the entry is not an answer")
    if hashlib.sha256(body).digest() != entry[len(_MAGIC) : _BODY]:
        raise ValueError("the entry is damaged")
    end = _LENGTH.size + _LENGTH.unpack_from(body)[0]
    header = json.loads(body[_LENGTH.size : end])
    _check_header(header, key)
    if end + sum(header["sizes"]) != len(body):
        raise ValueError("the entry's slices do not fill it")
    return header, _BODY + end


def _check_header(header: Any, key: str) -> None:
    lists = _PER_SLICE | {"sizes", "shape", "thresholds", "networks", "warnings", "left_out_px"}
    if not isinstance(header, dict) or set(header) != lists | {"key"} or header["key"] != key:
        raise ValueError("the entry is another one's")
    if any(not isinstance(header[name], list) for name in lists):
        raise ValueError("the entry's header does not fit")
    shape = header["shape"]
    whole = len(shape) == 3 and all(type(v) is int and v > 0 for v in shape)
    if not whole or len(AnswerMap) * math.prod(shape) > _MAX_VOXELS:
        raise ValueError("the entry's shape does not fit")
    if any(len(header[name]) != shape[0] for name in _PER_SLICE):
        raise ValueError("the entry's slices do not fit")
    sizes = header["sizes"]
    whole = all(type(v) is int and v >= 0 for v in sizes)
    if not whole or len(sizes) != len(AnswerMap) * shape[0]:
        raise ValueError("the entry's sizes do not fit")
    counts = header["left_out_px"]
    if len(counts) not in (0, shape[0]) or not all(type(v) is int and v >= 0 for v in counts):
        raise ValueError("the entry's counts do not fit")
    evidence = [v for v in header["outline_evidence"] if v is not None]
    parts = [*header["scores"], *header["classifier_scores"], *evidence, *header["thresholds"]]
    if len(header["thresholds"]) != 2 or not all(type(v) is float and 0 <= v <= 1 for v in parts):
        raise ValueError("the entry's scores do not fit")
    if not all(word in list(DecidedBy) for word in header["decided_by"]):
        raise ValueError("the entry's decisions do not fit")
    if len(header["networks"]) != 1 or not all(isinstance(v, str) for v in header["warnings"]):
        raise ValueError("the entry's network or warnings do not fit")


def _model(fields: Any) -> ModelReference:
    names = set(ModelReference.__dataclass_fields__)
    if not isinstance(fields, dict) or set(fields) != names:
        raise ValueError("the entry names a model in another way")
    if not all(isinstance(value, str) for value in fields.values()):
        raise ValueError("the entry names a model in another way")
    return ModelReference(**fields)


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
