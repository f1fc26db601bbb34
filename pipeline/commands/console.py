"""What the commands say: results on standard output, all else on standard error."""

from __future__ import annotations

import os
import sys
from typing import Any

from tqdm import tqdm

#: A bar appears only on work that takes longer than this.
_DELAY_S = 1.0


def say(text: str) -> None:
    """Print a result."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """Print what is wrong, or what is being done."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


class ProgressBar:
    """A bar on standard error for work that reports ``(done, total, message)``.

    Use it as a context manager, and itself as the `pipeline.errors.ProgressCallback`.

    Args:
        unit: What is counted.
        label: Stands before the bar where the work reports no message of its own.
    """

    def __init__(self, unit: str, *, label: str = "") -> None:
        interactive = os.isatty(2)
        self._label = label
        self._bar: Any = tqdm(
            total=0,
            desc=label,
            unit=unit,
            delay=_DELAY_S,
            file=sys.stderr,
            mininterval=0.1 if interactive else 10.0,
            dynamic_ncols=interactive,
            leave=False,
        )

    def __call__(self, done: int, total: int, message: str) -> None:
        """Move the bar to ``done`` of ``total``."""
        self._bar.total = total
        self._bar.set_description_str(self._label or message, refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
