"""What the browser is told of diameters and thresholds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from fake_server import FakeAnalyser, make_case, make_services

from dashboard.studies.measures import describe_measures


def test_tables_give_area_and_overlap_at_every_level(tmp_path):
    parts = make_services(tmp_path / "home")
    case = make_case()
    result = FakeAnalyser(parts.models, parts.results).analyse(case)
    probability = result.probability.copy()
    probability[1, 2, 1:4] = 90  # two of these three pixels are the reference's
    told = describe_measures(replace(result, probability=probability), case.masks)

    assert told["areas"][0] is None and told["areas"][2] is None
    assert [told["areas"][1][level] for level in (0, 90, 91, 200, 201)] == [30, 7, 4, 4, 0]
    assert [told["overlap"][1][level] for level in (0, 90, 91)] == [4, 2, 0]
    assert told["reference_px"] == [0, 4, 0]
    (lesion,) = told["lesions"]
    assert lesion["k"] == 1
    assert lesion["longest"]["length"] == np.hypot(2, 2)
    assert (told["unit"], lesion["measurable"]) == ("mm", False)


def test_without_reference_and_spacing_it_says_so(tmp_path):
    parts = make_services(tmp_path / "home")
    case = make_case(masks=False, spacing_mm=None)
    told = describe_measures(FakeAnalyser(parts.models, parts.results).analyse(case))
    assert told["overlap"] is None and told["reference_px"] is None
    assert told["unit"] == "px"
    assert told["lesions"][0]["measurable"] is None
    assert any("no pixel spacing" in note for note in told["notes"])
