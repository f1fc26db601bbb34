"""The figure that shows the slice in view: two images, no axes, no hover boxes."""

from __future__ import annotations

import plotly.graph_objects as go

#: Around the image both themes use the colours of the dark theme.
BACKGROUND = "#000000"


def make_slice_figure() -> go.Figure:
    """An empty figure for one slice, filled in by `assets/js/viewer/screen.js`.

    Both images cover the slice. One is visible while the other loads the next slice, so that a step
    never shows an empty frame. The axes are in pixels, row 0 at the top; their ranges follow zoom,
    pan and pixel spacing.
    """
    axis = {"visible": False, "fixedrange": True, "range": [0, 1]}
    image = {
        "source": "",
        "xref": "x",
        "yref": "y",
        "x": 0,
        "y": 0,
        "sizex": 1,
        "sizey": 1,
        "xanchor": "left",
        "yanchor": "top",
        "sizing": "stretch",
        "layer": "below",
        "opacity": 0,
    }
    return go.Figure(
        layout={
            "template": "none",
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0, "pad": 0},
            "paper_bgcolor": BACKGROUND,
            "plot_bgcolor": BACKGROUND,
            "xaxis": axis,
            "yaxis": axis,
            "images": [image, image],
            "dragmode": False,
            "hovermode": False,
            "showlegend": False,
            "autosize": False,  # screen.js sets the size; autosize costs a reflow at each step
        }
    )
