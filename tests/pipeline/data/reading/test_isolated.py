"""Reading in children answers as reading in this process does, and outlives what a file does."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factories import SeriesFactory, grey, write_image, write_nifti

from pipeline.data.case import Case
from pipeline.data.case_files import describe_case
from pipeline.data.reading import attaching, isolated, reading
from pipeline.data.reading.isolated import READERS, IsolatedReading
from pipeline.data.reading.jobs import CasesOverview, CasesRequest
from pipeline.data.reading.loaded import ReadReport, load_all
from pipeline.errors import InputError
from pipeline.sandbox.sessions import open_session
from pipeline.sandbox.watch import ReadingLimits

_JOBS = "tests.pipeline.sandbox.hostile_jobs"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of several formats, with masks, in folders and an archive, and some that are bad."""
    root = tmp_path / "in"
    SeriesFactory(grey(48, 10).reshape(4, 12, 10).astype(np.uint16)).write(root / "series")
    for k in (1, 2, 3):
        write_image(root / "slices" / f"p_{k}.png", grey(seed=k))
        mask = np.zeros((12, 10), np.uint8)
        mask[2:5, 3:6] = 255
        write_image(root / "slices" / f"p_{k}_mask.png", mask)
    write_nifti(root / "volume" / "b_flair.nii.gz", grey(60, 8).reshape(5, 12, 8))
    with zipfile.ZipFile(root / "more.zip", "w") as archive:
        archive.write(root / "slices" / "p_1.png", "inner/q_1.png")
        archive.writestr("inner/broken.png", b"\x89PNG\r\n\x1a\nbroken")
    (root / "table.pdf").write_bytes(b"%PDF-1.7")
    (root / "link.png").symlink_to(write_image(tmp_path / "elsewhere" / "l.png", grey(seed=9)))
    return root


def _content(case: Case) -> tuple[str, str, bytes]:
    return (
        case.content_digest(),
        describe_case(case),
        b"" if case.masks is None else bytes(np.ascontiguousarray(case.masks)),
    )


def _sentences(report: ReadReport) -> list[tuple[type, str, str, int]]:
    return [(type(e), e.source, e.message, e.n_files) for e in report.errors]


def test_a_child_answers_as_this_process_does(folder: Path) -> None:
    here, there = reading.read_cases([folder]), isolated.read_cases([folder])
    assert len(here.cases) >= 5
    assert [_content(case) for case in there.cases] == [_content(case) for case in here.cases]
    assert _sentences(there) == _sentences(here)
    assert _sentences(there)
    assert (there.notices, there.n_files) == (here.notices, here.n_files)


def test_progress_reaches_the_end(folder: Path) -> None:
    steps: list[tuple[int, int, str]] = []
    isolated.read_cases([folder], progress=lambda *step: steps.append(step))
    assert steps[-1][0] == steps[-1][1] > 1


def test_a_reference_is_read_in_a_child_as_in_this_process(folder: Path, tmp_path: Path) -> None:
    mask = np.zeros((5, 12, 8), np.uint8)
    mask[1:3, 2:6, 3:5] = 1
    path = write_nifti(tmp_path / "mask.nii.gz", mask)
    (case,) = reading.read_cases([folder / "volume"]).cases
    here, there = (one.read_reference(case, [path]) for one in (attaching, isolated))
    np.testing.assert_array_equal(there.masks, here.masks)
    assert there.masks.any()
    assert (there.sources, there.warnings) == (here.sources, here.warnings)
    with pytest.raises(InputError, match=r"table\.pdf is a PDF document"):
        isolated.read_reference(case, [folder / "table.pdf"])


def _read_poisoned(folder: Path, limits: ReadingLimits) -> ReadReport:
    request = CasesRequest(paths=(str(folder),), output=None, own=None, single_pictures=True)
    with open_session(
        f"{_JOBS}:PoisonedReading", modules=(*READERS, _JOBS), readable=[folder], limits=limits
    ) as session:
        answer = session.ask(request.model_dump_json())
        overview = CasesOverview.model_validate_json(answer.document)
        return load_all(IsolatedReading(session, overview))


def test_files_that_end_their_child_are_named_and_the_others_are_read(tmp_path: Path) -> None:
    bad = ("crash", "vanish", "decoder_that_never_returns", "endless_loop", "bomb")
    for name in (*bad, "crash-again", "a", "m", "z"):
        write_image(tmp_path / f"{name}-.png", grey(seed=len(name)))
    limits = replace(ReadingLimits(), file_bytes=256 << 20, file_seconds=1.0)
    report = _read_poisoned(tmp_path, limits)
    assert {case.sources[0] for case in report.cases} == {"a-.png", "m-.png", "z-.png"}
    assert {error.source for error in report.errors} == {
        f"{name}-.png" for name in (*bad, "crash-again")
    }
    assert all(error.source in error.message for error in report.errors)
