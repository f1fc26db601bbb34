"""What long work on untrusted input has in common: the error for bad input, progress and cancel."""

from __future__ import annotations

from collections.abc import Callable

#: Called with (done, total, what is being done); raises `Cancelled` to stop the work.
ProgressCallback = Callable[[int, int, str], None]
#: Longest name from outside in an answer or a log, in bytes; that of most file systems.
LONGEST_NAME_BYTES = 255
#: Longest sentence, in characters: for one that quotes several names.
_LONGEST_MESSAGE = 2000
#: Of a name that is cut: the end with the suffix remains, too.
_END_BYTES = 80


def printable(name: str) -> str:
    """A name from outside as answers and logs hold it: short, without control characters.

    What cannot be decoded becomes a question mark. A name above `LONGEST_NAME_BYTES` loses its
    middle, so that its suffix remains.
    """
    text = name.encode("utf-8", "replace").decode("utf-8").replace("\\", "/")
    text = "".join(c if c.isprintable() else "?" for c in text)
    whole = text.encode()
    if len(whole) <= LONGEST_NAME_BYTES:
        return text
    mark = "…".encode()
    begin, end = whole[: LONGEST_NAME_BYTES - _END_BYTES - len(mark)], whole[-_END_BYTES:]
    return (begin + mark + end).decode("utf-8", "ignore")


class InputError(Exception):
    """Input that cannot be used, with one plain sentence that may be shown to a reader.

    The message names the file, says what is wrong with it and, where it helps, what to do. It never
    holds a traceback, a path of the server or a library's own wording. Names from outside are cut
    as `printable` does.

    Attributes:
        source: The file's name or its path relative to what the user gave, or "" where none fits.
        message: The sentence.
        n_files: How many files it is about.
    """

    def __init__(self, source: str, message: str, *, n_files: int = 1) -> None:
        self.source = printable(source)
        if self.source != source:
            for name in (source, source.rsplit("/", 1)[-1]):
                message = message.replace(name, printable(name)) if name else message
        if not message.isprintable() or len(message) > _LONGEST_MESSAGE:
            message = "".join(c if c.isprintable() else " " for c in message[:_LONGEST_MESSAGE])
        super().__init__(message)
        self.message = message
        self.n_files = n_files


class PassedOver(InputError):
    """Input that is as it should be and holds nothing to analyse, such as a localizer.

    Beside cases it is a notice, not an error; see `pipeline.data.reading.passed_over`.

    Attributes:
        kind: What it is, such as ``a presentation state``: many of one kind get one sentence. ""
            where the message stands alone.
    """

    def __init__(self, source: str, message: str, *, kind: str = "", n_files: int = 1) -> None:
        super().__init__(source, message, n_files=n_files)
        self.kind = kind


class Cancelled(Exception):
    """Raised inside long work when its caller asked it to stop."""
