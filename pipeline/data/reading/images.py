"""PNG, JPEG, TIFF and WebP, with one page, several, or the frames of an animation, to arrays.

Developer notes: Pillow decodes everything first, because it notices a file that is cut short, which
OpenCV passes over in silence. Pillow brings 16-bit colour down to 8 bits, so that OpenCV reads
those few files again. tifffile reads the TIFF files whose types of samples or order of pages Pillow
does not know (`_needs_tifffile`); it knows fewer compressions. Dimensions are checked from the
header, before any pixel is decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
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
from pipeline.data.reading.format_kinds import DecodedImage, ImageFormat, starts_with
from pipeline.data.reading.limits import MAX_SIDE_PX, check_shape
from pipeline.errors import InputError

# Plugins register when imported; no other decoder of Pillow's is ever tried on an upload.
_PLUGINS = (PngImagePlugin, JpegImagePlugin, TiffImagePlugin, WebPImagePlugin)
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP")
_EXIF_ORIENTATION = 0x0112
_TIFF_SUBFILE, _TIFF_BITS = 254, 258
#: Kinds of axes of a TIFF stack, in words.
_AXIS_WORDS = {"T": "time points", "C": "channels"}
#: A palette in greys of more used entries than this holds grey values, not labels.
_MOST_LABELS = 16
_COLOUR_MODES = frozenset({"RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"})
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
    name = source.rsplit("/", 1)[-1]
    try:
        decoded = _read_tiff(path, source)
        if decoded is not None:
            return decoded
        with Image.open(path, formats=_FORMATS) as image:
            return _decode(image, path, source)
    except InputError:
        raise
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
        if _is_cut_short(error, path):
            raise InputError(
                source, f"{name} is cut short: not all of its pixels are there. Export it again."
            ) from None
        raise InputError(
            source, f"{name} is damaged: its pixels cannot be read. Export it again."
        ) from None


def _is_cut_short(error: Exception, path: Path) -> bool:
    words = str(error).lower()
    return isinstance(error, EOFError) or any(
        word in words for word in ("truncated", "not processed", "unexpected end", "too short")
    )


def _decode(image: Image.Image, path: Path, source: str) -> DecodedImage:
    is_tiff = image.format == "TIFF"
    is_stack = is_tiff or image.format in {"PNG", "WEBP"}
    n_pages = int(getattr(image, "n_frames", 1)) if is_stack else 1
    check_shape(source, height=image.height, width=image.width, slices=n_pages, bytes_px=4)
    turn = 1 if is_tiff else int(image.getexif().get(_EXIF_ORIENTATION, 1) or 1)
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
        image.load()
        indices = _palette_labels(image)
        pixels = _read_deep_page(path, k) if deep else _page_pixels(image)
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


def _read_tiff(path: Path, source: str) -> DecodedImage | None:
    """Read a TIFF file of which Pillow would know too little; None for every other file.

    Raises:
        InputError: It holds what is no picture, or is cut short.
    """
    name = source.rsplit("/", 1)[-1]
    try:
        tiff = tifffile.TiffFile(path)
    except Exception:  # no TIFF, or so damaged that Pillow says what is wrong
        return None
    with tiff:
        page = tiff.pages.first
        if not isinstance(page, tifffile.TiffPage) or page.dtype is None:
            return None
        check_shape(source, height=page.imagelength, width=page.imagewidth, bytes_px=4)
        samples = int(page.samplesperpixel)
        if (samples == 2 and not _has_alpha(page)) or samples > 4:
            raise InputError(
                source,
                f"{name} has {samples} channels; pictures of one (grey) or three (colour) can be"
                " read. Save each channel as a file of its own.",
            )
        if page.dtype.kind not in "buif":
            raise InputError(
                source,
                f"{name} holds numbers of the type {page.dtype}. Save it as 16-bit integers.",
            )
        if not _needs_tifffile(tiff, page):
            return None
        try:
            return _decode_tiff(tiff, source)
        except InputError:
            raise
        except (ValueError, ModuleNotFoundError) as error:
            if "requires" not in str(error) and isinstance(error, ValueError):
                raise
            method = tifffile.COMPRESSION(page.compression).name
            raise InputError(
                source,
                f"{name} is compressed with {method}, which cannot be read for"
                f" numbers of the type {page.dtype}. Save it without compression.",
            ) from None


def _has_alpha(page: tifffile.TiffPage) -> bool:
    return any(int(extra) in (1, 2) for extra in page.extrasamples)


def _needs_tifffile(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> bool:
    """Whether Pillow would refuse the samples, miss slices, or mix kinds of slices."""
    dtype = np.dtype(page.dtype)
    rare = dtype.itemsize == 8 or dtype == np.float16
    inverted = page.photometric == tifffile.PHOTOMETRIC.MINISWHITE and dtype.itemsize > 1
    hidden = tiff.is_imagej and int(tiff.series[0].size) > len(tiff.pages) * int(page.size)
    return bool(rare or inverted or hidden or len(_stack_axes(tiff)) > 1)


def _stack_axes(tiff: tifffile.TiffFile) -> dict[str, int]:
    """Axes of the first series that are neither rows, columns nor colours, longer than 1."""
    if not (tiff.is_imagej or tiff.is_ome) or not tiff.series:
        return {}
    series = tiff.series[0]
    sizes = dict(zip(series.axes, series.shape, strict=True))
    return {axis: size for axis, size in sizes.items() if axis not in "YXS" and size > 1}


def _decode_tiff(tiff: tifffile.TiffFile, source: str) -> DecodedImage:
    page = tiff.pages.first
    assert isinstance(page, tifffile.TiffPage)
    axes = _stack_axes(tiff)
    warnings: tuple[str, ...] = ()
    n_pages = int(np.prod(list(axes.values()))) if axes else len(tiff.pages)
    size = {"height": page.imagelength, "width": page.imagewidth}
    check_shape(source, **size, slices=n_pages, bytes_px=np.dtype(page.dtype).itemsize)
    if axes:
        series = tiff.series[0]
        slices = next((axis for axis in "ZQITC" if axis in axes), next(iter(axes)))
        others = [axis for axis in axes if axis != slices]
        place = tuple(
            0 if axis in others or (axis not in (slices, *"YXS")) else slice(None)
            for axis in series.axes
        )
        stack = series.asarray()[place]
        kept = [axis for axis, at in zip(series.axes, place, strict=True) if at != 0]
        stack = np.moveaxis(stack, kept.index(slices), 0)
        arrays = [
            _with_channels(values, "".join(a for a in kept if a != slices)) for values in stack
        ]
        if others:
            words = [f"{axes[axis]} {_AXIS_WORDS.get(axis, 'stacks')}" for axis in others]
            warnings = (f"The file holds {' and '.join(words)}; the first is read.",)
    else:
        arrays = []
        for one in tiff.pages:
            one = one.aspage()
            if arrays and one.is_reduced:
                continue  # a smaller copy for previews
            check_shape(source, height=one.imagelength, width=one.imagewidth, bytes_px=4 * n_pages)
            arrays.append(_with_channels(one.asarray(), one.axes))
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        arrays = [_inverted(values) for values in arrays]
    pages = tuple(np.ascontiguousarray(tidy_values(values)) for values in arrays)
    return DecodedImage(pages=pages, lossy=False, warnings=warnings)


def _with_channels(values: NDArray[np.generic], axes: str) -> NDArray[np.generic]:
    """Pixels ``(h, w, 1 or 3)`` of a page with axes such as YX, YXS or SYX; alpha is left out."""
    if "S" not in axes:
        return values.reshape((*values.shape[-2:], 1))
    return np.moveaxis(values, axes.index("S"), -1)[..., :3]


def _inverted(values: NDArray[Any]) -> NDArray[Any]:
    """Values of a page in which 0 is white."""
    return np.negative(values) if values.dtype.kind == "f" else np.invert(values)


def _is_lossy(image: Image.Image, path: Path) -> bool:
    if image.format == "WEBP":
        with path.open("rb") as file:
            return b"VP8L" not in file.read(64)
    return image.format in {"JPEG", "MPO"}


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
        alpha = pixels[..., 3:].astype(np.float64) / (255 if pixels.itemsize == 1 else 65535)
        pixels = np.rint(pixels[..., :3] * alpha).astype(pixels.dtype)
    return pixels[..., 2::-1]


def _page_pixels(image: Image.Image) -> NDArray[np.generic]:
    """Pixels ``(h, w, 1 or 3)`` of the loaded page."""
    if image.mode == "P":
        transparent = "transparency" in image.info or image.palette.mode == "RGBA"  # type: ignore[union-attr]
        image = image.convert("RGBA" if transparent else "RGB")
    elif image.mode in {"PA", "La", "RGBa"} or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode in {"LA", "RGBA"}:
        values = np.asarray(image)
        alpha = values[..., -1:].astype(np.uint16)
        return ((values[..., :-1] * alpha + 127) // 255).astype(np.uint8)
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
    spread = np.abs(rest.astype(np.float32) - first.astype(np.float32))
    return bool(spread.max(initial=0.0) <= 8)


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
    matches=starts_with(b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
    decode=read_image,
)
WEBP = ImageFormat(
    name="WebP",
    suffixes=(".webp",),
    matches=_is_webp,
    decode=read_image,
)
