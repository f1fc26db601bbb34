"""The analysis of a study that a reader has opened: its result, the request for one, its end."""

from __future__ import annotations

import logging

from dashboard.jobs import table
from dashboard.masks.references import load_case
from dashboard.store import JobState, StudyRow
from dashboard.workspace.services import Services
from pipeline import ResultWithoutMaps

_LOG = logging.getLogger(__name__)


def find_result(services: Services, row: StudyRow) -> ResultWithoutMaps | None:
    """The study's result by the installed models; None before its analysis, or where it is lost.

    A result is lost when the cache was full or its entry is damaged: then its job is done, and
    `request_analysis` computes the result again.

    Raises:
        InputError: The study's files are damaged.
    """
    key = services.result_key(row.content_digest)
    if key is None or row.job_state is not JobState.DONE:
        return None
    case = load_case(services, row)
    return services.results.get_without_maps(key, case, data_digest=row.data_digest)


def withheld_words(services: Services, row: StudyRow) -> str:
    """Why figures of the study's AI result are withheld until a reader asks for them, or "".

    The one rule: images unlike the training data. It holds for what the AI alone outlined; a mask
    that a reader saved or signed is the reader's.

    Raises:
        InputError: The study's files are damaged.
    """
    result = find_result(services, row)
    return result.unfit.sentence if result is not None and result.unfit is not None else ""


def request_analysis(services: Services, study_id: str, *, restart: bool) -> int:
    """Request the analysis of a study that a reader has opened; see `dashboard.jobs.table.submit`.

    Args:
        services: The server's parts.
        study_id: The study.
        restart: Whether an analysis that failed or was cancelled starts again.

    Returns:
        The job's number.

    Raises:
        InputError: The study does not exist or is damaged, or no models are installed.
    """
    row = services.store.study(study_id)
    is_done = row is not None and row.job_state is JobState.DONE
    is_lost = row is not None and is_done and find_result(services, row) is None
    if is_lost:
        _LOG.warning("A result is no longer in the cache and is computed again.")
    return table.submit(
        services.store,
        study_id,
        priority=table.PRIORITY_OPENED,
        result_lost=is_lost,
        restart=restart,
    )


def cancel_analysis(services: Services, study_id: str) -> None:
    """Cancel a study's analysis by the installed models, if there is one."""
    row = services.store.study(study_id)
    if row is not None and row.job_id is not None:
        table.cancel(services.store, row.job_id)
