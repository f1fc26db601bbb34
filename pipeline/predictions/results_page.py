"""docs/results.md, made of the descriptions of the fields of results.json."""

from __future__ import annotations

from typing import get_type_hints

from pydantic.fields import FieldInfo

from pipeline.predictions.results import (
    CaseRecord,
    ErrorRecord,
    FindingRecord,
    ImageCaseRecord,
    ImageSliceRecord,
    Results,
    SliceRecord,
)

_TOP = """# results.json

<!-- Made by `python -m pipeline report` from pipeline/predictions/results.py; do not edit. -->

`predict` writes `OUT/results.json`, and masks or saliency maps below `OUT`.

Within one version of the file (`schema`):

- keys keep their names, types and meanings, and values keep their units;
- keys may be added to any object, and sentences may be worded differently: ignore keys that you do
  not know, and do not parse sentences;
- `decided_by`, `doubts` and `aspect` only have the values listed here.

Anything else raises `schema`. Numbers are JSON numbers, never NaN; unknown values are `null`.
"""
_MASKS = """
Where the position of the input in space is known (NIfTI, DICOM with positions),
`masks/CASE.nii.gz` holds the whole mask, 0 and 1, on the input's own voxels and with its affine.
Images without a position, such as those of the public LGG set, get PNG only.
"""
_HEAD = ("| Key | Meaning | `null` |", "|---|---|---|")
_SECTIONS = (
    ("", Results, ""),
    ("A case of brain-tumor", CaseRecord, _MASKS),
    ("A slice of brain-tumor", SliceRecord, ""),
    ("An input finding", FindingRecord, ""),
    ("A case of an image task", ImageCaseRecord, ""),
    ("The slice of an image", ImageSliceRecord, ""),
    ("An error", ErrorRecord, ""),
)


def format_results_page() -> str:
    """The page as Markdown."""
    parts = [_TOP]
    for title, kind, after in _SECTIONS:
        parts += [f"\n## {title}\n"] if title else []
        parts += ["\n".join(["", *_HEAD, *_rows(kind), ""]), after]
    return "".join(parts)


def _rows(kind: type) -> list[str]:
    rows = []
    for name, hint in get_type_hints(kind, include_extras=True).items():
        fields = [part for part in hint.__metadata__ if isinstance(part, FieldInfo)]
        key = next((field.alias for field in fields if field.alias), name)
        field = next(field for field in fields if field.description)
        extra = field.json_schema_extra
        null = extra["null"] if isinstance(extra, dict) else ""
        rows.append(f"| `{key}` | {field.description} | {null} |")
    return rows
