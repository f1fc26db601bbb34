"""Registrations of studies with their priors, by the contents of both.

The contents decide a registration, so it is computed once and is never stale; a new version of the
method (`VERSION`) computes it again.
"""

from __future__ import annotations

from typing import Final

from dashboard.store.database import Database
from dashboard.store.rows import ModelKey, value_of
from dashboard.store.schema import RegistrationRecord
from dashboard.store.stored_json import FoundRegistration

#: Task of the jobs that register; their "model" is the prior's content.
TASK: Final = "registration"
#: Version of the method, at most 8 characters.
VERSION: Final = "rigid1"


def registration_key(moving_digest: str) -> ModelKey:
    """What a job that registers a prior is keyed by, beside the content of the study."""
    return ModelKey(task=TASK, digest=moving_digest, precision=VERSION)


def read_registration(store: Database, fixed: str, moving: str) -> FoundRegistration | None:
    """How a prior lies on a study, by the digests of both contents; None before it is computed."""
    with store.reading() as session:
        record = session.get(RegistrationRecord, (fixed, moving, VERSION))
        return value_of(record, "found") if record else None


def store_registration(
    store: Database, fixed: str, moving: str, registration: FoundRegistration
) -> None:
    """Store how a prior lies on a study."""
    with store.writing() as session:
        session.merge(
            RegistrationRecord(
                fixed_digest=fixed,
                moving_digest=moving,
                version=VERSION,
                found=registration,
                stored_at=store.clock(),
            )
        )
