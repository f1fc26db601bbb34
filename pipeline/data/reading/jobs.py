"""What the children of `pipeline.data.reading.isolated` do, and what they are asked and answer.

The declared models here are the whole of what crosses the border beside arrays. Only children
import this module's readers: the functions that use them import them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.data.case import Case
from pipeline.data.case_files import describe_case, restore_case
from pipeline.data.reading.limits import MAX_SIDE_PX, MAX_SLICES
from pipeline.data.reading.loaded import Loaded, Place, Room
from pipeline.data.reading.own_results import OwnResults
from pipeline.data.reading.pending_cases import PendingCase
from pipeline.errors import InputError
from pipeline.sandbox.messages import Message, Refusal
from pipeline.sandbox.watch import Work, watching
from pipeline.storage.declared_models import DeclaredModel
from pipeline.storage.field_types import SentPath

if TYPE_CHECKING:
    from pipeline.data.reading.reading import Reading

_Count = Annotated[int, Field(ge=0, lt=2**40)]
_Place = Annotated[tuple[int | str, ...], Field(max_length=8)]


class CasesRequest(DeclaredModel):
    """Files and folders to look over; see `pipeline.data.reading.reading.open_reading`."""

    paths: tuple[SentPath, ...]
    output: SentPath | None
    own: OwnResults | None
    single_pictures: bool


class PlacedRefusal(DeclaredModel):
    """A sentence with its place."""

    place: _Place
    refusal: Refusal


class CasesOverview(DeclaredModel):
    """What was found; of each batch its slices."""

    batches: tuple[_Count, ...]
    errors: tuple[PlacedRefusal, ...]
    notices: tuple[str, ...]
    n_files: _Count


class BatchRequest(DeclaredModel):
    """A batch to decode, and the bytes that are held already."""

    number: _Count
    used: _Count


class SentCase(DeclaredModel):
    """A case of a batch; its pixels, then its masks if it has any, are the next arrays."""

    place: _Place
    names: Annotated[tuple[str, ...], Field(min_length=1)]
    description: str
    has_masks: bool


class SentBatch(DeclaredModel):
    """A decoded batch, and the bytes that are held by now."""

    cases: tuple[SentCase, ...]
    errors: tuple[PlacedRefusal, ...]
    used: _Count


class ReferenceRequest(DeclaredModel):
    """Files of a reference, and the case that it is for, whose pixels come along."""

    paths: tuple[SentPath, ...]
    description: str


class SentReference(DeclaredModel):
    """A reference, whose masks come along."""

    sources: tuple[str, ...]
    warnings: tuple[str, ...]


def send_errors(errors: Sequence[tuple[Place, InputError]]) -> tuple[PlacedRefusal, ...]:
    """Sentences with their places, to be sent."""
    return tuple(
        PlacedRefusal(place=(*place,), refusal=Refusal.of(error)) for place, error in errors
    )


def receive_errors(sent: Sequence[PlacedRefusal]) -> list[tuple[Place, InputError]]:
    """Sentences with their places, as they were sent."""
    return [(one.place, one.refusal.error()) for one in sent]


def send_batch(loaded: Loaded, room: Room) -> Message:
    """A decoded batch, to be sent."""
    cases: list[SentCase] = []
    arrays: list[NDArray[np.generic]] = []
    for place, one in loaded.cases:
        case = one.case
        masks = () if case.masks is None else (case.masks,)
        cases.append(
            SentCase(
                place=(*place,),
                names=one.names,
                description=describe_case(case),
                has_masks=bool(masks),
            )
        )
        arrays += [case.pixels, *masks]
    sent = SentBatch(cases=tuple(cases), errors=send_errors(loaded.errors), used=room.used)
    return Message(sent.model_dump_json(), tuple(arrays))


def receive_batch(message: Message, room: Room) -> Loaded:
    """A decoded batch as it was sent, checked.

    Raises:
        ValueError: It is not valid.
    """
    sent = SentBatch.model_validate_json(message.document)
    arrays = iter(message.arrays)
    loaded = Loaded(errors=receive_errors(sent.errors))
    try:
        for one in sent.cases:
            pixels = next(arrays)
            masks = next(arrays) if one.has_masks else None
            case = restore_case(one.description, *_check(pixels, masks))
            loaded.cases.append((one.place, PendingCase(case, one.names)))
    except StopIteration:
        raise ValueError("arrays are missing") from None
    room.used = sent.used
    return loaded


def _check(
    pixels: NDArray[np.generic], masks: NDArray[np.generic] | None
) -> tuple[NDArray[np.generic], NDArray[np.bool_] | None]:
    """Pixels and masks as reading may return them; `restore_case` checks their types.

    Raises:
        ValueError: There are none or too many, or they hold what is no number.
    """
    if pixels.ndim != 4 or not pixels.size:
        raise ValueError("no pixels")
    slices, height, width, _ = pixels.shape
    if slices > MAX_SLICES or max(height, width) > MAX_SIDE_PX:
        raise ValueError("too many pixels")
    if pixels.dtype.kind == "f" and not np.isfinite([pixels.min(), pixels.max()]).all():
        raise ValueError("pixels are no numbers")
    if masks is None:
        return pixels, None
    if masks.dtype != np.bool_:
        raise ValueError("no masks")
    return pixels, masks.view(np.bool_)


class ReadCases:
    """Looks over files at the first request, and decodes a batch at each later one."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._reading: Reading | None = None
        self._progress: Callable[[int, int, str], None] = lambda *_: None

    def answer(self, request: Message, progress: Callable[[int, int, str], None]) -> Message:
        """As `pipeline.sandbox.child.Job`."""
        self._progress = progress
        if self._reading is None:
            return self._look(CasesRequest.model_validate_json(request.document))
        asked = BatchRequest.model_validate_json(request.document)
        room = Room(asked.used)
        return send_batch(self._reading.load(self._reading.batches[asked.number], room), room)

    def _look(self, asked: CasesRequest) -> Message:
        from pipeline.data.reading.reading import open_reading

        own = asked.own
        reading = self._reading = self._open.enter_context(
            open_reading(
                asked.paths,
                passed_over=own.holds if own is not None else lambda _: False,
                output=asked.output,
                single_pictures=asked.single_pictures,
                progress=lambda *step: self._progress(*step),
            )
        )
        overview = CasesOverview(
            batches=tuple(batch.n_slices for batch in reading.batches),
            errors=send_errors(reading.errors),
            notices=reading.notices,
            n_files=reading.n_files,
        )
        return Message(overview.model_dump_json())


class ReadReference:
    """Reads a reference for a case."""

    def answer(self, request: Message, progress: Callable[[int, int, str], None]) -> Message:
        """As `pipeline.sandbox.child.Job`."""
        from pipeline.data.reading.attaching import read_reference

        asked = ReferenceRequest.model_validate_json(request.document)
        (pixels,) = request.arrays
        case: Case = restore_case(asked.description, pixels, None)
        paths = asked.paths
        with watching(paths[0].name if paths else "", work=Work.STUDY):
            reference = read_reference(case, paths)
        sent = SentReference(sources=reference.sources, warnings=reference.warnings)
        return Message(sent.model_dump_json(), (reference.masks,))
