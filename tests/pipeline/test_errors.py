"""Names from outside in errors: short, printable, still recognisable."""

from __future__ import annotations

import pytest

from pipeline.errors import LONGEST_NAME_BYTES, InputError, printable


@pytest.mark.parametrize(
    "name",
    [
        "n" * 60_000 + ".dcm",
        "脑" * 5000 + ".dcm",
        "a/" * 9000 + "b.dcm",
        "\ud800\x1b\n" * 300 + ".dcm",
    ],
)
def test_names_are_cut_and_printable_wherever_an_error_holds_them(name: str) -> None:
    error = InputError(name, f"{name} is damaged; {name.rsplit('/', 1)[-1]} cannot be read.")
    for text in (printable(name), error.source):
        assert len(text.encode()) <= LONGEST_NAME_BYTES
        assert text.isprintable() and text.endswith(".dcm")
    assert error.message.isprintable() and error.message.endswith(" cannot be read.")
    assert len(error.message.encode()) <= 2 * LONGEST_NAME_BYTES + 40
    assert str(error) == error.message


def test_an_ordinary_name_stays() -> None:
    name = "f/Frau Müller 脑.nii.gz"
    assert printable(name) == name == InputError(name, "x").source
