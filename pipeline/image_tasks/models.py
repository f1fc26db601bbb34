"""What is shipped for an image task: its network as `pipeline.models.registry` describes every one.

No runtime is imported here, so that the web process may use it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import InputError
from pipeline.image_tasks.evaluation import ImageEvaluation
from pipeline.image_tasks.preprocessing import PREPROCESSING_VERSION
from pipeline.image_tasks.registry import find_image_task
from pipeline.image_tasks.task import ImageTask
from pipeline.models.metadata import ImageMetadata
from pipeline.models.registry import (
    EVALUATION_FILE,
    METADATA_FILE,
    NetworkInfo,
    describe_folder,
    read_metadata,
    require,
)
from pipeline.storage.checked_json import read_json

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageModelInfo(NetworkInfo):
    """The shipped model of an image task.

    Attributes:
        task: The task.
        temperature: Of the calibration; 1 changes nothing.
        evaluation: evaluation.json, None where it is missing or not valid.
    """

    stages = ("whole",)

    metadata: ImageMetadata
    task: ImageTask
    temperature: float
    evaluation: ImageEvaluation | None = None
    channels: tuple[str, ...] = ("red", "green", "blue")

    @property
    def task_name(self) -> str:
        """Name of the task."""
        return self.task.name

    def split(self, model: keras.Model) -> tuple[keras.Model, ...]:
        """One stage: from pixels to probabilities and class activation maps."""
        from pipeline.classifiers.network import with_activations

        return (with_activations(model),)

    def make_samples(self) -> NDArray[np.float32]:
        """Pixels in [0, 255]."""
        from pipeline.classifiers.network import make_sample_images

        return make_sample_images(self.input_size)

    def fits(self, model: keras.Model) -> bool:
        """Whether the network takes pixels and has an output for each class."""
        classes = (None, len(self.task.classes))
        return super().fits(model) and [tuple(x.shape) for x in model.outputs] == [classes]


def read_image_model(models_dir: Path, task: str) -> ImageModelInfo:
    """Read what is shipped for a task.

    Raises:
        InputError: The task is unknown, or its metadata.json is missing or does not fit.
    """
    known = find_image_task(task)
    folder = Path(models_dir) / known.name / known.model_name
    shown = f"{known.name}/{folder.name}/{METADATA_FILE}"
    metadata = read_metadata(folder, ImageMetadata, task=known.name)
    require(metadata.classes == known.classes, shown, f"classes must be {', '.join(known.classes)}")
    require(metadata.input.fit == known.fit, shown, f"input.fit must be {known.fit}")
    version = PREPROCESSING_VERSION
    right = metadata.preprocessing_version == version
    require(right, shown, f"preprocessing_version must be {version}")
    return ImageModelInfo(
        **describe_folder(folder, metadata),
        metadata=metadata,
        task=known,
        input_size=metadata.input.size,
        temperature=metadata.calibration.temperature,
        evaluation=_read_evaluation(folder),
    )


def _read_evaluation(folder: Path) -> ImageEvaluation | None:
    """A file that is not valid must not stop the model: it is only shown."""
    shown = f"{folder.name}/{EVALUATION_FILE}"
    try:
        return read_json(
            folder / EVALUATION_FILE, ImageEvaluation, shown=shown, remedy="train the task again"
        )
    except InputError as error:
        _LOG.warning("%s", error.message)
        return None
