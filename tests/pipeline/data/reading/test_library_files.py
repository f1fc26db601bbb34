"""The files that the installed libraries test themselves with: each is read, or named."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.data.reading.formats import UNREADABLE
from pipeline.data.reading.reading import read_cases

pytestmark = pytest.mark.slow

#: Suffixes of what belongs to a package's code and to its documentation.
_CODE = frozenset(".py .pyc .pyi .txt .md .rst .toml .json .cfg .in .ini .m .sh .typed".split())
#: Files that hold nothing by which anybody could name them: parts of headers, lists of numbers,
#: and two whose first bytes are damaged on purpose.
_UNNAMED = (".bin", ".bin.gz", "external.dat", "no_magic_number.tck", "no_meta.dcm")
_UNKNOWN = UNREADABLE[-1].phrase


def files_of(package: str) -> Iterator[Path]:
    """Files of an installed package that are not its code."""
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.origin is not None
    for path in sorted(Path(found.origin).parent.rglob("*")):
        if path.is_file() and path.suffix.lower() not in _CODE:
            yield path


@pytest.mark.parametrize("package", ["pydicom", "nibabel"])
def test_every_file_of_a_library_is_read_or_named(package):
    n_read, silent = 0, []
    for path in files_of(package):
        report = read_cases([path])
        n_read += bool(report.cases)
        messages = [error.message for error in report.errors]
        unforeseen = any("unknown kind" in message for message in messages)
        unknown = any(_UNKNOWN in m for m in messages) and not path.name.endswith(_UNNAMED)
        if unforeseen or unknown or not (report.cases or messages or report.notices):
            silent.append((path.name, messages))
    assert silent == []
    assert n_read >= 5
