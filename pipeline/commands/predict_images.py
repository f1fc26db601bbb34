"""``predict --task brain-mri|chest-xray``: every file is its own case."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.atomic_files import replacing, write_json
from pipeline.commands.console import complain, say
from pipeline.commands.prediction_files import SCHEMA, PredictionFolder, writing
from pipeline.engine.selection import fastest_engine
from pipeline.errors import InputError
from pipeline.image_tasks.answering import make_answer, prepare_engine
from pipeline.image_tasks.classifier import ImageClassifier
from pipeline.image_tasks.facade import ImageAnswer
from pipeline.image_tasks.models import ImageModelInfo, read_image_model
from pipeline.image_tasks.reading import SingleImage, read_single_images

_HEAT_MAPS = "heat_maps"
_OUR_PICTURE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*\.png")


def run(arguments: argparse.Namespace) -> int:
    """Answer what was given; returns 1 where any of it failed, and tells each in a sentence.

    Raises:
        InputError: The model cannot run, or the output folder cannot be written.
    """
    info = read_image_model(arguments.models, arguments.task)
    output: Path = arguments.output
    PredictionFolder(output)  # makes the folder, or says why it cannot be written
    with writing(output):
        _clear(output / _HEAT_MAPS)
    cases: list[dict[str, Any]] = []
    errors: list[InputError] = []
    classifier: ImageClassifier | None = None
    for image in read_single_images(arguments.paths, passed_over=output / _HEAT_MAPS):
        if isinstance(image, InputError):
            errors.append(image)
            continue
        classifier = classifier or _open(arguments)
        answer = make_answer(classifier, image.grey, source=image.source)
        cases.append(describe_image(image, answer))
        with writing(output):
            _write_picture(output / _HEAT_MAPS / f"{image.case_id}.png", answer.overlay_png)
    with writing(output):
        write_json(output / "results.json", describe_images(info, cases, errors))
    for error in errors:
        complain(error.message)
    say(f"Results are in {output / 'results.json'}")
    return 1 if errors else 0


def describe_images(
    info: ImageModelInfo, cases: Sequence[dict[str, Any]], errors: Sequence[InputError]
) -> dict[str, Any]:
    """The whole of results.json, in the form of every task."""
    return {
        "schema": SCHEMA,
        "task": info.task.name,
        "models": {"classifier": {"name": info.name, "digest": info.digest}},
        "cases": list(cases),
        "errors": [{"source": error.source, "message": error.message} for error in errors],
    }


def describe_image(image: SingleImage, answer: ImageAnswer) -> dict[str, Any]:
    """One case of results.json: one slice, its class, probabilities and heat map.

    What only a volume with an outline has is None.
    """
    return {
        "case_id": image.case_id,
        "spacing_mm": None,
        "tumor": None,
        "volume_ml": None,
        "dice": None,
        "warnings": list(answer.cautions),
        "slices": [
            {
                "index": 1,
                "source": image.source,
                "class": answer.answer,
                "probabilities": dict(answer.probabilities),
                "heat_map": f"{_HEAT_MAPS}/{image.case_id}.png",
            }
        ],
    }


def _open(arguments: argparse.Namespace) -> ImageClassifier:
    """Load the model, exported first where that is needed; ``auto`` falls back to Keras."""
    engine = fastest_engine(arguments.engine)
    if engine == "openvino":
        engine = prepare_engine(arguments.models, arguments.engine_dir, arguments.task)
    if engine == "keras" and arguments.engine not in ("auto", "keras"):
        raise InputError("", "The model could not be exported for the engine openvino.")
    return ImageClassifier(
        arguments.models,
        arguments.task,
        engine=engine,
        engine_dir=arguments.engine_dir,
        threads=arguments.threads,
    )


def _clear(folder: Path) -> None:
    """Remove what an earlier call left: it would pass for this one's."""
    if folder.is_dir():
        for path in folder.iterdir():
            if _OUR_PICTURE.fullmatch(path.name):
                path.unlink()


def _write_picture(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft:
        draft.write_bytes(content)
