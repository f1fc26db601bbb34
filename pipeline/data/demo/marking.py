"""The word SYNTHETIC, drawn into the pixels so that it survives every export and screenshot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: What every image slice of a demo study says.
WORD = "SYNTHETIC"
#: Row and column of the word's first pixel, from the top left as displayed.
CORNER = (6, 6)
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


def burn_in(pixels: NDArray[np.uint16], value: int) -> NDArray[np.uint16]:
    """Return ``pixels (slices, rows, columns)`` with the word in the top left corner of each slice.

    Raises:
        ValueError: When the slices are too small to hold the word.
    """
    bitmap = word_bitmap()
    top, left = CORNER
    bottom, right = top + bitmap.shape[0], left + bitmap.shape[1]
    if bottom > pixels.shape[1] or right > pixels.shape[2]:
        raise ValueError(f"slices must hold {bottom} x {right} pixels, got {pixels.shape[1:]}")
    marked = pixels.copy()
    marked[:, top:bottom, left:right][:, bitmap] = value
    return marked
