"""Everything that is exported of a study, as named files in memory.

    for file in write_exports(study, {ExportKind.SEG, ExportKind.SR}):
        (folder / file.name).write_bytes(file.content)

What cannot be written has a sentence in place of a file. The same study gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset

from pipeline.data.mask_export import encode_nifti_mask
from pipeline.errors import InputError, ProgressCallback
from pipeline.interchange.content import (
    ExportedStudy,
    ExportKind,
    KeyView,
    Origin,
    Outlines,
    withheld_words,
)
from pipeline.interchange.documents import build_pdf_document, build_rejection
from pipeline.interchange.flat_masks import (
    write_measurements_csv,
    write_runs_csv,
    write_runs_json,
)
from pipeline.interchange.image_series import (
    ImageSeries,
    build_images,
    encode,
    find_images,
)
from pipeline.interchange.key_images import build_key_images, largest_view
from pipeline.interchange.measurement_reports import build_measurement_report
from pipeline.interchange.segmentations import SEGMENTATION_STEPS, build_segmentation

#: Kinds that are DICOM objects and refer to images.
DICOM_KINDS = frozenset(
    {ExportKind.SEG, ExportKind.SEG_JOINED, ExportKind.SR, ExportKind.SC, ExportKind.PDF}
)
_SEG_KINDS = frozenset({ExportKind.SEG, ExportKind.SEG_JOINED})


@dataclass(frozen=True)
class ExportedFile:
    """A file.

    Attributes:
        name: Below the folder of the export, with ``/`` between parts.
        content: Its bytes.
    """

    name: str
    content: bytes


@dataclass(frozen=True)
class NotExported:
    """Why something was not written, in one sentence."""

    sentence: str


class _Steps:
    """Progress over everything that is made: a SEG takes several steps, all else one.

    Args:
        total: Steps in all.
        progress: Called with (done, total, what is being written).
    """

    def __init__(self, total: int, progress: ProgressCallback) -> None:
        self._total, self._progress = total, progress
        self._done = 0

    def begin(self, what: str) -> None:
        """Say what is written now; what was written before is done."""
        self._progress(min(self._done, self._total), self._total, what)
        self._done += 1

    def of_segmentation(self, done: int, total: int, what: str) -> None:
        """Progress of a SEG, from 0 to ``total``."""
        self._progress(min(self._done + done, self._total), self._total, what)
        self._done += total if done == total else 0

    def end(self) -> None:
        """Everything is written."""
        self._progress(self._total, self._total, "Writing files")


def write_exports(
    study: ExportedStudy,
    kinds: Collection[ExportKind],
    *,
    views: tuple[KeyView, ...] = (),
    pdf: bytes | None = None,
    replaced: ExportedStudy | None = None,
    replaced_views: tuple[KeyView, ...] = (),
    reason: str = "",
    channel: int = 0,
    progress: ProgressCallback = lambda *_: None,
) -> Iterator[ExportedFile | NotExported]:
    """Make files of a study, one after the other.

    Args:
        study: What is exported.
        kinds: As what. The SR refers to single lesions, so that it brings their SEG, too.
        views: Key images; the slice with the largest outline where there are none.
        pdf: The report, for `ExportKind.PDF`.
        replaced: The record that this one amends: its objects of these kinds are rejected.
        replaced_views: Its key images.
        reason: Why it was amended.
        channel: Channel of the images that are written where the input is not DICOM.
        progress: Called with (done, total, what is being written).

    Raises:
        Cancelled: The progress callback raised it.
    """
    steps = _Steps(_count_steps(study, replaced, kinds), progress)
    if DICOM_KINDS & set(kinds):
        try:
            series = find_images(study.case)
        except InputError as error:
            yield NotExported(error.message)
        else:
            if series.is_derived:
                steps.begin("Writing the images as DICOM")
                for k, image in enumerate(build_images(series, study.case, channel=channel)):
                    yield ExportedFile(f"images/{k + 1:04d}.dcm", encode(image))
            objects = dict(_objects(study, series, kinds, views=views, pdf=pdf, steps=steps))
            has_outlines = any(name.startswith("seg-") for name in objects)
            if not has_outlines and {*_SEG_KINDS, ExportKind.SR} & set(kinds):
                yield NotExported(_no_outlines(study))
            for name, made in objects.items():
                yield ExportedFile(name, encode(made))
            if replaced is not None and study.amends is not None:
                old = dict(
                    _objects(replaced, series, kinds, views=replaced_views, pdf=pdf, steps=steps)
                )
                if old:
                    key = build_rejection(study, series, list(old.values()), reason=reason)
                    yield ExportedFile("replaced.dcm", encode(key))
    drawn = [one for one in (study.ai, study.read) if one is not None]
    for outlines in drawn:
        yield from _plain_files(study, outlines, kinds)
    if ExportKind.CSV in kinds:
        content = write_measurements_csv(drawn, study.case.indices, withheld=study.withheld)
        yield ExportedFile("measurements.csv", content.encode("utf-8"))
    steps.end()


def _drawn(study: ExportedStudy, kinds: Collection[ExportKind]) -> list[tuple[Origin, bool]]:
    """The SEGs of a study: of whom, and whether its lesions are joined.

    What a reader rejected is no outline for a PACS, nor is what is withheld.
    """
    if not study.has_findings:
        return []
    drawn = [o for o in (Origin.AI, Origin.READER) if (one := study.outlines(o)) and one.lesions]
    single = [
        origin
        for origin in drawn
        if ExportKind.SEG in kinds or (ExportKind.SR in kinds and origin in _vouched(study))
    ]
    joined = drawn if ExportKind.SEG_JOINED in kinds else []
    return [*((origin, False) for origin in single), *((origin, True) for origin in joined)]


def _vouched(study: ExportedStudy) -> set[Origin]:
    """Whose lesions are in the SR: a reader vouches for the mask as read alone."""
    return {Origin.AI} if study.read is None else {Origin.READER}


def _count_steps(
    study: ExportedStudy, replaced: ExportedStudy | None, kinds: Collection[ExportKind]
) -> int:
    others = len({ExportKind.SR, ExportKind.SC, ExportKind.PDF} & set(kinds))
    made = [one for one in (study, replaced) if one is not None]
    return 1 + sum(SEGMENTATION_STEPS * len(_drawn(one, kinds)) + others for one in made)


def _objects(
    study: ExportedStudy,
    series: ImageSeries,
    kinds: Collection[ExportKind],
    *,
    views: tuple[KeyView, ...],
    pdf: bytes | None,
    steps: _Steps,
) -> Iterator[tuple[str, Dataset]]:
    """The DICOM objects of a study by their file names."""
    single: dict[Origin, Dataset] = {}
    for origin, is_joined in _drawn(study, kinds):
        made = build_segmentation(
            study, series, origin, is_joined=is_joined, progress=steps.of_segmentation
        )
        if not is_joined:
            single[origin] = made
        yield f"seg-{origin.lower()}{'-joined' if is_joined else ''}.dcm", made
    measured = {origin: made for origin, made in single.items() if origin in _vouched(study)}
    has_words = study.assessment is not None or not study.has_findings
    if ExportKind.SR in kinds and (measured or has_words):
        steps.begin("Writing the DICOM SR")
        yield "measurements.dcm", build_measurement_report(study, series, measured)
    if ExportKind.SC in kinds:
        steps.begin("Drawing key images")
        largest = largest_view(study)
        shown = views or ((largest,) if largest is not None else ())
        for number, made in enumerate(build_key_images(study, series, shown), start=1):
            yield f"key-image-{number}.dcm", made
    if ExportKind.PDF in kinds and pdf is not None:
        steps.begin("Writing the report as DICOM")
        yield "report.dcm", build_pdf_document(study, series, pdf)


def _no_outlines(study: ExportedStudy) -> str:
    """The sentence on a study without a SEG."""
    if study.is_refused and study.assessment is not None:
        words = study.assessment.judgement.value
        return f"No DICOM SEG is written, and the DICOM SR holds no lesion. {words}."
    if not study.has_findings:
        return (
            "No DICOM SEG and no key image are written, and the DICOM SR holds no lesion."
            f" {study.withheld}"
        )
    if study.assessment is not None:
        return "No DICOM SEG is written: nothing is outlined."
    return "No DICOM SEG and no DICOM SR are written: nothing is outlined."


def _plain_files(
    study: ExportedStudy, outlines: Outlines, kinds: Collection[ExportKind]
) -> Iterator[ExportedFile]:
    case, mask = study.case, outlines.labels > 0
    name = outlines.origin.lower()
    if ExportKind.NIFTI in kinds:
        yield ExportedFile(
            f"mask-{name}.nii.gz", encode_nifti_mask(mask, case.grid, case.spacing_mm)
        )
    if ExportKind.RLE in kinds:
        facts: dict[str, object] = {
            "research_use_only": True,
            "outline": outlines.origin.value,
            "record": study.digest,
            "decision": None if study.assessment is None else study.assessment.judgement.value,
            "network": None
            if study.algorithm is None
            else f"{study.algorithm.name} {study.algorithm.version}",
            "network_sha256": None if study.algorithm is None else study.algorithm.digest,
            "spacing_mm": case.spacing_mm,
        }
        if study.withheld and outlines.origin is Origin.AI:
            facts["withheld"] = withheld_words(study.withheld)
        runs = write_runs_csv(mask, case.indices)
        document = write_runs_json(mask, case.indices, outlines=outlines, facts=facts)
        yield ExportedFile(f"mask-{name}-rle.csv", runs.encode("utf-8"))
        yield ExportedFile(f"mask-{name}-rle.json", document.encode("utf-8"))
