"""Options of a row: what they may be, and how a table shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from pipeline.classifiers.images import AUGMENTATIONS
from pipeline.storage.declared_models import DeclaredModel

Option = str | int | float | bool


class RowOptions(DeclaredModel):
    """Every option that a row may have; one that is not set is left to the training plan."""

    side: Annotated[int, Field(ge=32, le=1024)] | None = None
    batch_size: Annotated[int, Field(ge=1, le=1024)] | None = None
    learning_rate: Annotated[float, Field(ge=1e-8, le=10)] | None = None
    cosine: bool | None = None
    optimizer: Literal["sgd", "adam"] | None = None
    momentum: Annotated[float, Field(ge=0, le=1)] | None = None
    dropout: Annotated[float, Field(ge=0, le=0.95)] | None = None
    hidden: Annotated[int, Field(ge=0, le=8192)] | None = None
    normalise: bool | None = None
    flips: bool | None = None
    augmentation: Annotated[str, Field(pattern=f"^({'|'.join(AUGMENTATIONS)})$")] | None = None
    balanced: bool | None = None
    freeze_normalisation: bool | None = None
    patience: Annotated[int, Field(ge=1, le=1000)] | None = None
    precision: Literal["float32", "mixed_bfloat16"] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    repeats: Annotated[int, Field(ge=1, le=100)] | None = None
    folds: Annotated[int, Field(ge=2, le=100)] | None = None
    images: Annotated[int, Field(ge=1, le=100_000)] | None = None
    rounds: Annotated[int, Field(ge=1, le=10_000)] | None = None


def option_words(options: Mapping[str, Option]) -> dict[str, str | int | float]:
    """Options as a table shows them: switches are on or off."""
    words: dict[str, str | int | float] = {}
    for name, value in options.items():
        words[name] = ("on" if value else "off") if isinstance(value, bool) else value
    return words
