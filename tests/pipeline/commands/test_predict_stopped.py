"""``predict`` keeps what is finished, however it was stopped, and goes on from there."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from fake_models import write_metadata
from predict_bench import Bench, interrupt_at
from predicting import check_contract

from pipeline.commands import predict as predict_command
from pipeline.commands.prediction_call import RESUME

pytestmark = pytest.mark.services

PROGRAM = Path(__file__).with_name("predict_by_rule.py")


def test_an_interrupt_keeps_what_is_finished(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        interrupt_at(patch, "c")
        status, document, _ = bench.run()
    assert status == 130
    check_contract(document, bench.out)
    assert [case["case_id"] for case in document["cases"]] == ["a", "b"]
    ((source, words),) = [(e["source"], e["message"]) for e in document["errors"]]
    assert source == ""
    assert "8 slices of 2 cases" in words
    assert words.endswith(RESUME)
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
    assert told.splitlines()[-1].endswith(RESUME)
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

    def fill_up(output: Path, case_id: str, *rest: Any, **options: Any) -> Any:
        if case_id != "a":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(output, case_id, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr(predict_command, "write_masks", fill_up)
        status, document, _ = bench.run()
    assert status == 1
    assert [case["case_id"] for case in document["cases"]] == ["a"]
    (told,) = capsys.readouterr().err.splitlines()
    assert "No space left on device" in told
    assert "4 slices of 1 case" in told
    assert told.endswith(RESUME)
    status, document, slices = bench.run()
    assert (status, slices) == (0, 8)
    assert document == bench.fresh()
