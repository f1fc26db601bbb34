"""The files that pydicom, nibabel and highdicom test with: each is read, or named.

Those that are installed with them, and those of source distributions where a folder has some.
"""

from __future__ import annotations

import importlib.util
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from pipeline.data.reading.formats import UNREADABLE
from tests.fuzz.measured_reading import Outcome
from tests.fuzz.mutants import UNFORESEEN, Findings

PACKAGES = ("pydicom", "nibabel", "highdicom")
#: Suffixes of what belongs to a package's code and to its documentation.
_CODE = frozenset(
    ".py .pyc .pyi .pyx .so .txt .md .rst .toml .json .cfg .in .ini .m .sh .typed .yml .yaml .ipynb"
    " .html .css .js .bat .lock .csv .tsv .log .pdf .svg .cff .mailmap .bib .tpl .inc .tex".split()
)
#: Files that hold nothing by which anybody could name them: parts of headers, lists of numbers,
#: and two whose first bytes are damaged on purpose.
_UNNAMED = (".bin", ".bin.gz", "external.dat", "no_magic_number.tck", "no_meta.dcm")
_HEAD_BYTES = 4096
_UNKNOWN = UNREADABLE[-1].phrase


def installed_files(package: str) -> Iterator[Path]:
    """Files of an installed package that are neither its code nor about it."""
    found = importlib.util.find_spec(package)
    assert found is not None and found.origin is not None
    for path in sorted(Path(found.origin).parent.rglob("*")):
        if path.is_file() and _is_data(path.name, path.read_bytes()[:_HEAD_BYTES]):
            yield path


def unpack_sources(archives: Path, folder: Path) -> list[Path]:
    """Unpack the data of source distributions; they are never built or run.

    Args:
        archives: Folder with ``.tar.gz`` files.
        folder: For what is unpacked; each file by the name of its archive and a number.
    """
    found: list[Path] = []
    for archive in sorted(archives.glob("*.tar.gz")):
        with tarfile.open(archive) as members:
            for number, member in enumerate(members):
                name = PurePosixPath(member.name).name
                stream = members.extractfile(member) if member.isfile() else None
                content = stream.read() if stream else b""
                if stream is None or not _is_data(name, content[:_HEAD_BYTES]):
                    continue
                path = folder / archive.name.removesuffix(".tar.gz") / str(number) / name
                path.parent.mkdir(parents=True)
                path.write_bytes(content)
                found.append(path)
    return found


def is_neither(path: Path, outcome: Outcome) -> bool:
    """Whether a file was neither answered nor named for what it is."""
    unforeseen = any(UNFORESEEN in message for message in outcome.messages)
    unknown = any(_UNKNOWN in m for m in outcome.messages) and not path.name.endswith(_UNNAMED)
    return unforeseen or unknown or not outcome.is_answered


def read_files(paths: list[Path], read: Callable[[Path], Outcome]) -> Findings:
    """Read files one by one.

    Args:
        paths: The files.
        read: Reads one: `tests.fuzz.measured_reading.Measured.read` or `read_here`.
    """
    findings = Findings()
    for path in paths:
        outcome = read(path)
        if not findings.note(str(path), outcome) and is_neither(path, outcome):
            findings.unnamed += 1
            findings.faults.append((str(path), outcome))
    return findings


def _is_data(name: str, head: bytes) -> bool:
    """Whether a file is no code and no text about the package; DICOM files often lack a suffix."""
    suffix = PurePosixPath(name).suffix.lower()
    if name.startswith(".") or suffix in _CODE:
        return False
    return bool(suffix) or not (head and head.isascii() and b"\0" not in head)
