"""``predict`` with networks that find a bright square, and the contract of its results."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from fake_models import SIZE
from PIL import Image

from pipeline.data.cautions import InputAspect

Predict = Callable[..., tuple[int, dict[str, Any]]]


def slice_pixels(bright: bool = True) -> np.ndarray:
    pixels = np.full((SIZE, SIZE), 60, np.uint8)
    pixels[:4] = 0
    if bright:
        pixels[8:14, 18:28] = 200
    return pixels


def check_contract(document: dict[str, Any], folder: Path) -> None:
    """The shape of results.json that other programs rely on, key by key."""
    assert set(document) == {"schema", "task", "models", "cases", "errors", "notices"}
    assert (document["schema"], document["task"]) == (1, "brain-tumor")
    assert set(document["models"]) == {"classifier", "segmenter"}
    for model in document["models"].values():
        assert set(model) == {"name", "digest"}
        assert re.fullmatch(r"[0-9a-f]{64}", model["digest"])
    for case in document["cases"]:
        assert set(case) == {
            "case_id", "spacing_mm", "tumor", "volume_ml", "volume_range_ml", "left_out_ml",
            "unfit", "dice", "warnings", "slices", "input_findings",
        }  # fmt: skip
        if case["volume_range_ml"] is not None:
            low, high = case["volume_range_ml"]
            assert 0 <= low <= high and case["unfit"] is None
        assert (case["left_out_ml"] is None) == (case["spacing_mm"] is None)
        for found in case["input_findings"]:
            assert set(found) == {"aspect", "sentence"}
            assert found["aspect"] in list(InputAspect)
            assert found["sentence"].endswith(".")
        assert case["spacing_mm"] is None or len(case["spacing_mm"]) == 3
        assert (case["volume_ml"] is None) == (case["spacing_mm"] is None)
        assert case["tumor"] is any(s["tumor"] for s in case["slices"])
        assert all(isinstance(warning, str) for warning in case["warnings"])
        for answer in case["slices"]:
            check_slice(answer, case, folder)
    for error in document["errors"]:
        assert set(error) == {"source", "message"}
        assert error["message"].endswith(".")


def check_slice(answer: dict[str, Any], case: dict[str, Any], folder: Path) -> None:
    assert set(answer) == {
        "index", "source", "tumor_probability", "tumor", "mask", "mask_area_px", "dice",
        "classifier_score", "outline_evidence", "decided_by", "left_out_px", "doubts",
    }  # fmt: skip
    assert type(answer["left_out_px"]) is int and answer["left_out_px"] >= 0
    assert all(isinstance(doubt, str) for doubt in answer["doubts"])
    assert 0 <= answer["classifier_score"] <= 1
    assert (answer["outline_evidence"] is None) == (answer["decided_by"] == "gate")
    assert type(answer["index"]) is int
    assert answer["index"] >= 1
    assert 0 <= answer["tumor_probability"] <= 1
    assert type(answer["tumor"]) is bool
    path = folder / "masks" / case["case_id"] / f"{answer['index']}.png"
    if answer["tumor"]:
        assert answer["mask"] == f"masks/{case['case_id']}/{answer['index']}.png"
        mask = np.asarray(Image.open(path))
        assert mask.dtype == np.uint8
        assert set(np.unique(mask)) <= {0, 255}
        assert np.count_nonzero(mask) == answer["mask_area_px"]
    else:
        assert answer["mask"] is None
        assert answer["mask_area_px"] == 0
        assert not path.exists()


def rewrite_part(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a part and give it the digest that it should have then."""
    whole = json.loads(path.read_text())
    change(whole["part"])
    text = json.dumps(whole["part"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    whole["digest"] = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(json.dumps(whole))
