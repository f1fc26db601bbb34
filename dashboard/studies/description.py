"""The description of a study for the browser: everything but its pixels."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from dashboard.masks.references import load_case
from dashboard.store import Origin, StudyRow
from dashboard.store.stored_json import Entry
from dashboard.studies import measures
from dashboard.studies.addresses import describe_result_addresses, describe_space_addresses
from dashboard.studies.analysis import find_result
from dashboard.studies.display import sequence_label
from dashboard.studies.trust import describe_training_use, describe_trust
from dashboard.workspace.services import Services
from pipeline import (
    Case,
    ResultWithoutMaps,
    chosen_channels,
    is_assumed_stack,
    merge_cautions,
)

#: Kind of a case that was read from pictures, which do not state directions.
_IMAGES = "images"


def describe_study(services: Services, row: StudyRow) -> dict[str, Any]:
    """The response of ``GET /api/studies/<study_id>``.

    Raises:
        InputError: The study's files are damaged.
    """
    case = load_case(services, row)
    result, key = find_result(services, row), services.result_key(row.content_digest)
    models = services.models
    address = f"/data/{row.study_id}/{row.data_digest}"
    reference = f"{address}/reference/{{slice}}" if row.has_reference else None
    no_result = result.unfit.sentence if result and result.unfit and result.is_void else None
    damage = _describe_damage(services, key, is_replaced=result is not None)
    described = _describe_case(case, row)
    return {
        **described,
        "warnings": [*damage, *described["warnings"]],
        "pixels_url": f"{address}/pixels/{{channel}}/{{slice}}",
        "reference_url": reference,
        "thumbnail_url": f"{address}/thumbnail/{{channel}}.png",
        **describe_space_addresses(row),
        "result": {
            **_describe_result(result, key, row),
            "warnings": [*damage, *(caution.sentence for caution in result.cautions)],
            "series": _series_used(case, row),
            "trust": describe_trust(services, result),
            "learned": describe_training_use(services, row.case_id),
            "network_mask_threshold": models.network.mask_threshold if models else None,
        }
        if result and key and no_result is None
        else None,
        "no_result": no_result,
        "job": _describe_job(row),
        "entries": describe_entries(services.load_stated(row), row),
    }


def describe_entries(stated: Case, row: StudyRow) -> dict[str, Any]:
    """What readers entered for a study.

    Args:
        stated: The study's case as its files state it.
        row: The study.
    """
    entries = row.entries
    return {
        "revision": row.entries_revision,
        "label": row.label,
        "original_name": row.original_name,
        "label_by": _describe_entry(entries.label_by),
        "spacing_by": _describe_entry(entries.spacing_by),
        "reference_by": _describe_entry(entries.reference_by),
        "spacing_mm": list(entries.spacing_mm) if entries.spacing_mm else None,
        "spacing_stated": stated.spacing_mm is not None,
        "reference_files": list(entries.reference.sources) if entries.reference else None,
        "joined": row.origin is Origin.UPLOAD and is_assumed_stack(stated),
    }


def _describe_entry(entry: Entry | None) -> dict[str, str] | None:
    return {"by": entry.author, "at": entry.at.isoformat()} if entry else None


def _describe_damage(services: Services, key: str | None, *, is_replaced: bool) -> list[str]:
    """The sentence on a stored result that was found damaged."""
    found = services.results.set_aside_at(key) if key else None
    if found is None:
        return []
    what = "and replaced" if is_replaced else "and the result is being computed again"
    return [f"The stored result was found damaged on {found:%Y-%m-%d}. It was set aside {what}."]


def _describe_case(case: Case, row: StudyRow) -> dict[str, Any]:
    display = row.display
    return {
        "study_id": row.study_id,
        "name": row.name,
        "case_id": row.case_id,
        "patient": row.patient,
        "study_date": row.study_date,
        "description": row.description,
        "synthetic": row.synthetic,
        "origin": str(row.origin),
        "n": row.slices,
        "height": row.height,
        "width": row.width,
        "indices": list(row.indices),
        "sources": list(case.sources),
        "spacing_mm": list(case.spacing_mm) if case.spacing_mm else None,
        "slice_weights": list(case.slice_weights) if case.slice_weights else None,
        "orientation": asdict(case.orientation) if case.orientation else None,
        "orientation_note": _orientation_note(case),
        "positions_mm": list(case.positions_mm) if case.positions_mm else None,
        "channels": [
            {
                "sequence": sequence,
                "label": sequence_label(sequence),
                "same_as": display.same_as[channel],
                "start": channel == row.start_channel,
            }
            for channel, sequence in enumerate(row.sequences)
        ],
        "pixel_type": display.pixel_type,
        "slope": display.slope,
        "intercept": display.intercept,
        "windows": display.windows,
        "value_range": display.value_range,
        "warnings": [caution.sentence for caution in merge_cautions(case.cautions)],
    }


def _orientation_note(case: Case) -> str:
    """Why orientation letters are shown although no file states them, or ""."""
    if case.orientation_assumed:
        return "R, L assumed: the file contradicts itself"
    by_convention = case.orientation is not None and str(case.kind) == _IMAGES
    return "orientation assumed (dataset convention)" if by_convention else ""


def _describe_result(result: ResultWithoutMaps, key: str, row: StudyRow) -> dict[str, Any]:
    address = f"/data/{row.study_id}/{key}"
    return {
        "key": key,
        "probability_url": f"{address}/probability/{{slice}}",
        "uncertainty_url": f"{address}/uncertainty/{{slice}}",
        "saliency_url": f"{address}/saliency/{{slice}}",
        "left_out_url": f"{address}/left_out/{{slice}}",
        **measures.describe_addresses(row, key),
        **describe_result_addresses(row, key),
        "slices": [
            {
                "index": s.index,
                "slice_score": s.slice_score,
                "tumor": s.tumor,
                "classifier_score": s.classifier_score,
                "outline_evidence": s.outline_evidence,
                "decided_by": s.decided_by,
                "mask_area_px": s.mask_area_px,
                "dice": s.dice,
                "left_out_px": s.left_out_px,
                "doubts": list(s.doubts),
            }
            for s in result.slices
        ],
        "threshold": result.operating_point,
        "mask_threshold": result.mask_threshold,
        "volume_ml": result.volume_ml,
        "left_out_ml": result.left_out_ml,
        "unfit": None if result.unfit is None else result.unfit.sentence,
        "dice": result.dice,
        "network": asdict(result.network),
    }


def _series_used(case: Case, row: StudyRow) -> list[int]:
    """Channels that the network saw, without repeats of another channel."""
    same = row.display.same_as
    seen = chosen_channels(case.sequences)
    return sorted({i if (original := same[i]) is None else original for i in seen})


def _describe_job(row: StudyRow) -> dict[str, Any] | None:
    if row.job_id is None or row.job_state is None:
        return None
    return {
        "job_id": row.job_id,
        "state": str(row.job_state),
        "done": row.job_done,
        "total": row.job_total,
        "message": row.job_error or row.job_message,
    }
