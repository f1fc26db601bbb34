"""What reading yields: cases and sentences, each with its place among all."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import IntEnum
from operator import itemgetter
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import Case
from pipeline.data.reading.limits import MAX_CALL_BYTES, gigabytes
from pipeline.data.reading.passed_over import split_passed_over
from pipeline.data.reading.pending_cases import PendingCase, name_cases
from pipeline.errors import Cancelled, InputError
from pipeline.sandbox.watch import crash_error

_LOGGER = logging.getLogger(__name__)
#: Where a case or a sentence stands among all others: compared part by part.
Place = tuple[int | str, ...]
BatchT = TypeVar("BatchT")


class Rank(IntEnum):
    """First part of a place. Cases stand under their kind; sentences there too, or first or last.

    Last are those on reference masks of series and volumes that fit no image.
    """

    COLLECTED = 0
    IMAGES = 1
    SERIES = 2
    VOLUMES = 3
    MASKS = 4


@dataclass
class Loaded:
    """What came of one batch: cases and sentences, each with its place among all."""

    cases: list[tuple[Place, PendingCase]] = field(default_factory=list)
    errors: list[tuple[Place, InputError]] = field(default_factory=list)

    @contextmanager
    def guard(self, place: Place, source: str) -> Iterator[None]:
        """Turn what a reader refuses into a sentence, and what it did not foresee as well."""
        try:
            yield
        except InputError as error:
            self.errors.append((place, error))
        except Cancelled:
            raise
        except Exception:
            _LOGGER.exception("unforeseen input")
            self.errors.append((place, crash_error(source)))


@dataclass
class Room:
    """Decoded pixels that are held at once, in bytes."""

    used: int = 0

    def take(self, size: int, source: str) -> None:
        """Count pixels.

        Raises:
            InputError: They are too many.
        """
        if self.used + size > MAX_CALL_BYTES:
            name = source.rsplit("/", 1)[-1]
            raise InputError(
                source,
                f"{name} is left out: more than {gigabytes(MAX_CALL_BYTES)} of pixels at once. Give"
                " fewer files.",
            )
        self.used += size


@dataclass(frozen=True)
class ReadReport:
    """What came of an upload or a list of paths.

    Attributes:
        cases: Every study that could be read.
        errors: One sentence per file that could not.
        notices: One sentence per kind of files that were passed over, such as a viewer's programs
            or presentation states.
        n_files: Files that were found; what archives hold counts, archives do not.
    """

    cases: tuple[Case, ...]
    errors: tuple[InputError, ...]
    notices: tuple[str, ...] = ()
    n_files: int = 0


@dataclass(frozen=True, eq=False)
class AttachedReference:
    """A reference mask for a case.

    Attributes:
        masks: ``(n, h, w)`` bool, on the case's slices.
        sources: The files that it was read from, relative to the paths that were given.
        warnings: What a reader must know of it.
    """

    masks: NDArray[np.bool_]
    sources: tuple[str, ...]
    warnings: tuple[str, ...]


class Readable(Protocol[BatchT]):
    """Input that was looked over; see `pipeline.data.reading.reading.Reading`."""

    @property
    def batches(self) -> Sequence[BatchT]:
        """What is to be loaded."""

    @property
    def errors(self) -> Sequence[tuple[Place, InputError]]:
        """Sentences on what needs no decoding to be refused."""

    @property
    def notices(self) -> Sequence[str]:
        """Sentences on what is passed over."""

    @property
    def n_files(self) -> int:
        """Files that were found."""

    def load(self, batch: BatchT, room: Room) -> Loaded:
        """Decode a batch."""


def load_all(reading: Readable[BatchT]) -> ReadReport:
    """Load all batches, one after the other; the cases get their names."""
    whole = Loaded(errors=list(reading.errors))
    room = Room()
    for batch in reading.batches:
        loaded = reading.load(batch, room)
        whole.cases += loaded.cases
        whole.errors += loaded.errors
    pending = (one for _, one in sorted(whole.cases, key=itemgetter(0)))
    ordered = [error for _, error in sorted(whole.errors, key=itemgetter(0))]
    errors, passed_over = split_passed_over(ordered, has_cases=bool(whole.cases))
    return ReadReport(
        cases=name_cases(pending),
        errors=errors,
        notices=(*reading.notices, *passed_over),
        n_files=reading.n_files,
    )


def with_reference(case: Case, reference: AttachedReference | None) -> Case:
    """The case with another reference, or without one; its warnings stay as they are."""
    return replace(case, masks=None if reference is None else reference.masks)
