"""Answers one image as JSON: ``python -m pipeline.image_tasks.answering TASK FILE ...``.

Writes one JSON object, the answer or ``{"error": sentence}``, and nothing else, to standard output.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.engine.exports import SUFFIXES, is_exported
from pipeline.errors import InputError
from pipeline.image_tasks.answers import ImageClassifier, answer_image
from pipeline.image_tasks.models import read_image_model

_PROJECT = Path(__file__).resolve().parents[2]


def prepare_engine(models_dir: Path, engine_dir: Path, task: str) -> str:
    """Export a task's model in a process of its own where needed; returns the engine to use.

    Raises:
        InputError: No model of the task is installed.
    """
    info = read_image_model(models_dir, task)
    if any(is_exported(info, engine_dir, engine) for engine in SUFFIXES):
        return "auto"
    sys.stderr.write("Exporting the model for the fast engine; this is done once.\n")
    command = [sys.executable, "-m", "pipeline", "export", "--task", task]
    command += ["--models", str(models_dir.resolve()), "--engine-dir", str(engine_dir.resolve())]
    finished = subprocess.run(command, cwd=_PROJECT, stdout=sys.stderr, check=False)
    return "auto" if finished.returncode == 0 else "keras"


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.image_tasks.answering")
    parser.add_argument("task")
    parser.add_argument("file", type=Path)
    parser.add_argument("--source", required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--engine-dir", type=Path, required=True)
    given = parser.parse_args(arguments)
    try:
        engine = prepare_engine(given.models, given.engine_dir, given.task)
        classifier = ImageClassifier(
            given.models, given.task, engine=engine, engine_dir=given.engine_dir
        )
        answer = answer_image(given.task, given.file, source=given.source, classifier=classifier)
    except InputError as error:
        sys.stdout.write(json.dumps({"error": error.message}))
        return 1
    sys.stdout.write(json.dumps(answer.to_json(), allow_nan=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
