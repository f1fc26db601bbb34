"""What long work on untrusted input has in common: the error for bad input, progress and cancel."""

from __future__ import annotations

from collections.abc import Callable

#: Called with (done, total, what is being done); raises `Cancelled` to stop the work.
ProgressCallback = Callable[[int, int, str], None]


class InputError(Exception):
    """Input that cannot be used, with one plain sentence that may be shown to a reader.

    The message names the file, says what is wrong with it and, where it helps, what to do. It never
    holds a traceback, a path of the server or a library's own wording.

    Attributes:
        source: The file's name or its path relative to what the user gave, or "" where none fits.
        message: The sentence.
        n_files: How many files it is about.
    """

    def __init__(self, source: str, message: str, *, n_files: int = 1) -> None:
        super().__init__(message)
        self.source = source
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
