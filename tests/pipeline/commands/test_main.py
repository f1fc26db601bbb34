"""The command line's frame: help, exit status, what is imported when."""

import subprocess
import sys
from pathlib import Path

import pytest
from fake_models import write_metadata
from tiny_images import TASK as IMAGE_TASK
from tiny_images import write_shipped

from pipeline.__main__ import COMMANDS, main
from pipeline.commands import locations
from pipeline.errors import InputError

ROOT = Path(__file__).resolve().parents[3]


def test_help_lists_every_command_without_importing_what_is_heavy() -> None:
    program = (
        "import sys; from pipeline.__main__ import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'numpy', 'cv2', 'keras', 'tensorflow', 'openvino', 'scipy'}\n"
        "print('imported:', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    first_words = {line.split()[0] for line in done.stdout.splitlines() if line.strip()}
    assert set(COMMANDS) <= first_words
    assert done.stdout.endswith("imported: []\n")


@pytest.mark.parametrize("command", [*COMMANDS])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"python -m pipeline {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["diagnose"],
        ["predict"],
        ["predict", "x.png"],
        ["predict", "x.png", "--output", "out", "--task", "knee"],
        ["predict", "x.png", "--output", "out", "--engine", "abacus"],
        ["predict", "x.png", "--output", "out", "--threads", "0"],
        ["predict", "x.png", "--output", "out", "--threads", "1.5"],
        ["predict", "x.png", "--output", "out", "--file-memory-mb", "9" * 30],
        ["evaluate", "--output", "out"],
        ["evaluate", "--data", "a", "--demo", "b", "--output", "out"],
        ["train", "gate"],
        ["export", "--unknown"],
    ],
)
def test_wrong_usage_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: python -m pipeline" in capsys.readouterr().err


def test_bad_input_is_one_sentence_and_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["export", "--models", str(tmp_path), "--engine-dir", str(tmp_path)])
    assert status == 1
    told = capsys.readouterr()
    missing = "brain-tumor/resunet-resnet18/metadata.json is missing"
    assert told.err == f"{missing}: no model of this task is installed.\n"
    assert told.out == ""


def test_an_interruption_ends_with_130(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.engine.export.export_network", interrupt)
    write_metadata(tmp_path)
    assert main(["export", "--models", str(tmp_path)]) == 130


def test_a_folder_that_the_system_refuses_is_one_sentence_and_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["demo", str(tmp_path / "file" / "demo")]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"{tmp_path}/file/demo cannot be read or written: Not a directory." in said


def test_the_workspace_holds_the_exported_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERREAD_HOME", "/somewhere")
    assert locations.default_engine_dir() == Path("/somewhere/engine")
    monkeypatch.delenv("OVERREAD_HOME")
    assert locations.default_engine_dir() == ROOT / "workspace" / "engine"


@pytest.mark.parametrize("task", ["brain-tumor", IMAGE_TASK])
@pytest.mark.parametrize(
    ("engine", "status", "expected"),
    [
        ("auto", 0, "openvino"),
        ("auto", 1, "keras"),
        ("openvino", 0, "openvino"),
        ("keras", 1, "keras"),
    ],
)
def test_models_are_exported_when_they_are_needed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
    status: int,
    expected: str,
    task: str,
) -> None:
    asked: list[list[str]] = []

    def export(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, status)

    monkeypatch.setattr("subprocess.run", export)
    write_metadata(tmp_path)
    write_shipped(tmp_path)
    arguments = make_arguments(tmp_path, engine, task)
    assert locations.ready_engine(arguments) == expected
    assert len(asked) == (engine != "keras")
    if asked:
        assert asked[0][1:6] == ["-m", "pipeline", "export", "--task", task]


def test_an_engine_that_was_asked_for_by_name_does_not_fall_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locations, "export_in_own_process", lambda _: 1)
    write_metadata(tmp_path)
    with pytest.raises(InputError, match="could not be exported for the engine openvino"):
        locations.ready_engine(make_arguments(tmp_path, "openvino"))


def make_arguments(folder: Path, engine: str, task: str = "brain-tumor") -> object:
    from argparse import Namespace

    return Namespace(models=folder, engine_dir=folder / "engine", engine=engine, task=task)


def test_a_reader_that_had_enough_is_no_error() -> None:
    """As `... --list | head -1`: the pipe is closed before all lines are written."""
    program = [sys.executable, "-m", "pipeline", "experiment", "lgg-slices", "--list"]
    with subprocess.Popen(
        program, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None and running.stderr is not None
        running.stdout.close()
        told = running.stderr.read()
        assert (running.wait(), told) == (0, "")
