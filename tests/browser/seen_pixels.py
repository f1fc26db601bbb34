"""What is on the screen, pixel by pixel, and how much of it has the colour of an outline."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page
from running_site import SIZE

#: The AI's outline and the reference outline.
AMBER, TEAL = (242, 169, 59), (86, 208, 196)
#: The panes of the other planes, and the height of the slider at their lower edge.
CORONAL, SAGITTAL = "#plane-first", "#plane-second"
_SLIDER_PX = 26
_CANVAS = """() => { const c = document.querySelector(".overlay-map"); return c.hidden ? null :
  Array.from(c.getContext("2d").getImageData(0, 0, c.width, c.height).data); }"""


def image(page: Page, place: str = "#viewer-screen") -> NDArray[np.int16]:
    """What is on the screen over the image's place, (h, w, 3)."""
    shot = page.locator(place).screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(np.int16)


def plane(page: Page, pane: str) -> NDArray[np.int16]:
    """What is on the screen over a pane of another plane, without its slider."""
    return image(page, pane)[:-_SLIDER_PX]


def count(picture: NDArray[np.int16], colour: tuple[int, int, int]) -> int:
    """Pixels of a colour."""
    return int((np.abs(picture - colour).max(axis=-1) < 40).sum())


def extent(picture: NDArray[np.int16], colour: tuple[int, int, int]) -> int:
    """Columns between the first and the last pixel of a colour."""
    columns = np.flatnonzero((np.abs(picture - colour).max(axis=-1) < 40).any(axis=0))
    return int(columns[-1] - columns[0]) if len(columns) else 0


def shown_map(page: Page) -> NDArray[np.int64]:
    """The map in view, (h, w, 4), once there is one."""
    page.wait_for_selector(".overlay-map:visible")
    return np.array(page.evaluate(_CANVAS)).reshape(SIZE, SIZE, 4)


def until(check: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for the screen to show what was asked for."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "the screen does not show it"
