"""What readers do on the worklist, for its tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page

#: A row that has arrived: the grid draws others while it waits for them.
ROW = ".ag-center-cols-container .ag-row[row-id]"


def write_png(path: Path, *, seed: int) -> Path:
    """A small picture of noise, another one for each seed."""
    path.parent.mkdir(exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 150, (48, 48), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def choose(page: Page, paths: list[Path] | Path, *, folder: bool = False) -> None:
    """Add files, or a folder, by the dialog."""
    page.keyboard.press("u")
    with page.expect_file_chooser() as chooser:
        page.click("#upload-folder" if folder else "#upload-files")
    chooser.value.set_files(paths)
