"""What is raised where a row of an experiment cannot be measured here."""

from __future__ import annotations


class NotRun(Exception):
    """A row that cannot be measured here.

    Attributes:
        reason: Why, in one plain sentence.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
