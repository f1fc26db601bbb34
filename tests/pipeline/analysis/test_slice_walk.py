"""What a walk leaves out where the network allows it, on networks that answer by rule."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_models import bright_pixels, bright_slice, fake_stages, make_case, write_metadata

from pipeline.analysis.analyser import Analyser
from pipeline.analysis.results import CaseResult
from pipeline.data.case import Case
from pipeline.data.preprocessing import INPUT_CHANNELS

SIDE = 128


def make_heads() -> Case:
    """Four slices without a head, then eight of 20x20 px with a lesion on all but the first two."""
    pixels = np.zeros((12, SIDE, SIDE, 1), np.uint8)
    pixels[4:, 38:58, 70:90] = 60
    pixels[6:, 44:52, 74:84] = 200
    return make_case(12, size=SIDE, pixels=pixels)


class Seen:
    """Runs a case and notes the shapes that each stage was asked for."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **inference: Any) -> None:
        self.first: list[tuple[int, ...]] = []
        self.second: list[tuple[int, ...]] = []

        def note(seen: list[tuple[int, ...]], answer: Any) -> Any:
            return lambda batch: (seen.append(batch.shape[:3]), answer(batch))[1]

        stages = fake_stages(note(self.first, bright_slice), note(self.second, bright_pixels))
        monkeypatch.setattr("pipeline.analysis.analyser.open_stages", lambda *_, **__: stages)
        write_metadata(
            folder,
            input={"size": SIDE, "channels": list(INPUT_CHANNELS)},
            inference={"flip_average": True, "sigma_slices": 0.7} | inference,
        )
        self.analyser = Analyser(folder, engine="openvino", engine_dir=folder)

    def run(self) -> CaseResult:
        return self.analyser.analyse(make_heads())

    @property
    def slices(self) -> tuple[int, int]:
        """Slices and mirror images that each stage answered."""
        return sum(shape[0] for shape in self.first), sum(shape[0] for shape in self.second)


@pytest.fixture
def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CaseResult:
    """The answer for which everything is computed."""
    seen = Seen(tmp_path / "whole", monkeypatch)
    result = seen.run()
    assert seen.slices == (24, 12)
    assert {shape[1:] for shape in seen.first} == {(SIDE, SIDE)}
    return result


def test_the_box_of_the_head_gives_the_same_masks(
    whole: CaseResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Seen(tmp_path, monkeypatch, crop_to_head=True)
    result = seen.run()
    assert {shape[1:] for shape in seen.second} == {(32, 32)}
    assert sum(np.prod(shape) for shape in seen.first) < 24 * SIDE * SIDE
    np.testing.assert_array_equal(result.masks(), whole.masks())
    inside = np.s_[:, 32:64, 64:96]
    np.testing.assert_array_equal(result.probability[inside], whole.probability[inside])
    assert not np.delete(result.probability, np.s_[32:64], axis=1).any()


def test_slices_without_a_head_are_not_answered(
    whole: CaseResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Seen(tmp_path, monkeypatch, skip_empty=True)
    result = seen.run()
    # Three of four: the last shows FLAIR of the first head as its neighbour's.
    assert seen.slices == (18, 12)
    assert [s.classifier_score for s in result.slices[:1]] == [0.0]
    assert [s.outline_evidence for s in result.slices[:4]] == [None] * 4
    np.testing.assert_array_equal(result.masks(), whole.masks())


def test_a_case_without_any_head_is_answered_by_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Seen(tmp_path, monkeypatch, skip_empty=True)
    case = make_case(5, size=SIDE, pixels=np.zeros((5, SIDE, SIDE, 1), np.uint8))
    result = seen.analyser.analyse(case)
    assert seen.slices == (0, 0)
    assert not result.masks().any()


def test_mirror_images_far_below_the_gate_are_not_answered(
    whole: CaseResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Seen(tmp_path, monkeypatch, mirror_from=0.15)
    result = seen.run()
    # Of the twelve, the six with the lesion and their neighbour come near enough.
    assert seen.slices == (12 + 7, 12)
    assert [s.classifier_score for s in result.slices] == pytest.approx(
        [s.classifier_score for s in whole.slices]
    )
    np.testing.assert_array_equal(result.probability, whole.probability)
    np.testing.assert_array_equal(result.uncertainty, whole.uncertainty)


def test_all_together_give_the_same_masks(
    whole: CaseResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Seen(tmp_path, monkeypatch, skip_empty=True, crop_to_head=True, mirror_from=0.15)
    result = seen.run()
    assert seen.slices == (9 + 7, 12)
    np.testing.assert_array_equal(result.masks(), whole.masks())
