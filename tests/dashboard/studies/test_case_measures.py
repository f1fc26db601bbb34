"""Diameters and thresholds as described for the browser."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from fake_server import FakeAnalyser, make_case, make_services

from dashboard.studies.measures import describe_measures
from dashboard.workspace.services import Services
from pipeline import Case, Outline


def analyse(parts: Services, case: Case) -> Outline:
    """What the cache returns for the masks of a case."""
    FakeAnalyser(parts.models, parts.results).analyse(case)
    outline = parts.results.outline(parts.result_key(case.content_digest()))
    assert outline is not None
    return outline


def test_tables_give_area_and_overlap_at_every_level(tmp_path):
    parts = make_services(tmp_path / "home")
    case = make_case()
    outline = analyse(parts, case)
    probability = outline.probability.copy()
    probability[1, 2, 1:4] = 90  # two of these three pixels are the reference's
    outline = replace(outline, probability=probability)
    described = describe_measures(outline, case.spacing_mm, case.masks)

    assert described["areas"][0] is None and described["areas"][2] is None
    assert [described["areas"][1][level] for level in (0, 90, 91, 200, 201)] == [30, 7, 4, 4, 0]
    assert [described["overlap"][1][level] for level in (0, 90, 91)] == [4, 2, 0]
    assert described["reference_px"] == [0, 4, 0]
    (lesion,) = described["lesions"]
    assert lesion["k"] == 1
    assert lesion["longest"]["length"] == np.hypot(2, 2)
    assert (described["unit"], lesion["measurable"]) == ("mm", False)


def test_without_reference_and_spacing_it_says_so(tmp_path):
    parts = make_services(tmp_path / "home")
    case = make_case(masks=False, spacing_mm=None)
    described = describe_measures(analyse(parts, case), None)
    assert described["overlap"] is None and described["reference_px"] is None
    assert described["unit"] == "px"
    assert described["lesions"][0]["measurable"] is None
    assert described["notes"]
