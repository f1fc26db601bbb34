"""The chain on networks that answer by rule: what is classified, gated, outlined and reported."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_models import SIZE, fake_stages, make_case, write_metadata

from pipeline.analysis.analyser import Analyser
from pipeline.analysis.cache import ResultCache
from pipeline.analysis.results import CaseResult
from pipeline.analysis.slice_walk import progress_words
from pipeline.data.case import Case
from pipeline.data.cautions import Caution
from pipeline.errors import Cancelled, InputError


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A network that finds the bright square."""
    made = fake_stages()
    monkeypatch.setattr("pipeline.analysis.analyser.open_stages", lambda info, **_: made)
    return made


def make_analyser(folder: Path, *, cache: ResultCache | None = None, **changes: Any) -> Analyser:
    write_metadata(folder, **changes)
    return Analyser(folder, engine_dir=folder, cache=cache)


def everything_but_dice(result: CaseResult) -> tuple[Any, ...]:
    slices = tuple(replace(s, dice=None) for s in result.slices)
    maps = result.probability.tobytes(), result.uncertainty.tobytes()
    return slices, maps, result.facts, result.volume_ml, result.warnings


def test_only_slices_that_pass_are_outlined(stages: Any, tmp_path: Path) -> None:
    result = make_analyser(tmp_path).analyse(make_case(20))
    assert stages.first.batches == [4, 4, 4, 4, 4]
    assert stages.second.batches == [3, 4, 4, 4, 4], "cut out of stage one's batches"
    assert [s.tumor for s in result.slices] == [False] + [True] * 19
    assert [s.mask_area_px for s in result.slices] == [0] + [64] * 19
    assert not result.probability[0].any()
    assert result.probability[1].max() == round(0.8 * 255)
    assert (result.masks()[1] == make_case(masks=True).masks[1]).all()
    assert result.tumor


def test_nothing_is_outlined_where_nothing_passes(stages: Any, tmp_path: Path) -> None:
    result = make_analyser(tmp_path).analyse(make_case(1, masks=True))
    assert stages.second.batches == []
    assert not result.tumor
    assert result.dice is None, "both empty"
    assert result.slices[0].dice is None


def test_a_score_at_the_operating_point_passes(stages: Any, tmp_path: Path) -> None:
    stages.first.answer = lambda batch: np.full((len(batch), 1), 0.75)
    assert make_analyser(tmp_path, decision={"threshold": 0.75}).analyse(make_case()).tumor


def test_volume_comes_from_spacing(stages: Any, tmp_path: Path) -> None:
    spacing = (5.0, 240 / SIZE, 240 / SIZE)
    result = make_analyser(tmp_path).analyse(make_case(spacing_mm=spacing))
    assert result.volume_ml == pytest.approx(3 * 64 * 5 * 7.5 * 7.5 / 1000)
    assert result.spacing_mm == spacing
    assert make_analyser(tmp_path).analyse(make_case()).volume_ml is None


def test_masks_come_back_to_the_pixels_of_the_input(stages: Any, tmp_path: Path) -> None:
    pixels = np.full((3, 48, 96, 1), 60, np.uint8)
    pixels[:, 12:24, 30:60] = 200
    pixels[:, :6] = 0
    case = make_case(3, pixels=pixels)
    result = make_analyser(tmp_path).analyse(case)
    assert result.probability.shape == (3, 48, 96)
    rows, columns = np.nonzero(result.masks()[1])
    assert (rows.min(), rows.max()) == pytest.approx((12, 23), abs=2)
    assert (columns.min(), columns.max()) == pytest.approx((30, 59), abs=2)


@pytest.mark.parametrize("reference", ["none", "empty", "right", "wrong"])
def test_reference_masks_change_nothing_but_dice(
    stages: Any, tmp_path: Path, reference: str
) -> None:
    plain, right = make_case(), make_case(masks=True)
    masks = {
        "none": None,
        "empty": np.zeros_like(right.masks),
        "right": right.masks,
        "wrong": ~right.masks,
    }[reference]
    analyser = make_analyser(tmp_path, cache=ResultCache(tmp_path / "cache"))
    expected = everything_but_dice(make_analyser(tmp_path).analyse(plain))
    case = replace(plain, masks=masks)
    for _ in range(2):
        result = analyser.analyse(case)
        assert everything_but_dice(result) == expected
        assert result.dice == {"none": None, "empty": 0.0, "right": 1.0, "wrong": 0.0}[reference]
    assert analyser.key(case) == analyser.key(plain)


def test_a_cached_answer_is_reported_with_the_names_of_the_case_that_asks(
    stages: Any, tmp_path: Path
) -> None:
    analyser = make_analyser(tmp_path, cache=ResultCache(tmp_path / "cache"))
    analyser.analyse(make_case(cautions=(Caution("Sequence not known."),)))
    other = make_case(
        case_id="other",
        indices=(3, 4, 5, 6),
        sources=tuple("abcd"),
        cautions=(Caution("Single image."),),
    )
    result = analyser.analyse(other)
    assert stages.first.batches == [4], "computed once"
    assert result.case_id == "other"
    assert [(s.index, s.source) for s in result.slices] == list(
        zip((3, 4, 5, 6), "abcd", strict=True)
    )
    assert result.warnings == ("Single image.",)


def test_warnings_of_case_and_preparation_stay_with_the_result(stages: Any, tmp_path: Path) -> None:
    base = make_case(cautions=(Caution("Not known to be FLAIR."),))
    unknown = ("unknown", "t2")
    case = replace(
        base, pixels=np.repeat(base.pixels, 2, axis=-1), sequences=tuple(map(str, unknown))
    )
    analyser = make_analyser(tmp_path, cache=ResultCache(tmp_path / "cache"))
    fresh, again = analyser.analyse(case), analyser.analyse(case)
    assert fresh.warnings == again.warnings
    assert fresh.warnings[0] == "Not known to be FLAIR."
    assert len(fresh.warnings) == 2


def test_what_slice_and_mirror_image_disagree_by_is_kept(stages: Any, tmp_path: Path) -> None:
    left = np.zeros((SIZE, SIZE, 1))
    left[:, : SIZE // 2] = 0.8
    left[:4] = 0.6
    stages.second.answer = lambda batch: np.stack([left] * len(batch))
    options = {"inference": {"flip_average": True}}
    cache = ResultCache(tmp_path / "cache")
    analyser = make_analyser(tmp_path, cache=cache, **options)
    case = make_case(3)
    result = analyser.analyse(case)
    assert not result.uncertainty[0].any(), "nothing was outlined"
    assert not result.uncertainty[1:, :4].any(), "both say the same"
    assert (result.uncertainty[1:, 4:] == round(0.8 * 255)).all()
    assert result.facts.mean_disagreement == 0.0, "the mask is where both say 0.6"
    again = analyser.analyse(case)
    assert stages.first.batches == [3, 3], "the second answer came from the cache"
    assert (again.uncertainty == result.uncertainty).all()
    assert again.facts == result.facts


def test_disagreement_is_that_of_the_smoothed_maps(stages: Any, tmp_path: Path) -> None:
    def second(batch: Any) -> Any:
        """0.8 left on the first slice, right on the second: the mirror image turns them round."""
        maps = np.zeros((len(batch), SIZE, SIZE, 1))
        maps[0::3, :, : SIZE // 2] = maps[1::3, :, SIZE // 2 :] = 0.8
        maps[2::3] = 0.5
        return maps

    stages.first.answer = lambda batch: np.ones((len(batch), 1))
    stages.second.answer = second
    options = {"inference": {"flip_average": True, "sigma_slices": 0.7}}
    result = make_analyser(tmp_path, **options).analyse(make_case(3))
    far, near = np.exp(-0.5 * (2 / 0.7) ** 2), np.exp(-0.5 / 0.7**2)
    expected = 0.8 * (1 - near) / (1 + near + far)
    assert result.uncertainty[0] == pytest.approx(255 * expected, abs=1)
    assert (result.probability[0] > 0).all()


def test_disagreement_comes_back_to_the_pixels_of_the_input(stages: Any, tmp_path: Path) -> None:
    left = np.zeros((SIZE, SIZE, 1))
    left[:, : SIZE // 2] = 1
    stages.first.answer = lambda batch: np.ones((len(batch), 1))
    stages.second.answer = lambda batch: np.stack([left] * len(batch))
    case = make_case(3, pixels=np.full((3, 48, 96, 1), 60, np.uint8))
    options = {"inference": {"flip_average": True}}
    result = make_analyser(tmp_path, **options).analyse(case)
    assert result.uncertainty.shape == (3, 48, 96)
    assert (result.uncertainty[:, 4:-4, 4:40] == 255).all()


def test_without_mirror_images_nothing_disagrees(stages: Any, tmp_path: Path) -> None:
    result = make_analyser(tmp_path).analyse(make_case())
    assert result.tumor
    assert not result.uncertainty.any()
    assert result.facts.mean_disagreement == 0.0
    assert result.facts.expected_dice == pytest.approx(
        2 * 0.8 * 64 / (64 + 0.8 * 64 + 0.1 * (SIZE**2 - 64)), abs=0.01
    )


def test_flips_are_averaged(stages: Any, tmp_path: Path) -> None:
    left = np.zeros((SIZE, SIZE, 1))
    left[:, : SIZE // 2] = 0.8
    stages.first.answer = lambda batch: np.ones((len(batch), 1))
    stages.second.answer = lambda batch: np.stack([left] * len(batch))
    plain = make_analyser(tmp_path).analyse(make_case(1))
    assert plain.slices[0].mask_area_px == SIZE * SIZE // 2
    options = {"inference": {"flip_average": True}}
    flipped = make_analyser(tmp_path, **options).analyse(make_case(1))
    assert (flipped.probability == round(0.4 * 255)).all()


def test_scores_are_smoothed_through_slices(stages: Any, tmp_path: Path) -> None:
    given = iter([0.0, 1.0, 0.0, 0.0])
    stages.first.answer = lambda batch: [[next(given)] for _ in batch]
    options = {"inference": {"sigma_slices": 0.7}}
    result = make_analyser(tmp_path, **options).analyse(make_case())
    scores = [s.slice_score for s in result.slices]
    assert scores[1] == max(scores) < 1
    assert scores[0] > scores[3] > 0


def test_two_slices_are_no_volume(stages: Any, tmp_path: Path) -> None:
    given = iter([0.0, 1.0])
    stages.first.answer = lambda batch: [[next(given)] for _ in batch]
    options = {"inference": {"sigma_slices": 0.7}}
    result = make_analyser(tmp_path, **options).analyse(make_case(2))
    assert [s.slice_score for s in result.slices] == pytest.approx([0, 1], abs=0.002)


def test_masks_are_smoothed_over_slices_that_passed_only(stages: Any, tmp_path: Path) -> None:
    stages.second.answer = lambda batch: np.full((len(batch), SIZE, SIZE, 1), 0.8)
    options = {"inference": {"sigma_slices": 0.7}}
    result = make_analyser(tmp_path, **options).analyse(make_case())
    assert not result.probability[0].any()
    assert (result.probability[1:] == round(0.8 * 255)).all(), "weights sum to 1 at the border"


def test_an_unsure_outline_gets_a_lower_threshold(stages: Any, tmp_path: Path) -> None:
    stages.second.answer = lambda batch: np.where(batch[..., 1:2] > 1, 0.4, 0.01)
    fixed = make_analyser(tmp_path).analyse(make_case())
    assert (fixed.mask_threshold, fixed.slices[1].mask_area_px) == (0.5, 0)
    options = {"inference": {"lowest_mask_threshold": 0.2}}
    lowered = make_analyser(tmp_path, **options).analyse(make_case())
    assert lowered.mask_threshold == pytest.approx(0.4, abs=0.005)
    assert [s.mask_area_px for s in lowered.slices] == [0, 64, 64, 64]


def test_small_components_are_set_aside_with_their_probability(stages: Any, tmp_path: Path) -> None:
    case = make_case()
    pixels = case.pixels.copy()
    pixels[2, 25:27, 25:27] = 200
    options = {"inference": {"min_component_fraction": 0.1}}
    analyser = make_analyser(tmp_path, **options)
    result = analyser.analyse(replace(case, pixels=pixels))
    assert not result.probability[2, 25:27, 25:27].any()
    assert [s.mask_area_px for s in result.slices] == [0, 64, 64, 64]
    assert [s.left_out_px for s in result.slices] == [0, 0, 4, 0]


def test_stage_two_follows_as_soon_as_the_scores_around_a_slice_are_known(
    stages: Any, tmp_path: Path
) -> None:
    order: list[str] = []
    for name, stage in (("first", stages.first), ("second", stages.second)):
        answer = stage.answer
        stage.answer = lambda batch, name=name, answer=answer: (order.append(name), answer(batch))[
            1
        ]
    options = {"inference": {"sigma_slices": 0.7}}
    result = make_analyser(tmp_path, **options).analyse(make_case(20))
    assert order == ["first", "first", "second"] + ["first", "second"] * 3 + ["second"]
    assert [s.outline_evidence is None for s in result.slices] == [True] + [False] * 19


def test_classifier_outline_and_decision_are_told_apart(stages: Any, tmp_path: Path) -> None:
    given = {0: 0.1, 1: 0.4, 2: 0.6, 3: 0.9}
    stages.first.answer = lambda batch: [[given[k]] for k in range(4)]
    sure = np.array([0.9, 0.2, 0.8]).reshape(3, 1, 1, 1)
    stages.second.answer = lambda batch: np.broadcast_to(sure, (3, SIZE, SIZE, 1))
    rule = {"gate": 0.3, "classifier_weight": 0.5, "evidence_weight": 1.0, "threshold": 0.5}
    slices = make_analyser(tmp_path, decision=rule).analyse(make_case()).slices
    assert [s.classifier_score for s in slices] == pytest.approx(list(given.values()))
    assert [s.outline_evidence for s in slices] == [None] + [
        pytest.approx(value) for value in (0.9, 0.2, 0.8)
    ]
    assert [s.decided_by for s in slices] == ["gate", "outline", "outline", "both"]
    assert [s.tumor for s in slices] == [False, True, False, True]
    logits = [np.log(p / (1 - p)) for p in (0.6, 0.2)]
    expected = 1 / (1 + np.exp(-(0.5 * logits[0] + logits[1])))
    assert slices[2].slice_score == pytest.approx(expected)


def test_progress_runs_to_the_end_and_never_back(stages: Any, tmp_path: Path) -> None:
    events: list[tuple[int, int, str]] = []
    make_analyser(tmp_path).analyse(make_case(12), progress=lambda *event: events.append(event))
    done = [event[0] for event in events]
    assert done == sorted(done)
    assert events[-1][0] == events[-1][1] == 24
    assert {event[2] for event in events[:-1]} == {
        progress_words(done, total) for done, total, _ in events[:-1]
    }


def test_cancelling_stops_between_batches_and_keeps_nothing(stages: Any, tmp_path: Path) -> None:
    def stop(done: int, total: int, message: str) -> None:
        if done >= 15:
            raise Cancelled

    cache = ResultCache(tmp_path / "cache")
    analyser = make_analyser(tmp_path, cache=cache)
    case = make_case(20)
    with pytest.raises(Cancelled):
        analyser.analyse(case, progress=stop)
    assert stages.first.batches == [4, 4]
    assert stages.second.batches == [3, 4]
    assert cache.get(analyser.key(case), case) is None
    assert analyser.analyse(case).tumor, "and can be asked again"


def test_the_key_follows_pixels_and_models(tmp_path: Path) -> None:
    case = make_case()
    key = make_analyser(tmp_path).key(case)
    assert make_analyser(tmp_path).key(case) == key
    for changes in (
        {"digest": "1" * 64},
        {"decision": {"threshold": 0.4}},
        {"inference": {"flip_average": True}},
        {"mask_threshold": 0.4},
        {"decision": {"gate": 0.4}},
    ):
        assert make_analyser(tmp_path, **changes).key(case) != key
    write_metadata(tmp_path)
    pixels = case.pixels.copy()
    pixels[0, 0, 0] += 1
    other: list[Case] = [
        replace(case, pixels=pixels),
        replace(case, indices=(1, 2, 3, 9)),
        replace(case, spacing_mm=(1.0, 1.0, 1.0)),
    ]
    assert key not in [make_analyser(tmp_path).key(changed) for changed in other]
    assert make_analyser(tmp_path).key(replace(case, indices=(5, 6, 7, 8))) == key


def test_models_of_another_preprocessing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="preprocessing version 99"):
        make_analyser(tmp_path, preprocessing_version=99)


def test_models_that_are_not_exported_are_reported_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Run: python -m pipeline export"):
        make_analyser(tmp_path).analyse(make_case())


@pytest.mark.parametrize(
    ("engine", "precision", "sentence"),
    [("tpu", "f32", "'tpu'"), ("auto", "f8", "'f8'")],
)
def test_unknown_engines_are_refused(
    tmp_path: Path, engine: str, precision: str, sentence: str
) -> None:
    write_metadata(tmp_path)
    with pytest.raises(InputError, match=sentence):
        Analyser(tmp_path, engine=engine, precision=precision, engine_dir=tmp_path)
