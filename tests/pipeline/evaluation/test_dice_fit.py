"""Expected Dice: learned from invented rows, kept, read back, applied."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_models import network_folder, write_metadata
from invented_rows import parse_evaluation
from scipy.optimize import lsq_linear

from pipeline.__main__ import main
from pipeline.analysis.expected_dice import (
    FEATURES,
    MODEL_FILE,
    VolumeRatio,
    outline_features,
    read_dice_model,
    spread,
    to_logit,
)
from pipeline.analysis.outline_facts import OutlineFacts
from pipeline.errors import InputError
from pipeline.evaluation.dice_fit import (
    FitCheck,
    LearningRows,
    check_fit,
    describe_fit,
    fit_slopes,
    fit_volume_ratio,
    leave_each_out,
    read_learning_rows,
)
from pipeline.evaluation.document import Evaluation, write_evaluation
from pipeline.evaluation.rows import PatientRow
from pipeline.models.registry import read_model_info
from pipeline.storage.atomic_files import write_json

FACTS = OutlineFacts(0.85, 0.9, 900, 700, 0.05, 8.0, 7, 0.3, 0.45)


def make_patients(n: int = 40, *, reported: bool = True, seed: int = 4) -> list[dict[str, Any]]:
    """Rows whose Dice follows the expected Dice, or has nothing to do with anything."""
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(n):
        logit = rng.normal(1.5, 1.0)
        seen = logit + rng.normal(0, 0.2) if reported else rng.normal(1.5, 1.0)
        row = PatientRow(
            f"TCGA_CS_{k:04}",
            "CS",
            dice=float(1 / (1 + np.exp(-logit))),
            iou=0.5,
            volume_px=800,
            reference_px=800,
            slices=20,
            fold=f"fold {k % 5 + 1}",
            expected_dice=float(1 / (1 + np.exp(-seen))),
            border_stability=float(rng.uniform(0.8, 0.95)),
            area_low_px=900,
            area_high_px=700,
            mean_disagreement=float(rng.uniform(0.01, 0.1)),
            log_volume=float(rng.normal(9, 1)),
            called_slices=int(rng.integers(3, 20)),
            largest_score_gap=float(rng.uniform(0.1, 0.6)),
            mask_threshold=0.45,
        )
        rows.append(asdict(row))
    return rows


def make_evaluation(rows: list[dict[str, Any]], **changes: Any) -> Evaluation:
    content = {
        "schema": 2,
        "task": "brain-tumor",
        "split": "cross-validated",
        "network": {"name": "resunet-resnet18", "version": "2.0.0", "digest": "0" * 64},
        "environment": {},
        "counts": {"patients": len(rows), "slices": 0, "tumor_slices": 0},
        "figures": {},
        "confusion": {"tp": 0, "fn": 0, "fp": 0, "tn": 0},
        "patients": rows,
        "slices_rows": [],
    }
    return parse_evaluation(content | changes)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    write_metadata(tmp_path)
    write_evaluation(tmp_path / "brain-tumor" / "evaluation.json", make_evaluation(make_patients()))
    return tmp_path


def fit(models: Path) -> int:
    return main(["fit-expected-dice", "--models", str(models)])


def test_what_was_learned_is_applied_to_a_case(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = read_model_info(models).network
    assert read_dice_model(network) is None, "nothing learned yet"
    assert fit(models) == 0
    reported = capsys.readouterr().out
    assert "The estimate is used." in reported
    model = read_dice_model(network)
    assert model is not None
    assert model.learned
    good = model.estimate(replace(FACTS, expected_dice=0.92))
    poor = model.estimate(replace(FACTS, expected_dice=0.6))
    assert good is not None
    assert poor is not None
    assert poor.low < poor.expected < poor.high
    assert poor.expected < good.expected
    assert poor.high - poor.low > good.high - good.low, "unsure where it is unsure"
    assert good.expected == pytest.approx(0.92, abs=0.06)
    for number in (good.expected, good.low, good.high):
        assert f"{number:.2f}" in good.sentence


@pytest.mark.parametrize(
    ("n", "low", "high", "inside"),
    [
        (20, 1.0, 20.0, 18),  # ranks 1 and 20; without each, 1 and 19: both ends lie outside
        (45, 2.0, 44.0, 41),  # ranks 2 and 44; without each, 2 and 43: two at each end
    ],
)
def test_the_range_of_a_volume_is_that_of_the_ratios(
    n: int, low: float, high: float, inside: int
) -> None:
    base = PatientRow("a", "CS", dice=0.5, iou=0.5, volume_px=10, reference_px=0, slices=3)
    rows = [replace(base, case_id=str(k), reference_px=10 * k) for k in range(1, n + 1)]
    missed = [replace(base, case_id="x", volume_px=0, reference_px=5), base]
    volume = fit_volume_ratio(rows + missed)
    assert volume is not None
    assert (volume.patients, volume.low, volume.high) == (n, low, high)
    assert volume.coverage == pytest.approx(inside / n)
    assert volume.range_ml(2.0) == (2 * low, 2 * high)
    assert volume.range_ml(0.0) is volume.range_ml(None) is None
    assert fit_volume_ratio(rows[:19]) is None, "too few"


def test_the_range_of_a_volume_is_stored_with_the_weights(models: Path) -> None:
    fit(models)
    model = read_dice_model(read_model_info(models).network)
    assert model is not None
    assert model.volume == VolumeRatio(40, 1.0, 1.0, 1.0)


def test_the_most_similar_patients_are_named(models: Path) -> None:
    fit(models)
    model = read_dice_model(read_model_info(models).network)
    assert model is not None
    row = make_patients()[7]
    facts = OutlineFacts(**{name: row[name] for name in OutlineFacts.__dataclass_fields__})
    found = model.estimate(facts)
    assert found is not None
    assert (found.similar[0].case_id, found.similar[0].distance) == (row["case_id"], 0.0)
    assert found.similar[0].dice == row["dice"]
    assert [one.distance for one in found.similar] == sorted(o.distance for o in found.similar)
    others = model.estimate(facts, case_id=row["case_id"])
    assert others is not None
    assert others.similar[:2] == found.similar[1:]
    assert not others.unlike_all
    features = outline_features(facts)
    scale = model.features.std(axis=0)
    by_hand = np.sqrt((((model.features - features) / scale) ** 2).mean(axis=1))
    assert found.similar[1].distance == pytest.approx(sorted(by_hand)[1])


def test_a_case_unlike_all_of_them_says_so(models: Path) -> None:
    fit(models)
    model = read_dice_model(read_model_info(models).network)
    assert model is not None
    found = model.estimate(replace(FACTS, mean_disagreement=0.9, log_volume=1.0))
    assert found is not None
    assert found.unlike_all
    assert found.sentence != replace(found, unlike_all=False).sentence


def test_nothing_outlined_has_nothing_to_expect(models: Path) -> None:
    fit(models)
    model = read_dice_model(read_model_info(models).network)
    assert model is not None
    assert model.estimate(OutlineFacts(None, None, 0, 0, None, None, 0, None, 0.5)) is None


def test_where_it_does_not_beat_the_mean_the_plain_quantiles_are_shown(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = make_patients(60, reported=False)
    write_evaluation(models / "brain-tumor" / "evaluation.json", make_evaluation(rows))
    assert fit(models) == 0
    assert "It does not beat the mean beyond chance" in capsys.readouterr().out
    model = read_dice_model(read_model_info(models).network)
    assert model is not None
    found = model.estimate(FACTS)
    assert found is not None
    dice = np.sort([row["dice"] for row in rows])
    # (0.05 x 61) rounded down is 3, (0.95 x 61) rounded up is 58.
    assert (found.low, found.high) == (pytest.approx(dice[2]), pytest.approx(dice[57]))
    assert found.expected == pytest.approx(dice.mean(), abs=1e-3)
    assert not found.learned
    assert found.sentence != replace(found, learned=True).sentence
    assert len(found.similar) == 3


def test_the_interval_covers_what_it_promises_on_new_patients() -> None:
    """Learned on 60, applied to 2,000 drawn from the same source."""
    rows, new = (
        read_learning_rows(make_evaluation(make_patients(n, seed=seed)))
        for n, seed in ((60, 1), (2000, 2))
    )
    fits, errors = leave_each_out(rows.features, to_logit(rows.dice))
    found = np.array([spread(fits, errors, features) for features in new.features])
    inside = (new.dice >= found[:, 1]) & (new.dice <= found[:, 2])
    assert 0.82 < inside.mean() < 0.97
    plain = np.abs(new.dice - rows.dice.mean()).mean()
    assert np.abs(new.dice - found[:, 0]).mean() < 0.5 * plain


def test_the_check_is_that_of_patients_it_did_not_see() -> None:
    rows = read_learning_rows(make_evaluation(make_patients(30)))
    check = check_fit(rows, draws=500)
    assert check.patients == 30
    target = to_logit(rows.dice)
    k, kept = 4, np.arange(30) != 4
    fits, errors = leave_each_out(rows.features[kept], target[kept])
    assert spread(fits, errors, rows.features[k])[0] != pytest.approx(rows.dice[k], abs=1e-6)
    assert 0.8 <= check.coverage <= 1
    assert 0.8 <= check.plain_coverage <= 1
    assert check.error < check.error_of_mean
    by_hand = [abs(np.delete(rows.dice, k).mean() - rows.dice[k]) for k in range(30)]
    assert check.error_of_mean == pytest.approx(np.mean(by_hand))
    assert check.gain_low < check.gain_high
    assert check.mean_width < check.plain_width


def test_slopes_are_the_best_of_those_with_the_right_sign() -> None:
    rng = np.random.default_rng(0)
    features, target = rng.normal(size=(50, len(FEATURES))), rng.normal(size=50)
    target += features[:, 0] - 2 * features[:, 3] + 0.5 * features[:, 4]  # the last: wrong sign
    found = fit_slopes(features, target)
    signs = np.array(list(FEATURES.values()))
    assert (found[1:] * signs >= 0).all()
    assert found[5] == 0
    standard = (features - features.mean(0)) / features.std(0)
    penalty = np.sqrt(5) * np.eye(5)
    bounds = (np.where(signs > 0, 0, -np.inf), np.where(signs > 0, np.inf, 0))
    best = lsq_linear(
        np.vstack([standard, penalty]),
        np.concatenate([target - target.mean(), np.zeros(5)]),
        bounds,
    )
    assert found[1:] * features.std(0) == pytest.approx(best.x, abs=1e-6)


def test_a_fact_that_never_changes_weighs_nothing() -> None:
    features = np.tile([1.0, 0.9, 8.0, 0.1, 0.3], (30, 1))
    target = np.linspace(0, 1, 30)
    assert fit_slopes(features, target) == pytest.approx([0.5, 0, 0, 0, 0, 0])


REFUSED = [
    pytest.param({"split": "train"}, "are not held out", id="learned from"),
    pytest.param({"split": "all"}, "are not held out", id="all"),
    pytest.param({"patients": []}, "holds 0 patients", id="no rows"),
    pytest.param({"patients": make_patients(19)}, "holds 19 patients", id="too few"),
    pytest.param(
        {"patients": [asdict(PatientRow("p", "CS", 0.5, 0.4, 1, 1, 1))]},
        "before facts of the outline",
        id="old rows",
    ),
]


@pytest.mark.parametrize(("changes", "sentence"), REFUSED)
def test_evaluations_that_teach_nothing_are_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_learning_rows(make_evaluation(make_patients(), **changes))


def test_patients_without_an_outline_are_left_out_and_counted() -> None:
    rows = make_patients(30)
    rows[0] |= {"expected_dice": None, "log_volume": None}
    rows[1]["dice"] = None
    found = read_learning_rows(make_evaluation(rows))
    assert isinstance(found, LearningRows)
    assert (len(found.case_ids), found.left_out) == (28, 2)
    check = FitCheck(28, 0.9, 0.2, 0.05, 0.9, 0.4, 0.1, 0.09, 0.01, 0.05)
    assert "left out, without outline or Dice: 2" in describe_fit(check, found.left_out)


def test_an_evaluation_of_other_weights_is_refused(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_metadata(models, digest="1" * 64)
    assert fit(models) == 1
    assert "evaluation.json" in capsys.readouterr().err
    (models / "brain-tumor" / "evaluation.json").unlink()
    assert fit(models) == 1
    assert "evaluation.json is missing" in capsys.readouterr().err


def test_what_was_learned_elsewhere_is_not_used(models: Path) -> None:
    fit(models)
    write_metadata(models, digest="1" * 64)
    assert read_dice_model(read_model_info(models).network) is None, "other weights"
    write_metadata(models)
    assert read_dice_model(read_model_info(models).network) is not None
    other = make_evaluation(make_patients(seed=5))
    write_evaluation(models / "brain-tumor" / "evaluation.json", other)
    assert read_dice_model(read_model_info(models).network) is None, "another evaluation"
    (models / "brain-tumor" / "evaluation.json").unlink()
    assert read_dice_model(read_model_info(models).network) is None


def test_what_was_learned_stays_valid_when_figures_are_computed_again(models: Path) -> None:
    fit(models)
    network = read_model_info(models).network
    stored = network_folder(models) / MODEL_FILE
    learned = json.loads(stored.read_text())
    path = models / "brain-tumor" / "evaluation.json"
    assert main(["evaluate", "--from-rows", str(path), "--draws", "5"]) == 0
    assert read_dice_model(network) is not None
    again = json.loads(stored.read_text())
    assert again.pop("evaluation") != learned.pop("evaluation")
    assert again == learned


def test_what_was_learned_of_another_file_stays_unused(models: Path) -> None:
    fit(models)
    path = models / "brain-tumor" / "evaluation.json"
    write_evaluation(path, make_evaluation(make_patients(seed=5)))
    (network_folder(models).parent / "other").mkdir()
    (network_folder(models).parent / "other" / MODEL_FILE).write_text("{")
    assert main(["evaluate", "--from-rows", str(path), "--draws", "5"]) == 0
    assert read_dice_model(read_model_info(models).network) is None


DAMAGE = [
    pytest.param({"schema": 2}, "schema", id="schema"),
    pytest.param({"features": ["size"]}, "features", id="features"),
    pytest.param({"patients": []}, "patients", id="nobody"),
    pytest.param({"patients": ["x"]}, "patients[0]", id="no object"),
    pytest.param({"learned": "yes"}, "learned", id="word"),
    pytest.param({"colour": 1}, "colour", id="unknown"),
]


@pytest.mark.parametrize(("changes", "field"), DAMAGE)
def test_a_damaged_file_is_refused(models: Path, changes: dict[str, Any], field: str) -> None:
    fit(models)
    path = network_folder(models) / MODEL_FILE
    write_json(path, json.loads(path.read_text()) | changes)
    with pytest.raises(InputError) as refused:
        read_dice_model(read_model_info(models).network)
    assert refused.value.source == MODEL_FILE
    assert field in refused.value.message


def test_a_damaged_row_is_refused(models: Path) -> None:
    fit(models)
    path = network_folder(models) / MODEL_FILE
    for name, value in (
        ("fit", [1.0]),
        ("features", [True] * 5),
        ("dice", 7),
        ("case_id", "<b>"),
        ("colour", 1),
    ):
        content = json.loads(path.read_text())
        content["patients"][3][name] = value
        write_json(path.with_name("damaged.json"), content)
        damaged = path.read_text()
        path.write_text(path.with_name("damaged.json").read_text())
        with pytest.raises(InputError) as refused:
            read_dice_model(read_model_info(models).network)
        assert f"patients[3].{name}" in refused.value.message
        path.write_text(damaged)


@pytest.mark.parametrize("patients", [5, 18])
def test_too_few_patients_have_no_ends(patients: int) -> None:
    fits, errors = np.zeros((patients, 6)), np.linspace(-1, 1, patients)
    assert spread(fits, errors, np.zeros(5))[1:] == (0.0, 1.0)
