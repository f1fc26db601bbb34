"""Whether two studies are of one patient.

A wrong match shows a reader somebody else's images, so what a study's files do not state never
matches, and one contradiction blocks a match.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pipeline import PatientIdentity


class Match(StrEnum):
    """Whether two studies are of one patient.

    Attributes:
        SAME: They are.
        CONTRADICTED: They share the id, and something else contradicts that.
        NOT_STATED: They share the id, and too little is stated beside it.
        OTHER: They do not share id and issuer.
    """

    SAME = "same"
    CONTRADICTED = "contradicted"
    NOT_STATED = "not stated"
    OTHER = "other"


@dataclass(frozen=True)
class PatientMatch:
    """The comparison of two studies' patients.

    Attributes:
        match: Its outcome.
        contradictions: What contradicts: "name", "sex", "birth date".
    """

    match: Match
    contradictions: tuple[str, ...] = ()


#: Ids that programs write where they remove or do not know the patient's.
_NO_ID: Final = re.compile(
    r"(anon\w*|de-?identified|unknown|none|null|test|patient|id|n/?a|[0x*?. _-]+)", re.IGNORECASE
)


def is_id(patient_id: str) -> bool:
    """Whether a patient's id can be one: programs write words where they remove it."""
    return bool(patient_id) and not _NO_ID.fullmatch(patient_id)


def match_patients(one: PatientIdentity, other: PatientIdentity) -> PatientMatch:
    """Compare the patients of two studies, as their files state them.

    They are the same where id and issuer agree and nothing contradicts. Without an issuer in either
    study, two hospitals may have given the same id: then name or birth date must agree too. Of
    names, family and given name are compared, without regard to case, accents are kept.

    Args:
        one: What the files of one study state.
        other: Likewise, of the other.
    """
    if not one.patient_id or one.patient_id != other.patient_id:
        return PatientMatch(Match.OTHER)
    if one.issuer and other.issuer and one.issuer.casefold() != other.issuer.casefold():
        return PatientMatch(Match.OTHER)
    if not is_id(one.patient_id):
        return PatientMatch(Match.NOT_STATED)
    pairs = {
        "name": (_name(one.name), _name(other.name)),
        "sex": (one.sex, other.sex),
        "birth date": (one.birth_date, other.birth_date),
    }
    stated = {name: pair for name, pair in pairs.items() if all(pair)}
    contradictions = tuple(name for name, (mine, theirs) in stated.items() if mine != theirs)
    if contradictions:
        return PatientMatch(Match.CONTRADICTED, contradictions)
    if bool(one.issuer) != bool(other.issuer):
        return PatientMatch(Match.NOT_STATED)
    if not one.issuer and not {"name", "birth date"} & stated.keys():
        return PatientMatch(Match.NOT_STATED)
    return PatientMatch(Match.SAME)


def _name(name: str) -> tuple[str, ...]:
    """Family and given name of a DICOM name, in lower case; empty for none."""
    parts = name.split("=")[0].split("^")[:2]
    found = (" ".join(re.findall(r"\w+", part.casefold())) for part in parts)
    return tuple(part for part in found if part)
