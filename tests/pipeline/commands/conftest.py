"""Runs commands on networks that answer by rule."""

import json
from pathlib import Path
from typing import Any

import pytest
from fake_models import FakeStage, bright_pixels, bright_slice, write_metadata
from predicting import Predict

from pipeline.__main__ import main


@pytest.fixture
def predict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Predict:
    """Run ``predict``; returns the exit status and results.json."""
    stages = {"classifier": FakeStage(bright_slice), "segmenter": FakeStage(bright_pixels)}
    monkeypatch.setattr("pipeline.inference.open_stage", lambda info, **_: stages[info.stage])
    monkeypatch.setattr("pipeline.commands.predict.ready_engine", lambda _: "openvino")
    write_metadata(tmp_path / "models")

    def run(*paths: Path) -> tuple[int, dict[str, Any]]:
        given = ["predict", *map(str, paths), "--models", str(tmp_path / "models")]
        status = main([*given, "--output", str(tmp_path / "out")])
        return status, json.loads((tmp_path / "out" / "results.json").read_text())

    return run
