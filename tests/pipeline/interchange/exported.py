"""Studies to export, and programs that we did not write to look at what came out."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.data.case import Case
from pipeline.interchange.content import (
    Algorithm,
    Assessment,
    ExportedStudy,
    Judgement,
    Location,
    Origin,
    Reader,
    Side,
    outline_lesions,
)

MOMENT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
NETWORK = Algorithm("resunet-resnet18", "3", "cd" * 32)


def exported(case: Case, mask: NDArray[np.bool_], *, digest: str = "ab" * 32) -> ExportedStudy:
    """A signed study whose reader agreed with the AI and named the first lesion's place."""
    ai = outline_lesions(Origin.AI, mask, case, study="s1")
    read = outline_lesions(Origin.READER, mask, case, study="s1")
    if read.lesions:
        place = Location("83251001", "Frontal lobe")
        first = replace(read.lesions[0], location=place, side=Side.RIGHT)
        read = replace(read, lesions=(first, *read.lesions[1:]))
    return ExportedStudy(
        case=case,
        digest=digest,
        at=MOMENT,
        algorithm=NETWORK,
        reader=Reader("Dr. Ä. Öz", "Example hospital"),
        is_signed=True,
        assessment=Assessment(Judgement.ACCEPTED),
        ai=ai,
        read=read,
    )


def run_tool(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a program of dicom3tools or dcmtk; where it is not installed, the test is skipped."""
    if shutil.which(name) is None:
        sentence = f"{name} is not installed (apt-get install dicom3tools dcmtk)"
        if os.environ.get("OVERREAD_REQUIRE_SERVICES"):
            pytest.fail(f"{sentence}; OVERREAD_REQUIRE_SERVICES asks for it.")
        pytest.skip(sentence)
    command = [name, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def assert_conforms(folder: Path, name: str, content: bytes) -> str:
    """Assert that dciodvfy finds no error in an object; returns the class that it recognised."""
    path = folder / name.replace("/", "_")
    path.write_bytes(content)
    said = run_tool("dciodvfy", path).stderr.splitlines()
    assert [line for line in said if line.startswith("Error")] == []
    return next(line for line in said if line and not line.startswith("Warning"))
