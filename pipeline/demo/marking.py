"""The word SYNTHETIC, drawn into the pixels so that it survives every export and screenshot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: What every image slice of a demo study says.
WORD = "SYNTHETIC"
#: Rows below the word, and the part of a row before it: between the viewer's corner texts.
MARGIN_ROWS = 6
LEFT_PART = 0.24
#: 5x7 glyphs, one string of five dots per row.
_GLYPHS = {
    "S": ".####|#....|#....|.###.|....#|....#|####.",
    "Y": "#...#|#...#|.#.#.|..#..|..#..|..#..|..#..",
    "N": "#...#|##..#|##..#|#.#.#|#..##|#..##|#...#",
    "T": "#####|..#..|..#..|..#..|..#..|..#..|..#..",
    "H": "#...#|#...#|#...#|#####|#...#|#...#|#...#",
    "E": "#####|#....|#....|####.|#....|#....|#####",
    "I": "#####|..#..|..#..|..#..|..#..|..#..|#####",
    "C": ".####|#....|#....|#....|#....|#....|.####",
}


def word_bitmap() -> NDArray[np.bool_]:
    """The word as ``(7, 53)`` bool, one column between letters."""
    letters = [
        np.array([[dot == "#" for dot in row] for row in _GLYPHS[letter].split("|")])
        for letter in WORD
    ]
    gap = np.zeros((7, 1), bool)
    return np.concatenate([part for glyph in letters for part in (glyph, gap)][:-1], axis=1)


def word_place(rows: int, columns: int) -> tuple[slice, slice]:
    """Rows and columns that the word takes on a slice, from the top left as displayed.

    Raises:
        ValueError: When the slice is too small to hold the word.
    """
    height, width = word_bitmap().shape
    bottom, left = rows - MARGIN_ROWS, min(int(columns * LEFT_PART), columns - width)
    if bottom < height or left < 0:
        raise ValueError(f"slices must hold {height} x {width} pixels, got {(rows, columns)}")
    return slice(bottom - height, bottom), slice(left, left + width)


def burn_in(pixels: NDArray[np.uint16], value: int) -> NDArray[np.uint16]:
    """Return ``pixels (slices, rows, columns)`` with the word at the foot of each slice.

    Raises:
        ValueError: When the slices are too small to hold the word.
    """
    rows, columns = word_place(pixels.shape[1], pixels.shape[2])
    marked = pixels.copy()
    marked[:, rows, columns][:, word_bitmap()] = value
    return marked
