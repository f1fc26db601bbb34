"""Ids of components that more than one module uses. A page's own ids live in the page's module."""

from __future__ import annotations

#: `dcc.Store` with "dark" or "light": figures take it as an Input to choose their template.
THEME = "theme"
THEME_SWITCH = "theme-switch"

#: Empty slot in the top bar: the page in view may write one line into it.
TOP_CONTEXT = "top-context"

HELP_DIALOG = "help-dialog"
HELP_OPEN = "help-open"

READER_OPEN = "reader-open"

MAIN = "main"
