"""``predict --task`` with an image task: every file is its own case."""

from __future__ import annotations

import argparse
import hashlib
import logging
import re
from collections.abc import Container, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.commands.locations import reading_limits, ready_engine
from pipeline.commands.prediction_call import PredictionCall
from pipeline.errors import InputError
from pipeline.image_tasks.answers import ImageAnswer, ImageClassifier, make_answer
from pipeline.image_tasks.image_jobs import ImagesOverview
from pipeline.image_tasks.models import ImageModelInfo, read_image_model
from pipeline.image_tasks.preprocessing import PREPROCESSING_VERSION
from pipeline.image_tasks.reading import SingleImage, read_single_images
from pipeline.predictions.checkpoint_checks import is_image
from pipeline.predictions.files import writing
from pipeline.predictions.folder import Entry, PredictionFolder
from pipeline.predictions.results import (
    ErrorRecord,
    ImageCaseRecord,
    ImageNetworks,
    ImageResults,
    ImageSliceRecord,
    NetworkRecord,
)
from pipeline.storage.atomic_files import write_bytes

_LOG = logging.getLogger(__name__)
_HEAT_MAPS = "heat_maps"
_OUR_PICTURE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*\.png")


def run(arguments: argparse.Namespace) -> int:
    """Answer what was given; returns 1 where any of it failed, with a sentence for each.

    Raises:
        InputError: The model cannot run, or the output folder cannot be written.
    """
    info = read_image_model(arguments.models, arguments.task)
    with PredictionFolder(arguments.output, ImageCaseRecord, again=arguments.again) as folder:
        describe = partial(describe_images, info)
        call = PredictionCall(folder, unit="image", group="", describe=describe)
        prediction = _ImagePrediction(arguments, call, info)
        return call.carry_out(prediction.run)


@dataclass(frozen=True, eq=False)
class _Read:
    """An image on its way to the model; ``image`` is None where an earlier call finished it."""

    entry: Entry[ImageCaseRecord]
    image: SingleImage | None

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return 0 if self.image is None else self.image.grey.nbytes


class _ImagePrediction:
    """The three stages for single images: decode, answer, write."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        call: PredictionCall[ImageCaseRecord],
        info: ImageModelInfo,
    ) -> None:
        self._arguments, self._call, self._folder = arguments, call, call.folder
        self._info = info
        self._classifier: ImageClassifier | None = None

    def run(self) -> None:
        """Do all of it.

        Raises:
            InputError: The model cannot run, or the output folder cannot be written.
        """
        self._call.run_stages(
            self._read(), self._answer, self._write, size_of=lambda read: read.size
        )
        entries = self._folder.finished()
        used = {file for entry in entries if entry.checkpoint for file in entry.checkpoint.files}
        with writing(self._folder.folder):
            _sweep(self._folder.folder, keep=used)

    def _read(self) -> Generator[_Read, None, None]:
        pictures = self._folder.folder / _HEAT_MAPS
        for number, image in enumerate(
            read_single_images(
                self._arguments.paths,
                passed_over=pictures,
                found=self._found,
                limits=reading_limits(self._arguments),
            )
        ):
            self._call.check_stop(0, 0, "")
            if isinstance(image, InputError):
                self._call.errors.append(((number,), image))
                self._call.forecast -= 1
                continue
            self._call.known += 1
            self._call.forecast -= 1
            entry = self._folder.enter(
                (number,), (image.case_id,), image.source, self._binding(image)
            )
            check = partial(
                is_image,
                case_id=image.case_id,
                source=image.source,
                classes=self._info.task.classes,
                cautions=self._info.task.cautions,
            )
            reused = self._folder.reuse(entry, check)
            entry.case_id = image.case_id
            yield _Read(entry, None if reused else image)

    def _found(self, found: ImagesOverview) -> None:
        call = self._call
        call.forecast, call.n_files = found.n_images, found.n_files
        call.notices = found.notices

    def _binding(self, image: SingleImage) -> list[object]:
        """All that the answer depends on."""
        info = self._info
        pixels = np.ascontiguousarray(image.grey)
        return [
            info.task.name,
            info.digest,
            info.input_size,
            info.temperature,
            PREPROCESSING_VERSION,
            [image.source, image.case_id, pixels.shape],
            hashlib.sha256(pixels.data).hexdigest(),
        ]

    def _answer(
        self, read: _Read
    ) -> tuple[SingleImage, Entry[ImageCaseRecord], ImageAnswer] | None:
        image, found = read.image, None
        if image is not None:
            self._classifier = self._classifier or _open(self._arguments)
            try:
                answer = make_answer(self._classifier, image.grey, source=image.source)
                found = (image, read.entry, answer)
            except Exception:  # whatever one image does to a library, the others keep their results
                _LOG.debug("image %s failed", image.case_id, exc_info=True)
                read.entry.failed = True
        self._call.done += 1
        self._call.advance(0, f"Answering {read.entry.case_id}")
        return found

    def _write(self, answered: tuple[SingleImage, Entry[ImageCaseRecord], ImageAnswer]) -> None:
        image, entry, answer = answered

        def write(output: Path) -> tuple[ImageCaseRecord, dict[str, str]]:
            name = f"{_HEAT_MAPS}/{image.case_id}.png"
            picture = answer.overlay_png()
            _write_picture(output / name, picture)
            digest = hashlib.sha256(picture).hexdigest()
            return describe_image(image, answer), {name: digest}

        self._folder.keep(entry, write)


def describe_images(
    info: ImageModelInfo, cases: Sequence[ImageCaseRecord], errors: Sequence[InputError]
) -> ImageResults:
    """The whole of results.json."""
    return ImageResults(
        task=info.task.name,
        models=ImageNetworks(NetworkRecord(info.name, info.digest)),
        cases=tuple(cases),
        errors=tuple(map(ErrorRecord.of, errors)),
    )


def describe_image(image: SingleImage, answer: ImageAnswer) -> ImageCaseRecord:
    """One case of results.json: one slice, its class, probabilities and saliency map."""
    record = ImageSliceRecord(
        index=1,
        source=image.source,
        answer=answer.answer,
        probabilities=dict(answer.probabilities),
        heat_map=f"{_HEAT_MAPS}/{image.case_id}.png",
    )
    return ImageCaseRecord(case_id=image.case_id, warnings=answer.cautions, slices=(record,))


def _open(arguments: argparse.Namespace) -> ImageClassifier:
    """Load the model, exported first where that is needed; ``auto`` falls back to Keras."""
    return ImageClassifier(
        arguments.models,
        arguments.task,
        engine=ready_engine(arguments),
        engine_dir=arguments.engine_dir,
        threads=arguments.threads,
    )


def _sweep(output: Path, *, keep: Container[str]) -> None:
    """Remove pictures that an earlier call left: they would pass for this one's."""
    folder = output / _HEAT_MAPS
    for path in list(folder.iterdir()) if folder.is_dir() else []:
        if _OUR_PICTURE.fullmatch(path.name) and f"{_HEAT_MAPS}/{path.name}" not in keep:
            path.unlink()


def _write_picture(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, content, durable=False)
