"""PNG, JPEG, TIFF and WebP, with one page, several, or the frames of an animation, to arrays.

Developer notes: Pillow decodes everything first, because it notices a file that is cut short, which
OpenCV passes over in silence. Pillow brings 16-bit colour down to 8 bits, so that OpenCV reads
those few files again. `pipeline.data.reading.tiff` reads the TIFF files that Pillow cannot read
right. Dimensions and memory are checked from the headers, before any pixel is decoded. Decoders
fill the missing rows of a JPEG or PNG without a word, so that both are checked for all their rows.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import (
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from pipeline.data.case import tidy_values
from pipeline.data.reading.format_kinds import (
    HEAD_BYTES,
    DecodedImage,
    ImageFormat,
    cut_short,
    fault_warning,
    starts_with,
)
from pipeline.data.reading.limits import (
    MAX_SCANNED,
    MAX_SCANS,
    MAX_SIDE_PX,
    check_memory,
    check_shape,
)
from pipeline.errors import InputError

# Plugins register when imported; no other decoder of Pillow's is ever tried on an upload.
_PLUGINS = (PngImagePlugin, JpegImagePlugin, TiffImagePlugin, WebPImagePlugin)
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP")
_EXIF_ORIENTATION = 0x0112
_TIFF_SUBFILE, _TIFF_BITS = 254, 258
#: What Pillow calls a JPEG, with one picture or several.
_JPEG_FORMATS = frozenset({"JPEG", "MPO"})
#: White where the mode does not know the word.
_WHITE: dict[str, float | tuple[float, ...] | str] = {"P": 255, "I;16": 65535, "LA": (255, 255)}
#: A palette in greys of more used entries than this holds grey values, not labels.
_MOST_LABELS = 16
_COLOUR_MODES = frozenset({"RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"})
#: Bytes per pixel of the page that is decoded, at the peak: grey, colour, 16-bit colour.
_GREY_BYTES, _COLOUR_BYTES, _DEEP_BYTES = 8, 22, 28
#: What decoders report of files that are sound: tags of a vendor's own.
_IS_SOUND = re.compile(r"unknown field with tag|^\s*$", re.IGNORECASE)
#: Rows that are worked on at a time, so that wide numbers never hold the whole picture.
_STRIP_ROWS = 256
#: Steps from each EXIF orientation to the upright image.
_UPRIGHT: dict[int, Callable[[NDArray[np.generic]], NDArray[np.generic]]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: np.swapaxes(a, 0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.swapaxes(a[::-1, ::-1], 0, 1),
    8: lambda a: np.rot90(a),
}


_is_tiff = starts_with(b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


def read_image(path: Path, source: str) -> DecodedImage:
    """Read one image file.

    Args:
        path: The file.
        source: Its name relative to what the user gave, for sentences.

    Returns:
        Its pages; transparency lies over black, palettes become colours, EXIF rotation is applied.

    Raises:
        InputError: If it cannot be read, is cut short, or is absurdly large.
    """
    # The web process needs none of these.
    from pipeline.data.reading.code_streams import CutShort, Damaged
    from pipeline.data.reading.tiff import read_tiff

    name = source.rsplit("/", 1)[-1]
    try:
        with _hear_decoders() as heard:
            data = _read_unless_tiff(path, source)
            decoded = None if data else read_tiff(path, source)
            if decoded is None:
                with Image.open(path, formats=_FORMATS) as image:
                    _check_stream(image, path, source, data)
                    decoded = _decode(image, path, source, data)
        if heard:
            return replace(decoded, warnings=(*decoded.warnings, fault_warning(name)))
        return decoded
    except (InputError, MemoryError):
        raise
    except CutShort:
        raise cut_short(source, "pixels") from None
    except Damaged:
        raise _contradicts(source) from None
    except Image.DecompressionBombError:
        raise InputError(
            source,
            f"{name} states absurd dimensions; at most {MAX_SIDE_PX:,} pixels on a side can be"
            " read. Export it again.",
        ) from None
    except UnidentifiedImageError:
        raise InputError(
            source, f"{name} is damaged: its header cannot be read. Export it again."
        ) from None
    except Exception as error:
        if _is_cut_short(error):
            raise cut_short(source, "pixels") from None
        raise InputError(
            source, f"{name} is damaged: its pixels cannot be read. Export it again."
        ) from None


def _contradicts(source: str) -> InputError:
    name = source.rsplit("/", 1)[-1]
    return InputError(source, f"{name} is damaged: it contradicts itself. Export it again.")


@contextmanager
def _hear_decoders() -> Iterator[list[str]]:
    """Collect what decoders report of a fault: Pillow by warnings, C libraries on standard error.

    Standard error is the process's: this belongs in a child. What exceeds a pipe is lost.
    """
    heard: list[str] = []
    back, to = os.pipe()
    os.set_blocking(back, False)
    os.set_blocking(to, False)
    kept = os.dup(2)
    os.dup2(to, 2)
    try:
        with warnings.catch_warnings(record=True) as faults:
            warnings.simplefilter("always")
            yield heard
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(to)
        with open(back, "rb") as stream:
            said = (stream.read() or b"").decode("utf-8", "replace")
    heard += [str(one.message) for one in faults if "PIL" in Path(one.filename).parts]
    heard += [line for line in said.splitlines() if not _IS_SOUND.search(line)]


def _is_cut_short(error: Exception) -> bool:
    words = str(error).lower()
    return isinstance(error, EOFError) or any(
        word in words for word in ("truncated", "not processed", "unexpected end", "too short")
    )


def _read_unless_tiff(path: Path, source: str) -> bytes:
    """Read a picture with a sane number of parts, which Pillow lists when it opens it.

    Returns:
        The file; nothing of a TIFF.
    """
    from pipeline.data.reading import code_streams

    with path.open("rb") as stream:
        if _is_tiff(stream.read(HEAD_BYTES)):
            return b""
        check_memory(source, os.fstat(stream.fileno()).st_size)
        stream.seek(0)
        data = stream.read()
    code_streams.check_parts(data)
    return data


def _check_stream(image: Image.Image, path: Path, source: str, data: bytes) -> None:
    """Check a picture by its code stream: memory and work, and that nothing of it contradicts.

    Whether all rows of a PNG or JPEG are there shows when it is decoded.

    Raises:
        CutShort: Rows are missing.
        InputError: A limit is passed, or the file contradicts itself.
    """
    from pipeline.data.reading import code_streams

    name = source.rsplit("/", 1)[-1]
    size = path.stat().st_size
    check_memory(source, size)
    if image.format == "TIFF":
        colours = len(image.getbands())
        deep = _is_deep_colour(image, path)
        _check_memory(source, image.width * image.height, 1, size, samples=colours, deep=deep)
        return
    try:
        if image.format == "PNG":
            stream = code_streams.read_png(data)
        elif image.format == "WEBP":
            stream = code_streams.read_webp(data)
        else:
            stream = code_streams.read_code_stream(data)
        if stream is None or (stream.columns, stream.rows) != image.size:
            raise code_streams.Damaged
        n_pages = stream.frames if image.format in {"PNG", "WEBP"} else 1
        check_shape(source, height=stream.rows, width=stream.columns, slices=n_pages, bytes_px=1)
        deep = stream.bits == 16 and stream.samples > 1
        _check_memory(
            source,
            stream.rows * stream.columns,
            n_pages,
            size,
            samples=stream.samples,
            deep=deep,
        )
        if image.format == "PNG":
            code_streams.check_png_chunks(data)
        elif stream.scans > MAX_SCANS or stream.scans * stream.n_pixels > MAX_SCANNED:
            raise InputError(
                source,
                f"{name} holds {stream.scans:,} scans of {stream.columns:,} x {stream.rows:,}"
                " pixels, which would take too long to decode. Save it as an ordinary (baseline)"
                " JPEG.",
            )
        elif not stream.is_whole:
            raise code_streams.CutShort
    except code_streams.Damaged:
        raise _contradicts(source) from None


def _check_memory(
    source: str, n_pixels: int, n_pages: int, size: int, *, samples: int, deep: bool
) -> None:
    """Check the memory that reading a picture takes: its file, its pages, the work on one."""
    at_work = _DEEP_BYTES if deep else _COLOUR_BYTES if samples > 1 else _GREY_BYTES
    check_memory(source, 2 * size + n_pixels * (at_work + 4 * (n_pages - 1)))


def _decode(image: Image.Image, path: Path, source: str, data: bytes) -> DecodedImage:
    from pipeline.data.reading.code_streams import read_whole_jpeg

    is_tiff = image.format == "TIFF"
    is_stack = is_tiff or image.format in {"PNG", "WEBP"}
    n_pages = int(getattr(image, "n_frames", 1)) if is_stack else 1
    check_shape(source, height=image.height, width=image.width, slices=n_pages, bytes_px=4)
    pages: list[NDArray[np.generic]] = []
    labels: list[NDArray[np.generic]] = []
    for k in range(n_pages):
        if n_pages > 1:
            image.seek(k)
            check_shape(source, height=image.height, width=image.width, bytes_px=4 * n_pages)
            if is_tiff and k and int(image.tag_v2.get(_TIFF_SUBFILE, 0)) & 1:  # type: ignore[attr-defined]
                continue  # a smaller copy for previews
        deep = n_pages == 1 or is_tiff
        deep = deep and _is_deep_colour(image, path)
        whole = read_whole_jpeg(data) if image.format in _JPEG_FORMATS else None
        if whole is None:
            _load(image, data if k == 0 else b"")
        indices = None if whole is not None else _palette_labels(image)
        if whole is not None:
            pixels: NDArray[np.generic] = whole
        else:
            pixels = _read_deep_page(path, k) if deep else _page_pixels(image)
        # Pillow loads a PNG for this
        turn = 1 if is_tiff else int(image.getexif().get(_EXIF_ORIENTATION, 1) or 1)
        if turn in _UPRIGHT:
            pixels = _UPRIGHT[turn](pixels)
            indices = None if indices is None else _UPRIGHT[turn](indices)
        pages.append(np.ascontiguousarray(pixels))
        if indices is not None:
            labels.append(indices)
    return DecodedImage(
        pages=tuple(pages),
        lossy=_is_lossy(image, path),
        labels=tuple(labels) if len(labels) == len(pages) else None,
        warnings=(animation_warning(len(pages)),) if n_pages > 1 and not is_tiff else (),
    )


def _load(image: Image.Image, data: bytes) -> None:
    """Let Pillow decode a page; with the bytes of a PNG, check that all of its rows are there.

    Counting the rows takes as long as decoding them. Pillow leaves missing rows as they were, so a
    page of a single pass is white at first, and its rows are counted only where the last one still
    is.

    Raises:
        CutShort: Rows are missing.
        Damaged: The compressed rows are damaged.
    """
    from pipeline.data.reading.code_streams import check_png_rows

    if image.format != "PNG" or not data:
        image.load()
    elif image.info.get("interlace") or getattr(image, "n_frames", 1) > 1:
        check_png_rows(data)
        image.load()
    else:
        image.im = Image.new(image.mode, image.size, _WHITE.get(image.mode, "white")).im
        image.load()
        last = np.asarray(image.crop((0, image.height - 1, image.width, image.height)))
        if (last == (True if last.dtype == bool else np.iinfo(last.dtype).max)).all():
            check_png_rows(data)


def animation_warning(n_frames: int) -> str:
    """The sentence on a picture that moves."""
    return f"The file is an animation; its {n_frames} frames are read as slices."


def _palette_labels(image: Image.Image) -> NDArray[np.generic] | None:
    """Labels ``(h, w)`` of a loaded page with a palette, 0 outside; None where it has grey values.

    The first entry is the background, unless another one in use is black or transparent.
    """
    if image.mode != "P" or image.palette is None:
        return None
    indices = np.asarray(image)
    used = np.unique(indices)
    colours = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    if used.max() >= len(colours):
        return None
    if (colours[used] == colours[used][:, :1]).all() and used.size > _MOST_LABELS:
        return None
    outside = {0}
    if colours[0].any():
        outside = {int(index) for index in used if not colours[index].any()} or outside
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        outside.add(transparent)
    return np.where(np.isin(indices, list(outside)), 0, np.maximum(indices, 1))


def _is_lossy(image: Image.Image, path: Path) -> bool:
    if image.format == "WEBP":
        with path.open("rb") as file:
            return b"VP8L" not in file.read(64)
    return image.format in _JPEG_FORMATS


def _is_deep_colour(image: Image.Image, path: Path) -> bool:
    """Whether the page holds 16-bit colour or transparency, which Pillow brings down to 8 bits."""
    if image.format == "TIFF":
        bits = image.tag_v2.get(_TIFF_BITS, (8,))  # type: ignore[attr-defined]
        return len(bits) > 1 and max(bits) == 16
    if image.format != "PNG":
        return False
    with path.open("rb") as file:
        depth, colour_type = file.read(26)[24:]
    return depth == 16 and colour_type != 0


def _read_deep_page(path: Path, page: int) -> NDArray[np.generic]:
    data = np.frombuffer(path.read_bytes(), np.uint8)
    flags = cv2.IMREAD_UNCHANGED
    ok, pages = cv2.imdecodemulti(data, flags, range=(page, page + 1)) if page else (False, ())
    pixels = pages[0] if ok else cv2.imdecode(data, flags)
    if pixels is None:
        raise ValueError("no pixels")
    if pixels.ndim == 2:
        return pixels[..., None]
    if pixels.shape[2] == 4:
        return _over_black(pixels)[..., 2::-1]
    return pixels[..., 2::-1]


def _over_black(pixels: NDArray[Any]) -> NDArray[Any]:
    """Grey or colours of pixels ``(h, w, 2 or 4)`` of 8 or 16 bits over black, rounded."""
    most = np.uint32(np.iinfo(pixels.dtype).max)
    colours = np.empty((*pixels.shape[:2], pixels.shape[2] - 1), pixels.dtype)
    for start in range(0, len(pixels), _STRIP_ROWS):
        strip = pixels[start : start + _STRIP_ROWS].astype(np.uint32)
        colours[start : start + _STRIP_ROWS] = (
            strip[..., :-1] * strip[..., -1:] + most // 2
        ) // most
    return colours


def _page_pixels(image: Image.Image) -> NDArray[np.generic]:
    """Pixels ``(h, w, 1 or 3)`` of the loaded page."""
    if image.mode == "P":
        transparent = "transparency" in image.info or image.palette.mode == "RGBA"  # type: ignore[union-attr]
        image = image.convert("RGBA" if transparent else "RGB")
    elif image.mode in {"PA", "La", "RGBa"} or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode in {"LA", "RGBA"}:
        return _over_black(np.asarray(image))
    if image.mode in _COLOUR_MODES:
        return np.asarray(image.convert("RGB"))
    if image.mode == "1":
        return np.asarray(image.convert("L"))[..., None]
    return tidy_values(np.asarray(image))[..., None]


def is_grey(pixels: NDArray[np.generic], *, lossy: bool) -> bool:
    """Whether a colour image ``(…, 3)`` is a grey one in disguise.

    Channels are equal; lossy formats leave traces of colour of a few grey values.
    """
    first, rest = pixels[..., :1], pixels[..., 1:]
    if not lossy:
        return bool((rest == first).all())
    for start in range(0, len(pixels), _STRIP_ROWS):
        strip = slice(start, start + _STRIP_ROWS)
        spread = np.abs(rest[strip].astype(np.float32) - first[strip].astype(np.float32))
        if spread.max(initial=0.0) > 8:
            return False
    return True


def _is_webp(head: bytes) -> bool:
    return head.startswith(b"RIFF") and head[8:12] == b"WEBP"


PNG = ImageFormat(
    name="PNG",
    suffixes=(".png",),
    matches=starts_with(b"\x89PNG\r\n\x1a\n"),
    decode=read_image,
)
JPEG = ImageFormat(
    name="JPEG",
    suffixes=(".jpg", ".jpeg"),
    matches=starts_with(b"\xff\xd8\xff"),
    decode=read_image,
)
TIFF = ImageFormat(
    name="TIFF",
    suffixes=(".tif", ".tiff"),
    matches=_is_tiff,
    decode=read_image,
)
WEBP = ImageFormat(
    name="WebP",
    suffixes=(".webp",),
    matches=_is_webp,
    decode=read_image,
)
