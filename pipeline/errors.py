"""The one error that bad input raises: a plain sentence that may be shown to a reader."""


class InputError(Exception):
    """Input that cannot be used, told in one plain sentence.

    The message names the file, says what is wrong with it and, where it helps, what to do. It never
    holds a traceback, a path of the server or a library's own wording.

    Attributes:
        source: The file's name or its path relative to what the user gave, or "" where none fits.
        message: The sentence.
    """

    def __init__(self, source: str, message: str) -> None:
        super().__init__(message)
        self.source = source
        self.message = message


class Cancelled(Exception):
    """Raised inside long work when its caller asked it to stop."""
