import io

import gdcm
import numpy as np
import pydicom
import pytest
from factories import SeriesFactory
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    RLELossless,
)
from readings import marked, read_error, read_one

from pipeline.data.reading.dicom import DICOM
from pipeline.data.reading.dicom_pixels import (
    NO_PHOTOMETRIC,
    all_bits_warning,
    not_supported_error,
)
from pipeline.data.reading.format_kinds import InputFile


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


@pytest.mark.parametrize("limit", [None, 60])
def test_padding_of_an_inverted_picture_is_dark(tmp_path, limit):
    """MONOCHROME1: large values are dark, padding of 0 to 60 would shine."""
    volume = np.full((3, 6, 8), 4000, np.uint16)
    volume[:, 2:4, 2:4] = 1000  # bright tissue
    volume[:, :, 0] = 0 if limit is None else 50
    tags = {
        "PhotometricInterpretation": "MONOCHROME1",
        "BitsStored": 12,
        "HighBit": 11,
        "PixelPaddingValue": 0,
    }
    if limit is not None:
        tags["PixelPaddingRangeLimit"] = limit
    pixels = read_one(SeriesFactory(volume, tags=tags).write(tmp_path / "s")).pixels[..., 0]
    assert set(np.unique(pixels[:, :, 0])) == {95}
    assert set(np.unique(pixels)) == {95, 3095}


def test_a_range_of_padding_becomes_background(tmp_path):
    volume = marked(dtype=np.int16)
    volume[:, :, -1], volume[:, :, -2] = -2000, -1990
    tags = {"PixelPaddingValue": -1980, "PixelPaddingRangeLimit": -2000}
    case = read_one(SeriesFactory(volume, tags=tags).write(tmp_path / "s"))
    assert set(np.unique(case.pixels)) == {0, 500}


def test_a_modality_table_is_applied(tmp_path):
    volume = np.arange(12, dtype=np.uint8).reshape(1, 3, 4)
    table = Dataset()
    table.LUTDescriptor = [12, 0, 16]
    table.ModalityLUTType = "US"
    table.LUTData = (np.arange(12, dtype=np.uint16) ** 2).tobytes()
    table["LUTDescriptor"].VR, table["LUTData"].VR = "US", "OW"
    tags = {"ModalityLUTSequence": Sequence([table])}
    pixels = read_one(SeriesFactory(volume, tags=tags).write(tmp_path / "s")).pixels
    np.testing.assert_array_equal(pixels[0, ..., 0], volume[0].astype(int) ** 2)


def test_pixels_that_do_not_state_their_bits(tmp_path):
    tags = {"BitsStored": None, "HighBit": None}
    case = read_one(SeriesFactory(marked(), tags=tags).write(tmp_path / "s"))
    assert int(case.pixels.max()) == 500
    assert case.warnings == (all_bits_warning(16),)


def test_pixels_that_do_not_state_what_is_white(tmp_path):
    tags = {"PhotometricInterpretation": None, "SamplesPerPixel": None}
    case = read_one(SeriesFactory(marked(), tags=tags).write(tmp_path / "s"))
    assert int(case.pixels[5, 1, 2, 0]) == 500
    assert case.warnings == (NO_PHOTOMETRIC,)


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("signed", [False, True])
def test_packed_pixels(tmp_path, bits, signed):
    """Bits follow each other without gaps, the lowest first; negative values as complements."""
    values = np.random.default_rng(1).integers(0, 2**bits, (2, 3, 5))
    stream = "".join(format(v, f"0{bits}b")[::-1] for v in values[0].ravel())
    stream = stream.ljust(-(-len(stream) // 16) * 16, "0")
    data = bytes(int(stream[k : k + 8][::-1], 2) for k in range(0, len(stream), 8))
    dataset = SeriesFactory(values.astype(np.uint16)).dataset(0)
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit, dataset.PixelRepresentation = bits - 1, int(signed)
    dataset.PixelData = data
    dataset.save_as(tmp_path / "p", enforce_file_format=True)
    expected = values[0] - (2**bits * (values[0] >= 2 ** (bits - 1)) if signed else 0)
    np.testing.assert_array_equal(read_one(tmp_path / "p").pixels[0, ..., 0], expected)


def palette_dataset(colours):
    """A picture through a table of 256 colours ``(256, 3)``, 16 bits each."""
    dataset = SeriesFactory(np.arange(256, dtype=np.uint8).reshape(1, 16, 16)).dataset(0)
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    for k, name in enumerate(("Red", "Green", "Blue")):
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        table = colours[:, k].astype("<u2").tobytes()
        setattr(dataset, f"{name}PaletteColorLookupTableData", table)
        dataset[f"{name}PaletteColorLookupTableDescriptor"].VR = "US"
    return dataset


def test_a_palette_of_colours_is_refused(tmp_path):
    colours = np.random.default_rng(0).integers(0, 65535, (256, 3))
    palette_dataset(colours).save_as(tmp_path / "p", enforce_file_format=True)
    assert "is a colour picture" in read_error(tmp_path / "p")


@pytest.mark.parametrize("colour", ["Red", "Green", "Blue"])
@pytest.mark.parametrize("entries", [0, 1, 65535])
def test_a_damaged_palette_is_named(tmp_path, colour, entries):
    greys = (257 * np.arange(256))[:, None].repeat(3, axis=1)
    dataset = palette_dataset(greys)
    setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [entries, 0, 16])
    setattr(dataset, f"{colour}PaletteColorLookupTableData", b"\1\2")
    dataset.save_as(tmp_path / "p", enforce_file_format=True)
    error = read_error(tmp_path / "p")
    assert "damaged" in error and "unknown kind" not in error


def test_a_palette_of_greys_is_read_through_its_table(tmp_path):
    greys = (65535 - 257 * np.arange(256))[:, None].repeat(3, axis=1)
    palette_dataset(greys).save_as(tmp_path / "p", enforce_file_format=True)
    pixels = read_one(tmp_path / "p").pixels
    assert int(pixels[0, 0, 0, 0]) == 65535
    assert int(pixels[0, -1, -1, 0]) == 0


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


def test_zeros_after_the_end_mark_are_no_cut(tmp_path, noise):
    path = SeriesFactory(noise, tags={"BitsStored": 12, "HighBit": 11}).write(tmp_path) / "im000"
    _write_with_gdcm(path, gdcm.TransferSyntax.JPEG2000Lossless)
    dataset = pydicom.dcmread(path)
    (stream,) = pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1)
    dataset.PixelData = encapsulate([stream + b"\0" * 64])
    dataset.save_as(path)
    np.testing.assert_array_equal(read_one(path).pixels[..., 0], noise)


@pytest.mark.parametrize(
    ("syntax", "bits", "name"),
    [
        (HTJ2KLossless, 16, "HTJ2K"),
        ("1.2.840.10008.1.2.4.110", 16, "JPEG XL"),
        ("1.2.840.10008.1.2.4.102", 16, "MPEG video"),
        (JPEGExtended12Bit, 12, "12-bit JPEG Extended"),
    ],
)
def test_a_compression_that_cannot_be_decoded_is_named(tmp_path, noise, syntax, bits, name):
    dataset = SeriesFactory(noise).dataset(0)
    dataset.BitsStored, dataset.HighBit = bits, bits - 1
    dataset.PixelData = encapsulate([_jpeg_of_12_bits(32, 32)])
    dataset.file_meta.TransferSyntaxUID = HTJ2KLossless
    dataset.save_as(tmp_path / "x", enforce_file_format=True)
    data = (tmp_path / "x").read_bytes()  # pydicom writes no syntax that it does not know
    (tmp_path / "x").write_bytes(
        data.replace(HTJ2KLossless.encode(), syntax.ljust(23, "\0").encode())
    )
    file = InputFile(tmp_path / "x", "x", "", "", DICOM)
    assert read_error(tmp_path / "x") == not_supported_error(file, name).message


def _jpeg_of_12_bits(rows, columns):
    """The start and the end of a JPEG stream of extended process, without its data."""
    frame = b"\x0c" + rows.to_bytes(2, "big") + columns.to_bytes(2, "big") + b"\x01\x01\x11\x00"
    return b"\xff\xd8\xff\xc1" + (len(frame) + 2).to_bytes(2, "big") + frame + b"\xff\xd9"
