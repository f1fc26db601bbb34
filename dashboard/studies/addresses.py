"""Addresses of a study: its page in the app, its cuts and its surfaces."""

from __future__ import annotations

from urllib.parse import urlencode

from dashboard.store import StudyRow

#: Part of the addresses, because browsers cache the responses: raise it when responses change.
VERSION = 1


def review_href(study_id: str, *, slice_number: int | None = None) -> str:
    """Address of the review page for a study.

    Args:
        study_id: The study's opaque id.
        slice_number: Slice to open, counted from 1, or None to let the page choose.
    """
    query: dict[str, str | int] = {"study": study_id}
    if slice_number is not None:
        query["slice"] = slice_number
    return f"/review?{urlencode(query)}"


def describe_space_addresses(row: StudyRow) -> dict[str, str | None]:
    """Addresses of a study's reformats and space, for ``GET /api/studies/<study_id>``.

    Returns:
        plane_url and plane_reference_url, with ``{axis}`` (``row`` or ``column``), ``{place}`` and
        ``{channel}`` as placeholders; space_url.
    """
    address = f"/data/{row.study_id}/{row.data_digest}"
    plane = f"{address}/plane/{{axis}}/{{place}}"
    return {
        "plane_url": f"{plane}/pixels/{{channel}}",
        "plane_reference_url": f"{plane}/reference" if row.has_reference else None,
        "space_url": f"{address}/space?v={VERSION}",
    }


def describe_result_addresses(row: StudyRow, key: str) -> dict[str, str]:
    """Addresses of the reformats and the surface of a result.

    Returns:
        plane_probability_url; surface_url, with the placeholder ``{mask}`` of
        `dashboard.studies.measures.describe_addresses`.
    """
    address = f"/data/{row.study_id}/{key}"
    return {
        "plane_probability_url": f"{address}/plane/{{axis}}/{{place}}/probability",
        "surface_url": f"{address}/surface/{{mask}}?v={VERSION}",
    }
