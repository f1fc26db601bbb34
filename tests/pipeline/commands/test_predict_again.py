"""A second ``predict`` computes what is not finished yet, and nothing else."""

from typing import Any

import numpy as np
import pytest
from fake_models import write_metadata
from PIL import Image
from predict_bench import CASES, Bench, interrupt_at, write_case
from predicting import check_contract, slice_pixels

from pipeline.__main__ import main
from pipeline.analysis.analyser import Analyser
from pipeline.commands import prediction_call
from pipeline.commands.console import ProgressBar
from pipeline.predictions.checkpoints import Checkpoints
from pipeline.predictions.results import CaseRecord


def test_a_second_run_does_nothing_but_say_so(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, first, slices = bench.run()
    assert (status, slices) == (0, 12)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("12 slices of 3 cases in ")
    assert last.endswith(" slices/s.")
    written = {p: p.stat().st_mtime_ns for p in bench.out.rglob("*") if p.is_file()}

    def refuse(self: Analyser) -> None:
        raise AssertionError("the models were loaded")

    monkeypatch.setattr(Analyser, "load", refuse)
    assert bench.run() == (0, first, 0)
    left = {p: p.stat().st_mtime_ns for p in bench.out.rglob("*") if p.is_file()}
    assert {p: t for p, t in left.items() if p.name != "lock"} == {
        p: t for p, t in written.items() if p.name != "lock"
    }
    last = capsys.readouterr().out.splitlines()[-1]
    assert "12 slices of 3 cases" in last
    assert "--again" in last


def test_again_computes_anew(bench: Bench) -> None:
    _, first, _ = bench.run()
    assert bench.run("--again") == (0, first, 12)


def test_only_what_changed_is_computed(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    _, first, _ = bench.run()
    pixels = np.asarray(Image.open(bench.input / "b" / "b_3.png")).copy()
    pixels[25, 25] += 3
    Image.fromarray(pixels).save(bench.input / "b" / "b_3.png")
    write_case(bench.input / "d", "d")
    capsys.readouterr()
    _, second, slices = bench.run()
    assert slices == 8
    assert [case["case_id"] for case in second["cases"]] == ["a", "b", "c", "d"]
    assert second["cases"][0] == first["cases"][0]
    assert "Finished before: 8 slices of 2 cases." in capsys.readouterr().out
    assert second == bench.fresh()


def test_a_changed_reference_is_never_answered_by_an_old_dice(bench: Bench) -> None:
    _, first, _ = bench.run()
    (bench.input / "c" / "c_2_mask.png").unlink()
    _, second, _ = bench.run()
    assert first["cases"][2]["dice"] == 1.0
    assert second["cases"][2]["dice"] is None
    assert second == bench.fresh()


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "1" * 64},
        {"decision": {"threshold": 0.95}},
        {"mask_threshold": 0.9},
    ],
    ids=["weights", "decision rule", "mask threshold"],
)
def test_another_model_finds_nothing_finished(bench: Bench, change: dict[str, Any]) -> None:
    bench.run()
    write_metadata(bench.folder / "models", **change)
    _, second, slices = bench.run()
    assert slices == 12
    assert second == bench.fresh()
    assert len(bench.parts()) == 3


def test_cases_that_left_the_input_leave_the_output(bench: Bench) -> None:
    bench.run()
    mine = bench.out / "masks" / "b" / "notes.txt"
    mine.write_text("mine")
    for name in ("b", "c"):
        for path in (bench.input / name).iterdir():
            path.unlink()
    (bench.input / "a" / "a_5.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    _, second, slices = bench.run()
    assert slices == 0
    assert [case["case_id"] for case in second["cases"]] == ["a"]
    assert [error["source"] for error in second["errors"]] == ["a/a_5.png"]
    assert len(bench.parts()) == 1
    assert sorted(p.relative_to(bench.out).as_posix() for p in bench.out.rglob("masks/*")) == [
        "masks/a",
        "masks/b",
    ]
    assert list((bench.out / "masks" / "b").iterdir()) == [mine]


def write_namesakes(bench: Bench) -> None:
    for name in CASES:
        for path in (bench.input / name).iterdir():
            path.unlink()
        write_case(bench.input / name, "smith", mask=False)
    for k, name in enumerate(CASES):
        pixels = slice_pixels()
        pixels[20, 20] = 61 + k
        Image.fromarray(pixels).save(bench.input / name / "smith_2.png")


def test_cases_of_one_name_are_told_apart_whenever_they_were_finished(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_namesakes(bench)
    with monkeypatch.context() as patch:
        interrupt_at(patch, "smith-3")
        _, document, _ = bench.run()
    assert [case["case_id"] for case in document["cases"]] == ["smith", "smith-2"]
    _, document, slices = bench.run()
    assert slices == 4
    assert [case["case_id"] for case in document["cases"]] == ["a_smith", "b_smith", "c_smith"]
    check_contract(document, bench.out)
    assert document == bench.fresh()
    assert sorted(p.name for p in (bench.out / "masks").iterdir()) == [
        "a_smith",
        "b_smith",
        "c_smith",
    ]
    assert bench.run() == (0, document, 0)
    # One goes, and the others may go by shorter names.
    for name in ("a", "c"):
        for path in (bench.input / name).iterdir():
            path.unlink()
    _, document, slices = bench.run()
    assert ([case["case_id"] for case in document["cases"]], slices) == (["smith"], 0)
    check_contract(document, bench.out)
    assert [p.name for p in (bench.out / "masks").iterdir()] == ["smith"]


def test_cases_that_are_alike_in_everything_are_finished_apart(bench: Bench) -> None:
    twin = bench.folder / "twin" / "in"
    for root in (bench.input, twin):
        write_case(root / "t", "t")
    given = [str(twin), *bench.arguments()[1:]]
    for slices in (20, 0):
        bench.slices = 0
        assert main(["predict", *given]) == 0
        assert bench.slices == slices
        document = bench.document()
        assert [case["case_id"] for case in document["cases"]] == ["t", "a", "b", "c", "t-2"]
        check_contract(document, bench.out)


def test_an_output_that_is_the_input_is_not_read_as_input(bench: Bench) -> None:
    first = bench.run(out=bench.input)
    assert first[2] == 12
    assert bench.run(out=bench.input) == (0, first[1], 0)


def test_two_calls_do_not_write_to_one_folder(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.out.mkdir()
    held = Checkpoints(bench.out, CaseRecord)
    try:
        assert main(bench.arguments()) == 1
    finally:
        held.close()
    told = capsys.readouterr().err
    assert told == "Another call is writing to the folder out. Wait until it is done.\n"
    assert bench.run()[0] == 0


def test_the_bar_counts_what_is_done_and_ends_full(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []

    class Recorder(ProgressBar):
        def __call__(self, done: int, total: int, message: str) -> None:
            told.append((done, total))
            super().__call__(done, total, message)

    monkeypatch.setattr(prediction_call, "ProgressBar", Recorder)
    # A forecast by name, which the decoded pixels put right: one slice in two sequences.
    for name in ("x_flair_1.png", "x_t1_1.png"):
        Image.fromarray(slice_pixels()).save(bench.input / "c" / name)
    (bench.input / "c" / "c_4.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    bench.run()
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert {total for _, total in told} <= {12, 13}
    assert told[-1] == (12, 12)
