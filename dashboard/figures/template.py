"""Plotly templates, one for each theme, and words that several charts share.

Colours are declared in ``assets/css/tokens.css`` only and read from there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import plotly.graph_objects as go

Theme = Literal["dark", "light"]

#: Name of an interval: of its trace, its column, its number.
CI = "95% CI"
MINUS = "\N{MINUS SIGN}"
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


def read_tokens(css: str) -> dict[Theme, Tokens]:
    """Colours of both themes, from the style sheet that names them.

    Args:
        css: Text of ``tokens.css``: custom properties in a block for both themes and one for the
            light theme; a value is a colour of six hexadecimal digits, or ``var()`` of another.

    Raises:
        ValueError: A colour is missing.
    """
    blocks = [
        dict(_PROPERTY.findall(css[css.index(f"{name} {{") :].split("}", 1)[0])) for name in _BLOCKS
    ]
    found: dict[Theme, Tokens] = {}
    for theme, properties in (("dark", blocks[0]), ("light", blocks[0] | blocks[1])):
        colours = {}
        for field in fields(Tokens):
            value = properties.get(_PROPERTY_NAMES.get(field.name, field.name), "")
            while link := _LINK.fullmatch(value):
                value = properties.get(link[1], "")
            if not _COLOUR.fullmatch(value):
                raise ValueError(f"the {theme} theme has no colour {field.name}")
            colours[field.name] = value
        found[theme] = Tokens(**colours)  # type: ignore[index]
    return found


_BLOCKS = (":root", ':root[data-theme="light"]')
_PROPERTY_NAMES = {"background": "bg"}
_PROPERTY = re.compile(r"--([a-z-]+):\s*([^;]+);")
_LINK = re.compile(r"var\(--([a-z-]+)\)")
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_CSS = Path(__file__).resolve().parents[2] / "assets" / "css" / "tokens.css"
_TOKENS = read_tokens(_CSS.read_text("utf-8"))
DARK, LIGHT = _TOKENS["dark"], _TOKENS["light"]


def tokens_of(theme: Theme) -> Tokens:
    """Colours of a theme."""
    return _TOKENS[theme]


def mix(color: str, ground: str, *, share: float) -> str:
    """A mixture of two colours, ``share`` in [0, 1] of the first; all as ``#rrggbb``."""
    parts = [
        round(share * int(color[at : at + 2], 16) + (1 - share) * int(ground[at : at + 2], 16))
        for at in (1, 3, 5)
    ]
    return "#" + "".join(f"{part:02x}" for part in parts)


def build_template(theme: Theme) -> go.layout.Template:
    """The template of every chart: few lines, horizontal labels, the theme's colours."""
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


def with_interval(value: str, interval: str) -> str:
    """A value with its interval, as in ``0.865 (95% CI 0.842 to 0.885)``."""
    return f"{value} ({CI} {interval})" if interval else value


def add_diagonal(figure: go.Figure, tokens: Tokens, *, name: str) -> None:
    """Add a dashed line from (0, 0) to (1, 1) without hover text."""
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


#: `config` of every chart: no modebar, no zoom.
GRAPH_CONFIG = {
    "displayModeBar": False,
    "scrollZoom": False,
    "doubleClick": False,
    "showTips": False,
    "responsive": True,
}
