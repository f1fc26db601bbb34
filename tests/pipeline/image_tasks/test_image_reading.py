import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from tiny_images import corner_pixels, write_image

from pipeline.errors import InputError
from pipeline.image_tasks.reading import SingleImage, read_grey_bytes, read_single_images


def test_every_file_is_its_own_case_whatever_its_name(tmp_path: Path) -> None:
    for name in ("scan_1.png", "scan_2.png", "scan_2_mask.png", "other/scan_1.jpg"):
        write_image(tmp_path / "in" / name, corner_pixels())
    with zipfile.ZipFile(tmp_path / "in" / "more.zip", "w") as archive:
        archive.write(tmp_path / "in" / "scan_1.png", "inner/scan_9.png")
    (tmp_path / "in" / "notes.csv").write_text("a,b")
    found = {image.source: image for image in read_single_images([tmp_path / "in"])}
    assert set(found) == {
        "scan_1.png", "scan_2.png", "scan_2_mask.png", "other/scan_1.jpg",
        "more.zip/inner/scan_9.png",
    }  # fmt: skip
    assert len({image.case_id.lower() for image in found.values()}) == 5
    assert all(image.grey.shape == (64, 64) for image in found.values())


def test_bad_files_are_sentences_and_the_others_go_on(tmp_path: Path) -> None:
    good = write_image(tmp_path / "good.png", corner_pixels())
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:60])
    (tmp_path / "empty.jpg").write_bytes(b"")
    pages = [Image.fromarray(corner_pixels())] * 3
    pages[0].save(tmp_path / "stack.tif", save_all=True, append_images=pages[1:])
    found = list(read_single_images([tmp_path, tmp_path / "missing.png"]))
    errors = {error.source: error.message for error in found if isinstance(error, InputError)}
    assert set(errors) == {"cut.png", "empty.jpg", "stack.tif", "missing.png"}
    assert errors["stack.tif"].startswith("stack.tif holds 3 images; this task answers single")
    assert len(found) == 5


def test_an_earlier_call_s_pictures_are_passed_over(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", corner_pixels())
    write_image(tmp_path / "heat_maps" / "a.png", corner_pixels())
    (found,) = read_single_images([tmp_path], passed_over=tmp_path / "heat_maps")
    assert found.source == "a.png"


def test_depth_alpha_and_bytes(tmp_path: Path) -> None:
    deep = corner_pixels().astype(np.uint16) * 200
    path = write_image(tmp_path / "deep.png", deep)
    np.testing.assert_array_equal(read_grey_bytes(path.read_bytes(), "deep.png"), deep)
    with pytest.raises(InputError, match="notes is a text file"):
        read_grey_bytes(b"hello", "notes")


def test_a_dicom_x_ray_is_read_and_a_series_file_with_frames_is_not(tmp_path: Path) -> None:
    header = Dataset()
    header.SOPClassUID, header.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", generate_uid()
    header.StudyInstanceUID, header.SeriesInstanceUID = generate_uid(), generate_uid()
    header.Modality, header.PatientID = "CR", "1"
    header.Rows = header.Columns = 64
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated, header.BitsStored, header.HighBit = 16, 12, 11
    header.PixelRepresentation = 0
    pixels = corner_pixels().astype(np.uint16) * 16
    header.PixelData = pixels.tobytes()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.save_as(tmp_path / "one.dcm", enforce_file_format=True)
    (found,) = read_single_images([tmp_path / "one.dcm"])
    assert isinstance(found, SingleImage)
    np.testing.assert_array_equal(found.grey, pixels)
    header.NumberOfFrames, header.PixelData = 2, pixels.tobytes() * 2
    header.save_as(tmp_path / "two.dcm", enforce_file_format=True)
    (error,) = read_single_images([tmp_path / "two.dcm"])
    assert isinstance(error, InputError)
