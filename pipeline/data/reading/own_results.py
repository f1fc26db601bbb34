"""Files of earlier results, where results are written into a folder that is read."""

from __future__ import annotations

from pathlib import Path

from pipeline.data.reading.format_kinds import InputFile
from pipeline.storage.declared_models import DeclaredModel


class OwnResults(DeclaredModel):
    """What is none of the user's files.

    Attributes:
        within: Folder of which all files are results, or None.
        given: Paths that the user gave, which are none.
        written: Further files that are results.
    """

    within: str | None = None
    given: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()

    def holds(self, file: InputFile) -> bool:
        """Whether a file is an earlier result."""
        path = file.path.resolve()
        if str(path) in self.written:
            return True
        inside = self.within is not None and path.is_relative_to(Path(self.within))
        return inside and str(path) not in self.given
