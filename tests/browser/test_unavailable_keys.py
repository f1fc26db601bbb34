"""Keys that can do nothing in a study show why over the image."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from page_modules import with_modules
from PIL import Image
from playwright.sync_api import Page, expect
from reading import MEASUREMENTS, open_study
from running_site import Site

#: Keys, and the code of what each shows, in a picture without result, reference and measurements.
KEYS = {
    "m": "no-result",
    "r": "no-reference",
    "f": "no-result",
    "l": "no-result",
    "p": "no-result",
    "d": "no-result",
    "n": "no-result",
    "c": "no-result",
    ",": "no-result",
    "]": "no-result",
    "t": "no-result",
    "Shift+L": "mask-unknown",
    "s": "single-slice",
    "Shift+P": "single-slice",
    "y": "no-planes",
    "2": "no-series",
    "Shift+K": "no-measurement",
    "Shift+ArrowLeft": "not-selected",
    "Delete": "not-selected",
    "Control+z": "no-step",
    "Shift+G": "not-editing",
    "Shift+M": "no-correction",
    "Shift+F": "no-lesions-yet",
}


@pytest.fixture
def picture(site: Site, tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "bare"
    folder.mkdir()
    pixels = np.frombuffer(os.urandom(48 * 48), np.uint8).reshape(48, 48)
    Image.fromarray(pixels).save(folder / "p9_flair_1.png")
    yield site.add_folder(folder, slices=1, analysed=False)
    site.settle()  # other studies wait for the worker


def test_keys_say_why_they_do_nothing(page: Page, picture: str) -> None:
    open_study(page, picture, ready=MEASUREMENTS)
    note = page.locator("#stage-note")
    for key, code in KEYS.items():
        page.evaluate(with_modules("() => void modules.notes.note('', '')"))
        page.keyboard.press(key)
        expect(note, key).to_have_attribute("data-code", code)
        expect(note, key).not_to_be_empty()
    page.keyboard.press("x")
    page.keyboard.press("x")  # the first one opens the second view
    expect(note).to_have_attribute("data-code", "no-second")
