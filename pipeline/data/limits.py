"""Limits that keep hostile or absurd input from exhausting the machine, each with its reason."""

from __future__ import annotations

from pipeline.errors import InputError

#: Longest side of one image. The largest clinical detectors stay below 6,000 pixels.
MAX_SIDE_PX = 8192
#: Slices of one case. The longest head series (sub-millimetre 3D, dynamic ones) stay below 1,000.
MAX_SLICES = 4096
#: Decoded pixels of one case, in bytes: 512 x 512 x 1,000 slices of float32.
MAX_CASE_BYTES = 1 << 30
#: Decoded pixels of one call, in bytes: what a machine of 8 GB can hold beside the models.
MAX_CALL_BYTES = 3 << 30
#: Files of one call; the whole public LGG set has 7,860.
MAX_FILES = 50_000
#: Files of one archive.
MAX_ARCHIVE_FILES = 20_000
#: Unpacked bytes of one archive, archives inside it included.
MAX_ARCHIVE_BYTES = 2 << 30
#: Unpacked to packed. Masks pack well (1 : 500 each); a whole study does not come near this.
MAX_ARCHIVE_RATIO = 200
#: The ratio is looked at only above this size: a few empty masks are no bomb.
ARCHIVE_RATIO_FLOOR_BYTES = 256 << 20
#: Archives inside archives, as portals pack one zip per series.
MAX_ARCHIVE_DEPTH = 1


def check_shape(source: str, *, height: int, width: int, slices: int = 1, bytes_px: int) -> None:
    """Refuse absurd dimensions before anything is decoded.

    Args:
        source: File, relative to what the user gave.
        height: Rows.
        width: Columns.
        slices: Slices, frames or pages.
        bytes_px: Bytes of one decoded pixel, all channels together.

    Raises:
        InputError: If a side is no side, or one of the limits above is passed.
    """
    name = source.rsplit("/", 1)[-1]
    if min(height, width, slices) < 1:
        raise InputError(source, f"{name} holds an image without pixels. Export it again.")
    if max(height, width) > MAX_SIDE_PX:
        raise InputError(
            source,
            f"{name} is {width:,} x {height:,} pixels; at most {MAX_SIDE_PX:,} on a side can be"
            " read. Export it smaller.",
        )
    if slices > MAX_SLICES:
        raise InputError(
            source,
            f"{name} holds {slices:,} slices; at most {MAX_SLICES:,} can be read. Split the study.",
        )
    size = height * width * slices * bytes_px
    if size > MAX_CASE_BYTES:
        raise InputError(
            source,
            f"{name} unpacks to {size / 2**30:.1f} GB of pixels; at most"
            f" {MAX_CASE_BYTES / 2**30:.0f} GB can be read. Export it smaller.",
        )
