"""How a reviewer spends the time: the one place that says what "50 reviewers" means."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class ReadingModel:
    """One round: choose a study in the worklist, read it, sometimes do something else.

    Spans are drawn uniformly from (shortest, longest), in seconds.

    Attributes:
        worklist_s: In the worklist before the next study is opened.
        reading_s: In one study: two passes through all slices, from the middle one.
        other_page_s: On another page.
        channel_share: Studies of which a second sequence is looked at.
        other_page_share: Rounds with a look at Performance or About.
        reload_share: Rounds that begin with a reload of the page.
        upload_share: Rounds in which a study of 36 slices is uploaded and opened at once.
        cancel_share: Analyses waited for that are cancelled and started again.
    """

    worklist_s: tuple[float, float] = (4.0, 12.0)
    reading_s: tuple[float, float] = (30.0, 60.0)
    other_page_s: tuple[float, float] = (5.0, 15.0)
    channel_share: float = 0.3
    other_page_share: float = 0.1
    reload_share: float = 0.05
    upload_share: float = 0.1
    cancel_share: float = 0.1

    def in_words(self) -> str:
        """The model in one sentence, for reports."""
        return (
            f"Each reviewer chooses a study in {_span(self.worklist_s)} s, reads it in"
            f" {_span(self.reading_s)} s (two passes through all slices) and begins again;"
            f" {self.channel_share:.0%} of studies are looked at in a second sequence,"
            f" {self.upload_share:.0%} of rounds upload 36 slices and wait for their analysis"
            f" ({self.cancel_share:.0%} of which is cancelled and started again),"
            f" {self.other_page_share:.0%} visit another page, {self.reload_share:.0%} reload."
        )


def draw(chance: random.Random, span: tuple[float, float]) -> float:
    """A time from a span, in seconds."""
    return chance.uniform(*span)


def passes(chance: random.Random, slices: int, start: int) -> list[int]:
    """Slices in the order in which they are looked at, each twice, from ``start`` on."""
    forth = [*range(start, slices), *range(start)]
    back = list(range(slices - 1, -1, -1))
    return [*forth, *back] if chance.random() < 0.5 else [*forth[::-1], *back[::-1]]


def _span(span: tuple[float, float]) -> str:
    return f"{span[0]:.0f} to {span[1]:.0f}"
