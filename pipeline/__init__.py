"""Two-stage brain tumor pipeline: a ResNet classifies slices, a ResUNet outlines them.

This is the facade: what ``dashboard/`` may call. Each name is imported when it is first used, and
none of them imports a model runtime by being imported, so that the web process stays small.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.analysis.analyser import Analyser
    from pipeline.analysis.answer import Outline
    from pipeline.analysis.cache import BytesDisk, ResultCache, result_key
    from pipeline.analysis.expected_dice import DiceEstimate, DiceModel, read_dice_model
    from pipeline.analysis.outline_facts import OutlineFacts
    from pipeline.analysis.results import (
        AnswerMap,
        CaseResult,
        ModelReference,
        SliceResult,
    )
    from pipeline.benchmark.results import (
        BenchmarkResults,
        MeasuredRoute,
        MissingRoute,
        TimedTask,
        TimedTraining,
        read_benchmark,
    )
    from pipeline.benchmark.statistics import Ratio
    from pipeline.data.case import Case, volume_ml
    from pipeline.data.case_files import load_case, save_case
    from pipeline.data.entered_values import clean_label, enter_spacing
    from pipeline.data.mask_export import encode_nifti_mask
    from pipeline.data.preprocessing import chosen_channels
    from pipeline.data.reading.attaching import (
        AttachedReference,
        read_reference,
        with_reference,
    )
    from pipeline.data.reading.formats import describe_formats, list_formats
    from pipeline.data.reading.reading import ReadReport, read_cases
    from pipeline.data.sequences import SEQUENCE_LABELS, SHORT_SEQUENCE_LABELS
    from pipeline.datasets.splits import role_of
    from pipeline.demo import make_demo_studies
    from pipeline.engine.export import export_models
    from pipeline.engine.selection import choose_precision
    from pipeline.errors import Cancelled, InputError, ProgressCallback
    from pipeline.experiments.documents import (
        ExperimentResults,
        MeasuredRow,
        NotRunRow,
        experiment_files,
        read_results,
    )
    from pipeline.input_gate.gate import InputAspect, InputFinding
    from pipeline.measurement.bidimensional import (
        BidimensionalMeasurement,
        judge_diameters,
        measure_lesions,
        measure_line,
    )
    from pipeline.measurement.mask_levels import areas_by_level, mask_level, overlaps_by_level
    from pipeline.metrics import dice_from_counts
    from pipeline.models.metadata import SplitFacts, TrainingFacts
    from pipeline.models.registry import ModelInfo, TaskInfo, read_model_info
    from pipeline.storage.checked_json import (
        input_error,
        json_number,
    )
    from pipeline.storage.declared_models import DeclaredModel, first_problem
    from pipeline.storage.digests import SHA256
    from pipeline.storage.shared_storage import SharedStorage, StorageError
    from pipeline.surfaces.case_space import (
        CaseSpace,
        head_surface_of,
        mask_surface_of,
        space_of,
    )
    from pipeline.surfaces.head_surface import HeadSurface
    from pipeline.surfaces.mesh import Mesh

_MODULES = {
    "clean_label": "pipeline.data.entered_values",
    "enter_spacing": "pipeline.data.entered_values",
    "with_reference": "pipeline.data.reading.attaching",
    "read_reference": "pipeline.data.reading.attaching",
    "AttachedReference": "pipeline.data.reading.attaching",
    "read_results": "pipeline.experiments.documents",
    "experiment_files": "pipeline.experiments.documents",
    "NotRunRow": "pipeline.experiments.documents",
    "MeasuredRow": "pipeline.experiments.documents",
    "ExperimentResults": "pipeline.experiments.documents",
    "Ratio": "pipeline.benchmark.statistics",
    "read_benchmark": "pipeline.benchmark.results",
    "TimedTraining": "pipeline.benchmark.results",
    "TimedTask": "pipeline.benchmark.results",
    "MissingRoute": "pipeline.benchmark.results",
    "MeasuredRoute": "pipeline.benchmark.results",
    "BenchmarkResults": "pipeline.benchmark.results",
    "SEQUENCE_LABELS": "pipeline.data.sequences",
    "SHORT_SEQUENCE_LABELS": "pipeline.data.sequences",
    "SHA256": "pipeline.storage.digests",
    "Analyser": "pipeline.analysis.analyser",
    "AnswerMap": "pipeline.analysis.results",
    "BidimensionalMeasurement": "pipeline.measurement.bidimensional",
    "BytesDisk": "pipeline.analysis.cache",
    "Cancelled": "pipeline.errors",
    "Case": "pipeline.data.case",
    "CaseResult": "pipeline.analysis.results",
    "CaseSpace": "pipeline.surfaces.case_space",
    "DeclaredModel": "pipeline.storage.declared_models",
    "DiceEstimate": "pipeline.analysis.expected_dice",
    "DiceModel": "pipeline.analysis.expected_dice",
    "HeadSurface": "pipeline.surfaces.head_surface",
    "InputAspect": "pipeline.input_gate.gate",
    "InputError": "pipeline.errors",
    "InputFinding": "pipeline.input_gate.gate",
    "Mesh": "pipeline.surfaces.mesh",
    "ModelInfo": "pipeline.models.registry",
    "ModelReference": "pipeline.analysis.results",
    "Outline": "pipeline.analysis.answer",
    "OutlineFacts": "pipeline.analysis.outline_facts",
    "ProgressCallback": "pipeline.errors",
    "ReadReport": "pipeline.data.reading.reading",
    "ResultCache": "pipeline.analysis.cache",
    "SharedStorage": "pipeline.storage.shared_storage",
    "SliceResult": "pipeline.analysis.results",
    "SplitFacts": "pipeline.models.metadata",
    "StorageError": "pipeline.storage.shared_storage",
    "TaskInfo": "pipeline.models.registry",
    "TrainingFacts": "pipeline.models.metadata",
    "areas_by_level": "pipeline.measurement.mask_levels",
    "choose_precision": "pipeline.engine.selection",
    "chosen_channels": "pipeline.data.preprocessing",
    "describe_formats": "pipeline.data.reading.formats",
    "dice_from_counts": "pipeline.metrics",
    "encode_nifti_mask": "pipeline.data.mask_export",
    "export_models": "pipeline.engine.export",
    "first_problem": "pipeline.storage.declared_models",
    "head_surface_of": "pipeline.surfaces.case_space",
    "input_error": "pipeline.storage.checked_json",
    "json_number": "pipeline.storage.checked_json",
    "judge_diameters": "pipeline.measurement.bidimensional",
    "list_formats": "pipeline.data.reading.formats",
    "load_case": "pipeline.data.case_files",
    "make_demo_studies": "pipeline.demo",
    "mask_level": "pipeline.measurement.mask_levels",
    "mask_surface_of": "pipeline.surfaces.case_space",
    "measure_lesions": "pipeline.measurement.bidimensional",
    "measure_line": "pipeline.measurement.bidimensional",
    "overlaps_by_level": "pipeline.measurement.mask_levels",
    "read_cases": "pipeline.data.reading.reading",
    "read_dice_model": "pipeline.analysis.expected_dice",
    "read_model_info": "pipeline.models.registry",
    "result_key": "pipeline.analysis.cache",
    "role_of": "pipeline.datasets.splits",
    "save_case": "pipeline.data.case_files",
    "space_of": "pipeline.surfaces.case_space",
    "volume_ml": "pipeline.data.case",
}

__all__ = [
    "SEQUENCE_LABELS",
    "SHA256",
    "SHORT_SEQUENCE_LABELS",
    "Analyser",
    "AnswerMap",
    "AttachedReference",
    "BenchmarkResults",
    "BidimensionalMeasurement",
    "BytesDisk",
    "Cancelled",
    "Case",
    "CaseResult",
    "CaseSpace",
    "DeclaredModel",
    "DiceEstimate",
    "DiceModel",
    "ExperimentResults",
    "HeadSurface",
    "InputAspect",
    "InputError",
    "InputFinding",
    "MeasuredRoute",
    "MeasuredRow",
    "Mesh",
    "MissingRoute",
    "ModelInfo",
    "ModelReference",
    "NotRunRow",
    "Outline",
    "OutlineFacts",
    "ProgressCallback",
    "Ratio",
    "ReadReport",
    "ResultCache",
    "SharedStorage",
    "SliceResult",
    "SplitFacts",
    "StorageError",
    "TaskInfo",
    "TimedTask",
    "TimedTraining",
    "TrainingFacts",
    "areas_by_level",
    "choose_precision",
    "chosen_channels",
    "clean_label",
    "describe_formats",
    "dice_from_counts",
    "encode_nifti_mask",
    "enter_spacing",
    "experiment_files",
    "export_models",
    "first_problem",
    "head_surface_of",
    "input_error",
    "json_number",
    "judge_diameters",
    "list_formats",
    "load_case",
    "make_demo_studies",
    "mask_level",
    "mask_surface_of",
    "measure_lesions",
    "measure_line",
    "overlaps_by_level",
    "read_benchmark",
    "read_cases",
    "read_dice_model",
    "read_model_info",
    "read_reference",
    "read_results",
    "result_key",
    "role_of",
    "save_case",
    "space_of",
    "volume_ml",
    "with_reference",
]


def __getattr__(name: str) -> Any:
    """Import a name of the facade on its first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value
