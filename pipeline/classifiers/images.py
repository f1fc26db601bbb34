"""Labelled images, and what training does to them at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images of one size with their classes.

    Attributes:
        images: ``(n, h, w, 3)`` uint8, RGB.
        labels: ``(n,)`` whole numbers, places in `classes`.
        groups: ``(n,)`` what must not be parted, such as patients or near-duplicates.
        classes: Names of the classes.
    """

    images: Pixels
    labels: NDArray[np.intp]
    groups: NDArray[np.intp] | NDArray[np.str_]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.shape[-1] != 3 or self.images.dtype != np.uint8:
            raise ValueError(f"images must be (n, h, w, 3) uint8, got {self.images.shape}")
        if not len(self.images) == len(self.labels) == len(self.groups):
            raise ValueError("images, labels and groups must be equally many")
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            raise ValueError(f"labels must be 0 to {len(self.classes) - 1}")

    def __len__(self) -> int:
        return len(self.images)

    def pick(self, chosen: NDArray[np.bool_] | NDArray[np.intp] | Sequence[int]) -> LabelledImages:
        """Some of the images, by mask or by place."""
        places = np.asarray(chosen) if len(chosen) else np.zeros(0, np.intp)
        return LabelledImages(
            self.images[places], self.labels[places], self.groups[places], self.classes
        )


@dataclass(frozen=True)
class Augmentation:
    """Random changes to training images; as it stands, none.

    Attributes:
        flips: Mirror every other image left to right.
        rotation_degrees: Largest rotation to either side.
        scale: Largest change of size, a part of 1.
        shift: Largest shift, a part of the side.
        contrast: Largest change of contrast, a part of 1, and of brightness, a part of 255.
        variants: How many changed copies are kept where the base is frozen and its features are
            computed once, the unchanged one included.
    """

    flips: bool = False
    rotation_degrees: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    contrast: float = 0.0
    variants: int = 1

    @property
    def none(self) -> bool:
        """True where nothing is changed."""
        return not (self.flips or self.warps or self.contrast)

    @property
    def warps(self) -> bool:
        """True where images are rotated, scaled or shifted."""
        return bool(self.rotation_degrees or self.scale or self.shift)


NONE = Augmentation()
FLIPS = Augmentation(flips=True, variants=2)
FULL = Augmentation(
    flips=True, rotation_degrees=15, scale=0.1, shift=0.06, contrast=0.15, variants=6
)
#: What configurations call them.
AUGMENTATIONS = {"none": NONE, "flips": FLIPS, "full": FULL}


def augment_image(image: Pixels, augmentation: Augmentation, rng: np.random.Generator) -> Pixels:
    """Change one image ``(h, w, 3)`` at random; the borders repeat the image's edge."""
    if augmentation.flips and rng.random() < 0.5:
        image = image[:, ::-1]
    if augmentation.warps:
        height, width = image.shape[:2]
        angle = rng.uniform(-1, 1) * augmentation.rotation_degrees
        size = 1 + rng.uniform(-1, 1) * augmentation.scale
        middle = (width / 2 - 0.5, height / 2 - 0.5)
        matrix = np.asarray(cv2.getRotationMatrix2D(middle, angle, size), np.float64)
        matrix[:, 2] += rng.uniform(-1, 1, 2) * augmentation.shift * (width, height)
        warped = cv2.warpAffine(
            np.ascontiguousarray(image), matrix, (width, height), borderMode=cv2.BORDER_REPLICATE
        )
        image = warped.astype(np.uint8, copy=False)
    if augmentation.contrast:
        gain, offset = 1 + rng.uniform(-1, 1, 2) * augmentation.contrast
        changed = image.astype(np.float32) * gain + (offset - 1) * 255
        image = np.clip(np.rint(changed), 0, 255).astype(np.uint8)
    return image


def make_variant(
    images: Pixels, augmentation: Augmentation, number: int, *, seed: int = 0
) -> Pixels:
    """The changed copy of all images with a number, the same for the same seed.

    Number 0 is the images themselves; where only flips are asked for, number 1 is their mirror.
    """
    if number == 0 or augmentation.none:
        return images
    if not augmentation.warps and not augmentation.contrast:
        return np.ascontiguousarray(images[:, :, ::-1])
    rng = np.random.default_rng((seed, number))
    return np.stack([augment_image(image, augmentation, rng) for image in images])


def resize_images(images: Pixels, side: int) -> Pixels:
    """Bring images to ``(n, side, side, 3)``; smaller by area, larger linearly."""
    height, width = images.shape[1:3]
    if (height, width) == (side, side):
        return images
    method = cv2.INTER_AREA if side < min(height, width) else cv2.INTER_LINEAR
    resized = [cv2.resize(image, (side, side), interpolation=method) for image in images]
    return (
        np.stack(resized).astype(np.uint8, copy=False)
        if resized
        else (np.zeros((0, side, side, 3), np.uint8))
    )
