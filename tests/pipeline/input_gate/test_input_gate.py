"""The input gate: what it finds in pictures that are not what the network was trained on."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_models import make_case

from pipeline.__main__ import main
from pipeline.analysis.answer import Answer, bind_answer
from pipeline.analysis.results import ModelReference
from pipeline.data.case import RADIOLOGICAL_AXIAL, Case, Orientation, SequenceName
from pipeline.data.cautions import Caution, InputAspect, ReadingAspect, Severity
from pipeline.data.sequences import COLOUR_SEQUENCES, missing_sequences_warning, sequence_cautions
from pipeline.errors import InputError
from pipeline.input_gate.gate import check_input
from pipeline.input_gate.measures import measure_input
from pipeline.input_gate.ranges import RANGES_FILE, InputRanges, read_ranges, shipped_ranges

A = InputAspect


def make_head(
    n: int = 24,
    *,
    size: int = 256,
    length: float = 210,
    drift: float = 0.2,
    spread: float = 0.5,
    dtype: type = np.uint8,
) -> np.ndarray:
    """Ellipses with texture, as long as asked for, that change from slice to slice."""
    rng = np.random.default_rng(3)
    y, x = (np.mgrid[:size, :size] - (size - 1) / 2) / (length / 2)
    inside = (y**2 + (x / 0.8) ** 2) <= 1
    cells = max(size // 12, 4)
    texture = rng.normal(size=(n + 40, cells, cells))
    weight = np.exp(-0.5 * (np.arange(-20, 21) * drift * 8) ** 2)
    volume = []
    for k in range(n):
        mixed = np.einsum("k,kij->ij", weight, texture[k : k + 41]) / np.sqrt((weight**2).sum())
        grown = np.kron(mixed, np.ones((size // cells + 1,) * 2))[:size, :size]
        values = np.clip(0.5 + spread / 2 * grown, 0.0, None)
        volume.append(np.where(inside, values, 0.0))
    stacked = np.array(volume)
    return (stacked / stacked.max() * 250).astype(dtype)[..., None]


def head_case(pixels: np.ndarray | None = None, **changes: Any) -> Case:
    """A head in three sequences that differ in a pixel, or as ``pixels`` and changes say."""
    sequences = changes.get("sequences", COLOUR_SEQUENCES)
    shown = make_head() if pixels is None else pixels
    if shown.shape[-1] < len(sequences):
        shown = np.concatenate([shown] * len(sequences), axis=-1)
        shown[0, 0, 0, 0] = shown[0, 0, 1, -1] = 1
    n = len(shown)
    fields: dict[str, Any] = {
        "pixels": shown,
        "sequences": COLOUR_SEQUENCES,
        "indices": tuple(range(1, n + 1)),
        "sources": tuple(f"{k}.png" for k in range(n)),
        "orientation": RADIOLOGICAL_AXIAL,
    }
    return replace(make_case(n), **(fields | changes))


def aspects(case: Case) -> list[InputAspect]:
    return [finding.aspect for finding in check_input(case)]


def sentence(case: Case, aspect: InputAspect) -> str:
    (found,) = [f.sentence for f in check_input(case) if f.aspect is aspect]
    return found


def test_a_head_as_in_training_has_no_finding() -> None:
    assert check_input(head_case()) == ()


FOUND = [
    pytest.param(lambda: head_case(orientation=None), [A.ORIENTATION], id="direction unknown"),
    pytest.param(
        lambda: head_case(orientation=Orientation("A", "P", "S", "I")),
        [A.ORIENTATION],
        id="sagittal",
    ),
    pytest.param(
        lambda: head_case(orientation=Orientation("L", "R", "A", "P")),
        [A.ORIENTATION],
        id="mirrored",
    ),
    pytest.param(lambda: head_case(sequences=(SequenceName.T2,)), [A.SEQUENCE], id="T2"),
    pytest.param(lambda: head_case(sequences=(SequenceName.UNKNOWN,)), [A.SEQUENCE], id="unknown"),
    pytest.param(lambda: head_case(np.zeros((24, 64, 64, 1), np.uint8)), [A.INTENSITY], id="blank"),
    pytest.param(
        lambda: head_case(np.full((24, 64, 64, 1), np.nan, np.float32)), [A.INTENSITY], id="NaN"
    ),
    pytest.param(lambda: head_case(255 - make_head()), [A.INTENSITY], id="inverted"),
    pytest.param(
        lambda: head_case(np.minimum(make_head(), 150)), [A.INTENSITY], id="bright parts cut off"
    ),
    pytest.param(lambda: head_case(make_head() // 25 * 25), [A.INTENSITY], id="ten grey levels"),
    pytest.param(lambda: head_case(make_head(spread=0.1)), [A.INTENSITY], id="no contrast"),
    pytest.param(
        lambda: head_case(np.roll(make_head(), 128, axis=1)), [A.HEAD], id="two halves of a head"
    ),
    pytest.param(
        lambda: head_case(make_head(length=120)), [A.RESOLUTION, A.FIELD_OF_VIEW], id="small"
    ),
    pytest.param(
        lambda: head_case(make_head(size=128, length=105)), [A.RESOLUTION], id="few pixels"
    ),
    pytest.param(
        lambda: head_case(make_head(size=512, length=420)), [], id="twice the pixels are no harm"
    ),
    pytest.param(
        lambda: head_case(spacing_mm=(5.0, 0.4, 0.4)), [A.FIELD_OF_VIEW], id="small head, spacing"
    ),
    pytest.param(lambda: head_case(make_head(drift=0.01)), [A.SLICE_DISTANCE], id="thin slices"),
    pytest.param(lambda: head_case(make_head(drift=0.8)), [A.SLICE_DISTANCE], id="unlike slices"),
    pytest.param(lambda: head_case(make_head(1)), [A.SLICE_COUNT], id="one slice"),
    pytest.param(lambda: head_case(make_head(2)), [A.SLICE_COUNT], id="two slices"),
    pytest.param(lambda: head_case(make_head(10)), [A.SLICE_COUNT], id="few slices"),
    pytest.param(lambda: head_case(make_head(120)), [A.SLICE_COUNT], id="many slices"),
    pytest.param(lambda: head_case(indices=(*range(1, 13), *range(15, 27))), [A.GAPS], id="a gap"),
]


@pytest.mark.parametrize(("make", "expected"), FOUND)
def test_each_oddity_has_just_its_finding(make: Any, expected: list[InputAspect]) -> None:
    found = check_input(make())
    assert [finding.aspect for finding in found] == expected
    for finding in found:
        assert finding.sentence.endswith(".")
        assert finding.sentence.count(". ") <= 1, "one sentence, and what to do"


def test_sentences_state_what_was_found() -> None:
    """Figures that a reader needs; the wording is free."""
    assert "2" in sentence(head_case(indices=(*range(1, 13), *range(15, 27))), A.GAPS)
    short = sentence(head_case(make_head(10)), A.SLICE_COUNT)
    assert "10" in short
    assert shipped_ranges().words("slices") in short
    assert sentence(head_case(make_head(1)), A.SLICE_COUNT) != short


def test_what_the_training_files_do_not_state_is_said_to_be_unknown() -> None:
    thin = head_case(make_head(drift=0.01))
    assert "mm" not in sentence(thin, A.SLICE_DISTANCE)
    placed = replace(thin, spacing_mm=(1.0, 0.9, 0.9))
    assert "1.0 mm" in sentence(placed, A.SLICE_DISTANCE)
    small = head_case(make_head(length=120))
    assert "without a pixel spacing" in sentence(small, A.FIELD_OF_VIEW)
    assert "pixel spacing" not in sentence(
        replace(small, spacing_mm=(5.0, 0.9, 0.9)), A.FIELD_OF_VIEW
    )


def test_a_size_that_the_spacing_explains_is_no_finding() -> None:
    """The head fills half of a large field of view: the network's grid undoes that."""
    large = head_case(make_head(length=180, size=512), spacing_mm=(5.0, 1.1, 1.1))
    assert aspects(large) == []
    assert A.FIELD_OF_VIEW in aspects(replace(large, spacing_mm=None))


@pytest.mark.parametrize("aspect", [A.SEQUENCE, A.ORIENTATION, A.SLICE_COUNT, A.GAPS])
def test_an_own_caution_takes_the_place_of_an_equal_finding(aspect: InputAspect) -> None:
    """Of one aspect one caution is enough, whatever its words."""
    own = Caution("As the reader of the files puts it.", aspect)
    other = Caution("Something else.", ReadingAspect.REFERENCE)
    found = check_input(head_case(cautions=(other, own), orientation=None))
    assert own in found
    assert aspects(head_case(cautions=(own,))) == [aspect]


def test_a_graver_finding_takes_the_place_of_an_own_caution() -> None:
    own = Caution("It lies obliquely.", A.ORIENTATION)
    (found,) = check_input(head_case(cautions=(own,), orientation=Orientation("A", "P", "S", "I")))
    assert found.severity is Severity.UNFIT


FLAIR, T1, T1C = SequenceName.FLAIR, SequenceName.PRE, SequenceName.POST
HEAD, OTHER_HEAD = make_head(), make_head(spread=0.45)


@pytest.mark.parametrize(
    ("channels", "sequences", "missing"),
    [
        ((HEAD,), (FLAIR,), (T1, T1C)),
        ((HEAD, OTHER_HEAD), (FLAIR, T1), (T1C,)),
        ((OTHER_HEAD, HEAD, OTHER_HEAD), (T1, FLAIR, T1C), ()),
        ((HEAD, HEAD, OTHER_HEAD), (T1, FLAIR, T1C), (T1,)),  # a copy of FLAIR, as in the LGG set
    ],
)
def test_missing_sequences_are_a_caution_and_no_more(
    channels: Any, sequences: Any, missing: Any
) -> None:
    case = head_case(np.concatenate(channels, axis=-1), sequences=sequences)
    expected = missing_sequences_warning(missing) if missing else None
    found = check_input(case)
    assert [one.sentence for one in found] == ([expected] if expected else [])
    assert all(one.severity is Severity.CAUTION for one in found)


UNFIT = [
    pytest.param(lambda: head_case(sequences=(SequenceName.T2,) * 3), True, id="T2"),
    pytest.param(lambda: head_case(sequences=(SequenceName.UNKNOWN,) * 3), True, id="unknown"),
    pytest.param(
        lambda: head_case(orientation=Orientation("R", "L", "S", "I")), True, id="coronal"
    ),
    pytest.param(lambda: head_case(orientation=None), False, id="direction unknown"),
    pytest.param(lambda: head_case(np.zeros((24, 64, 64, 1), np.uint8)), True, id="blank"),
    pytest.param(lambda: head_case(255 - make_head()), True, id="inverted"),
    pytest.param(lambda: head_case(make_head(length=100)), True, id="half a head's size"),
    pytest.param(lambda: head_case(make_head(length=150)), False, id="a small head"),
    pytest.param(lambda: head_case(make_head(spread=0.25)), False, id="little contrast"),
    pytest.param(lambda: head_case(make_head(1)), False, id="one slice"),
]


@pytest.mark.parametrize(("make", "unfit"), UNFIT)
def test_only_images_far_from_training_are_unfit(make: Any, unfit: bool) -> None:
    found = check_input(make())
    assert any(one.severity >= Severity.UNFIT for one in found) is unfit
    assert found


@pytest.mark.parametrize(
    ("value", "far"), [(5.0, False), (19.9, False), (20.1, True), (-9.9, False), (-10.1, True)]
)
def test_the_limit_is_a_whole_range_away(value: float, far: bool) -> None:
    known = InputRanges("fold 1", 2, {"head_px": (0.0, 10.0)})
    assert known.is_far("head_px", value) is far


def test_findings_are_recorded_with_the_result() -> None:
    own = Caution("Old.", ReadingAspect.STACK)
    case = head_case(make_head(10), cautions=(own,), sequences=(SequenceName.T2,))
    case = replace(case, cautions=(own, *sequence_cautions(case.sequences)))
    n = case.n_slices
    nothing = np.zeros(case.pixels.shape[:3], np.uint8)
    answer = Answer(
        network=ModelReference("net", "1", "0" * 64, "openvino", "f32"),
        scores=(0.1,) * n,
        classifier_scores=(0.1,) * n,
        outline_evidence=(None,) * n,
        decided_by=("gate",) * n,
        probability=nothing,
        uncertainty=nothing,
        operating_point=0.5,
        mask_threshold=0.5,
    )
    result = bind_answer(answer, case)
    assert result.input_findings == check_input(case)
    assert [f.aspect for f in result.input_findings] == [A.SEQUENCE, A.SLICE_COUNT]
    assert len(result.warnings) == 2
    assert result.cautions == (*case.cautions, result.input_findings[1]), "once each"
    assert result.unfit == result.input_findings[0]


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 5, 3, 1), (3, 7, 300, 2), (5, 40, 40, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32])
def test_it_never_stops_on_odd_pictures(shape: tuple[int, ...], dtype: type) -> None:
    pixels = np.random.default_rng(0).normal(0, 50, shape).astype(dtype)
    if dtype is np.float32:
        pixels[..., :1, 0] = np.nan
        pixels[..., -1:, 0] = np.inf
    found = check_input(head_case(pixels, sequences=(SequenceName.FLAIR,) * shape[-1]))
    assert len({finding.aspect for finding in found}) == len(found)


def test_a_large_study_is_checked_in_milliseconds() -> None:
    pixels = np.zeros((500, 512, 512, 1), np.uint8)
    pixels[:, 100:400, 150:390] = np.arange(240, dtype=np.uint8)[:, None]
    case = head_case(pixels)
    started = time.process_time()
    found = measure_input(case)
    assert time.process_time() - started < 0.5
    assert found is not None
    assert found.head_px == 300


def test_shipped_ranges_say_whose_they_are() -> None:
    known = shipped_ranges()
    assert (known.split, known.patients) == ("fold 1", 62)
    assert known.outside("likeness", 0.995) == 1
    assert known.outside("likeness", 0.3) == -1
    assert known.outside("head_px", 210) == 0


DAMAGE = [
    pytest.param({"schema": 2}, "schema", id="schema"),
    pytest.param({"ranges": {}}, "", id="none"),
    pytest.param({"patients": 0}, "patients", id="nobody"),
    pytest.param({"split": "<b>"}, "split", id="split"),
    pytest.param({"colour": 1}, "colour", id="unknown"),
]


@pytest.mark.parametrize(("changes", "field"), DAMAGE)
def test_damaged_ranges_are_refused(tmp_path: Path, changes: dict[str, Any], field: str) -> None:
    path = tmp_path / "input_ranges.json"
    path.write_text(json.dumps(json.loads(RANGES_FILE.read_text()) | changes))
    with pytest.raises(InputError) as refused:
        read_ranges(path)
    assert refused.value.source == path.name
    assert field in refused.value.message


def test_a_range_that_is_none_is_refused(tmp_path: Path) -> None:
    content = json.loads(RANGES_FILE.read_text())
    for pair in ([2.0, 1.0], [1.0], ["1", 2], None):
        content["ranges"]["slices"] = pair
        path = tmp_path / "input_ranges.json"
        path.write_text(json.dumps(content))
        with pytest.raises(InputError):
            read_ranges(path)


def test_the_command_needs_all_patients_of_the_split(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "TCGA_CS_0000").mkdir()
    output = tmp_path / "ranges.json"
    assert main(["measure-inputs", "--data", str(tmp_path), "--output", str(output)]) == 1
    assert "88 patients of the split are missing" in capsys.readouterr().err
    assert not output.exists()
