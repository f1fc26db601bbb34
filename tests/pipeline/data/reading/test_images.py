import zlib

import cv2
import numpy as np
import pytest
import tifffile
from factories import colour, grey, write_image
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageOps

from pipeline.data.case import tidy_values
from pipeline.data.reading.images import animation_warning, is_grey, read_image
from pipeline.errors import InputError


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("make", [grey, colour])
def test_lossless_formats_keep_every_pixel(tmp_path, suffix, make):
    pixels = make()
    options = {"lossless": True} if suffix == ".webp" else {}
    path = write_image(tmp_path / f"a{suffix}", pixels, **options)

    (page,) = read_image(path, path.name).pages

    expected = pixels if pixels.ndim == 3 else pixels[..., None]
    if suffix == ".webp" and pixels.ndim == 2:
        page = page[..., :1]  # WebP knows no grey
    np.testing.assert_array_equal(page, expected)


def test_jpeg_is_read_and_marked_lossy(tmp_path):
    path = write_image(tmp_path / "a.jpg", np.full((16, 16), 77, np.uint8), quality=95)
    image = read_image(path, path.name)
    assert image.lossy
    assert abs(int(image.pages[0].mean()) - 77) <= 1


@pytest.mark.parametrize("options", [{"subsampling": k} for k in range(3)] + [{"progressive": 1}])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg_has_the_pixels_of_pillow(tmp_path, options, mode):
    path = tmp_path / "a.jpg"
    Image.fromarray(colour(61, 83)).convert(mode).save(path, **options)
    (page,) = read_image(path, path.name).pages
    expected = np.asarray(Image.open(path).convert(mode))
    np.testing.assert_array_equal(page, expected.reshape(page.shape))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_keeps_its_values(tmp_path, suffix, channels):
    shape = (7, 9) if channels == 1 else (7, 9, 3)
    pixels = np.random.default_rng(0).integers(0, 65535, shape, np.uint16)
    path = tmp_path / f"deep{suffix}"
    cv2.imwrite(str(path), pixels[..., ::-1] if channels == 3 else pixels)

    (page,) = read_image(path, path.name).pages

    assert page.dtype == np.uint16
    np.testing.assert_array_equal(page, pixels.reshape(7, 9, channels))


def test_16_bit_rgba_lies_over_black(tmp_path):
    pixels = np.full((4, 4, 4), 60000, np.uint16)
    pixels[:2, :, 3] = 0
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), pixels)
    (page,) = read_image(path, path.name).pages
    assert page.shape == (4, 4, 3)
    assert page[:2].max() == 0
    assert page[2:].min() == round(60000 * 60000 / 65535)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_lies_over_black(tmp_path, mode):
    bands = 4 if mode == "RGBA" else 2
    pixels = np.full((6, 6, bands), 200, np.uint8)
    pixels[..., -1] = 255
    pixels[:3, :, -1] = 0
    path = tmp_path / "a.png"
    Image.fromarray(pixels, mode).save(path) if mode == "LA" else write_image(path, pixels)
    (page,) = read_image(path, path.name).pages
    assert page[:3].max() == 0
    assert page[3:].min() == 200


def test_palette_becomes_colours_and_its_transparency_black(tmp_path):
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 10, 20, 30, 40, 50, 60])
    image.putpixel((0, 0), 2)
    image.save(tmp_path / "a.png", transparency=2)
    (page,) = read_image(tmp_path / "a.png", "a.png").pages
    assert page[1, 1].tolist() == [10, 20, 30]
    assert page[0, 0].tolist() == [0, 0, 0]


def test_one_bit_becomes_black_and_white(tmp_path):
    pixels = np.eye(5, dtype=bool)
    write_image(tmp_path / "a.png", pixels)
    (page,) = read_image(tmp_path / "a.png", "a.png").pages
    np.testing.assert_array_equal(page[..., 0], np.eye(5, dtype=np.uint8) * 255)


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_rotation_is_applied(tmp_path, turn):
    pixels = np.zeros((8, 16), np.uint8)
    pixels[:4, :4] = 255
    exif = Image.Exif()
    exif[0x0112] = turn
    write_image(tmp_path / "a.png", pixels, exif=exif)
    (page,) = read_image(tmp_path / "a.png", "a.png").pages
    expected = Image.fromarray(pixels)
    expected.getexif()[0x0112] = turn
    expected = ImageOps.exif_transpose(expected)
    np.testing.assert_array_equal(page[..., 0], np.asarray(expected))


def test_pages_of_a_tiff_are_a_stack(tmp_path):
    pages = [Image.fromarray(grey(seed=k)) for k in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    image = read_image(tmp_path / "a.tif", "a.tif")
    assert len(image.pages) == 3
    np.testing.assert_array_equal(image.pages[2][..., 0], grey(seed=2))


def test_deep_colour_pages_of_a_tiff_are_told_apart(tmp_path):
    pages = [np.full((5, 6, 3), 1000 * (k + 1), np.uint16) for k in range(3)]
    cv2.imwritemulti(str(tmp_path / "a.tif"), pages)
    image = read_image(tmp_path / "a.tif", "a.tif")
    assert [int(page.max()) for page in image.pages] == [1000, 2000, 3000]


@pytest.mark.parametrize(
    "kind", ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">u2", ">f8"]
)
@pytest.mark.parametrize("pages", [1, 3])
def test_tiff_of_any_type_of_samples(tmp_path, kind, pages):
    values = np.arange(pages * 20).reshape(pages, 4, 5).astype(kind)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack")
    image = read_image(tmp_path / "a.tif", "a.tif")
    np.testing.assert_array_equal(np.stack(image.pages)[..., 0], values)
    assert image.warnings == ()


@pytest.mark.parametrize("kind", ["u1", "u2", "f4", "f8"])
def test_tiff_in_which_0_is_white(tmp_path, kind):
    values = np.array([[0, 100], [50, 200]]).astype(kind)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="miniswhite")
    (page,) = read_image(tmp_path / "a.tif", "a.tif").pages
    np.testing.assert_array_equal(
        np.argsort(page.ravel()), np.argsort(-values.ravel().astype(float))
    )


@pytest.mark.parametrize("channels", [2, 5])
def test_tiff_of_other_channels_is_refused(tmp_path, channels):
    values = np.zeros((6, 7, channels), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack", planarconfig="contig")
    with pytest.raises(InputError, match=f"{channels} channels"):
        read_image(tmp_path / "a.tif", "a.tif")


def test_an_imagej_stack_with_one_directory(tmp_path):
    stack = np.arange(4 * 30, dtype=np.uint16).reshape(4, 5, 6)
    tifffile.imwrite(tmp_path / "whole.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    with tifffile.TiffFile(tmp_path / "whole.tif") as tiff:
        data = bytearray((tmp_path / "whole.tif").read_bytes())
        page = tiff.pages[0]
        place = page.offset + 2 + 12 * len(page.tags)
        data[place : place + 4] = bytes(4)  # no next directory
    (tmp_path / "a.tif").write_bytes(bytes(data))
    image = read_image(tmp_path / "a.tif", "a.tif")
    np.testing.assert_array_equal(np.stack(image.pages)[..., 0], stack)


@pytest.mark.parametrize("form", [{"imagej": True}, {"ome": True}])
def test_of_channels_and_time_points_the_first_is_read(tmp_path, form):
    stack = np.arange(2 * 4 * 3 * 30, dtype=np.uint16).reshape(2, 4, 3, 5, 6)
    tifffile.imwrite(
        tmp_path / "a.tif", stack, photometric="minisblack", metadata={"axes": "TZCYX"}, **form
    )
    image = read_image(tmp_path / "a.tif", "a.tif")
    np.testing.assert_array_equal(np.stack(image.pages)[..., 0], stack[0, :, 0])
    assert len(image.warnings) == 1


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_frames_of_an_animation_are_slices(tmp_path, suffix):
    frames = [Image.fromarray(colour(seed=k)) for k in range(3)]
    options = {"lossless": True} if suffix == ".webp" else {}
    path = tmp_path / f"a{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    image = read_image(path, path.name)
    np.testing.assert_array_equal(np.stack(image.pages), [colour(seed=k) for k in range(3)])
    assert image.warnings == (animation_warning(3),)


@pytest.mark.parametrize("background", [0, 2])
def test_palette_labels_are_indices(tmp_path, background):
    indices = np.full((4, 4), background, np.uint8)
    indices[1, 1] = 1
    image = Image.fromarray(indices, "P")
    colours = [[200, 30, 30]] * 3
    colours[background] = [0, 0, 0]
    image.putpalette([channel for entry in colours for channel in entry])
    image.save(tmp_path / "a.png")
    (labels,) = read_image(tmp_path / "a.png", "a.png").labels
    assert np.argwhere(labels > 0).tolist() == [[1, 1]]


def test_a_palette_in_which_a_label_is_black_too(tmp_path):
    indices = np.eye(4, dtype=np.uint8)
    image = Image.fromarray(indices, "P")
    image.putpalette([0, 0, 0, 0, 0, 0])
    image.save(tmp_path / "a.png")
    (labels,) = read_image(tmp_path / "a.png", "a.png").labels
    np.testing.assert_array_equal(labels, indices)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_file_cut_short_is_refused_in_a_sentence(tmp_path, suffix, part):
    path = write_image(tmp_path / f"a{suffix}", colour(64, 64))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(InputError) as caught:
        read_image(path, f"folder/a{suffix}")
    assert caught.value.source == f"folder/a{suffix}"
    assert caught.value.message.startswith(f"a{suffix} is ")
    assert "cut short" in caught.value.message or "damaged" in caught.value.message
    assert caught.value.message.endswith("Export it again.")


def test_16_bit_colour_cut_short_is_refused(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 65535, (64, 64, 3), np.uint16)
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), pixels)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(InputError, match=r"a\.png is cut short"):
        read_image(path, "a.png")


def test_absurd_dimensions_are_refused_before_decoding(tmp_path):
    path = write_image(tmp_path / "a.png", grey())
    data = bytearray(path.read_bytes())
    data[16:24] = (60000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match="absurd dimensions; at most 8,192 pixels"):
        read_image(path, "a.png")


def test_traces_of_colour_in_a_lossy_file_are_grey():
    pixels = np.full((4, 4, 3), 100, np.uint8)
    pixels[0, 0, 2] = 106
    assert is_grey(pixels, lossy=True)
    assert not is_grey(pixels, lossy=False)


@settings(deadline=None)
@given(arrays(np.int32, (3, 3)))
def test_integers_keep_their_values_where_16_bits_hold_them(values):
    tidy = tidy_values(values)
    assert tidy.dtype in (np.uint8, np.uint16, np.int16, np.float32)
    np.testing.assert_allclose(tidy.astype(float), values, rtol=1e-6)


@settings(deadline=None)
@given(arrays(np.float64, (2, 3), elements=st.floats(width=64)))
def test_floats_become_finite(values):
    tidy = tidy_values(values)
    assert tidy.dtype == np.float32
    assert np.isfinite(tidy).all()
