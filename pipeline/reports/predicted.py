"""The report of a result that nobody has read: a draft, in the words and on the page of the others.

page = render_page(describe_result(case, result, outlines))
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from datetime import datetime
from html import escape
from typing import Final

import numpy as np
from PIL import Image

import pipeline
from pipeline.analysis.expected_dice import DiceModel, estimate_dice
from pipeline.analysis.results import CaseResult
from pipeline.data.case import Case
from pipeline.data.sequences import SEQUENCE_LABELS
from pipeline.interchange.content import (
    NOTHING_FOUND,
    ExportedLesion,
    ExportedStudy,
    KeyView,
    Origin,
)
from pipeline.interchange.key_images import draw_key_image
from pipeline.measurement.sides import side_of
from pipeline.reports.page import LesionLine, Picture, Report
from pipeline.reports.volume_words import ml_words
from pipeline.reports.wording import (
    NO_SPACING,
    NOT_ASSESSED,
    REPORT_TITLE,
    birth_words,
    diameter_words,
    expected_range,
    lesion_sentence,
    model_sentences,
    other_cautions,
    patient_words,
    side_words,
    size_words,
    slice_words,
    trust_sentences,
    withheld_findings,
)

#: Key images: of the largest lesions.
_MOST_PICTURES: Final = 2
_STATUS = "DRAFT: AI result, not read"


def describe_result(
    study: ExportedStudy, result: CaseResult, *, model: DiceModel | None, channel: int
) -> Report:
    """Say in words what the AI outlined.

    Args:
        study: The case with the AI's outlines.
        result: The result that they are of.
        model: What was learned of the network's accuracy, or None.
        channel: Channel of the pictures.
    """
    case, outlines = study.case, study.ai
    listed = outlines.lesions if outlines is not None and study.has_findings else ()
    lesions = tuple(_Listed(study, one, channel) for one in listed)
    estimate = estimate_dice(model, result)
    ratio = model.volume if model and estimate else None
    range_ml = ratio.range_ml(result.volume_ml) if ratio else None
    network, patient = result.network, case.patient
    named = patient_words(patient, case.labels.patient or case.case_id)
    labels = case.labels
    study_words = ", ".join(filter(None, [labels.study_date, labels.description]))
    return Report(
        title=REPORT_TITLE,
        state="draft",
        status=_STATUS,
        patient_line=named,
        facts=(
            ("Patient", named),
            ("Born, sex", birth_words(patient)),
            ("Study", study_words or case.case_id),
            ("Prior", "none compared"),
            ("Read by", "nobody"),
            ("Sequences", ", ".join(SEQUENCE_LABELS[str(one)] for one in case.sequences)),
            ("Decision on the AI result", "None recorded"),
            ("Mask", "AI mask, unchanged"),
        ),
        findings=_findings(study, result, lesions, range_ml),
        lesion_unit="voxels" if case.spacing_mm is None else "mL",
        has_changes=False,
        lesions=tuple(_line(case, one) for one in lesions),
        comments=(),
        measurements=(),
        pictures=tuple(_pictures(study, lesions, channel)),
        chart=(),
        trust=trust_sentences(
            expected=estimate.sentence if estimate else "",
            expected_dice=None,
            volume_ml=result.volume_ml if study.has_findings else None,
            range_ml=range_ml,
            left_out_ml=result.left_out_ml if study.has_findings else None,
            n_lesions=len(lesions),
        ),
        cautions=other_cautions(tuple(one.sentence for one in result.cautions), study.withheld),
        notes="",
        models=model_sentences(
            network=network.name,
            version=network.version,
            digest=network.digest,
            engine=network.engine,
            precision=network.precision,
            operating_point=result.operating_point,
            mask_threshold=result.mask_threshold,
        ),
        amends="",
        footer=f"Overread {pipeline.__version__} · AI result, not read",
        made_at=_moment(study.at),
        author="",
        subject=", ".join(filter(None, [case.case_id, labels.study_date])),
    )


class _Listed:
    """A lesion of the AI's outline, with what the report says of it.

    Attributes:
        lesion: The lesion.
        voxels: Of it.
        largest: Slice on which it is largest, from 0.
        side: Of the patient, or "".
    """

    def __init__(self, study: ExportedStudy, lesion: ExportedLesion, channel: int) -> None:
        assert study.ai is not None  # it is one of its lesions
        part = study.ai.labels[lesion.first : lesion.last + 1] == lesion.number
        areas = np.count_nonzero(part, axis=(1, 2))
        pixels = study.case.pixels[..., channel]
        masks = {lesion.first + k: one for k, one in enumerate(part) if areas[k]}
        self.lesion = lesion
        self.voxels = int(areas.sum())
        self.largest = lesion.first + int(areas.argmax())
        self.side = side_of(masks, pixels, study.case.orientation)

    @property
    def diameters(self) -> tuple[float, float] | None:
        """In millimetres, None where none was measured."""
        longest, across = self.lesion.longest_mm, self.lesion.perpendicular_mm
        return None if longest is None or across is None else (longest, across)


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _findings(
    study: ExportedStudy,
    result: CaseResult,
    lesions: tuple[_Listed, ...],
    range_ml: tuple[float, float] | None,
) -> tuple[str, ...]:
    if not study.has_findings:
        return withheld_findings(study.withheld)
    case = study.case
    words = [] if lesions else [NOTHING_FOUND]
    between = expected_range(range_ml)
    for at, one in enumerate(lesions):
        size = size_words(one.lesion.volume_ml, one.voxels)
        words.append(
            lesion_sentence(
                place=side_words(one.side),
                size=f"{size}{between}" if len(lesions) == 1 else size,
                diameters=one.diameters,
                unit="mm",
                slices=slice_words(case.indices, one.lesion.first, one.lesion.last),
                n_slices=one.lesion.last - one.lesion.first + 1,
                is_first=at == 0,
            )
        )
    if lesions and result.volume_ml is None:
        words.append(NO_SPACING)
    elif len(lesions) > 1 and result.volume_ml is not None:
        words.append(f"Together {ml_words(result.volume_ml)} mL{between}.")
    return (*words, NOT_ASSESSED)


def _line(case: Case, one: _Listed) -> LesionLine:
    lesion = one.lesion
    return LesionLine(
        name=f"{lesion.number} {one.side.capitalize()}".strip(),
        volume=f"{one.voxels:,}" if lesion.volume_ml is None else ml_words(lesion.volume_ml),
        diameters=diameter_words(one.diameters, "mm"),
        slices=slice_words(case.indices, lesion.first, lesion.last),
        source="AI",
        change="",
        counts=True,
    )


def _pictures(
    study: ExportedStudy, lesions: tuple[_Listed, ...], channel: int
) -> Iterator[Picture]:
    """The slices on which the largest lesions are largest, drawn as key images of a PACS."""
    case = study.case
    for k in dict.fromkeys(one.largest for one in lesions[:_MOST_PICTURES]):
        view = KeyView(k=k, channel=channel, window=case.window, origins=(Origin.AI,))
        drawn = draw_key_image(study, view)
        stream = io.BytesIO()
        Image.fromarray(drawn).save(stream, "PNG")
        address = base64.b64encode(stream.getvalue()).decode("ascii")
        height, width = drawn.shape[:2]
        label = f"Slice {case.indices[k]}, {SEQUENCE_LABELS[str(case.sequences[channel])]}"
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" role="img"'
            f' aria-label="{escape(label)}" viewBox="0 0 {width} {height}">'
            f'<image href="data:image/png;base64,{address}" width="{width}" height="{height}"/>'
            "</svg>"
        )
        yield Picture(svg=svg, caption=f"{label}. Amber: AI outline.")
