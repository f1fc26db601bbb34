"""A resumable `fit` with history, and the files that are shipped."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import keras

from pipeline.data.preprocessing import INPUT_CHANNELS, PREPROCESSING_VERSION
from pipeline.datasets.splits import SliceSplit, Split
from pipeline.engine.speed_probe import computes_bfloat16, instruction_sets
from pipeline.errors import InputError
from pipeline.models.decision import DecisionRule
from pipeline.models.metadata import (
    SIDE_MULTIPLE_PX,
    DataFacts,
    InferenceOptions,
    PlattScaling,
    SliceInput,
    SplitFacts,
    TrainingFacts,
    TwoStageMetadata,
)
from pipeline.models.quiet_keras import has_gpu
from pipeline.models.registry import DEFAULT_TASK, HISTORY_FILE, METADATA_FILE, MODEL_FILE
from pipeline.models.saving import describe_backend
from pipeline.storage.checked_json import write_document
from pipeline.training.batches import StageBatches
from pipeline.training.learning_set import LearningSet, resolve_split
from pipeline.training.schedules import make_cosine_schedule


@dataclass(frozen=True)
class TrainingPlan:
    """One training run.

    Attributes:
        data: Folder of the LGG set.
        output: Folder that receives the model and the run's state.
        epochs: Passes of ``steps`` batches.
        steps: Batches per epoch.
        batch_size: Slices per batch.
        tumor_slices: Slices with tumor per batch.
        learning_rate: Peak of the schedule.
        seed: Seed of initial weights, draws and augmentation.
        precision: Keras dtype policy, ``float32`` or ``mixed_bfloat16``.
        pretrained: Folder of ImageNet weights (.npz) to start from, or None.
        crop: Side of the training crops in pixels, None for whole slices.
        split: Who learns and who chooses.
    """

    data: Path
    output: Path
    epochs: int
    steps: int
    batch_size: int
    tumor_slices: int
    learning_rate: float
    seed: int
    precision: str
    pretrained: Path | None
    crop: int | None
    split: Split | SliceSplit

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            InputError: One is out of its range.
        """
        required = {
            "number of epochs must be 1 or more": self.epochs >= 1,
            "number of steps must be 1 or more": self.steps >= 1,
            "batch size must be 2 or more: one slice with tumor and one without": (
                0 < self.tumor_slices < self.batch_size
            ),
            "learning rate must be above 0": 0 < self.learning_rate < math.inf,
            "seed must be 0 to 4,294,967,295": 0 <= self.seed < 2**32,
            f"side of the crops must be a multiple of {SIDE_MULTIPLE_PX}": self.crop is None
            or (self.crop > 0 and self.crop % SIDE_MULTIPLE_PX == 0),
        }
        for sentence, is_met in required.items():
            if not is_met:
                raise InputError("", f"The {sentence}.")

    @classmethod
    def from_arguments(cls, arguments: argparse.Namespace, *, tumor_share: float) -> TrainingPlan:
        """The run that a command line asks for; ``tumor_share`` of each batch holds tumor.

        Raises:
            InputError: There is no such fold or institution, or a number is out of its range.
        """
        split = resolve_split(
            arguments.data,
            fold=arguments.fold,
            without=arguments.without,
            by_slice=arguments.by_slice,
        )
        named = {f.name: getattr(arguments, f.name) for f in fields(cls) if f.name in arguments}
        tumor_slices = round(arguments.batch_size * tumor_share)
        return cls(**named, tumor_slices=tumor_slices, split=split)


def prepare(plan: TrainingPlan) -> None:
    """Make the output folder, fix seeds and precision."""
    cv2.setNumThreads(1)  # one slice at a time; the cores are the network's
    plan.output.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(plan.seed)
    keras.config.set_dtype_policy(plan.precision)


def make_optimizer(plan: TrainingPlan, *, weight_decay: float) -> keras.optimizers.Optimizer:
    """AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) on the plan's cosine schedule."""
    schedule = make_cosine_schedule(peak=plan.learning_rate, total_steps=plan.epochs * plan.steps)
    return keras.optimizers.AdamW(schedule, weight_decay=weight_decay, clipnorm=1.0)


def fastest_policy() -> str:
    """The Keras dtype policy that trains fastest on this machine.

    Returns:
        ``mixed_bfloat16`` where a GPU or the processor computes it, and ``float32`` elsewhere,
        where bfloat16 is imitated and takes ten times as long.
    """
    return "mixed_bfloat16" if has_gpu() or computes_bfloat16(instruction_sets()) else "float32"


def add_common_arguments(parser: argparse.ArgumentParser, *, epochs: int, rate: float) -> None:
    """Arguments of every training program."""
    parser.add_argument("--data", type=Path, required=True, help="folder of the LGG set")
    parser.add_argument("--output", type=Path, required=True, help="folder for model and history")
    parser.add_argument("--epochs", type=int, default=epochs, help="default: %(default)s")
    parser.add_argument("--steps", type=int, default=200, help="batches per epoch (%(default)s)")
    parser.add_argument("--batch-size", type=int, default=16, help="default: %(default)s")
    parser.add_argument(
        "--learning-rate", type=float, default=rate, help="at its highest (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=20261121, help="default: %(default)s")
    parser.add_argument(
        "--precision",
        choices=("float32", "mixed_bfloat16"),
        default=fastest_policy(),
        help="of the arithmetic (on this machine: %(default)s)",
    )


class ValidationMetrics(keras.callbacks.Callback):
    """Adds figures of the validation patients to each epoch's logs.

    Args:
        measure: Called with the model; returns names (``val_...``) and values.
    """

    def __init__(self, measure: Callable[[keras.Model], dict[str, float]]) -> None:
        super().__init__()
        self._measure = measure
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start the epoch's clock."""
        self._began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Measure, before the history is written."""
        if logs is None:
            return
        logs.update(self._measure(self.model))
        logs["learning_rate"] = float(
            keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        )
        logs["seconds"] = time.monotonic() - self._began


def finished_epochs(output: Path) -> int:
    """Epochs that ``history.csv`` of an earlier, interrupted run holds."""
    history = output / HISTORY_FILE
    return max(len(history.read_text().splitlines()) - 1, 0) if history.exists() else 0


def fit(
    model: keras.Model,
    batches: StageBatches,
    plan: TrainingPlan,
    *,
    measure: Callable[[keras.Model], dict[str, float]],
) -> int:
    """Train with progress bar, history and backup; continue where an earlier run stopped.

    Keras restores weights, optimizer and epoch from ``<output>/backup``; the history is cut back to
    the epochs that the backup holds by appending only what comes after. An interrupted run is
    brought to an end early by asking for the epochs that it has.

    Returns:
        Finished epochs.
    """
    state = plan.output / "backup"
    resumed = state.exists()
    batches.epoch = batches.first_epoch = finished_epochs(plan.output) if resumed else 0
    if not resumed:
        (plan.output / HISTORY_FILE).unlink(missing_ok=True)
    model.fit(
        batches,
        epochs=plan.epochs,
        verbose=1 if sys.stdout.isatty() else 2,
        callbacks=[
            ValidationMetrics(measure),
            keras.callbacks.CSVLogger(str(plan.output / HISTORY_FILE), append=resumed),
            keras.callbacks.BackupAndRestore(str(state), delete_checkpoint=False),
        ],
    )
    return max(plan.epochs, batches.first_epoch)


def write_metadata(
    plan: TrainingPlan,
    learning: LearningSet,
    *,
    name: str,
    digest: str,
    finished: int,
    size: int,
    rule: DecisionRule,
    mask_threshold: float,
    inference: InferenceOptions,
    calibration: PlattScaling,
    operating_point: str,
) -> None:
    """Write ``metadata.json`` into the model's folder.

    Args:
        plan: The run.
        learning: The patients.
        name: Name of the network.
        digest: SHA-256 of the weights.
        finished: Finished epochs.
        size: Side of the shipped model's input in pixels.
        rule: Makes the slice score.
        mask_threshold: As in `TwoStageMetadata`, like the others.
        inference: Likewise.
        calibration: Likewise.
        operating_point: Likewise.
    """
    metadata = TwoStageMetadata(
        schema=2,
        task=DEFAULT_TASK,
        name=name,
        version="2.0.0",
        file=MODEL_FILE,
        digest=digest,
        preprocessing_version=PREPROCESSING_VERSION,
        data=DataFacts("LGG MRI Segmentation (Buda et al. 2019, TCGA-LGG)", "CC BY-NC-SA 4.0"),
        input=SliceInput(size, INPUT_CHANNELS),
        decision=rule,
        split=SplitFacts(
            learning.name,
            learning.by,
            len(learning.train),
            len(learning.validation),
            learning.held_out,
        ),
        seed=plan.seed,
        training=TrainingFacts(
            epochs=finished,
            planned_epochs=plan.epochs,
            interrupted=finished < plan.epochs,
            steps_per_epoch=plan.steps,
            batch_size=plan.batch_size,
            tumor_slices_per_batch=plan.tumor_slices,
            learning_rate=plan.learning_rate,
            precision=plan.precision,
            crop_px=plan.crop,
            initial_weights="ImageNet" if plan.pretrained else "random",
            **describe_backend(),
        ),
        mask_threshold=mask_threshold,
        inference=inference,
        calibration=calibration,
        operating_point=operating_point,
    )
    write_document(plan.output / METADATA_FILE, metadata)
