"""A format is one module and one line: everything that lists or reads formats goes by those."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from factories import grey, marked_volume, write_image, write_nifti
from invented_formats import BRICK_IMAGE, BRICK_VOLUME, image_bytes, volume_bytes
from readings import read_error

from dashboard.pages.comparisons import view
from dashboard.pages.worklist import upload
from pipeline.__main__ import main
from pipeline.data.case import RADIOLOGICAL_AXIAL, SequenceName
from pipeline.data.reading import formats
from pipeline.data.reading.format_kinds import InputFile
from pipeline.data.reading.formats import FORMATS, describe_formats, list_formats
from pipeline.data.reading.images import PNG
from pipeline.data.reading.reading import open_reading, read_cases, read_pages
from pipeline.errors import InputError
from pipeline.image_tasks.image_jobs import read_bytes
from pipeline.image_tasks.registry import IMAGE_TASKS

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def invented(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "FORMATS", (*FORMATS, BRICK_IMAGE, BRICK_VOLUME))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "in"
    inside.mkdir()
    for k in (1, 2):
        (inside / f"visit_{k}.brick").write_bytes(image_bytes(6, 8))
    (inside / "head_flair.brick.vol").write_bytes(volume_bytes(5, 4, 3))
    return inside


def test_an_invented_format_is_unknown_without_its_line(folder: Path) -> None:
    report = read_cases([folder])
    assert report.cases == ()
    assert len(report.errors) == 3


@pytest.mark.usefixtures("invented")
def test_images_of_an_invented_format_become_a_series(folder: Path) -> None:
    visit, head = read_cases([folder]).cases
    assert visit.case_id == "visit"
    assert visit.sources == ("visit_1.brick", "visit_2.brick")
    assert visit.pixels.shape == (2, 6, 8, 1)
    assert head.case_id == "in"
    assert head.pixels.shape == (3, 4, 5, 1)
    assert head.sequences == (SequenceName.FLAIR,)
    assert head.spacing_mm == (4.0, 0.5, 0.5)
    assert head.orientation == RADIOLOGICAL_AXIAL


@pytest.mark.usefixtures("invented")
def test_formats_of_one_kind_are_read_together(folder: Path) -> None:
    write_image(folder / "visit_3.png", grey(6, 8))
    (folder / "v_t1.brick.vol").write_bytes(volume_bytes(5, 4, 3))
    write_nifti(folder / "v_flair.nii", marked_volume())
    with open_reading([folder]) as reading:
        assert len(reading.batches) == 2  # three pictures; the volumes of one folder
    visit = next(case for case in read_cases([folder]).cases if case.case_id == "visit")
    assert visit.sources == ("visit_1.brick", "visit_2.brick", "visit_3.png")


@pytest.mark.usefixtures("invented")
def test_an_archive_holds_it(folder: Path, tmp_path: Path) -> None:
    packed = tmp_path / "study.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(folder / "head_flair.brick.vol", "a/head_flair.brick.vol")
    (case,) = read_cases([packed]).cases
    assert case.sources == ("study.zip/a/head_flair.brick.vol",) * 3


@pytest.mark.usefixtures("invented")
def test_a_file_is_read_on_its_own(folder: Path) -> None:
    for name, form, pages in (
        ("visit_1.brick", BRICK_IMAGE, [(6, 8, 1)]),
        ("head_flair.brick.vol", BRICK_VOLUME, [(4, 5, 1)] * 3),
    ):
        file = InputFile(folder / name, name, "", "", form)
        assert [page.shape for page in read_pages(file)] == pages
    assert read_bytes(image_bytes(6, 8), "x.brick").shape == (6, 8)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\x03\x04", "x is an archive. Unpack it first."),
        (b"%PDF-1.7", "x is a PDF document; "),
        (b"", "x is empty: it holds 0 bytes. Export it again."),
    ],
)
def test_what_is_no_single_image_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        read_bytes(content, "x")
    assert refused.value.message.startswith(sentence)


@pytest.mark.usefixtures("invented")
def test_every_list_of_formats_names_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["predict", "--help"])
    task = next(iter(IMAGE_TASKS.values()))
    (tmp_path / "notes.txt").write_text("text")
    (refused,) = read_cases([tmp_path / "notes.txt"]).errors
    for words in (
        capsys.readouterr().out,
        refused.message,
        str(upload.panel(max_bytes=1 << 20, max_files=1).to_plotly_json()),
        str(view.try_panel(task, max_bytes=1 << 20).to_plotly_json()),
    ):
        assert "BrickVolume" in words


def test_lists_of_formats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "FORMATS", (BRICK_IMAGE, PNG, formats.ZIP))
    assert list_formats() == "Brick, PNG and zip"
    assert list_formats(last="or", archives=False) == "Brick or PNG"
    assert describe_formats() == "Brick, PNG, or zip archives of them"


def test_the_readme_lists_every_format() -> None:
    assert describe_formats() in (ROOT / "README.md").read_text("utf-8").replace("\n", " ")


def test_declarations_load_no_reader_of_series_and_volumes() -> None:
    """The web process lists formats; it reads none before the first upload."""
    program = (
        "import sys; from pipeline import describe_formats; describe_formats()\n"
        "print({'pydicom', 'nibabel', 'SimpleITK'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("name", ["x.img", "x.REC", "x+orig.BRIK"])
def test_voxels_without_their_header_are_named(tmp_path, name):
    (tmp_path / name).write_bytes(bytes(range(256)) * 8)
    assert "whose header is another file" in read_error(tmp_path / name)
