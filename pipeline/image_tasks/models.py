"""What is shipped for an image task: its network as `pipeline.models.registry` describes every one.

No runtime is imported here, so that the web process may use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.image_tasks.preprocessing import PREPROCESSING_VERSION
from pipeline.image_tasks.registry import find_image_task
from pipeline.image_tasks.task import ImageTask
from pipeline.models.registry import NetworkInfo, read_common, read_evaluation, read_metadata

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

METADATA_SCHEMA = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageModelInfo(NetworkInfo):
    """The shipped model of an image task.

    Attributes:
        task: The task.
        temperature: Of the calibration; 1 changes nothing.
        evaluation: All of evaluation.json, None where it is missing or damaged.
    """

    stages = ("whole",)

    task: ImageTask
    temperature: float
    evaluation: Mapping[str, Any] | None = None
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
    fields = read_metadata(folder, task=known.name, schema=METADATA_SCHEMA)
    fit, version = known.fit.value, PREPROCESSING_VERSION
    fields.require(
        fields.texts("classes") == known.classes, f"classes must be {', '.join(known.classes)}"
    )
    fields.require(fields.mapping("input").get("fit") == fit, f"fit must be {fit}")
    fields.require(
        fields.get("preprocessing_version") == version, f"preprocessing_version must be {version}"
    )
    return ImageModelInfo(
        **read_common(folder, fields),
        task=known,
        temperature=fields.mapping("calibration").number("temperature", 0.05, 50),
        evaluation=read_evaluation(folder),
    )
