"""SR, key images, PDF and rejections: read back by programs that we did not write."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from exported import assert_conforms, exported, run_tool
from factories import SeriesFactory, write_image, write_nifti
from highdicom.sr import srread
from pydicom import dcmread
from readings import read_one

from pipeline.errors import InputError
from pipeline.interchange.archive import make_archive
from pipeline.interchange.content import (
    NOTHING_FOUND,
    Assessment,
    DrawnLine,
    ExportKind,
    Judgement,
    KeyView,
    LineKind,
    Origin,
    Signed,
    outline_lesions,
)
from pipeline.interchange.exports import (
    ExportedFile,
    NotExported,
    write_exports,
)
from pipeline.interchange.key_images import draw_key_image, drawable

PDF = b"%PDF-1.7\n%%EOF\n1"
CLASSES = {
    "seg-ai.dcm": "Segmentation",
    "seg-reader.dcm": "Segmentation",
    "seg-ai-joined.dcm": "Segmentation",
    "seg-reader-joined.dcm": "Segmentation",
    "measurements.dcm": "ComprehensiveSR",
    "key-image-1.dcm": "SCImage",
    "report.dcm": "EncapsulatedPDF",
    "replaced.dcm": "KeyObjectSelectionDocument",
}


def case_and_mask(folder, *, multi_frame=False):
    pixels = np.random.default_rng(5).integers(0, 900, (6, 24, 20)).astype(np.uint16)
    factory = SeriesFactory(pixels)
    folder.mkdir()
    if multi_frame:
        factory.multi_frame().save_as(folder / "one.dcm", enforce_file_format=True)
    else:
        factory.write(folder)
    case = read_one(folder)
    mask = np.zeros(case.pixels.shape[:3], bool)
    mask[1:4, 2:14, 3:9] = mask[5, 20:22, 1:4] = True
    return case, mask


def files_of(study, kinds, **options):
    made = list(write_exports(study, kinds, **options))
    return {one.name: one.content for one in made if isinstance(one, ExportedFile)}, [
        one.sentence for one in made if isinstance(one, NotExported)
    ]


@pytest.mark.parametrize("multi_frame", [False, True])
def test_every_object_of_an_amendment_conforms(tmp_path, multi_frame):
    case, mask = case_and_mask(tmp_path / "a", multi_frame=multi_frame)
    before = exported(case, mask)
    mask = mask.copy()
    mask[1] = False
    after = replace(exported(case, mask, digest="ef" * 32), amends=Signed(before.digest, before.at))
    kinds = set(ExportKind)
    first, _ = files_of(before, kinds, pdf=PDF)
    options = {"pdf": PDF, "replaced": before, "reason": "The outline was wrong."}
    second, sentences = files_of(after, kinds, **options)
    assert sentences == []
    assert {name: assert_conforms(tmp_path, name, second[name]) for name in CLASSES} == CLASSES
    assert files_of(after, kinds, **options)[0] == second
    for name in ("measurements.dcm", "replaced.dcm"):
        (tmp_path / name).write_bytes(second[name])
        shown = run_tool("dsrdump", tmp_path / name)
        assert shown.returncode == 0, shown.stderr
    objects = {
        name: dcmread(io.BytesIO(content)) for name, content in first.items() if name in CLASSES
    }
    later = {
        name: dcmread(io.BytesIO(content)) for name, content in second.items() if name in CLASSES
    }
    key = later.pop("replaced.dcm")
    assert key.ConceptNameCodeSequence[0].CodeValue == "113001"
    rejected = {
        item.ReferencedSOPInstanceUID
        for study in key.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    assert rejected == {one.SOPInstanceUID for one in objects.values()}
    assert rejected.isdisjoint(one.SOPInstanceUID for one in later.values())
    (previous,) = later["measurements.dcm"].PredecessorDocumentsSequence
    (item,) = previous.ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert item.ReferencedSOPInstanceUID == objects["measurements.dcm"].SOPInstanceUID
    assert all("Research use only" in one.SeriesDescription for one in (*later.values(), key))
    assert {one.StudyInstanceUID for one in (*later.values(), key)} == {case.dicom.study_uid}
    assert {str(one.PatientName) for one in (*later.values(), key)} == {"Doe^Jane"}
    report = later["report.dcm"]
    assert report.EncapsulatedDocument[: report.EncapsulatedDocumentLength] == PDF


def test_the_report_as_a_table_is_what_was_measured(tmp_path):
    case, mask = case_and_mask(tmp_path / "a")
    study = exported(case, mask)
    files, _ = files_of(study, {ExportKind.SR})
    assert set(files) == {"seg-reader.dcm", "measurements.dcm"}
    document = srread(io.BytesIO(files["measurements.dcm"]))
    rows = [
        (
            group.tracking_identifier,
            group.finding_sites[0].value.value,
            *(
                one.value
                for name in ("Volume", "Long axis", "Short axis")
                for one in group.get_measurements()
                if one.name.meaning == name
            ),
        )
        for group in document.content.get_volumetric_roi_measurement_groups()
    ]
    expected = [
        (
            lesion.tracking,
            lesion.location.code if lesion.location else "12738006",
            *(
                pytest.approx(value, rel=1e-5)
                for value in (lesion.volume_ml, lesion.longest_mm, lesion.perpendicular_mm)
            ),
        )
        for lesion in study.read.lesions
    ]
    assert rows == expected and len(rows) == 2
    (verifier,) = document.VerifyingObserverSequence
    assert (document.VerificationFlag, verifier.VerifyingObserverName) == ("VERIFIED", "Dr. Ä. Öz")
    assert verifier.VerificationDateTime == "20260304050607.000000+0000"
    by_ai = replace(study, is_signed=False, reader=None, assessment=None, read=None)
    draft, _ = files_of(by_ai, {ExportKind.SR})
    unsigned = dcmread(io.BytesIO(draft["measurements.dcm"]))
    assert (unsigned.VerificationFlag, unsigned.CompletionFlag) == ("UNVERIFIED", "PARTIAL")
    assert "VerifyingObserverSequence" not in unsigned


def test_seg_and_sr_say_alike_how_each_lesion_was_outlined(tmp_path):
    case, mask = case_and_mask(tmp_path / "a")
    study = exported(case, mask)
    drawn = mask.copy()
    drawn[1:4, 13] = False  # the larger lesion is corrected, the smaller one accepted
    drawn[0, 20:24, 10:14] = True  # and one is the reader's own
    read = outline_lesions(Origin.READER, drawn, case, study="s1")
    files, _ = files_of(replace(study, read=read), {ExportKind.SR})
    segments = dcmread(io.BytesIO(files["seg-reader.dcm"])).SegmentSequence
    methods = [one.SegmentAlgorithmType for one in segments]
    assert sorted(methods) == ["AUTOMATIC", "MANUAL", "SEMIAUTOMATIC"]
    assert methods[0] == "SEMIAUTOMATIC"
    content = srread(io.BytesIO(files["measurements.dcm"])).content
    groups = content.get_volumetric_roi_measurement_groups()
    items = [
        {one.ConceptNameCodeSequence[0].CodeMeaning: one for one in group[0].ContentSequence}
        for group in groups
    ]
    words = [one["Activity Session"].TextValue for one in items]
    assert [one.removeprefix("reader outline, ").upper() for one in words] == methods
    named = ["Algorithm Name" in one for one in items]
    assert named == [one != "MANUAL" for one in methods]
    (procedure,) = (
        one for one in content[0].ContentSequence
        if one.ConceptNameCodeSequence[0].CodeMeaning == "Procedure reported"
    )  # fmt: skip
    assert procedure.ConceptCodeSequence[0].CodeMeaning == "MR Brain"


@pytest.mark.parametrize("judgement", [Judgement.REJECTED, Judgement.NOT_ASSESSABLE])
def test_a_rejecting_reader_verifies_the_rejection_and_no_lesion(tmp_path, judgement):
    case, mask = case_and_mask(tmp_path / "a")
    assessment = Assessment(judgement, "false lesion", "vessel, no edema")
    study = replace(exported(case, mask), assessment=assessment, read=None)
    kinds = {ExportKind.SEG, ExportKind.SR, ExportKind.SC}
    files, sentences = files_of(study, kinds)
    assert set(files) == {"measurements.dcm"} and len(sentences) == 1
    assert judgement.value in sentences[0]
    content = files["measurements.dcm"]
    assert assert_conforms(tmp_path, "measurements.dcm", content) == "ComprehensiveSR"
    document = srread(io.BytesIO(content))
    assert document.VerificationFlag == "VERIFIED"
    shown = run_tool("dsrdump", tmp_path / "measurements.dcm")
    assert shown.returncode == 0, shown.stderr
    assert judgement.value in shown.stdout and "false lesion: vessel" in shown.stdout
    assert "Imaging Measurements" not in shown.stdout and "Volume" not in shown.stdout
    marked, _ = files_of(study, kinds, views=(KeyView(k=2),))
    assert "key-image-1.dcm" in marked, "what the reader marked is kept"
    accepted = replace(study, assessment=Assessment(Judgement.ACCEPTED))
    bare, stamped = (draw_key_image(one, KeyView(k=2)) for one in (accepted, study))
    assert len(stamped) > len(bare), "the rejection is a line of the picture"


def test_of_a_withheld_result_no_figure_leaves(tmp_path):
    case, mask = case_and_mask(tmp_path / "a")
    reason = "Not FLAIR."
    by_ai = replace(exported(case, mask), assessment=None, read=None, reader=None, is_signed=False)
    assert [one.volume_ml for one in by_ai.ai.lesions if one.volume_ml] != []
    files, sentences = files_of(replace(by_ai, withheld=reason), set(ExportKind))
    assert not any(name.startswith(("seg-", "key-image")) for name in files)
    assert len(sentences) == 1 and reason in sentences[0]
    assert_conforms(tmp_path, "measurements.dcm", files["measurements.dcm"])
    shown = run_tool("dsrdump", "+Pl", tmp_path / "measurements.dcm").stdout
    assert reason in " ".join(shown.split()) and "Imaging Measurements" not in shown
    (row,) = csv.DictReader(io.StringIO(files["measurements.csv"].decode()))
    assert reason in row["comment"] and not any(row[name] for name in row if "_" in name)
    runs = json.loads(files["mask-ai-rle.json"])
    assert reason in runs["withheld"] and runs["lesions"]
    assert {one[name] for one in runs["lesions"] for name in one if "_m" in name} == {None}


def test_a_reader_who_confirms_that_nothing_is_outlined_has_an_sr(tmp_path):
    case, mask = case_and_mask(tmp_path / "a")
    files, sentences = files_of(exported(case, mask & False), {ExportKind.SEG, ExportKind.SR})
    assert set(files) == {"measurements.dcm"} and len(sentences) == 1
    assert_conforms(tmp_path, "measurements.dcm", files["measurements.dcm"])
    shown = run_tool("dsrdump", "+Pl", tmp_path / "measurements.dcm").stdout
    assert NOTHING_FOUND in " ".join(shown.split())


def test_key_images_say_in_their_pixels_how_to_use_them(tmp_path):
    case, mask = case_and_mask(tmp_path / "a")
    study = exported(case, mask)
    view = KeyView(k=2, window=(0, 900), caption="Größe = 3")
    picture = draw_key_image(study, view)
    bare = draw_key_image(study, replace(view, origins=()))
    assert min(picture.shape[:2]) >= 512
    below = picture[-24:]  # the last line
    assert (below.max(axis=2) > 200).sum() > 200
    assert (picture[:400] != bare[:400]).any(axis=2).sum() > 100
    # an outline, not a filled area
    assert (picture[:400] != bare[:400]).any(axis=2).mean() < 0.2
    (first, second) = (
        dcmread(io.BytesIO(content))
        for content in files_of(study, {ExportKind.SC}, views=(view, replace(view, k=3)))[
            0
        ].values()
    )
    np.testing.assert_array_equal(first.pixel_array, picture)
    assert first.SeriesInstanceUID == second.SeriesInstanceUID
    assert (
        first.SourceImageSequence[0].ReferencedSOPInstanceUID == case.dicom.images[2].sop_instance
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Größe 3 mm", "Grosse 3 mm"),
        ("naïve, Łódź", "naive, ?odz"),
        ("脳", "?"),
        ("½ ml", "1\u20442 ml"),
    ],
)
def test_words_in_pixels_have_letters_that_the_font_draws(text: str, expected: str) -> None:
    assert drawable(text) == expected


def test_lines_over_key_images_are_drawn_where_they_are_and_named(tmp_path):
    case, mask = case_and_mask(tmp_path / "a")
    study = exported(case, mask)
    view = KeyView(k=2, window=(0, 9e9), origins=())  # all black
    bare = draw_key_image(study, view)
    factor = bare.shape[1] / case.pixels.shape[2]
    down = factor * case.spacing_mm[1] / case.spacing_mm[2]
    part = slice(0, int(5 * down))
    ends = ((2.0, 3.0), (8.0, 3.0))
    for kind in LineKind:
        lines = (DrawnLine(kind=kind, points=ends),)
        picture = draw_key_image(study, replace(view, lines=lines))
        assert len(picture) > len(bare), "a line of the legend"
        rows, columns = np.nonzero((picture[part] != bare[part]).any(axis=-1))
        assert abs(rows.mean() - 3 * down) < 3
        assert abs(columns.min() - 2 * factor) < 3
        assert abs(columns.max() - 8 * factor) < 3
        assert (np.ptp(rows) > 6) == (kind is LineKind.ARROW), "an arrow has a head"
    far = DrawnLine(kind=LineKind.ARROW, points=((1e12, -1e12), (3.0, 3.0)), text="a\\b\n" * 40)
    texts = draw_key_image(study, replace(view, lines=(far,)))
    assert (texts[: len(bare) - 60] > 200).any()


def test_files_of_other_formats_open_elsewhere(tmp_path):
    import SimpleITK

    path = write_nifti(tmp_path / "v.nii.gz", np.arange(720, dtype=np.float32).reshape(10, 12, 6))
    case = read_one(path)
    mask = np.asarray(case.pixels[..., 0]) > 500
    files, sentences = files_of(exported(case, mask), set(ExportKind))
    assert sentences == []
    assert sum(name.startswith("images/") for name in files) == 6
    (tmp_path / "mask.nii.gz").write_bytes(files["mask-ai.nii.gz"])
    source, made = nib.load(path), nib.load(tmp_path / "mask.nii.gz")
    np.testing.assert_array_equal(np.asarray(made.dataobj), np.asarray(source.dataobj) > 500)
    np.testing.assert_array_equal(made.affine, source.affine)
    for name, content in files.items():
        if name.startswith("images/"):
            (tmp_path / name.replace("/", "-")).write_bytes(content)
    names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(tmp_path))
    image = SimpleITK.ReadImage(names)
    original = SimpleITK.ReadImage(str(path))
    for index in ((0, 0, 0), (9, 11, 5), (3, 7, 2)):
        at = image.TransformPhysicalPointToIndex(original.TransformIndexToPhysicalPoint(index))
        assert image[at] == original[index]


def test_pictures_without_spacing_get_files_and_a_sentence(tmp_path):
    pixels = np.full((24, 20), 90, np.uint8)
    case = read_one(write_image(tmp_path / "a.png", pixels))
    mask = np.zeros(case.pixels.shape[:3], bool)
    mask[0, 3:9, 4:8] = True
    files, sentences = files_of(exported(case, mask), set(ExportKind))
    assert [sentence for sentence in sentences if "spacing" in sentence] == sentences
    assert len(sentences) == 1
    assert not any(name.endswith(".dcm") for name in files)
    assert {"mask-ai.nii.gz", "mask-ai-rle.csv", "measurements.csv"} < set(files)


def test_nothing_outlined_gets_a_sentence_and_no_empty_object(tmp_path):
    case, mask = case_and_mask(tmp_path / "a")
    study = replace(exported(case, mask & False), assessment=None, read=None)
    files, sentences = files_of(study, {ExportKind.SEG, ExportKind.SR})
    assert files == {} and len(sentences) == 1


def test_an_archive_from_a_child_holds_the_same_files(tmp_path):
    case, mask = case_and_mask(tmp_path / "a")
    before = exported(case, mask)
    after = replace(exported(case, mask, digest="ef" * 32), amends=Signed(before.digest, before.at))
    options = {
        "pdf": PDF,
        "replaced": before,
        "reason": "The outline was wrong.",
        "views": (KeyView(k=2, caption="ä"),),
    }
    steps = []
    kinds = set(ExportKind)
    content = make_archive(after, kinds, progress=lambda *step: steps.append(step), **options)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    assert packed == files_of(after, kinds, **options)[0]
    assert steps
    with pytest.raises(InputError, match="nothing is outlined"):
        make_archive(exported(case, mask & False), {ExportKind.SEG})
