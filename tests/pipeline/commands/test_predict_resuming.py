"""``predict`` goes on where it was stopped, however it was stopped, and trusts nothing it finds."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_models import bright_slice, fake_stages, write_metadata
from PIL import Image
from predicting import check_contract, rewrite_part, slice_pixels

from pipeline.__main__ import main
from pipeline.commands import predict as predict_command
from pipeline.commands import prediction_call
from pipeline.commands.console import ProgressBar
from pipeline.commands.finished_parts import FinishedParts
from pipeline.inference import Analyser

PROGRAM = Path(__file__).with_name("predict_by_rule.py")
CASES = ("a", "b", "c")


class Bench:
    """An input folder, a models folder, and ``predict`` on them, counting analysed slices."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.input, self.out = folder / "in", folder / "out"
        self.slices = 0
        write_metadata(folder / "models")

    def answer(self, batch: Any) -> Any:
        self.slices += len(batch)
        return bright_slice(batch)

    def arguments(self, *more: str, out: Path | None = None) -> list[str]:
        given = ["predict", str(self.input), "--output", str(out or self.out)]
        return [*given, "--models", str(self.folder / "models"), *more]

    def run(self, *more: str, out: Path | None = None) -> tuple[int, dict[str, Any], int]:
        """Exit status, results.json, and how many slices were analysed."""
        self.slices = 0
        status = main(self.arguments(*more, out=out))
        return status, self.document(out or self.out), self.slices

    def document(self, out: Path | None = None) -> dict[str, Any]:
        content = json.loads(((out or self.out) / "results.json").read_text())
        assert isinstance(content, dict)
        return content

    def fresh(self) -> dict[str, Any]:
        """What a first run in another folder says."""
        out = self.folder / f"fresh-{time.monotonic_ns()}"
        _, document, _ = self.run(out=out)
        check_contract(document, out)
        return document

    def parts(self) -> list[Path]:
        return sorted((self.out / ".parts").glob("*.json"))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    bench = Bench(tmp_path)
    stages = fake_stages(bench.answer)
    monkeypatch.setattr("pipeline.inference.open_stages", lambda info, **_: stages)
    monkeypatch.setattr("pipeline.commands.predict.ready_engine", lambda _: "openvino")
    for name in CASES:
        write_case(bench.input / name, name)
    return bench


def write_case(folder: Path, name: str, *, count: int = 4, mask: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(1, count + 1):
        pixels = slice_pixels(k > 1)
        pixels[20:22, 2:12] = 70 + ord(name[0]) % 7
        Image.fromarray(pixels).save(folder / f"{name}_{k}.png")
        if mask:
            Image.fromarray((pixels == 200).astype(np.uint8) * 255).save(
                folder / f"{name}_{k}_mask.png"
            )


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
    assert capsys.readouterr().out.splitlines()[-1] == (
        "Nothing was left to do. Finished before: 12 slices of 3 cases. Give --again to compute"
        " anew."
    )


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


def in_case(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda part: part["case"].update({name: value})


def in_slice(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda part: part["case"]["slices"][1].update({name: value})


HARM: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-40]),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "no object": lambda path: path.write_text("[1]"),
    "deep": lambda path: path.write_text('{"part": ' + "[" * 100_000),
    "a digit": lambda path: path.write_text(path.read_text().replace('_px": 60', '_px": 61', 1)),
    "another's": lambda path: path.write_bytes((path.with_name("other")).read_bytes()),
    "no case": lambda path: rewrite_part(path, lambda part: part.pop("case")),
    "case a list": lambda path: rewrite_part(path, lambda part: part.update(case=[])),
    "files a list": lambda path: rewrite_part(path, lambda part: part.update(files=[])),
    "more keys": lambda path: rewrite_part(path, in_case("more", 1)),
    "case id": lambda path: rewrite_part(path, in_case("case_id", "../../x")),
    "case id's type": lambda path: rewrite_part(path, in_case("case_id", ["a"])),
    "spacing": lambda path: rewrite_part(path, in_case("spacing_mm", [1, 1, 1])),
    "tumor": lambda path: rewrite_part(path, in_case("tumor", False)),
    "volume": lambda path: rewrite_part(path, in_case("volume_ml", 1.0)),
    "dice": lambda path: rewrite_part(path, in_case("dice", 1.5)),
    "warnings": lambda path: rewrite_part(path, in_case("warnings", ["Nothing is known of it."])),
    "warnings' type": lambda path: rewrite_part(path, in_case("warnings", {"a": 1})),
    "input findings": lambda path: rewrite_part(path, in_case("input_findings", [])),
    "slices": lambda path: rewrite_part(path, in_case("slices", [])),
    "slices' type": lambda path: rewrite_part(path, in_case("slices", [1, 2, 3, 4])),
    "score": lambda path: rewrite_part(path, in_slice("tumor_probability", float("nan"))),
    "index": lambda path: rewrite_part(path, in_slice("index", True)),
    "source": lambda path: rewrite_part(path, in_slice("source", "/etc/passwd")),
    "mask": lambda path: rewrite_part(path, in_slice("mask", "masks/b/2.png")),
    "mask's type": lambda path: rewrite_part(path, in_slice("mask", [1])),
    "no mask": lambda path: rewrite_part(path, in_slice("mask", None)),
    "area": lambda path: rewrite_part(path, in_slice("mask_area_px", -1)),
    "decided by": lambda path: rewrite_part(path, in_slice("decided_by", "somebody")),
    "evidence": lambda path: rewrite_part(path, in_slice("outline_evidence", None)),
    "foreign file": lambda path: rewrite_part(
        path, lambda part: part["files"].update({"../secret.txt": "0" * 64})
    ),
    "missing mask": lambda path: (path.parents[1] / "masks" / "a" / "3.png").unlink(),
    "changed mask": lambda path: (path.parents[1] / "masks" / "a" / "3.png").write_bytes(b"x"),
}  # fmt: skip


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
def test_a_part_that_does_not_fit_is_computed_again(
    bench: Bench, harm: Callable[[Path], object]
) -> None:
    _, first, _ = bench.run()
    secret = bench.folder / "secret.txt"
    secret.write_text("mine")
    (part,) = [p for p in bench.parts() if '"case_id": "a"' in p.read_text()]
    (other,) = [p for p in bench.parts() if '"case_id": "b"' in p.read_text()]
    part.with_name("other").write_bytes(other.read_bytes())
    harm(part)
    assert bench.run() == (0, first, 4)
    check_contract(first, bench.out)
    assert secret.read_text() == "mine"


def test_a_part_that_was_written_anew_as_it_was_still_fits(bench: Bench) -> None:
    _, first, _ = bench.run()
    rewrite_part(bench.parts()[0], lambda part: None)
    assert bench.run() == (0, first, 0)


def test_a_foreign_part_removes_no_foreign_file(bench: Bench) -> None:
    bench.run()
    secret = bench.folder / "secret.txt"
    secret.write_text("mine")
    part = bench.parts()[0]
    stray = part.with_name(f"{'0' * 64}-1.json")
    stray.write_bytes(part.read_bytes())
    rewrite_part(stray, lambda one: one.update(name=stray.stem, files={"../secret.txt": "0" * 64}))
    bench.run()
    assert not stray.exists()
    assert secret.exists()


def interrupt_at(monkeypatch: pytest.MonkeyPatch, case_id: str) -> None:
    """Ctrl-C while that case is analysed, once the ones before are written."""
    analyse = Analyser.analyse

    def analyse_or_stop(self: Analyser, case: Any, **options: Any) -> Any:
        if case.case_id == case_id:
            raise KeyboardInterrupt
        return analyse(self, case, **options)

    monkeypatch.setattr(Analyser, "analyse", analyse_or_stop)


def test_an_interrupt_keeps_what_is_finished(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        interrupt_at(patch, "c")
        status, document, _ = bench.run()
    assert status == 130
    check_contract(document, bench.out)
    assert [case["case_id"] for case in document["cases"]] == ["a", "b"]
    words = (
        "Stopped before the end. 8 slices of 2 cases are finished and kept. Give the same command"
        " again to go on."
    )
    assert document["errors"] == [{"source": "", "message": words}]
    assert capsys.readouterr().err.splitlines()[-1] == words
    status, document, slices = bench.run()
    assert (status, slices) == (0, 4)
    assert document == bench.fresh()


def test_an_interrupt_before_anything_is_finished_leaves_the_old_results(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, first, _ = bench.run()
    write_metadata(bench.folder / "models", digest="1" * 64)
    with monkeypatch.context() as patch:
        interrupt_at(patch, "a")
        assert bench.run() == (130, first, 0)


def start(bench: Bench, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, str(PROGRAM), str(seconds), *bench.arguments()]
    places = os.pathsep.join(str(PROGRAM.parents[up]) for up in (1, 3))
    return subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": places},
    )


def wait_for_parts(bench: Bench, process: subprocess.Popen[str], count: int) -> None:
    deadline = time.monotonic() + 60
    while len(bench.parts()) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_run_that_is_killed_is_gone_on_with(bench: Bench) -> None:
    process = start(bench, 1.0)
    try:
        wait_for_parts(bench, process, 1)
    finally:
        process.kill()
        process.communicate()
    finished = len(bench.parts())
    assert 0 < finished < 3
    assert not (bench.out / "results.json").exists()
    status, document, slices = bench.run()
    assert (status, slices) == (0, 12 - 4 * finished)
    assert document == bench.fresh()
    assert sorted(p.name for p in bench.out.iterdir()) == [".parts", "masks", "results.json"]


def test_control_c_in_a_terminal_keeps_what_is_finished(bench: Bench) -> None:
    process = start(bench, 1.0)
    try:
        wait_for_parts(bench, process, 1)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert told.splitlines()[-1].endswith("Give the same command again to go on.")
    assert "Traceback" not in told
    document = bench.document()
    check_contract(document, bench.out)
    assert 0 < len(document["cases"]) < 3
    status, document, _ = bench.run()
    assert status == 0
    assert document == bench.fresh()


def test_a_full_disk_is_one_sentence_and_what_is_finished_stays(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write = predict_command.write_masks

    def fill_up(output: Path, case_id: str, *rest: Any) -> Any:
        if case_id != "a":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(output, case_id, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(predict_command, "write_masks", fill_up)
        status, document, _ = bench.run()
    assert status == 1
    assert [case["case_id"] for case in document["cases"]] == ["a"]
    (told,) = capsys.readouterr().err.splitlines()
    assert told == (
        "The folder out cannot be written: No space left on device. 4 slices of 1 case are"
        " finished and kept. Give the same command again to go on."
    )
    status, document, slices = bench.run()
    assert (status, slices) == (0, 8)
    assert document == bench.fresh()


def write_namesakes(bench: Bench) -> None:
    for name in CASES:
        for path in (bench.input / name).iterdir():
            path.unlink()
        write_case(bench.input / name, "scan", mask=False)
    for k, name in enumerate(CASES):
        pixels = slice_pixels()
        pixels[20, 20] = 61 + k
        Image.fromarray(pixels).save(bench.input / name / "scan_2.png")


def test_cases_of_one_name_are_told_apart_whenever_they_were_finished(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_namesakes(bench)
    with monkeypatch.context() as patch:
        interrupt_at(patch, "scan-3")
        _, document, _ = bench.run()
    assert [case["case_id"] for case in document["cases"]] == ["scan", "scan-2"]
    _, document, slices = bench.run()
    assert slices == 4
    assert [case["case_id"] for case in document["cases"]] == ["a_scan", "b_scan", "c_scan"]
    check_contract(document, bench.out)
    assert document == bench.fresh()
    assert sorted(p.name for p in (bench.out / "masks").iterdir()) == ["a_scan", "b_scan", "c_scan"]
    assert bench.run() == (0, document, 0)
    # One goes, and the others may go by shorter names.
    for name in ("a", "c"):
        for path in (bench.input / name).iterdir():
            path.unlink()
    _, document, slices = bench.run()
    assert ([case["case_id"] for case in document["cases"]], slices) == (["scan"], 0)
    check_contract(document, bench.out)
    assert [p.name for p in (bench.out / "masks").iterdir()] == ["scan"]


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
    held = FinishedParts(bench.out)
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
