"""The tokens of the interface as Plotly templates, one for each theme.

`tokens.css` holds the same values for the page; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import plotly.graph_objects as go

Theme = Literal["dark", "light"]

FONT = "Inter Variable, Inter, system-ui, sans-serif"


@dataclass(frozen=True)
class Tokens:
    """Colours of one theme: amber is the AI, teal the reference, violet the reader's mask."""

    background: str
    panel: str
    raised: str
    line: str
    text: str
    muted: str
    accent: str
    ai: str
    reference: str
    correction: str
    warning: str
    error: str
    done: str


DARK = Tokens(
    background="#0a0c0f",
    panel="#12161b",
    raised="#191e25",
    line="#262d36",
    text="#e4e9ee",
    muted="#93a0ad",
    accent="#5ab0f2",
    ai="#f2a93b",
    reference="#56d0c4",
    correction="#dcc4ff",
    warning="#e8c04a",
    error="#ef6f5e",
    done="#7ccf8a",
)
LIGHT = Tokens(
    background="#eef1f4",
    panel="#ffffff",
    raised="#f4f6f8",
    line="#d7dde3",
    text="#18222c",
    muted="#566372",
    accent="#1668b0",
    ai="#a35c00",
    reference="#00776b",
    correction="#6b3fc0",
    warning="#8a6000",
    error="#b3362a",
    done="#237a3b",
)


def parse_theme(value: object) -> Theme:
    """The theme that a browser names; dark, the default, for anything that is not one."""
    return "light" if value == "light" else "dark"


def tokens_of(theme: Theme) -> Tokens:
    """Colours of a theme."""
    return LIGHT if theme == "light" else DARK


def build_template(theme: Theme) -> go.layout.Template:
    """Template of every chart: no modebar, few lines, horizontal words, the theme's tokens."""
    tokens = tokens_of(theme)
    axis = _build_axis(tokens)
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 12, "color": tokens.text},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": [tokens.accent, tokens.muted, tokens.ai, tokens.reference],
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "xaxis": {**axis, "showgrid": False},
            "yaxis": axis,
            "showlegend": False,
            "dragmode": False,
            "hovermode": "closest",
            "hoverlabel": {
                "bgcolor": tokens.raised,
                "bordercolor": tokens.line,
                "font": {"family": FONT, "size": 12, "color": tokens.text},
                "align": "left",
            },
        }
    )


def add_diagonal(figure: go.Figure, tokens: Tokens, *, name: str) -> None:
    """Draw a dashed line from (0, 0) to (1, 1), which carries no words."""
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": tokens.muted, "width": 1, "dash": "dash"},
        hoverinfo="skip",
        name=name,
    )


def _build_axis(tokens: Tokens) -> dict[str, Any]:
    return {
        "gridcolor": tokens.line,
        "linecolor": tokens.line,
        "zeroline": False,
        "ticks": "",
        "tickfont": {"color": tokens.muted, "size": 12},
        "title": {"font": {"color": tokens.muted, "size": 12}, "standoff": 8},
        "fixedrange": True,
        "automargin": True,
    }


#: `config` of every chart on the page: nothing floats over it, nothing zooms.
GRAPH_CONFIG = {
    "displayModeBar": False,
    "scrollZoom": False,
    "doubleClick": False,
    "showTips": False,
    "responsive": True,
}
