"""Two-stage brain tumor pipeline: a ResNet classifies slices, a ResUNet outlines them.

This is the facade: what ``dashboard/`` may call. Each name is imported when it is first used, and
none of them imports a model runtime by being imported, so that the web process stays small.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.cache import BytesDisk, ResultCache, result_key
    from pipeline.checked_json import Fields, json_number
    from pipeline.data.case import Case, volume_ml
    from pipeline.data.case_files import load_case, save_case
    from pipeline.data.demo import make_demo_studies
    from pipeline.data.formats import describe_formats, list_formats
    from pipeline.data.mask_export import encode_nifti_mask
    from pipeline.data.preprocessing import chosen_channels
    from pipeline.data.reading import ReadReport, read_cases
    from pipeline.data.splits import role_of
    from pipeline.engine.export import export_models
    from pipeline.engine.selection import choose_precision
    from pipeline.errors import Cancelled, InputError
    from pipeline.expected_dice import DiceEstimate, DiceModel, read_dice_model
    from pipeline.inference import Analyser
    from pipeline.input_gate import InputAspect, InputFinding
    from pipeline.mask_levels import areas_by_level, mask_level, overlaps_by_level
    from pipeline.measurement.bidimensional import (
        BidimensionalMeasurement,
        judge_diameters,
        measure_lesions,
        measure_line,
    )
    from pipeline.metrics import dice_from_counts
    from pipeline.models.registry import ModelInfo, TaskInfo, read_model_info
    from pipeline.outline_facts import OutlineFacts
    from pipeline.results import (
        AnswerMap,
        CaseResult,
        ModelReference,
        ProgressCallback,
        SliceResult,
    )
    from pipeline.shared_storage import SharedStorage, StorageError
    from pipeline.surfaces.case_space import (
        CaseSpace,
        head_surface_of,
        mask_surface_of,
        space_of,
    )
    from pipeline.surfaces.head_surface import HeadSurface
    from pipeline.surfaces.mesh import Mesh

_MODULES = {
    "Analyser": "pipeline.inference",
    "AnswerMap": "pipeline.results",
    "BidimensionalMeasurement": "pipeline.measurement.bidimensional",
    "BytesDisk": "pipeline.cache",
    "Cancelled": "pipeline.errors",
    "Case": "pipeline.data.case",
    "CaseResult": "pipeline.results",
    "CaseSpace": "pipeline.surfaces.case_space",
    "DiceEstimate": "pipeline.expected_dice",
    "DiceModel": "pipeline.expected_dice",
    "HeadSurface": "pipeline.surfaces.head_surface",
    "Fields": "pipeline.checked_json",
    "InputAspect": "pipeline.input_gate",
    "InputError": "pipeline.errors",
    "InputFinding": "pipeline.input_gate",
    "Mesh": "pipeline.surfaces.mesh",
    "ModelInfo": "pipeline.models.registry",
    "ModelReference": "pipeline.results",
    "OutlineFacts": "pipeline.outline_facts",
    "ProgressCallback": "pipeline.results",
    "ReadReport": "pipeline.data.reading",
    "ResultCache": "pipeline.cache",
    "SharedStorage": "pipeline.shared_storage",
    "SliceResult": "pipeline.results",
    "StorageError": "pipeline.shared_storage",
    "TaskInfo": "pipeline.models.registry",
    "areas_by_level": "pipeline.mask_levels",
    "choose_precision": "pipeline.engine.selection",
    "chosen_channels": "pipeline.data.preprocessing",
    "describe_formats": "pipeline.data.formats",
    "dice_from_counts": "pipeline.metrics",
    "encode_nifti_mask": "pipeline.data.mask_export",
    "export_models": "pipeline.engine.export",
    "head_surface_of": "pipeline.surfaces.case_space",
    "json_number": "pipeline.checked_json",
    "judge_diameters": "pipeline.measurement.bidimensional",
    "list_formats": "pipeline.data.formats",
    "load_case": "pipeline.data.case_files",
    "make_demo_studies": "pipeline.data.demo",
    "mask_level": "pipeline.mask_levels",
    "mask_surface_of": "pipeline.surfaces.case_space",
    "measure_lesions": "pipeline.measurement.bidimensional",
    "measure_line": "pipeline.measurement.bidimensional",
    "overlaps_by_level": "pipeline.mask_levels",
    "read_cases": "pipeline.data.reading",
    "read_dice_model": "pipeline.expected_dice",
    "read_model_info": "pipeline.models.registry",
    "result_key": "pipeline.cache",
    "role_of": "pipeline.data.splits",
    "save_case": "pipeline.data.case_files",
    "space_of": "pipeline.surfaces.case_space",
    "volume_ml": "pipeline.data.case",
}

__all__ = [
    "Analyser",
    "AnswerMap",
    "BidimensionalMeasurement",
    "BytesDisk",
    "Cancelled",
    "Case",
    "CaseResult",
    "CaseSpace",
    "DiceEstimate",
    "DiceModel",
    "Fields",
    "HeadSurface",
    "InputAspect",
    "InputError",
    "InputFinding",
    "Mesh",
    "ModelInfo",
    "ModelReference",
    "OutlineFacts",
    "ProgressCallback",
    "ReadReport",
    "ResultCache",
    "SharedStorage",
    "SliceResult",
    "StorageError",
    "TaskInfo",
    "areas_by_level",
    "choose_precision",
    "chosen_channels",
    "describe_formats",
    "dice_from_counts",
    "encode_nifti_mask",
    "export_models",
    "head_surface_of",
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
    "read_cases",
    "read_dice_model",
    "read_model_info",
    "result_key",
    "role_of",
    "save_case",
    "space_of",
    "volume_ml",
]


def __getattr__(name: str) -> Any:
    """Import a name of the facade on its first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value
