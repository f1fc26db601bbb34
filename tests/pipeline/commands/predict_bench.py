"""``predict`` on a small folder of cases, as the tests of going on see it."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_models import bright_slice, write_metadata
from PIL import Image
from predicting import check_contract, slice_pixels

from pipeline.__main__ import main
from pipeline.analysis.analyser import Analyser

CASES = ("a", "b", "c")


class Bench:
    """An input folder, a models folder, and ``predict`` on them, counting analysed slices."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.input, self.out = folder / "in", folder / "out"
        self.slices = 0
        write_metadata(folder / "models")

    def answer(self, batch: Any) -> Any:
        self.slices += len(batch)
        return bright_slice(batch)

    def arguments(self, *more: str, out: Path | None = None) -> list[str]:
        given = ["predict", str(self.input), "--output", str(out or self.out)]
        return [*given, "--models", str(self.folder / "models"), *more]

    def run(self, *more: str, out: Path | None = None) -> tuple[int, dict[str, Any], int]:
        """Exit status, results.json, and how many slices were analysed."""
        self.slices = 0
        status = main(self.arguments(*more, out=out))
        return status, self.document(out or self.out), self.slices

    def document(self, out: Path | None = None) -> dict[str, Any]:
        content = json.loads(((out or self.out) / "results.json").read_text())
        assert isinstance(content, dict)
        return content

    def fresh(self) -> dict[str, Any]:
        """What a first run in another folder says."""
        out = self.folder / f"fresh-{time.monotonic_ns()}"
        _, document, _ = self.run(out=out)
        check_contract(document, out)
        return document

    def parts(self) -> list[Path]:
        """Checkpoints, without the drafts that become one (``*`` finds names with a dot too)."""
        return sorted((self.out / ".parts").glob("[!.]*.json"))


def write_case(folder: Path, name: str, *, count: int = 4, mask: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(1, count + 1):
        pixels = slice_pixels(k > 1)
        pixels[20:22, 2:12] = 70 + ord(name[0]) % 7
        Image.fromarray(pixels).save(folder / f"{name}_{k}.png")
        if mask:
            Image.fromarray((pixels == 200).astype(np.uint8) * 255).save(
                folder / f"{name}_{k}_mask.png"
            )


def interrupt_at(monkeypatch: pytest.MonkeyPatch, case_id: str) -> None:
    """Ctrl-C while that case is analysed, once the ones before are written."""
    analyse = Analyser.analyse

    def analyse_or_stop(self: Analyser, case: Any, **options: Any) -> Any:
        if case.case_id == case_id:
            raise KeyboardInterrupt
        return analyse(self, case, **options)

    monkeypatch.setattr(Analyser, "analyse", analyse_or_stop)
