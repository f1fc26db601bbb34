"""The whole benchmark with processes that answer at once, and one route with rules for networks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest
from fake_models import bright_slice, fake_stages, write_metadata

from pipeline.benchmark import child, children, runner
from pipeline.benchmark.baseline import baseline_in, make_baseline
from pipeline.benchmark.material import (
    FOLDER_STUDIES,
    STUDY_SLICES,
    Material,
    write_material,
)
from pipeline.benchmark.results import (
    FILE,
    BenchmarkResults,
    MeasuredRoute,
    MissingRoute,
    TimedTask,
    TimedTraining,
    read_benchmark,
)
from pipeline.benchmark.routes import ROUTES, PublishedStage
from pipeline.benchmark.runner import BenchmarkPlan, run_benchmark
from pipeline.benchmark.tables import format_benchmark
from pipeline.data.preprocessing import INPUT_CHANNELS
from pipeline.engine.openvino_engine import convert_traced
from pipeline.errors import InputError
from pipeline.models.registry import read_model_info
from pipeline.storage.checked_json import write_document

pytestmark = pytest.mark.slow

#: Seconds that each route takes for anything.
SECONDS = {
    "published": 0.8,
    "tensorflow": 0.4,
    "onnxruntime": 0.2,
    "openvino-traced": 0.32,
    "openvino-f32": 0.16,
    "openvino-bf16": 0.1,
    "plain": 2.0,
    "own": 0.5,
}


class QuickChild:
    """Answers as a process would, without one; counts who was asked and when."""

    asked: ClassVar[list[str]] = []
    paths: ClassVar[dict[str, tuple[str, str]]] = {}

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self._route, self._plan = plan["route"], plan

    def __enter__(self) -> "QuickChild":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def first(self, order: Mapping[str, Any]) -> float:
        if "path" in order:
            self.paths[self._route] = (self._plan["models"], self._plan["engine_dir"])
        return 1.5

    def ask(self, order: Mapping[str, Any]) -> dict[str, float]:
        self.asked.append(self._route)
        seconds = SECONDS[self._route]
        if "steps" in order:
            return {"seconds": seconds, "images": 8.0 * order["steps"], "memory_mb": 1.0}
        slices = 1 if order["single"] else 36
        reported = {"seconds": seconds, "engine_seconds": seconds / 1.25, "memory_mb": 300.0}
        return reported | {"slices": slices, "called": 1}


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return write_material(tmp_path_factory.mktemp("material"), template_mm=4)


@pytest.fixture
def plan(tmp_path: Path) -> BenchmarkPlan:
    write_metadata(tmp_path)
    rounds = {"slice": 3, "study": 2, "folder": 2}
    return BenchmarkPlan(models=tmp_path, engine_dir=tmp_path, rounds=rounds, training_rounds=2)


def run(
    plan: BenchmarkPlan,
    material: Material,
    monkeypatch: pytest.MonkeyPatch,
    *,
    bfloat16: bool = True,
) -> BenchmarkResults:
    monkeypatch.setattr(runner, "Child", QuickChild)
    monkeypatch.setattr(QuickChild, "asked", [])
    monkeypatch.setattr(QuickChild, "paths", {})

    def time_command(arguments: Sequence[str]) -> tuple[float, float]:
        models = arguments[arguments.index("--models") + 1]
        return (2.0 if models == str(plan.models) else 5.0), 700.0

    monkeypatch.setattr(runner, "time_command", time_command)
    monkeypatch.setattr(runner, "computes_bfloat16", lambda _: bfloat16)
    return run_benchmark(plan, material, progress=lambda *_: None)


def route_of(task: TimedTask, name: str) -> MeasuredRoute:
    """A route that was measured."""
    found = next(route for route in task.routes if route.route == name)
    assert isinstance(found, MeasuredRoute)
    return found


def test_routes_take_turns_and_are_compared_within_rounds(
    plan: BenchmarkPlan, material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = run(plan, material, monkeypatch)
    names = [name for name in ROUTES if name != "openvino-int8"]  # this network has no ranges
    first_rounds = QuickChild.asked[len(names) :][: 2 * len(names)]
    assert first_rounds == [*names, *names[1:], names[0]]
    one, study, folder = results.tasks
    assert (one.slices, study.slices) == (1, 36)
    fastest = route_of(one, "openvino-bf16")
    assert fastest.p50_ms == pytest.approx(100)
    assert fastest.rounds == 3
    assert fastest.times_faster_than["published"].value == pytest.approx(8)
    assert fastest.times_faster_than["tensorflow"].value == pytest.approx(4)
    assert fastest.over_engine is not None
    assert fastest.over_engine.value == pytest.approx(1.25)
    assert fastest.times_faster_than["openvino-traced"].value == pytest.approx(3.2)
    command = route_of(folder, "predict")
    assert (command.rounds, command.memory_mb) == (2, 700)
    assert command.slices_per_s == pytest.approx(folder.slices / 2)
    assert command.times_faster_than["openvino-traced"].value == pytest.approx(2.5)
    own = QuickChild.paths["openvino-f32"]
    assert own == (str(plan.models), str(plan.engine_dir))
    assert not {*own} & {*QuickChild.paths["openvino-traced"]}
    assert route_of(study, "openvino-bf16").slices_per_s == 360
    assert isinstance(results.training, TimedTraining)
    assert results.training.times_faster.value == pytest.approx(4)
    assert str(plan.models) not in str(results)


def test_routes_that_this_machine_cannot_run_are_named_with_the_reason(
    plan: BenchmarkPlan, material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = run(plan, material, monkeypatch, bfloat16=False)
    missing = {
        one.route: one.status for one in results.tasks[0].routes if isinstance(one, MissingRoute)
    }
    assert missing == {
        "openvino-bf16": "not computed by this processor",
        "openvino-int8": "without ranges",
    }


def test_results_come_back_from_their_file(
    plan: BenchmarkPlan, material: Material, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    results = run(plan, material, monkeypatch)
    write_document(tmp_path / FILE, results)
    assert read_benchmark(tmp_path) == results


def test_a_runtime_that_is_not_installed_is_a_row_that_says_so(
    plan: BenchmarkPlan, material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = runner.find_spec
    monkeypatch.setattr(
        runner, "find_spec", lambda name: None if name == "onnxruntime" else find(name)
    )
    results = run(plan, material, monkeypatch)
    row = next(r for r in results.tasks[0].routes if r.route == "onnxruntime")
    assert isinstance(row, MissingRoute)
    assert f"| {row.label} | {row.status} |" in format_benchmark(results)


def test_tables_hold_what_the_document_holds(
    plan: BenchmarkPlan, material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = replace(plan, training_rounds=0)
    text = format_benchmark(run(quick, material, monkeypatch))
    assert "| OpenVINO, bfloat16 | 100 | 100 | 10.0 | 8.00 (8.00 to 8.00) |" in text
    assert "| python -m pipeline predict | 2000 | 2000 |" in text
    assert "Training" not in text
    assert "python -m pipeline benchmark" in text


def test_the_material_is_a_study_in_the_public_layout(material: Material) -> None:
    images = [path for path in material.study.iterdir() if "mask" not in path.name]
    assert len(images) == STUDY_SLICES
    pixels = cv2.imread(str(material.slice_file))
    assert pixels is not None and pixels.shape == (256, 256, 3)
    assert pixels.std() > 20, "not an empty image"
    others = sorted(material.folder.iterdir())
    assert len(others) == FOLDER_STUDIES
    contents = {b"".join(p.read_bytes() for p in sorted(one.iterdir())) for one in others}
    assert len(contents) == FOLDER_STUDIES, "no two alike"
    masks = [cv2.imread(str(p), cv2.IMREAD_GRAYSCALE) for p in material.study.glob("*_mask.tif")]
    assert any(mask is not None and mask.any() for mask in masks)


def test_a_route_answers_from_files_to_masks(
    plan: BenchmarkPlan, material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = fake_stages()
    quick = replace(ROUTES["openvino-f32"], open=lambda *_: stages)
    monkeypatch.setitem(ROUTES, "openvino-f32", quick)
    at_work = child.RouteRunner(
        "openvino-f32", models=plan.models, engine_dir=plan.engine_dir, threads=None
    )
    single = at_work.answer(material.slice_file, single=True)
    assert single["slices"] == 1
    assert 0 < single["engine_seconds"] < single["seconds"]
    assert stages.second.batches == [1], "both stages answer, whatever the first says"
    assert at_work.answer(material.study, single=False)["slices"] == STUDY_SLICES


def test_only_our_engines_leave_out_what_the_network_allows(
    plan: BenchmarkPlan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    head = np.zeros((128, 128, 3), np.uint8)
    head[40:60, 70:90] = 90
    cv2.imwrite(str(tmp_path / "head.png"), head)
    channels = list(INPUT_CHANNELS)
    saving = {"flip_average": True, "crop_to_head": True, "mirror_from": 0.95}
    write_metadata(plan.models, input={"size": 128, "channels": channels}, inference=saving)
    shapes: dict[str, set[tuple[int, ...]]] = {}
    for name in ("published", "openvino-f32"):
        seen = shapes.setdefault(name, set())
        stages = fake_stages(lambda b, seen=seen: (seen.add(b.shape[1:3]), bright_slice(b))[1])
        route = replace(ROUTES[name], open=lambda *_, stages=stages: stages)
        monkeypatch.setitem(ROUTES, name, route)
        at_work = child.RouteRunner(
            name, models=plan.models, engine_dir=plan.engine_dir, threads=None
        )
        at_work.answer(tmp_path / "head.png", single=True)
        assert (sum(stages.first.batches), sum(stages.second.batches)) == (2, 2)
    assert shapes == {"published": {(128, 128)}, "openvino-f32": {(32, 32)}}


def test_the_baseline_is_the_network_without_savings_traced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_metadata(tmp_path / "own", inference={"flip_average": True, "crop_to_head": True})
    exported: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        "pipeline.engine.export.export_network",
        lambda network, folder, *, engine, convert: exported.append((folder, engine, convert)),
    )
    make_baseline(tmp_path / "own", tmp_path / "copy")
    places = baseline_in(tmp_path / "copy")
    inference = read_model_info(places.models).network.inference
    assert (inference.flip_average, inference.savings()) == (True, ())
    assert read_model_info(tmp_path / "own").network.savings == ("crop_to_head",)
    assert exported == [(places.engine_dir, "openvino", convert_traced)]


def test_a_command_that_fails_is_an_error() -> None:
    seconds, memory = children.time_command(["--help"])
    assert seconds > 0 and memory > 1
    with pytest.raises(InputError):
        children.time_command(["no such command"])


def test_the_published_way_asks_slice_by_slice() -> None:
    class Model:
        calls = 0

        def predict(self, inputs: list[np.ndarray], *, verbose: int) -> np.ndarray:
            self.calls += 1
            assert verbose == 0 and len(inputs[0]) == 1
            return inputs[0].mean(axis=(1, 2))

    model = Model()
    batch = np.arange(12, dtype=np.float32).reshape(3, 2, 2, 1)
    (answer,) = PublishedStage(model).predict([batch])
    assert model.calls == 3
    assert answer[:, 0].tolist() == [1.5, 5.5, 9.5]


def test_a_route_that_dies_is_reported() -> None:
    with children.Child({"kind": "inference", "route": "openvino-f32"}) as broken:
        with pytest.raises(InputError, match="The route openvino-f32 ended without an answer"):
            broken.ask({"path": "nowhere", "single": True})
