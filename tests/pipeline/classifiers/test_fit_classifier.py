from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from tiny_classifiers import COMPLETE, PARTLY, SIDE, make_images, write_weights

from pipeline.classifiers.images import FLIPS, FULL
from pipeline.classifiers.network import Head
from pipeline.classifiers.strategies import Strategy
from pipeline.classifiers.training import ClassifierPlan, fit_classifier
from pipeline.classifiers.weights import NotRun, WeightsSource
from pipeline.errors import Cancelled

pytestmark = pytest.mark.slow

PLAN = ClassifierPlan(
    architecture=COMPLETE,
    strategy=Strategy.HEAD,
    side=SIDE,
    epochs=12,
    learning_rate=0.05,
    optimizer="adam",
    head=Head(dropout=0.0),
)


@pytest.fixture
def source(tmp_path: Path) -> WeightsSource:
    write_weights(tmp_path)
    return WeightsSource(tmp_path)


@pytest.mark.parametrize(
    "plan",
    [
        PLAN,
        replace(PLAN, augmentation=FLIPS, normalise=False),
        replace(PLAN, augmentation=FULL, balanced=True, cosine=True),
        replace(PLAN, architecture=PARTLY, strategy=Strategy.CUT),
        replace(PLAN, architecture=PARTLY, strategy=Strategy.REST, precision="mixed_bfloat16"),
        replace(PLAN, strategy=Strategy.ALL, augmentation=FULL, precision="mixed_bfloat16"),
    ],
    ids=["head", "flips", "augmented", "cut", "rest", "all"],
)
def test_every_strategy_tells_dark_from_bright(plan: ClassifierPlan, source: WeightsSource) -> None:
    train, held = make_images(24), make_images(10, seed=9)
    fitted = fit_classifier(replace(plan, weights=source), train, held)
    probabilities = fitted.probabilities(held.images)
    assert probabilities.shape == (10, 2)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), held.labels)
    whole = fitted.model.predict(held.images, verbose=0)
    np.testing.assert_allclose(whole, probabilities, atol=0.02)
    assert {layer.compute_dtype for layer in fitted.model.layers} == {"float32"}
    assert len(fitted.history) == 12
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(fitted.history[0])


def test_a_frozen_base_stays_as_it_was_and_the_rest_moves(source: WeightsSource) -> None:
    plan = replace(PLAN, architecture=PARTLY, strategy=Strategy.REST, weights=source, epochs=1)
    model = fit_classifier(plan, make_images()).model
    arrays = source.arrays(PARTLY)
    for name in ("conv1/kernel", "conv1_bn/gamma", "conv1_bn/moving_mean"):
        layer, variable = name.split("/")
        (kept,) = [v for v in model.get_layer(layer).variables if v.name == variable]
        np.testing.assert_array_equal(np.asarray(kept), arrays[name])
    moved, _ = model.get_layer("conv2").get_weights()
    assert np.abs(moved - arrays["conv2/kernel"]).max() > 0.01


@pytest.mark.parametrize("frozen", [True, False])
def test_normalisation_is_trained_where_a_model_is_to_be_passed_on(
    source: WeightsSource, frozen: bool
) -> None:
    plan = replace(
        PLAN, strategy=Strategy.ALL, weights=source, epochs=1, freeze_normalisation=frozen
    )
    model = fit_classifier(plan, make_images()).model
    gamma, _, mean, _ = model.get_layer("conv1_bn").get_weights()
    assert ((gamma == 2).all(), (mean == 0).all()) == (frozen, frozen)


def test_the_same_seed_gives_the_same_model(source: WeightsSource) -> None:
    plan = replace(PLAN, weights=source, augmentation=FULL, epochs=2)
    first, second = (fit_classifier(plan, make_images()).history for _ in range(2))
    assert first == second
    assert fit_classifier(replace(plan, seed=1), make_images()).history != first


def test_features_are_kept_for_the_next_run(source: WeightsSource, tmp_path: Path) -> None:
    plan = replace(PLAN, weights=source, epochs=1, cache=tmp_path / "features")
    fit_classifier(plan, make_images())
    files = {path: path.stat().st_mtime_ns for path in tmp_path.glob("features/*/*.npz")}
    assert len(files) == 1
    fit_classifier(plan, make_images())
    assert {p: p.stat().st_mtime_ns for p in tmp_path.glob("features/*/*.npz")} == files


def test_a_model_answers_the_same_when_saved_and_loaded(
    source: WeightsSource, tmp_path: Path
) -> None:
    fitted = fit_classifier(replace(PLAN, weights=source, epochs=1), make_images())
    fitted.model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    images = make_images(4, side=40).images
    expected = fitted.probabilities(images)
    from pipeline.classifiers.images import resize_images

    answer = loaded.predict(resize_images(images, SIDE), verbose=0)
    np.testing.assert_allclose(answer, expected, atol=1e-5)


def test_patience_takes_the_best_epoch_and_stops(source: WeightsSource) -> None:
    plan = replace(PLAN, weights=source, patience=2, epochs=9)
    held = make_images(8, seed=4)
    # With labels the wrong way round every epoch makes the validation loss worse.
    wrong = replace(held, labels=1 - held.labels)
    fitted = fit_classifier(plan, make_images(), wrong)
    losses = [epoch["val_loss"] for epoch in fitted.history]
    assert (len(losses), min(losses)) == (3, losses[0])
    chosen = fitted.probabilities(held.images)[np.arange(8), wrong.labels]
    assert -np.log(np.clip(chosen, 1e-7, 1)).mean() == pytest.approx(losses[0], abs=1e-4)


def test_what_cannot_be_frozen_honestly_is_not_run() -> None:
    with pytest.raises(NotRun, match="frozen random base"):
        fit_classifier(PLAN, make_images())


def test_progress_may_cancel(source: WeightsSource) -> None:
    reported: list[tuple[int, int]] = []

    def stop(done: int, total: int, message: str) -> None:
        reported.append((done, total))
        if message.startswith("Epoch 2"):
            raise Cancelled

    with pytest.raises(Cancelled):
        fit_classifier(replace(PLAN, weights=source), make_images(), progress=stop)
    assert reported[-2:] == [(1, 12), (2, 12)]


@pytest.mark.parametrize(
    ("change", "rule"),
    [({"optimizer": "lamb"}, "sgd or adam"), ({"epochs": 0}, "1 or more")],
)
def test_a_plan_must_make_sense(change: dict[str, object], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        replace(PLAN, **change)  # type: ignore[arg-type]


def test_patience_and_images_are_asked_for() -> None:
    with pytest.raises(ValueError, match="patience needs validation"):
        fit_classifier(replace(PLAN, patience=1), make_images())
    with pytest.raises(ValueError, match="there must be training images"):
        fit_classifier(PLAN, make_images().pick([]))
