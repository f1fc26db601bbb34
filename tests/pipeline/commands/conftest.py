"""Runs commands on networks that answer by rule."""

import json
from pathlib import Path
from typing import Any

import pytest
from fake_models import fake_stages, write_metadata
from predict_bench import CASES, Bench, write_case
from predicting import Predict

from pipeline.__main__ import main


@pytest.fixture
def predict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Predict:
    """Run ``predict``; returns the exit status and results.json."""
    monkeypatch.setattr("pipeline.analysis.analyser.open_stages", lambda info, **_: fake_stages())
    monkeypatch.setattr("pipeline.commands.predict.ready_engine", lambda _: "openvino")
    write_metadata(tmp_path / "models")

    def run(*paths: Path) -> tuple[int, dict[str, Any]]:
        given = ["predict", *map(str, paths), "--models", str(tmp_path / "models")]
        status = main([*given, "--output", str(tmp_path / "out")])
        return status, json.loads((tmp_path / "out" / "results.json").read_text())

    return run


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    bench = Bench(tmp_path)
    stages = fake_stages(bench.answer)
    monkeypatch.setattr("pipeline.analysis.analyser.open_stages", lambda info, **_: stages)
    monkeypatch.setattr("pipeline.commands.predict.ready_engine", lambda _: "openvino")
    for name in CASES:
        write_case(bench.input / name, name)
    return bench
