"""What is installed on this server: the models' files and the workspace's cases, for pages.

The files are read again for each request (a few milliseconds), so that a new evaluation is shown
without a restart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dash import dcc
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask import current_app

import pipeline
from dashboard.evaluation import Measured
from dashboard.evaluation.history import TrainingRun, image_run, network_runs
from dashboard.studies.addresses import review_href
from dashboard.workspace import services
from pipeline import InputError, ModelInfo, TaskInfo
from pipeline.evaluation.facade import read_evaluation
from pipeline.image_tasks.facade import IMAGE_TASKS, read_image_model

if TYPE_CHECKING:
    from pipeline import BenchmarkResults, ExperimentResults


@dataclass(frozen=True)
class KnownStudy:
    """A study of this workspace that a row of a table can open.

    Attributes:
        study_id: Its id.
        thumbnail_url: Address of a slice's picture without ``?slice=``, "" without one.
        indices: Number of each slice, in the study's order.
    """

    study_id: str
    thumbnail_url: str = ""
    indices: tuple[int, ...] = ()

    @property
    def href(self) -> str:
        """Address of its review page."""
        return review_href(self.study_id)

    def thumbnail_of(self, number: int) -> str:
        """Address of the thumbnail of the slice with this number, "" without one."""
        if not self.thumbnail_url or number not in self.indices:
            return ""
        return f"{self.thumbnail_url}?slice={self.indices.index(number)}"


def read_models() -> TaskInfo:
    """The installed models.

    Raises:
        InputError: They cannot be read; the message is a sentence for the reader.
    """
    return pipeline.read_model_info(services.get(current_app).settings.models)


def models_or_nothing() -> TaskInfo:
    """The installed models for a callback, which changes nothing where they cannot be read.

    Raises:
        PreventUpdate: They cannot be read.
    """
    try:
        return read_models()
    except InputError as error:
        raise PreventUpdate from error


def evaluated() -> Measured:
    """Network and evaluation, for a callback.

    Raises:
        PreventUpdate: One of the two cannot be read.
    """
    info = models_or_nothing()
    if info.evaluation is None:
        raise PreventUpdate
    try:
        return Measured(info.network, read_evaluation(info.evaluation))
    except InputError as error:
        raise PreventUpdate from error


def read_experiments() -> tuple[list[ExperimentResults], list[str]]:
    """The experiments in the models folder, and a sentence for each that cannot be read."""
    found, errors = [], []
    for path in pipeline.experiment_files(services.get(current_app).settings.models):
        try:
            found.append(pipeline.read_results(path))
        except InputError as error:
            errors.append(str(error))
    return found, errors


def read_benchmark() -> tuple[BenchmarkResults | None, str]:
    """The benchmark in the models folder, or None and why it cannot be read."""
    try:
        return pipeline.read_benchmark(services.get(current_app).settings.models), ""
    except InputError as error:
        return None, str(error)


def read_network_runs() -> tuple[list[TrainingRun], list[str]]:
    """The training runs of the two-stage network, and a sentence for each that cannot be read.

    Raises:
        InputError: The installed network cannot be read.
    """
    models = services.get(current_app).settings.models
    info = read_models()
    others: list[ModelInfo] = []
    errors: list[str] = []
    for folder in pipeline.stored_runs(models):
        try:
            others.append(pipeline.read_run(folder).network)
        except InputError as error:
            errors.append(error.message)
    evaluation = None
    if info.evaluation is not None:
        try:
            evaluation = read_evaluation(info.evaluation)
        except InputError as error:
            errors.append(error.message)
    return network_runs(info.network, others, evaluation), errors


def read_image_runs() -> list[TrainingRun]:
    """The training runs of the image tasks' models that are installed."""
    models = services.get(current_app).settings.models
    runs = []
    for name in IMAGE_TASKS:
        try:
            runs.append(image_run(read_image_model(models, name)))
        except InputError:
            continue  # the comparisons page states the reason
    return runs


def study_links(measured: Measured) -> dict[str, Component | str]:
    """Links of a table to the cases that can be opened here, by case_id."""
    found = known_studies(measured, measured.patients["case_id"])
    return {name: dcc.Link(name, href=study.href) for name, study in found.items()}


def known_studies(measured: Measured, case_ids: Iterable[str]) -> dict[str, KnownStudy]:
    """Studies of this workspace by case_id.

    Only a study with exactly the evaluated slices counts, the newest of several: another one of the
    same name would show other slices.
    """
    found = services.get(current_app).store.studies_of_cases(case_ids)
    slices = measured.slices[measured.slices["case_id"].isin(list(found))]
    evaluated = slices.groupby("case_id")["index"].agg(sorted)
    return {
        case_id: KnownStudy(study.study_id, study.thumbnail_url, study.indices)
        for case_id, studies in found.items()
        for study in reversed(studies)
        if sorted(study.indices) == evaluated.get(case_id)
    }
