"""Addresses inside the app that more than one component links to."""

from __future__ import annotations

from urllib.parse import urlencode


def review_href(study_id: str, *, slice_number: int | None = None) -> str:
    """Address of the review page for a study.

    Args:
        study_id: The study's opaque id.
        slice_number: Slice to open, counted from 1, or None for the page's own choice.
    """
    query: dict[str, str | int] = {"study": study_id}
    if slice_number is not None:
        query["slice"] = slice_number
    return f"/review?{urlencode(query)}"
