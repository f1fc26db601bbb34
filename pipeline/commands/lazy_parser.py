"""A parser whose arguments come from a module that is imported only when the parser is used."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any


class LazyParser(argparse.ArgumentParser):
    """Parser of a command, such as sub-parsers are made of.

    Args:
        fill: Module with ``add_arguments(parser)``, imported when the command is chosen; "" where
            there is none.
        **options: As for `argparse.ArgumentParser`.
    """

    def __init__(self, *, fill: str = "", **options: Any) -> None:
        super().__init__(**options)
        self._fill = fill

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Add the arguments, once, then parse."""
        if self._fill:
            fill, self._fill = self._fill, ""
            import_module(fill).add_arguments(self)
        return super().parse_known_args(args, namespace)
