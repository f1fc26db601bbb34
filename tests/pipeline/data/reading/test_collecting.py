"""What is found in folders and archives: every file is read, refused, or counted in a notice."""

import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories import SeriesFactory, grey, marked_volume, write_image, write_nifti

from pipeline.data.reading import collecting
from pipeline.data.reading.collecting import (
    Passed,
    collect_files,
    copies_warning,
    passed_over_notice,
)
from pipeline.data.reading.reading import read_cases

PROGRAM_FILES = ("viewer.exe", "a.dll", "b.jar", "c.ocx", "d.properties", "e.bin", "f.ttf")


def write_series(folder: Path, seed: int = 0, count: int = 3) -> Path:
    values = np.random.default_rng(seed).integers(0, 900, (count, 6, 6))
    return SeriesFactory(values.astype(np.uint16)).write(folder)


def write_disc(root: Path) -> None:
    write_series(root / "DICOM")
    (root / "DICOMDIR").write_bytes(b"index")
    (root / "AUTORUN.INF").write_text("[autorun]")
    viewer = root / "VIEWER"
    write_image(viewer / "logo.png", grey())
    for name in PROGRAM_FILES:
        (viewer / name).write_bytes(bytes(range(256)))
    (viewer / "help.pdf").write_bytes(b"%PDF-1.7")


@pytest.mark.parametrize("packed", [False, True])
def test_a_disc_for_patients_is_its_images_and_one_notice(tmp_path: Path, packed: bool) -> None:
    write_disc(tmp_path / "disc")
    given = tmp_path / "disc"
    if packed:
        given = Path(shutil.make_archive(str(tmp_path / "cd"), "zip", tmp_path / "disc"))
    report = read_cases([given])
    (case,) = report.cases
    assert case.n_slices == 3
    assert report.errors == ()
    assert len(report.notices) == 1
    assert report.n_files == 3 + 2 + 1 + len(PROGRAM_FILES) + 1


def test_pictures_beside_a_program_are_its_own_and_others_are_not(tmp_path: Path) -> None:
    write_series(tmp_path / "study")
    write_image(tmp_path / "viewer" / "splash.png", grey())
    (tmp_path / "viewer" / "view.exe").write_bytes(b"MZ")
    write_image(tmp_path / "pictures" / "visit.png", grey())
    report = read_cases([tmp_path])
    assert sorted(case.case_id for case in report.cases) == ["P1_AX_FLAIR", "visit"]
    assert report.notices == (
        passed_over_notice(Passed.VIEWER, ["viewer/splash.png", "viewer/view.exe"]),
    )


def test_what_cannot_be_read_among_the_images_of_a_disc_stays_an_error(tmp_path: Path) -> None:
    write_disc(tmp_path)
    (tmp_path / "DICOM" / "IM9").write_bytes(bytes(range(256)))
    report = read_cases([tmp_path])
    assert [error.source for error in report.errors] == ["DICOM/IM9"]


def test_pictures_on_a_disc_without_dicom_are_read(tmp_path: Path) -> None:
    write_image(tmp_path / "visit.png", grey())
    (tmp_path / "autorun.inf").write_text("[autorun]")
    assert [case.case_id for case in read_cases([tmp_path]).cases] == ["visit"]


def write_results(folder: Path, name: str = "P1_AX_FLAIR", **changes: object) -> None:
    for k in (1, 2):
        write_image(folder / "masks" / name / f"{k}.png", grey(seed=k))
    write_nifti(folder / "masks" / f"{name}.nii.gz", marked_volume())
    document = {"schema": 1, "task": "brain-tumor", "models": {}, "errors": []}
    document |= {"cases": [{"case_id": name}]} | changes
    (folder / "results.json").write_text(json.dumps(document))


@pytest.mark.parametrize("changes", [{}, {"cases": []}, {"cases": [], "task": "another"}])
def test_results_of_any_document_of_ours(tmp_path: Path, changes: dict[str, object]) -> None:
    write_results(tmp_path, **changes)
    assert collect_files([tmp_path], tmp_path / "unused").files == []


@pytest.mark.parametrize("packed", [False, True])
def test_earlier_results_are_passed_over(tmp_path: Path, packed: bool) -> None:
    write_series(tmp_path / "in" / "study")
    write_results(tmp_path / "in" / "study" / "results")
    given = tmp_path / "in"
    if packed:
        given = Path(shutil.make_archive(str(tmp_path / "in"), "zip", tmp_path / "in"))
    report = read_cases([given])
    assert [case.case_id for case in report.cases] == ["P1_AX_FLAIR"]
    assert report.errors == ()
    start = "in.zip/" if packed else ""
    masks = f"{start}study/results/masks"
    names = [f"{start}study/results/results.json", f"{masks}/P1_AX_FLAIR.nii.gz"]
    names += [f"{masks}/P1_AX_FLAIR/{k}.png" for k in (1, 2)]
    assert report.notices == (passed_over_notice(Passed.OWN_RESULT, names),)


def test_masks_that_no_results_of_ours_name_are_input(tmp_path: Path) -> None:
    write_results(tmp_path / "other", models=None, task=None)
    (tmp_path / "other" / "results.json").write_text('{"cases": []}')
    found = collect_files([tmp_path], tmp_path / "unused")
    assert len(found.files) == 3


def test_exact_copies_are_read_once_and_counted_with_their_case(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "a")
    shutil.copytree(folder, tmp_path / "copy of a")
    write_series(tmp_path / "other", seed=1)
    report = read_cases([tmp_path])
    assert [case.n_slices for case in report.cases] == [3, 3]
    assert [copies_warning(3) in case.warnings for case in report.cases] == [True, False]


@pytest.mark.parametrize("name", ["a (1)", "a - Copy", "a copy 2", "a Kopie"])
def test_copies_by_name_and_content(tmp_path: Path, name: str) -> None:
    for stem in ("a", name):
        write_image(tmp_path / "same" / f"{stem}.png", grey())
    write_image(tmp_path / "other" / "a.png", grey(seed=1))
    write_image(tmp_path / "other" / f"{name}.png", grey(seed=2))
    assert len(read_cases([tmp_path / "same"]).cases) == 1
    assert len(read_cases([tmp_path / "other"]).cases) == 2


def test_equal_pictures_of_other_names_are_no_copies(tmp_path: Path) -> None:
    for name in ("p1/a", "p1/b", "p2/a"):
        write_image(tmp_path / f"{name}.png", grey())
    assert len(read_cases([tmp_path]).cases) == 3


def test_order_in_an_archive_does_not_matter(tmp_path: Path) -> None:
    sources = []
    for names in (("b", "a", "c"), ("c", "b", "a")):
        path = tmp_path / "x.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                image = write_image(tmp_path / "s.png", grey(seed=ord(name)))
                archive.write(image, f"{name}/s.png")
        sources.append([case.sources for case in read_cases([path]).cases])
    assert sources[0] == sources[1]


def test_a_folder_that_cannot_be_opened_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_image(tmp_path / "a.png", grey())
    write_image(tmp_path / "deep" / "b.png", grey())
    real = os.scandir

    def scandir(path: Any = ".") -> Any:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)  # these tests may run as root, who may open all
    report = read_cases([tmp_path])
    assert [case.sources for case in report.cases] == [("a.png",)]
    (error,) = report.errors
    assert error.source == "deep" and "permissions" in error.message


def test_a_file_that_vanishes_while_folders_are_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one.dcm", "two.dcm"):  # of one size: they are compared
        (tmp_path / name).write_bytes(bytes(128) + b"DICM" + bytes(200))
    write_image(tmp_path / "a.png", grey())
    real = collecting.read_format

    def read_and_delete(path: Path, **given: Any) -> Any:
        found = real(path, **given)
        if path.suffix == ".dcm":
            path.unlink()
        return found

    monkeypatch.setattr(collecting, "read_format", read_and_delete)
    report = read_cases([tmp_path])
    assert len(report.cases) == 1
    assert sorted(error.source for error in report.errors) == ["one.dcm", "two.dcm"]


def test_links_that_lead_to_themselves_are_named(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", grey())
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "up").symlink_to(tmp_path)
    report = read_cases([tmp_path])
    assert len(report.cases) == 1
    assert "loop.png" in [error.source for error in report.errors]
