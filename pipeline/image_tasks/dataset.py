"""A folder with one folder per class, read into memory, with its groups."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.classifiers.images import LabelledImages
from pipeline.data.reading.format_kinds import ImageFormat, InputFile
from pipeline.data.reading.formats import read_format
from pipeline.errors import InputError
from pipeline.image_tasks.duplicates import find_similar_pairs, join_groups
from pipeline.image_tasks.image_jobs import read_grey
from pipeline.image_tasks.preprocessing import prepare_image
from pipeline.image_tasks.task import ImageTask

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ImageSet:
    """A read data set.

    Attributes:
        task: What it is for.
        files: Each image's path below the folder, with forward slashes.
        labelled: The images ``(n, size, size, 3)``, prepared for the network, with their classes
            and groups: what must stay on one side of a split.
        errors: One sentence per file that could not be read.
    """

    task: ImageTask
    files: tuple[str, ...]
    labelled: LabelledImages
    errors: tuple[InputError, ...] = ()

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(np.unique(self.labelled.groups))


def read_image_set(task: ImageTask, folder: Path, *, size: int | None = None) -> ImageSet:
    """Read a data set: one folder per class; formats are known by content, other files left out.

    Args:
        task: The task, whose classes are the folders' names.
        folder: The data set.
        size: Side of the squares; None takes the task's.

    Raises:
        InputError: A class's folder is missing or holds no image.
    """
    files: list[str] = []
    labels: list[int] = []
    greys: list[NDArray[np.float32]] = []
    errors: list[InputError] = []
    for label, name in enumerate(task.classes):
        before = len(files)
        for file in _images_in(folder, name):
            try:
                grey = read_grey(file)
            except InputError as error:
                _LOG.warning("%s", error.message)
                errors.append(error)
                continue
            files.append(file.source)
            labels.append(label)
            greys.append(grey)
        if len(files) == before:
            raise InputError(name, f"There is no image in the folder {name} of {folder.name}.")
    pairs = find_similar_pairs(greys, at_least=task.near_duplicate_ncc)
    names = [task.group_of(source.rsplit("/", 1)[-1]) for source in files]
    side = size or task.input_size
    return ImageSet(
        task=task,
        files=tuple(files),
        labelled=LabelledImages(
            images=np.stack([prepare_image(g, fit=task.fit, size=side).pixels for g in greys]),
            labels=np.array(labels, np.intp),
            groups=join_groups(len(files), pairs, names),
            classes=task.classes,
        ),
        errors=tuple(errors),
    )


def _images_in(folder: Path, name: str) -> list[InputFile]:
    try:
        paths = sorted(path for path in (folder / name).iterdir() if path.is_file())
        formats = [read_format(path) for path in paths]
    except OSError:
        raise InputError(name, f"The folder {name} is missing from {folder.name}.") from None
    return [
        InputFile(path, f"{name}/{path.name}", "", "", found)
        for path, found in zip(paths, formats, strict=True)
        if isinstance(found, ImageFormat)
    ]
