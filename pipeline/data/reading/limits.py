"""Limits that keep hostile or absurd input from exhausting the machine, each with its reason."""

from __future__ import annotations

from pipeline.errors import InputError
from pipeline.sandbox.watch import allowed_file_bytes

#: Longest side of one image. The largest clinical detectors stay below 6,000 pixels.
MAX_SIDE_PX = 8192
#: Slices of one case. The longest head series (sub-millimetre 3D, dynamic ones) stay below 1,000.
MAX_SLICES = 4096
#: Decoded pixels of one case, in bytes: 512 x 512 x 1,000 slices of float32.
MAX_CASE_BYTES = 1 << 30
#: Decoded pixels of one call, in bytes: what a machine of 8 GB can hold beside the models.
MAX_CALL_BYTES = 3 << 30
#: Volumes of one file that are its channels; more are time points or directions, not sequences.
MAX_CHANNELS = 4
#: Elements and items of a DICOM header beside those of its frames. Reports hold some thousands.
MAX_ELEMENTS = 20_000
#: Elements and items per frame: enhanced objects of all vendors stay below 300.
MAX_ELEMENTS_PER_FRAME = 500
#: Elements and items of one header in all: about 15 seconds of work.
MAX_ALL_ELEMENTS = 250_000
#: Points of all contours of one structure set; those of a tumor have some tens of thousands.
MAX_CONTOUR_POINTS = 2_000_000
#: Bytes between a NIfTI header and its voxels. Extensions hold some text.
MAX_EXTENSION_BYTES = 16 << 20
#: Scans of one JPEG. Encoders write about ten; each decodes the whole image once more.
MAX_SCANS = 64
#: Coefficients that all scans of one JPEG decode: about 10 seconds of work.
MAX_SCANNED = 2 << 30
#: Segments of a JPEG, chunks of a PNG or WebP, beside one for every `PART_BYTES` of the file.
MAX_PARTS, PART_BYTES = 20_000, 1024
#: Strips and tiles of all pages of a TIFF: about 10 seconds of work.
MAX_SEGMENTS = 500_000
#: Window of an LZMA member, which its decoder allocates: 7-Zip's largest preset takes 64 MiB.
MAX_DICTIONARY_BYTES = 128 << 20
#: Bytes of an archive's list of files, per file: names and extra fields take far less.
MAX_ENTRY_BYTES = 1024
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


def gigabytes(size: int, *, digits: int = 0) -> str:
    """A number of bytes as a sentence names it: ``2 GB``."""
    return f"{size / 2**30:.{digits}f} GB"


def check_memory(source: str, needed: int) -> None:
    """Refuse a file that takes too much memory, before anything is decoded.

    Args:
        source: File, relative to what the user gave.
        needed: Bytes at the peak, as computed from the file's headers.

    Raises:
        InputError: It needs more than one file may take.
    """
    allowed = allowed_file_bytes()
    if needed > allowed:
        name = source.rsplit("/", 1)[-1]
        raise InputError(
            source,
            f"{name} needs {gigabytes(needed, digits=1)} of memory to be read; at most"
            f" {gigabytes(allowed, digits=1)} is allowed for one file. Export it smaller.",
        )


def check_shape(
    source: str, *, height: int, width: int, slices: int = 1, bytes_px: int, subject: str = ""
) -> None:
    """Refuse absurd dimensions before anything is decoded.

    Args:
        source: File, relative to what the user gave.
        height: Rows.
        width: Columns.
        slices: Slices, frames or pages.
        bytes_px: Bytes of one decoded pixel, all channels together.
        subject: What the sentence names instead of the file, such as a stack of files.

    Raises:
        InputError: If a side is no side, or one of the limits above is passed.
    """
    name = subject or source.rsplit("/", 1)[-1]
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
    _check_size(name, source, height * width * slices * bytes_px, MAX_CASE_BYTES)


def check_volume(
    source: str, shape: tuple[int, ...], *, bytes_voxel: int
) -> tuple[tuple[int, int, int], int]:
    """Refuse absurd dimensions of a volume before anything is decoded.

    Args:
        source: File, relative to what the user gave.
        shape: Axes as the header states them; volumes lie along one after the third.
        bytes_voxel: Bytes of one voxel as stored.

    Returns:
        The three axes of space, and how many volumes there are.

    Raises:
        InputError: If there are more axes, or one of the limits above is passed.
    """
    sizes = list(shape) + [1] * (3 - len(shape))
    volumes = [size for size in sizes[3:] if size != 1]
    if len(volumes) > 1:
        name = source.rsplit("/", 1)[-1]
        raise InputError(source, f"{name} has {len(shape)} axes; a volume has three or four.")
    height, width, slices = sizes[:3]
    count = volumes[0] if volumes else 1
    bytes_px = 4 * min(count, MAX_CHANNELS)
    check_shape(source, height=height, width=width, slices=slices, bytes_px=bytes_px)
    name = source.rsplit("/", 1)[-1]
    _check_size(name, source, height * width * slices * count * bytes_voxel, 4 * MAX_CASE_BYTES)
    return (height, width, slices), count


def check_volume_memory(source: str, n_voxels: int, *, bytes_voxel: int) -> None:
    """Refuse a volume that takes too much memory, before anything is decoded.

    Args:
        source: File, relative to what the user gave.
        n_voxels: Voxels of all volumes that are read.
        bytes_voxel: Bytes of one voxel as stored: once as such, once upright; wide ones are kept as
            float32, besides what looking for their range and background takes.

    Raises:
        InputError: It needs more than one file may take.
    """
    check_memory(source, n_voxels * (2 * bytes_voxel + 4 if bytes_voxel <= 2 else bytes_voxel + 8))


def _check_size(name: str, source: str, size: int, limit: int) -> None:
    if size > limit:
        raise InputError(
            source,
            f"{name} unpacks to {gigabytes(size, digits=1)} of pixels; at most {gigabytes(limit)}"
            " can be read. Export it smaller.",
        )
