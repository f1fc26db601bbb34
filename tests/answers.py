"""Digests of everything that the pipeline answers, to show that a change leaves answers alone.

``python -m tests.answers record FILE`` before the change, ``python -m tests.answers compare FILE``
after it, on the same machine: runtimes round differently on other processors. Both analyse the
demo studies, with ``--data`` patients of the LGG set, and with ``--images`` pictures of the image
tasks. Sentences are left out: they may change.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipeline import (
    Analyser,
    Case,
    CaseResult,
    export_models,
    make_demo_studies,
    measure_lesions,
    read_cases,
)
from pipeline.engine.export import export_network
from pipeline.image_tasks.facade import (
    IMAGE_TASKS,
    ImageClassifier,
    ImageTask,
    answer_image,
    read_image_model,
)
from pipeline.image_tasks.reading import read_grey_bytes

_ROOT = Path(__file__).resolve().parents[1]
_MODELS = _ROOT / "models"


def main(argv: Sequence[str] | None = None) -> int:
    """Record or compare; returns 1 where an answer differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.answers", description=__doc__)
    parser.add_argument("action", choices=("record", "compare"))
    parser.add_argument("file", type=Path, help="JSON file of the digests")
    parser.add_argument("--data", type=Path, help="folder of LGG patients; none by default")
    parser.add_argument("--patients", type=int, default=5, help="how many of them (default 5)")
    parser.add_argument("--images", type=Path, help="folder of the image tasks' data sets")
    parser.add_argument("--pictures", type=int, default=6, help="how many per class (default 6)")
    parser.add_argument("--engine-dir", type=Path, help="where exported models are kept")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        engine_dir = arguments.engine_dir or Path(scratch) / "engine"
        found = digest_answers(
            find_studies(Path(scratch), arguments.data, arguments.patients), engine_dir=engine_dir
        )
        if arguments.images is not None:
            for task in IMAGE_TASKS.values():
                pictures = find_pictures(task, arguments.images, arguments.pictures)
                found |= digest_pictures(task, pictures, engine_dir=engine_dir)
    if arguments.action == "record":
        arguments.file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        sys.stdout.write(f"{len(found)} cases recorded in {arguments.file}\n")
        return 0
    differences = compare(json.loads(arguments.file.read_text(encoding="utf-8")), found)
    for sentence in differences:
        sys.stdout.write(f"{sentence}\n")
    sys.stdout.write(f"{len(found)} cases compared, {len(differences)} differences\n")
    return 1 if differences else 0


def find_studies(scratch: Path, data: Path | None, patients: int) -> list[Path]:
    """Folders of the studies: the demo studies, then every n-th LGG patient by name."""
    demo = scratch / "demo"
    make_demo_studies(demo)
    studies = sorted(path for path in demo.iterdir() if path.is_dir())
    if data is not None:
        folders = sorted(path for path in data.glob("**/TCGA_*") if path.is_dir())
        step = max(len(folders) // patients, 1)
        studies += folders[::step][:patients]
    return studies


def digest_answers(studies: Sequence[Path], *, engine_dir: Path) -> dict[str, dict[str, Any]]:
    """Analyse studies and return the digests of each case by its name."""
    export_models(_MODELS, engine_dir)
    analyser = Analyser(_MODELS, precision="f32", engine_dir=engine_dir)
    return {
        f"{folder.name}/{case.case_id}": digest_result(case, analyser.analyse(case))
        for folder, case in _read(studies)
    }


def digest_result(case: Case, result: CaseResult) -> dict[str, Any]:
    """Digests of arrays, and every number of an answer to the last bit (hexadecimal floats)."""
    measured = measure_lesions(result.masks(), result.spacing_mm)
    lesions = [
        [
            *(lesion.number, lesion.voxels, lesion.slices, lesion.position, lesion.measurable),
            *(
                _exact(number)
                for chord in (lesion.longest, lesion.perpendicular)
                for number in (chord.x1, chord.y1, chord.x2, chord.y2, chord.length)
            ),
        ]
        for lesion in measured.lesions
    ]
    return {
        "pixels": case.content_digest(),
        "probability": _digest(result.probability),
        "disagreement": _digest(result.uncertainty),
        "masks": _digest(result.masks()),
        "slices": _digest_text(
            [
                (
                    slice_.index,
                    _exact(slice_.slice_score),
                    slice_.tumor,
                    _exact(slice_.classifier_score),
                    _exact(slice_.outline_evidence),
                    slice_.decided_by,
                    slice_.mask_area_px,
                    _exact(slice_.dice),
                    slice_.left_out_px,
                )
                for slice_ in result.slices
            ]
        ),
        "thresholds": [_exact(result.operating_point), _exact(result.mask_threshold)],
        "volume_ml": _exact(result.volume_ml),
        "dice": _exact(result.dice),
        "expected_dice": _exact(result.facts.expected_dice),
        "lesions": _digest_text([measured.unit, measured.not_measured, lesions]),
    }


def find_pictures(task: ImageTask, folder: Path, count: int) -> list[Path]:
    """Every n-th picture by name of each class of a task.

    Args:
        task: The task.
        folder: Holds the task's data set, a folder with one folder per class.
        count: How many pictures of each class.

    Raises:
        ValueError: No folder has the task's classes.
    """
    for candidate in sorted(path for path in folder.iterdir() if path.is_dir()):
        if all((candidate / name).is_dir() for name in task.classes):
            classes = [sorted((candidate / name).iterdir()) for name in task.classes]
            return [path for files in classes for path in files[:: max(len(files) // count, 1)]]
    raise ValueError(f"no folder in {folder} has the classes of {task.name}")


def digest_pictures(
    task: ImageTask, pictures: Sequence[Path], *, engine_dir: Path
) -> dict[str, dict[str, Any]]:
    """Answer pictures of a task and return the digests of each answer."""
    export_network(read_image_model(_MODELS, task.name), engine_dir)
    classifier = ImageClassifier(_MODELS, task.name, engine_dir=engine_dir)
    return {
        f"{task.name}/{path.parent.name}/{path.name}": digest_picture(path, task, classifier)
        for path in pictures
    }


def digest_picture(path: Path, task: ImageTask, classifier: ImageClassifier) -> dict[str, Any]:
    """Class, probabilities to the last bit, and digests of heat map and pictures of an answer."""
    content = path.read_bytes()
    result = classifier.classify(read_grey_bytes(content, path.name))
    answer = answer_image(task.name, content, source=path.name, classifier=classifier)
    return {
        "class": answer.answer,
        "probabilities": [_exact(value) for value in answer.probabilities.values()],
        "heat": _digest(result.heat),
        "image": _digest_picture(answer.image_png()),
        "heat_png": _digest_picture(answer.heat_png()),
        "overlay": _digest_picture(answer.overlay_png()),
    }


def _digest_picture(png: bytes) -> str:
    """Digest of a picture's pixels: how they are compressed may change."""
    return _digest(np.asarray(Image.open(io.BytesIO(png))))


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """One sentence per case or figure that differs."""
    sentences = [f"{name}: not analysed any more" for name in before if name not in after]
    sentences += [f"{name}: not recorded before" for name in after if name not in before]
    for name in before:
        for key in before[name]:
            found = after.get(name, {}).get(key)
            if name in after and json.loads(json.dumps(found)) != before[name][key]:
                sentences.append(f"{name}: {key} was {before[name][key]}, is {found}")
    return sentences


def _read(studies: Sequence[Path]) -> Iterator[tuple[Path, Case]]:
    for folder in studies:
        for case in read_cases([folder]).cases:
            yield folder, case


def _exact(value: float | None) -> str | None:
    return None if value is None else float(value).hex()


def _digest(values: np.ndarray) -> str:
    head = f"{values.dtype.str} {values.shape} ".encode()
    return hashlib.sha256(head + np.ascontiguousarray(values).tobytes()).hexdigest()


def _digest_text(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
