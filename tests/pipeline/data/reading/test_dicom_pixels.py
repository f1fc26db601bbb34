import io

import gdcm
import numpy as np
import pydicom
import pytest
from factories import SeriesFactory
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)
from readings import marked, read_error, read_one


def test_monochrome1_is_inverted(tmp_path):
    tags = {"PhotometricInterpretation": "MONOCHROME1", "BitsStored": 12, "HighBit": 11}
    case = read_one(SeriesFactory(marked(), tags=tags).write(tmp_path / "s"))
    assert int(case.pixels[5, 1, 2, 0]) == 4095 - 500
    assert int(case.pixels[0, 0, 0, 0]) == 4095


def test_rescale_is_applied(tmp_path):
    tags = {"RescaleSlope": 2.5, "RescaleIntercept": -100}
    case = read_one(SeriesFactory(marked(), tags=tags).write(tmp_path / "s"))
    assert case.pixels.dtype == np.float32
    assert float(case.pixels[5, 1, 2, 0]) == 500 * 2.5 - 100


def test_padding_becomes_background(tmp_path):
    volume = marked(dtype=np.int16)
    volume[:, :, -1] = -2000
    tags = {"PixelPaddingValue": -2000}
    case = read_one(SeriesFactory(volume, tags=tags).write(tmp_path / "s"))
    assert int(case.pixels.min()) == 0


def test_window_is_taken_from_the_file(tmp_path):
    tags = {"WindowCenter": [400, 9], "WindowWidth": [600, 9]}
    assert read_one(SeriesFactory(marked(), tags=tags).write(tmp_path / "s")).window == (100, 700)


def _write_with_gdcm(path, syntax):
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


COMPRESSIONS = [
    "JPEGLosslessProcess14_1",
    "JPEGLosslessProcess14",
    "JPEGLSLossless",
    "JPEG2000Lossless",
    "RLELossless",
    "ExplicitVRBigEndian",
]


@pytest.fixture
def noise():
    return np.random.default_rng(0).integers(0, 4000, (1, 32, 32), np.uint16)


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_compressed_pixels(tmp_path, noise, name):
    path = SeriesFactory(noise, tags={"BitsStored": 12, "HighBit": 11}).write(tmp_path) / "im000"
    _write_with_gdcm(path, getattr(gdcm.TransferSyntax, name))
    np.testing.assert_array_equal(read_one(path).pixels[..., 0], noise)


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_compressed_pixels_that_break_off(tmp_path, noise, name):
    path = SeriesFactory(noise, tags={"BitsStored": 12, "HighBit": 11}).write(tmp_path) / "im000"
    _write_with_gdcm(path, getattr(gdcm.TransferSyntax, name))
    path.write_bytes(path.read_bytes()[:-300])
    assert read_error(path).startswith("im000 is cut short: ")


@pytest.mark.parametrize("name", COMPRESSIONS[:4])
def test_a_compressed_image_larger_than_its_header_is_refused(tmp_path, noise, name):
    path = SeriesFactory(noise, tags={"BitsStored": 12, "HighBit": 11}).write(tmp_path) / "im000"
    _write_with_gdcm(path, getattr(gdcm.TransferSyntax, name))
    dataset = pydicom.dcmread(path)
    dataset.Rows = dataset.Columns = 16
    dataset.save_as(path)
    assert read_error(path) == (
        "im000 contradicts itself: its header states 16 x 16 pixels, its compressed image 32 x 32."
        " Export it again."
    )


def test_jpeg_baseline(tmp_path):
    ramp = np.add.outer(np.arange(32), np.arange(32)).astype(np.uint8)[None]
    dataset = SeriesFactory(ramp).dataset(0)
    stream = io.BytesIO()
    Image.fromarray(ramp[0]).save(stream, "JPEG", quality=95)
    dataset.PixelData = encapsulate([stream.getvalue()])
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.save_as(tmp_path / "a", enforce_file_format=True)
    assert np.abs(read_one(tmp_path / "a").pixels[..., 0].astype(int) - ramp).max() <= 2


def test_rle_and_deflated_data_sets(tmp_path, noise):
    dataset = SeriesFactory(noise).dataset(0)
    dataset.compress(RLELossless)
    dataset.save_as(tmp_path / "rle", enforce_file_format=True)
    np.testing.assert_array_equal(read_one(tmp_path / "rle").pixels[..., 0], noise)
    dataset = SeriesFactory(noise).dataset(0)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(tmp_path / "deflated", enforce_file_format=True)
    np.testing.assert_array_equal(read_one(tmp_path / "deflated").pixels[..., 0], noise)


@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("meta", [True, False])
def test_files_without_preamble(tmp_path, noise, implicit, meta):
    dataset = SeriesFactory(noise).dataset(0)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2" + ("" if implicit else ".1")
    stream = io.BytesIO()
    dataset.save_as(stream, implicit_vr=implicit, little_endian=True)
    data = stream.getvalue()
    start = 132 if meta else data.index(b"\x08\x00\x08\x00")
    (tmp_path / "bare").write_bytes(data[start:])
    np.testing.assert_array_equal(read_one(tmp_path / "bare").pixels[..., 0], noise)


def test_pixels_cut_short_are_counted(tmp_path, noise):
    path = SeriesFactory(noise).write(tmp_path) / "im000"
    path.write_bytes(path.read_bytes()[:-1000])
    assert read_error(path) == (
        "im000 is cut short: 1,048 of 2,048 bytes of pixels. Export it again."
    )


@pytest.mark.parametrize("keep", [132, 140, 200, 400, 600, 800])
def test_headers_cut_short(tmp_path, noise, keep):
    path = SeriesFactory(noise).write(tmp_path) / "im000"
    path.write_bytes(path.read_bytes()[:keep])
    assert "cut short" in read_error(path)
