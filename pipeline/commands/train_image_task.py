"""``train-image-task``: measure a task's recipe on folds, train the model to ship, write both."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.commands.console import ProgressBar, complain, say
from pipeline.commands.locations import PROJECT, positive
from pipeline.errors import InputError
from pipeline.image_tasks.registry import IMAGE_TASKS, find_image_task

if TYPE_CHECKING:
    from pipeline.image_tasks.dataset import ImageSet

#: Images that are answered one by one to measure how long an answer takes.
_TIMED_IMAGES = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument("task", choices=tuple(IMAGE_TASKS), metavar="TASK", help="the image task")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="folder with one folder per class"
    )
    parser.add_argument(
        "--run",
        type=Path,
        required=True,
        metavar="DIR",
        help="state of the run; an interrupted run resumes from it",
    )
    parser.add_argument(
        "--pretrained", type=Path, metavar="DIR", help="folder of ImageNet weights (.npz)"
    )
    parser.add_argument(
        "--repeats", type=positive, metavar="N", help="repeats of the folds (default: the recipe's)"
    )
    parser.add_argument(
        "--models",
        type=Path,
        default=PROJECT / "models",
        metavar="DIR",
        help="receives TASK/NAME (default: models)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Train; returns the exit status.

    Raises:
        InputError: The data or weights cannot be read.
    """
    task = find_image_task(arguments.task)
    if arguments.pretrained is not None and not arguments.pretrained.is_dir():
        name = arguments.pretrained.name
        raise InputError(name, f"There is no folder {name}; --pretrained takes a folder.")
    arguments.run.mkdir(parents=True, exist_ok=True)  # refused now rather than after a fold
    from pipeline.models.quiet_keras import import_keras

    import_keras()
    from pipeline.image_tasks.dataset import read_image_set
    from pipeline.image_tasks.shipping import write_shipped
    from pipeline.image_tasks.training import fit_final, measure_recipe

    image_set = read_image_set(task, arguments.data)
    complain(
        f"{len(image_set.files)} images, {image_set.n_groups} groups of one patient or image;"
        f" {len(image_set.errors)} files could not be read."
    )
    with ProgressBar("fold") as bar:
        measured = measure_recipe(
            image_set,
            arguments.pretrained,
            arguments.run,
            repeats=arguments.repeats,
            progress=bar,
        )
    with ProgressBar("epoch") as bar:
        fitted = fit_final(image_set, arguments.pretrained, arguments.run, progress=bar)
    folder = arguments.models / task.name / task.model_name
    write_shipped(
        folder, image_set, fitted, measured, environment=_environment(image_set, fitted.model)
    )
    say(f"The model and its figures are in {folder}")
    return 0


def _environment(image_set: ImageSet, model: object) -> dict[str, str | float]:
    """Where it was measured, and how long one answer takes with its saliency map."""
    import numpy as np

    from pipeline.classifiers.network import with_activations
    from pipeline.engine.grad_cam import scale_map
    from pipeline.engine.keras_engine import KerasStage
    from pipeline.evaluation.evaluate import describe_environment

    network = KerasStage(with_activations(model))
    batch = image_set.labelled.images[:_TIMED_IMAGES].astype(np.float32)
    network.predict([batch[:1]])
    began = time.perf_counter()
    for pixels in batch:
        _, activations = network.predict([pixels[None]])
        if image_set.task.mirrored:
            network.predict([np.ascontiguousarray(pixels[None, :, ::-1])])
        scale_map(activations[0, ..., 0])
    seconds = (time.perf_counter() - began) / len(batch)
    command = f"python -m pipeline train-image-task {image_set.task.name} --data DIR --run DIR"
    environment = describe_environment("keras f32", command=command, draws=0)
    return {**environment, "seconds_per_image": round(seconds, 3)}
