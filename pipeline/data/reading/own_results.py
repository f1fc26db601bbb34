"""Files of earlier results, where results are written into a folder that is read."""

from __future__ import annotations

from pipeline.data.reading.format_kinds import InputFile
from pipeline.storage.declared_models import DeclaredModel
from pipeline.storage.field_types import SentPath


class OwnResults(DeclaredModel):
    """Files that Overread wrote itself.

    Attributes:
        within: Folder of which all files are results, or None.
        given: Paths that the user gave, which are never results.
        written: Further files that are results.
    """

    within: SentPath | None = None
    given: frozenset[SentPath] = frozenset()
    written: frozenset[SentPath] = frozenset()

    def holds(self, file: InputFile) -> bool:
        """Whether a file is an earlier result."""
        path = file.path.resolve()
        if path in self.written:
            return True
        inside = self.within is not None and path.is_relative_to(self.within)
        return inside and path not in self.given
