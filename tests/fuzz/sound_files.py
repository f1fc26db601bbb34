"""Small sound files of every format that is read, each with its own way of packing pixels."""

from __future__ import annotations

import gzip
import io
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gdcm
import nibabel as nib
import numpy as np
import SimpleITK
import tifffile
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "pipeline"))

from factories import SeriesFactory, colour, grey, marked_volume, write_nifti  # noqa: E402

_SIDE = 32
_SYNTAXES = (
    "JPEGBaselineProcess1",
    "JPEGLosslessProcess14_1",
    "JPEGLSLossless",
    "JPEG2000Lossless",
    "RLELossless",
    "DeflatedExplicitVRLittleEndian",
    "ImplicitVRLittleEndian",
    "ExplicitVRBigEndian",
)


def make_sound_files() -> dict[str, bytes]:
    """Content of one file of each kind, by a name whose suffix is its format's."""
    with tempfile.TemporaryDirectory(prefix="overread-sound-") as folder:
        return dict(_make(Path(folder)))


def _make(folder: Path) -> Iterator[tuple[str, bytes]]:
    yield from _dicom(folder / "x")
    yield from _volumes(folder)
    yield from _pictures(folder)
    yield from _archives()


def _dicom(path: Path) -> Iterator[tuple[str, bytes]]:
    values = np.random.default_rng(0).integers(0, 250, (1, _SIDE, _SIDE))
    for dtype in (np.uint8, np.uint16):
        SeriesFactory(values.astype(dtype)).dataset(0).save_as(path, enforce_file_format=True)
        plain = path.read_bytes()
        yield f"plain-{np.dtype(dtype).name}.dcm", plain
        for name in _SYNTAXES:
            if name == "JPEGBaselineProcess1" and dtype is np.uint16:
                continue
            path.write_bytes(plain)
            compress(path, name)
            yield f"{name}-{np.dtype(dtype).name}.dcm", path.read_bytes()
    many = SeriesFactory(np.random.default_rng(0).integers(0, 250, (5, 16, 16)).astype(np.uint16))
    for enhanced in (False, True):
        many.multi_frame(enhanced=enhanced).save_as(path, enforce_file_format=True)
        yield f"frames-{enhanced}.dcm", path.read_bytes()


def compress(path: Path, syntax: str) -> None:
    """Write a DICOM file again with another transfer syntax, named as GDCM does."""
    reader, change = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax()
    reader.SetFileName(str(path))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


def _volumes(folder: Path) -> Iterator[tuple[str, bytes]]:
    volume = marked_volume()
    for name in ("x.nii", "x.nii.gz"):
        yield name, write_nifti(folder / name, volume).read_bytes()
    floats = np.random.default_rng(0).random((8, 8, 4, 2)).astype(np.float32)
    nib.save(nib.Nifti2Image(floats, np.eye(4)), folder / "two.nii")
    yield "two.nii", (folder / "two.nii").read_bytes()
    nib.save(nib.MGHImage(floats, np.eye(4)), folder / "x.mgz")
    yield "x.mgz", (folder / "x.mgz").read_bytes()
    image = SimpleITK.GetImageFromArray(volume)
    for suffix in ("nrrd", "mha"):
        for packed in (False, True):
            path = folder / f"x{packed}.{suffix}"
            SimpleITK.WriteImage(image, str(path), packed)
            yield path.name, path.read_bytes()


def picture(values: NDArray[Any], kind: str, **options: Any) -> bytes:
    """A picture's file."""
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, kind, **options)
    return stream.getvalue()


def _pictures(folder: Path) -> Iterator[tuple[str, bytes]]:
    plain, coloured = grey(_SIDE, _SIDE), colour(_SIDE, _SIDE)
    deep = np.random.default_rng(0).integers(0, 4000, (_SIDE, _SIDE)).astype(np.uint16)
    more = [Image.fromarray(grey(_SIDE, _SIDE, seed=k)) for k in (1, 2)]
    yield "grey.png", picture(plain, "PNG")
    yield "deep.png", picture(deep, "PNG")
    yield "colour.png", picture(coloured, "PNG")
    yield "frames.png", picture(plain, "PNG", save_all=True, append_images=more)
    stream = io.BytesIO()
    Image.fromarray(coloured).quantize(16).save(stream, "PNG")
    yield "palette.png", stream.getvalue()
    yield "grey.jpg", picture(plain, "JPEG")
    yield "colour.jpg", picture(coloured, "JPEG")
    yield "progressive.jpg", picture(coloured, "JPEG", progressive=True)
    yield "lossless.webp", picture(coloured, "WEBP", lossless=True)
    yield "lossy.webp", picture(coloured, "WEBP")
    yield "frames.webp", picture(plain, "WEBP", save_all=True, append_images=more)
    for compression in ("raw", "tiff_lzw", "tiff_deflate", "packbits", "jpeg"):
        yield f"{compression}.tif", picture(coloured, "TIFF", compression=compression)
    yield "pages.tif", picture(deep, "TIFF", save_all=True, append_images=more)
    tifffile.imwrite(folder / "x.tif", deep.astype(np.float64), rowsperstrip=8, compression="zlib")
    yield "floats.tif", (folder / "x.tif").read_bytes()
    tifffile.imwrite(folder / "y.tif", np.stack([deep] * 3), imagej=True)
    yield "imagej.tif", (folder / "y.tif").read_bytes()


def _archives() -> Iterator[tuple[str, bytes]]:
    inside = {"a.png": picture(grey(8, 8), "PNG"), "b/c.png": picture(grey(8, 8, seed=1), "PNG")}
    methods = {
        "stored": zipfile.ZIP_STORED,
        "deflated": zipfile.ZIP_DEFLATED,
        "bzip2": zipfile.ZIP_BZIP2,
        "lzma": zipfile.ZIP_LZMA,
    }
    for name, method in methods.items():
        yield f"{name}.zip", _zip(inside, method)
    yield "nested.zip", _zip({"inner.zip": _zip(inside, zipfile.ZIP_DEFLATED)}, 0)
    yield "x.dcm.gz", gzip.compress(picture(grey(8, 8), "PNG"))


def _zip(members: dict[str, bytes], method: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()
