"""What an image task is: its classes, how an image is fitted to the network, what must be said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from pipeline.storage.field_types import Text


class Fit(StrEnum):
    """How an image of any shape becomes the network's square."""

    #: Dark margins are cut off, the rest is padded to a square: margins differ between files.
    CONTENT = "content"
    #: The whole image is stretched: no bars that would show the network the image's shape.
    WHOLE = "whole"


@dataclass(frozen=True)
class Published:
    """A figure that was published for the task.

    Attributes:
        label: The system.
        figure: Its figure in words, such as ``accuracy 86%``.
        source: Who says so, and on what.
    """

    label: Text
    figure: Text
    source: Text


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the shipped model of a task is trained; see `pipeline.classifiers.training`.

    What has a default is the same for the tasks so far.

    Attributes:
        architecture: Name of the base.
        epochs, batch_size, learning_rate, dropout, seed: As their names say; Adam on a cosine.
        flips: Whether left and right may be mirrored: a heart has a side.
        images_per_group: At most so many images of one group are learned from, so that a patient
            with many images does not stand for a whole class.
        repeats: Repeats of the five folds that the recipe is measured on.
    """

    architecture: str = "mobilenetv2"
    epochs: int
    batch_size: int = 16
    learning_rate: float = 5e-4
    dropout: float = 0.3
    flips: bool
    images_per_group: int
    repeats: int = 2
    seed: int = 20261121


@dataclass(frozen=True, kw_only=True)
class HeadRecipe:
    """How a model is made whose base is shipped already: only a logistic head is fitted.

    See `pipeline.image_tasks.heads`.

    Attributes:
        architecture: Name of the base.
        variants: Changed copies of each training image, besides itself and its mirror image.
        repeats: Repeats of the five folds that the recipe is measured on.
        seed: Of the changed copies and of the inner folds.
    """

    architecture: str
    variants: int = 4
    repeats: int = 5
    seed: int = 20261121


@dataclass(frozen=True, kw_only=True)
class ImageTask:
    """One task; everything that differs between tasks is here.

    Attributes:
        name: Name in commands, in ``models/`` and in results.
        title: Title for readers.
        classes: Class names, as the data set's folders are called, in the network's order.
        class_titles: How each class is called for readers, same order.
        fit: How images are fitted to the square.
        input_size: Side of the network's input in pixels.
        near_duplicate_ncc: Normalised cross-correlation after registration from which two images
            count as the same picture; see `pipeline.image_tasks.duplicates`.
        group_patterns: What of a file's name identifies a patient or a publication: where a pattern
            matches at the start, its first group names the group.
        data_name: The data set, for readers.
        data_licence: Its licence.
        cautions: Sentences that stand wherever a figure or an answer of the task is shown.
        published: Figures of others.
        recipe: How the shipped model is trained.
        version: Of the shipped model.
        mirrored: Whether the answers to an image and to its mirror image are averaged.
        weights_licence: What the weights derive from besides the data; "" where from nothing else.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    class_titles: tuple[str, ...]
    fit: Fit
    input_size: int = 160
    near_duplicate_ncc: float
    group_patterns: tuple[re.Pattern[str], ...]
    data_name: str
    data_licence: str
    cautions: tuple[str, ...]
    published: tuple[Published, ...]
    recipe: Recipe | HeadRecipe
    version: str = "1.0.0"
    mirrored: bool = False
    weights_licence: str = ""

    def __post_init__(self) -> None:
        if len(self.classes) < 2 or len(self.classes) != len(self.class_titles):
            raise ValueError(
                "a task needs two classes or more and a title for each, got "
                f"{self.classes} and {self.class_titles}"
            )

    @property
    def model_name(self) -> str:
        """The shipped model, and its folder below ``models/<name>/``: the recipe's architecture."""
        return self.recipe.architecture

    def group_of(self, file_name: str) -> str | None:
        """Patient or publication in the file's name, None where no pattern finds one."""
        for pattern in self.group_patterns:
            match = pattern.match(file_name)
            if match is not None:
                return match.group(1)
        return None
