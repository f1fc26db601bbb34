"""Training runs whose networks are measured on what they did not learn from.

A folder of runs holds ``fold-1`` to ``fold-5``, and where they were trained ``by-slice`` and
``without-CODE``, each written by ``python -m pipeline train``.
"""

from __future__ import annotations

import shlex
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.analysis.analyser import Analyser
from pipeline.data.case import Case
from pipeline.datasets.splits import institution, load_folds
from pipeline.errors import InputError, ProgressCallback
from pipeline.evaluation.document import MeasuredNetwork
from pipeline.evaluation.evaluate import evaluate_cases
from pipeline.evaluation.row_files import ROWS_FILE, load_rows, rows_binding, save_rows
from pipeline.evaluation.rows import EvaluationRows, pool_rows
from pipeline.models.metadata import TrainingFacts
from pipeline.models.registry import (
    HISTORY_FILE,
    METADATA_FILE,
    MODEL_FILE,
    RUNS_FOLDER,
    ModelInfo,
    check_digest,
    read_run,
)

#: Institutions with fewer patients are not left out on their own: an interval would say nothing.
_MIN_LEFT_OUT = 5


@dataclass(frozen=True)
class Run:
    """One training run and who measures it.

    Attributes:
        name: Name of its split, such as ``fold 1``, ``by slice`` or ``without CS``.
        folder: Where it wrote its network.
        patients: Patients on which the network is run.
        options: Options of ``train`` that choose the split.
    """

    name: str
    folder: Path
    patients: tuple[str, ...]
    options: tuple[str, ...]

    @property
    def is_there(self) -> bool:
        """Whether the run ended with a network."""
        return all((self.folder / name).is_file() for name in (MODEL_FILE, METADATA_FILE))

    @property
    def command(self) -> str:
        """What trains it, without this machine's folders."""
        output = f"{self.folder.parent.name}/{self.folder.name}"
        words = ["python", "-m", "pipeline", "train", "--data", "DIR", "--pretrained", "DIR"]
        return shlex.join([*words, "--output", output, *self.options])


@dataclass(frozen=True)
class RunPlan:
    """All runs of a cross-validation, there or not.

    Attributes:
        folds: The committed folds, in their order.
        by_slice: The run split by slice.
        without: One run per institution that is left out, the largest first, by its code.
    """

    folds: tuple[Run, ...]
    by_slice: Run
    without: dict[str, Run]

    @property
    def all(self) -> tuple[Run, ...]:
        """Every run."""
        return (*self.folds, self.by_slice, *self.without.values())


@dataclass(frozen=True, eq=False)
class MeasuredRun:
    """A run's network and the rows that it gave.

    Attributes:
        run: The run.
        network: What was measured.
        interrupted: Whether its training ended early.
        epochs: How many it was trained for; None where its metadata.json does not say.
        rows: One patient row for each of the run's patients.
    """

    run: Run
    network: MeasuredNetwork
    interrupted: bool
    epochs: int | None
    rows: EvaluationRows


@dataclass(frozen=True)
class Measuring:
    """How runs are measured.

    Attributes:
        read_case: From a patient's name to the case with its reference masks.
        open_run: Makes the analyser of a run that lacks rows.
        engine, precision: Runtime that answers.
        again: Whether rows on disk are measured again.
    """

    read_case: Callable[[str], Case]
    open_run: Callable[[ModelInfo], Analyser]
    engine: str
    precision: str = "f32"
    again: bool = False


def plan_runs(folder: Path, *, patients: Sequence[str]) -> RunPlan:
    """Name all runs of a folder.

    Args:
        folder: Folder of the runs.
        patients: All patients of the data, over which the split by slice was drawn.
    """
    folds = tuple(
        Run(fold.name, folder / f"fold-{k}", fold.held_out, ("--fold", str(k)))
        for k, fold in enumerate(load_folds(), start=1)
    )
    held_out = sorted(patient for fold in folds for patient in fold.patients)
    counted = Counter(map(institution, held_out))
    without = {
        code: Run(
            f"without {code}",
            folder / f"without-{code}",
            tuple(p for p in held_out if institution(p) == code),
            ("--without", code),
        )
        for code, count in counted.most_common()
        if count >= _MIN_LEFT_OUT
    }
    by_slice = Run("by slice", folder / "by-slice", tuple(sorted(patients)), ("--by-slice",))
    return RunPlan(folds, by_slice, without)


def measure_run(run: Run, how: Measuring, *, progress: ProgressCallback) -> MeasuredRun:
    """Run a network on its patients, unless rows of just this network are on disk already.

    Rows are written after each patient, so that an interrupted evaluation resumes where it stopped.

    Raises:
        InputError: The folder holds another run or a damaged one, a patient has no reference masks,
            or the rows cannot be written.
    """
    info = read_run(run.folder).network
    check_digest(info)
    _check_split(run, info)
    metadata = (run.folder / METADATA_FILE).read_bytes()
    binding = rows_binding(info.digest, metadata, engine=how.engine, precision=how.precision)
    path = run.folder / ROWS_FILE
    rows = EvaluationRows() if how.again else load_rows(path, binding)
    calibration = info.metadata.calibration
    measured = {row.case_id for row in rows.patients}
    missing = [patient for patient in run.patients if patient not in measured]
    analyser: Analyser | None = None
    for done, patient in enumerate(missing):
        progress(done, len(missing), f"{run.name}: {patient}")
        analyser = analyser or how.open_run(info)
        case = how.read_case(patient)
        part = evaluate_cases([case], analyser, fold=run.name, calibration=calibration)
        rows = pool_rows([rows, part])
        _keep(path, rows, binding)
    progress(len(missing), len(missing), run.name)
    training = info.metadata.training or TrainingFacts()
    network = MeasuredNetwork(info.name, info.version, info.digest)
    own = rows.of(run.patients)
    return MeasuredRun(run, network, training.interrupted, training.epochs, own)


def store_training(run: Run, output: Path) -> None:
    """Copy a run's metadata and history to ``runs/`` below the evaluation's folder.

    The performance page draws its training curves from them.

    Raises:
        OSError: A file cannot be copied.
    """
    target = output / RUNS_FOLDER / run.folder.name
    target.mkdir(parents=True, exist_ok=True)
    for name in (METADATA_FILE, HISTORY_FILE):
        if (run.folder / name).is_file():
            shutil.copyfile(run.folder / name, target / name)


def estimate_minutes(plan: RunPlan) -> str:
    """How long a run that is missing would take, judged by those that were timed."""
    timed = []
    for run in plan.all:
        if not run.is_there:
            continue
        network = read_run(run.folder).network
        seconds = [row["seconds"] for row in network.history if "seconds" in row]
        if seconds:
            training = network.metadata.training or TrainingFacts()
            epochs = training.planned_epochs or len(seconds)
            timed.append((sum(seconds) / len(seconds) * epochs / 60, run.name))
    if not timed:
        return "not available: no run in this folder was timed"
    minutes, name = sorted(timed)[len(timed) // 2]
    whole = max(round(minutes), 1)
    return f"about {whole} minute{'' if whole == 1 else 's'}, as long as {name} took"


def _check_split(run: Run, info: ModelInfo) -> None:
    """A network is only measured on what its own training held out."""
    name = info.metadata.split.name if info.metadata.split is not None else ""
    if name != run.name:
        raise InputError(
            run.folder.name,
            f"The network in {run.folder.name} was not trained on the split {run.name}"
            f" (its metadata.json names {name or 'none'}); it was not measured.",
        )


def _keep(path: Path, rows: EvaluationRows, binding: dict[str, str | int]) -> None:
    try:
        save_rows(path, rows, binding)
    except OSError as error:
        name = path.parent.name
        message = f"The folder {name} cannot be written: {error.strerror or 'unknown reason'}."
        raise InputError(name, message) from error
