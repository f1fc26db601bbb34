"""When two studies are of one patient."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.decisions.patients import Match, match_patients
from pipeline import PatientIdentity

ADA = PatientIdentity("4711", "St. Mary", "Lovelace^Ada", "F", "1815-12-10")
NO_ISSUER = replace(ADA, issuer="")


@pytest.mark.parametrize(
    ("one", "other", "match"),
    [
        (ADA, ADA, Match.SAME),
        (ADA, replace(ADA, issuer="ST. MARY"), Match.SAME),
        (ADA, replace(ADA, name="LOVELACE^ADA^KING^^Dr"), Match.SAME),
        (ADA, replace(ADA, name="Lovelace^Ada=other=script"), Match.SAME),
        (ADA, replace(ADA, name="", sex="", birth_date=""), Match.SAME),
        (NO_ISSUER, NO_ISSUER, Match.SAME),
        (NO_ISSUER, replace(NO_ISSUER, name=""), Match.SAME),
        (ADA, replace(ADA, patient_id="4712"), Match.OTHER),
        (ADA, replace(ADA, issuer="St. Luke"), Match.OTHER),
        (PatientIdentity(), PatientIdentity(), Match.OTHER),
        (ADA, NO_ISSUER, Match.NOT_STATED),
        (NO_ISSUER, PatientIdentity("4711"), Match.NOT_STATED),
        (NO_ISSUER, PatientIdentity("4711", sex="F"), Match.NOT_STATED),
        *(
            (replace(ADA, patient_id=one), replace(ADA, patient_id=one), Match.NOT_STATED)
            for one in ("Anonymous", "ANON0001", "unknown", "0", "0000", "N/A", "De-identified")
        ),
    ],
)
def test_studies_of_one_patient(one: PatientIdentity, other: PatientIdentity, match: Match) -> None:
    assert match_patients(one, other).match is match
    assert match_patients(other, one).match is match


@pytest.mark.parametrize(
    ("changes", "contradictions"),
    [
        ({"name": "Byron^Ada"}, ("name",)),
        ({"name": "Lovelace^Anne"}, ("name",)),
        ({"sex": "M"}, ("sex",)),
        ({"birth_date": "1815-12-11"}, ("birth date",)),
        ({"sex": "M", "birth_date": "1816-12-10"}, ("sex", "birth date")),
    ],
)
def test_a_contradiction_blocks_a_match(
    changes: dict[str, str], contradictions: tuple[str, ...]
) -> None:
    found = match_patients(ADA, replace(ADA, **changes))
    assert (found.match, found.contradictions) == (Match.CONTRADICTED, contradictions)
