"""What parent and child send each other: lengths, JSON of declared models, and plain arrays.

No pickle and no shared memory: a file may have taken control of its child, so that nothing
it sends is more than numbers and text, and nothing can change after it was checked.
"""

from __future__ import annotations

import math
import select
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError

from pipeline.errors import InputError, PassedOver
from pipeline.sandbox.watch import ReadingLimits
from pipeline.storage.declared_models import DeclaredModel
from pipeline.storage.field_types import SentPath

#: What the parent asks of the server: to start a child (its socket comes along), or to kill one.
ORDER = struct.Struct(">cI")
START, KILL = b"s", b"k"

_LENGTH = struct.Struct(">I")
_MAX_JSON = 32 << 20
_MAX_ARRAYS = 1 << 16
_POLL_MS = 250
_Name = Annotated[str, Field(max_length=16_384)]


#: An array of any kind that may be sent.
Array = NDArray[np.generic]


class Broken(Exception):
    """The other side sent what it never sends, or has ended."""


class ArrayHead(DeclaredModel):
    """An array that follows: its kind and shape."""

    dtype: Literal["|b1", "|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f4", "<f8"]
    shape: Annotated[tuple[Annotated[int, Field(ge=0, lt=2**40)], ...], Field(max_length=8)]

    @property
    def nbytes(self) -> int:
        """Its size; Python's integers do not overflow."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


class Progress(DeclaredModel):
    """How far a child has come."""

    kind: Literal["progress"] = "progress"
    done: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=0)]
    message: _Name


class Confined(DeclaredModel):
    """What holds in a child beyond its limits of memory and time."""

    kind: Literal["confined"] = "confined"
    holds: tuple[Annotated[str, Field(max_length=80)], ...]


class Refusal(DeclaredModel):
    """One `InputError` as it is sent."""

    source: _Name
    message: _Name
    n_files: Annotated[int, Field(ge=0, lt=2**31)] = 1
    passed_over: bool = False
    of_kind: _Name = ""

    @classmethod
    def of(cls, error: InputError) -> Refusal:
        """An error, to be sent."""
        passed_over = isinstance(error, PassedOver)
        return cls(
            source=error.source,
            message=error.message,
            n_files=error.n_files,
            passed_over=passed_over,
            of_kind=error.kind if isinstance(error, PassedOver) else "",
        )

    def error(self) -> InputError:
        """The error that was sent."""
        if self.passed_over:
            return PassedOver(self.source, self.message, kind=self.of_kind, n_files=self.n_files)
        return InputError(self.source, self.message, n_files=self.n_files)


class Refused(DeclaredModel):
    """The whole request cannot be answered, for a reason that may be shown."""

    kind: Literal["refused"] = "refused"
    refusal: Refusal


class Failed(DeclaredModel):
    """The whole request cannot be answered, for a reason that stands in the log."""

    kind: Literal["failed"] = "failed"


class Answer(DeclaredModel):
    """The answer to a request; its arrays follow."""

    kind: Literal["answer"] = "answer"
    document: str
    arrays: Annotated[tuple[ArrayHead, ...], Field(max_length=_MAX_ARRAYS)] = ()


class Request(DeclaredModel):
    """What a child is asked; its arrays follow.

    Attributes:
        document: JSON for the job.
        arrays: Arrays for the job.
    """

    kind: Literal["request"] = "request"
    document: str
    arrays: tuple[ArrayHead, ...] = ()


class Setup(DeclaredModel):
    """The first message to a child.

    Attributes:
        job: ``module:class`` of its work.
        limits: What reading may take.
        folder: Its own empty folder, the only one that it may write to.
        readable: Files and folders that it may read.
        refused: Keys of work that killed an earlier child, with the sentences on them.
    """

    kind: Literal["setup"] = "setup"
    job: str
    limits: ReadingLimits
    folder: str
    readable: tuple[SentPath, ...]
    refused: dict[str, str]


FromChild = Annotated[Progress | Confined | Refused | Failed | Answer, Field(discriminator="kind")]
ToChild = Annotated[Setup | Request, Field(discriminator="kind")]
_FROM_CHILD: TypeAdapter[Progress | Confined | Refused | Failed | Answer] = TypeAdapter(FromChild)
_TO_CHILD: TypeAdapter[Setup | Request] = TypeAdapter(ToChild)


@dataclass(frozen=True, eq=False)
class Message:
    """JSON with arrays, as a job receives and returns it."""

    document: str
    arrays: tuple[NDArray[np.generic], ...] = ()


def heads_of(arrays: Sequence[NDArray[np.generic]]) -> tuple[ArrayHead, ...]:
    """The heads of arrays that are to be sent; their byte order is little-endian."""
    return tuple(
        ArrayHead.model_validate({"dtype": one.dtype.str, "shape": one.shape}) for one in arrays
    )


def send(
    channel: socket.socket, message: DeclaredModel, arrays: Sequence[NDArray[np.generic]] = ()
) -> None:
    """Send a message and its arrays.

    Raises:
        Broken: The other side has ended.
    """
    content = message.model_dump_json().encode()
    try:
        channel.sendall(_LENGTH.pack(len(content)) + content)
        for array in arrays:
            if array.nbytes:
                channel.sendall(_bytes_of(np.ascontiguousarray(array)))
    except OSError as error:
        raise Broken from error


def receive_of_parent(channel: socket.socket) -> Setup | tuple[Request, Message]:
    """The next message of the parent, with the arrays of a request.

    Raises:
        Broken: The parent has ended.
    """
    receiver = Receiver(channel)
    message = _TO_CHILD.validate_json(receiver.content())
    if isinstance(message, Setup):
        return message
    arrays = tuple(receiver.array(head) for head in message.arrays)
    return message, Message(message.document, arrays)


class Receiver:
    """Receives what a child sends, and checks all of it.

    Args:
        channel: The child's socket.
        waiting: Called again and again while nothing comes; may raise to give up. Without it, the
            wait has no limit.
    """

    def __init__(self, channel: socket.socket, waiting: Callable[[], None] | None = None) -> None:
        self._channel, self._waiting = channel, waiting

    def message(self) -> Progress | Confined | Refused | Failed | Answer:
        """The next message; the arrays of an answer are still to be received.

        Raises:
            Broken: The child has ended, or sent what no child sends.
        """
        try:
            return _FROM_CHILD.validate_json(self.content())
        except ValidationError as error:
            raise Broken from error

    def content(self) -> bytes:
        """The JSON of the next message."""
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        if length > _MAX_JSON:
            raise Broken
        return bytes(self._exactly(length))

    def array(self, head: ArrayHead) -> NDArray[np.generic]:
        """The next array."""
        values = np.empty(head.shape, np.uint8 if head.dtype == "|b1" else head.dtype)
        if values.nbytes:
            self._fill(_bytes_of(values))
        if head.dtype != "|b1":
            return values
        # any byte but 0 and 1 would be a bool that is neither
        return values.view(bool) if values.max(initial=0) <= 1 else values != 0

    def _exactly(self, length: int) -> bytearray:
        content = bytearray(length)
        self._fill(memoryview(content))
        return content

    def _fill(self, view: memoryview) -> None:
        while view:
            self._wait()
            try:
                count = self._channel.recv_into(view)
            except OSError as error:
                raise Broken from error
            if not count:
                raise Broken
            view = view[count:]

    def _wait(self) -> None:
        if self._waiting is None:
            return
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        while not poll.poll(_POLL_MS):
            self._waiting()


def _bytes_of(array: Array) -> memoryview:
    return array.data.cast("B")
