"""The codes of the list are SNOMED CT's, as pydicom has them."""

from __future__ import annotations

import pytest
from pydicom.sr.codedict import codes

from dashboard.decisions.locations import LOCATIONS, check_location


def test_codes_are_those_of_the_places() -> None:
    known = {code.value: code.meaning for code in (getattr(codes.SCT, k) for k in codes.SCT.dir())}
    for code, words in LOCATIONS.items():
        stem = words.lower().replace("brainstem", "brain stem").rstrip("s")[:8]
        assert stem[-6:] in known[code].lower(), (code, words, known[code])


def test_other_codes_are_refused() -> None:
    assert check_location("83251001") == "83251001"
    with pytest.raises(ValueError, match="location"):
        check_location("1")
