"""``check-precision`` on the patients that the shipped fold held out, with fake networks."""

import json
from pathlib import Path

import pytest
from fake_models import fake_stages, network_folder, write_metadata
from public_patients import write_patient

from pipeline.__main__ import main
from pipeline.datasets.splits import load_fold
from pipeline.models.registry import read_model_info


def test_held_out_patients_decide_and_the_result_stays_with_the_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pipeline.analysis.analyser.open_stages", lambda info, **_: fake_stages())
    monkeypatch.setattr("pipeline.engine.export.export_network", lambda info, *_, **__: None)
    write_metadata(tmp_path / "models")
    held_out = load_fold().held_out
    for patient in (*held_out, load_fold().train[0]):
        write_patient(tmp_path / "data", patient)
    words = ["check-precision", "--data", str(tmp_path / "data"), "--models"]
    assert main([*words, str(tmp_path / "models")]) == 0
    told = capsys.readouterr().out
    assert f"{len(held_out)} held-out patients, {3 * len(held_out)} slices" in told
    assert "bf16 may be used." in told
    content = json.loads(
        (network_folder(tmp_path / "models") / "precision.json").read_text("utf-8")
    )
    assert content["keras_digest"] == read_model_info(tmp_path / "models").network.digest
    (check,) = content["checks"]
    assert (check["mask_dice_mean"], check["passed"]) == (1.0, True)


def test_missing_patients_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_metadata(tmp_path / "models")
    write_patient(tmp_path / "data", "TCGA_ZZ_0001_20000101")
    words = ["check-precision", "--data", str(tmp_path / "data"), "--models"]
    assert main([*words, str(tmp_path / "models")]) == 1
    assert "patients of the held-out split are missing" in capsys.readouterr().err
