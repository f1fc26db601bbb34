"""Three stages of work at once: one thread makes items, the caller works on them, one keeps them.

Decoding, inference and encoding spend their time in libraries that let go of the interpreter, so
that threads overlap them. What waits between two stages is bounded in number and in bytes: memory
does not grow with the number of items.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Items that wait for the next stage, at most.
WAITING_ITEMS = 4
#: Their bytes, at most; a single larger one waits alone.
WAITING_BYTES = 256 << 20


class _Stopped(Exception):
    """The other end of a queue takes no more."""


class _Queue(Generic[Item]):
    """A queue between two threads, bounded in bytes too, that either end may close.

    `queue.Queue` bounds the number of items only, and cannot be closed before Python 3.13.
    """

    def __init__(self) -> None:
        self._items: deque[tuple[Item, int]] = deque()
        self._changed = threading.Condition()
        self._bytes = 0
        self._closed = self._stopped = False
        self._error: BaseException | None = None

    def put(self, item: Item, size: int) -> None:
        """Hand on an item of so many bytes; waits while the queue is full."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._has_room(size))
            if self._stopped:
                raise _Stopped
            self._items.append((item, size))
            self._bytes += size
            self._changed.notify_all()

    def close(self, error: BaseException | None = None) -> None:
        """No more items will come; ``error`` is raised to who takes the last one."""
        with self._changed:
            self._closed, self._error = True, error
            self._changed.notify_all()

    def stop(self) -> None:
        """Take no more items, and let go of those that wait."""
        with self._changed:
            self._stopped = self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Item]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._closed)
                if not self._items:
                    if self._error is not None:
                        raise self._error
                    return
                item, size = self._items.popleft()
                self._bytes -= size
                self._changed.notify_all()
            yield item
            del item  # or it would be held while the next one is waited for

    def _has_room(self, size: int) -> bool:
        if not self._items:
            return True
        return len(self._items) < WAITING_ITEMS and self._bytes + size <= WAITING_BYTES


def overlap(
    items: Generator[Item, None, None],
    work: Callable[[Item], Result | None],
    keep: Callable[[Result], None],
    *,
    size_of: Callable[[Item], int] = lambda _: 0,
    stop: Callable[[], None] = lambda: None,
) -> None:
    """Make the items in one thread, work on them in this one, keep what comes of it in a third.

    Every stage takes the items in order. However this ends, what was worked on is kept before it
    returns, and no item is made any more.

    Args:
        items: Makes them; closed in its own thread when it is stopped.
        work: Returns what is to be kept, or None where nothing is.
        keep: Keeps it.
        size_of: Bytes that an item holds.
        stop: Called when no more items are wanted, for a stage that takes long over one.

    Raises:
        BaseException: Whatever a stage raised.
    """
    made: _Queue[Item] = _Queue()
    worked: _Queue[Result] = _Queue()
    failures: list[BaseException] = []
    threads = [
        threading.Thread(target=_make, args=(items, made, size_of), daemon=True),
        threading.Thread(target=_keep, args=(worked, keep, failures), daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        for item in made:
            result = work(item)
            del item
            if result is not None:
                worked.put(result, 0)
            del result
    except _Stopped:
        pass  # the third stage failed; its error is raised below
    finally:
        made.stop()
        stop()
        worked.close()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]


def _make(
    items: Generator[Item, None, None], queue: _Queue[Item], size_of: Callable[[Item], int]
) -> None:
    try:
        for item in items:
            queue.put(item, size_of(item))
            del item
        queue.close()
    except _Stopped:
        pass
    except BaseException as error:  # raised again in the thread that takes the items
        queue.close(error)
    finally:
        items.close()


def _keep(
    queue: _Queue[Result], keep: Callable[[Result], None], failures: list[BaseException]
) -> None:
    try:
        for result in queue:
            keep(result)
            del result
    except BaseException as error:
        failures.append(error)
        queue.stop()
