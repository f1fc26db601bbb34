"""A parser whose arguments are added only when the parser is used."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any


class LazyParser(argparse.ArgumentParser):
    """Parser of a command, such as sub-parsers are made of.

    Args:
        fill: Adds the arguments when the command is chosen, and may import what is heavy for it.
        **options: As for `argparse.ArgumentParser`.
    """

    def __init__(
        self, *, fill: Callable[[argparse.ArgumentParser], None] | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self._fill = fill

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Add the arguments, once, then parse."""
        if self._fill is not None:
            fill, self._fill = self._fill, None
            fill(self)
        return super().parse_known_args(args, namespace)
