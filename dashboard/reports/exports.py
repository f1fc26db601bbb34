"""The kinds of files that a study is exported as: one table, for the page and the command line.

A kind is one entry of `KINDS`; menu, endpoint, command and history follow from it.
"""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import pipeline
from dashboard.decisions.lesions import LesionList
from dashboard.decisions.locations import LOCATIONS
from dashboard.masks.corrections import make_volume, shape_of
from dashboard.masks.encoding import MaskSlices
from dashboard.reports.content import Signature, describe_report, findings_text, values_of
from dashboard.reports.objects import key_views, make_exported_study
from dashboard.reports.sources import (
    StudyAsRead,
    find_draft,
    find_record,
    make_source,
    pixel_values,
    read_intact_record,
    withhold,
)
from dashboard.store import StudyRow
from dashboard.store.history import Author
from dashboard.store.reading_content import LesionVerdict, SignedLesion
from dashboard.store.readings import NewRecord, list_records
from dashboard.store.signed_files import SignedFile, keep_signed_file, read_signed_file
from dashboard.workspace.services import Services
from pipeline import (
    Case,
    InputError,
    PixelValues,
    ProgressCallback,
    Report,
    read_fonts,
    render_page,
    spreadsheet_text,
    withheld_words,
)

_LOG = logging.getLogger(__name__)
#: Steps of a report: what it says, and its PDF.
_OF_REPORT: Final = 2
_NO_RESULT = "There is no AI result to export."


@dataclass(frozen=True, eq=False)
class Exported:
    """What is exported of a study.

    Attributes:
        services: The server's parts.
        row: The study.
        record: Number of the signed record; None for the state that is not signed.
        reader_id: Whose unsaved correction and measurements a draft shows; "" for nobody's.
        progress: Called with (done, total, what is being done) while a file is made; may raise
            `Cancelled`.
    """

    services: Services
    row: StudyRow
    record: int | None
    reader_id: str = ""
    progress: ProgressCallback = lambda *_: None

    @cached_property
    def read(self) -> StudyAsRead:
        """The study as read.

        Raises:
            NotThere: No record has this number.
            InputError: The study's files are damaged.
        """
        if self.record is None:
            return find_draft(self.services, self.row, self.reader_id)
        return find_record(self.services, self.row, self.record)

    @property
    def words(self) -> str:
        """What it is, for the history."""
        return "draft" if self.record is None else f"record {self.record}"

    @property
    def stem(self) -> str:
        """File name without a suffix."""
        return f"{self.row.case_id}_{self.words.replace(' ', '')}"


@dataclass(frozen=True)
class ExportKind:
    """A kind of file.

    Attributes:
        name: In addresses and on the command line.
        title: For readers.
        purpose: What it is for, in one sentence.
        suffix: Of its file.
        make: Returns its bytes; None for a file that the browser makes.
        refusal: Returns why it cannot be made of a study, in one sentence, or "".
    """

    name: str
    title: str
    purpose: str
    suffix: str
    make: Callable[[Exported], bytes] | None
    refusal: Callable[[Exported], str] = lambda exported: ""


def latest_record(services: Services, row: StudyRow) -> int | None:
    """Number of the latest signed record; None before the first signature."""
    return next((one.number for one in list_records(services.store, row.study_id)), None)


def _describe(exported: Exported) -> Report:
    services, row = exported.services, exported.row
    source = make_source(services, row, exported.read, at=services.store.clock())
    return describe_report(source)


def _kept(exported: Exported, kind: SignedFile, make: Callable[[], bytes]) -> bytes:
    """A file that is stored with the record: of a draft, and the first time, as it is made now.

    Raises:
        NotThere: No record has this number.
        InputError: The record or the file is not what was signed.
    """
    store, row, number = exported.services.store, exported.row, exported.record
    if number is None:
        return make()
    read_intact_record(exported.services, row, number)
    stored = read_signed_file(store, row.study_id, number, kind)
    if stored is not None:
        return stored
    return keep_signed_file(store, row.study_id, number, kind, make())


def make_findings(exported: Exported) -> str:
    """The findings as plain text: of a record always the same.

    Raises:
        NotThere: No record has this number.
        InputError: The study's files are damaged.
    """
    return _kept(exported, SignedFile.FINDINGS, lambda: _findings(_describe(exported))).decode()


def make_report_page(exported: Exported) -> bytes:
    """The report as HTML: of a record always the same bytes.

    Raises:
        NotThere: No record has this number.
        InputError: The study's files are damaged, or the site's template cannot be used.
    """
    return _kept(
        exported, SignedFile.REPORT, lambda: _render(exported.services, _describe(exported))
    )


def make_report_pdf(exported: Exported) -> bytes:
    """The report as PDF: of a record always the same bytes.

    Raises:
        NotThere: No record has this number.
        InputError: As `make_report_page`; or Pango is missing.
    """
    return _kept(
        exported,
        SignedFile.REPORT_PDF,
        lambda: _print(exported),
    )


def _print(exported: Exported) -> bytes:
    exported.progress(0, _OF_REPORT, "Writing the report")
    page = make_report_page(exported)
    return pipeline.make_pdf(page, fonts=read_fonts(), progress=_printing(exported.progress))


def _printing(progress: ProgressCallback) -> ProgressCallback:
    """Progress of a PDF, of which nobody knows how far it is."""
    return lambda done, total, what: progress(1, _OF_REPORT, "Making the PDF")


def with_report(
    services: Services,
    row: StudyRow,
    record: NewRecord,
    *,
    by: Author,
    case: Case,
    mask: MaskSlices,
    ai: MaskSlices | None,
    lesions: LesionList,
) -> NewRecord:
    """A record with the report and the findings that are frozen with it.

    What cannot be made, such as a report with a damaged template, does not stop a signature: it is
    then made when it is first asked for.
    """
    signature = Signature(
        number=(record.content.amends or 0) + 1,
        author=by.name,
        at=record.signed_at,
        digest=record.digest,
    )
    read = withhold(StudyAsRead(record.content, signature, case, mask, ai, lesions))
    files: dict[SignedFile, bytes] = {}
    try:
        report = describe_report(make_source(services, row, read, at=record.signed_at))
        files[SignedFile.FINDINGS] = _findings(report)
        files[SignedFile.REPORT] = _render(services, report)
    except InputError as error:
        _LOG.warning("A record is signed without its report: %s", error.message)
    return replace(record, files=files)


def _findings(report: Report) -> bytes:
    return findings_text(report).encode("utf-8", "replace")


def _render(services: Services, report: Report) -> bytes:
    settings = services.settings
    return render_page(report, template=settings.report_template, paper=settings.paper)


def _nifti(exported: Exported, mask: MaskSlices) -> bytes:
    case = exported.read.case
    volume = make_volume(mask, shape_of(exported.row))
    return pipeline.encode_nifti_mask(volume, case.grid, case.spacing_mm)


def make_read_nifti(exported: Exported) -> bytes:
    """The mask as read, on the voxels of the input."""
    return _nifti(exported, exported.read.mask)


def make_ai_nifti(exported: Exported) -> bytes:
    """The AI mask, on the voxels of the input.

    Raises:
        InputError: The study has no AI result.
    """
    if exported.read.ai is None:
        raise InputError("", _NO_RESULT)
    return _nifti(exported, exported.read.ai)


def _archive(exported: Exported, kinds: set[pipeline.ExportKind]) -> bytes:
    """Files of a signed record as one ZIP.

    Raises:
        InputError: It is not signed, or none of them can be made.
    """
    services, row, read = exported.services, exported.row, exported.read
    if refusal := _needs_signature(exported):
        raise InputError("", refusal)
    amends = read.content.amends
    before = find_record(services, row, amends) if amends is not None else None
    pdf = None
    if pipeline.ExportKind.PDF in kinds:
        try:
            pdf = make_report_pdf(replace(exported, progress=_within(exported.progress, 0, 0.4)))
        except InputError as error:  # without Pango the other objects are made
            _LOG.warning("The report is not among the DICOM objects: %s", error.message)
    start = 0.4 if pdf is not None else 0.0
    exported.progress(int(100 * start), 100, "Measuring the outlines")
    return pipeline.make_archive(
        make_exported_study(services, row, read),
        kinds,
        views=key_views(read),
        pdf=pdf,
        replaced=make_exported_study(services, row, before) if before else None,
        replaced_views=key_views(before) if before else (),
        reason=read.content.reason,
        channel=row.start_channel,
        progress=_within(exported.progress, start + 0.1, 1.0),
    )


def _within(progress: ProgressCallback, start: float, end: float) -> ProgressCallback:
    """Progress of a part of the work, from one share of it to another."""

    def report(done: int, total: int, what: str) -> None:
        share = start + (end - start) * done / max(total, 1)
        progress(round(100 * share), 100, what)

    return report


def make_dicom(exported: Exported) -> bytes:
    """SEG, SR, key images and report as DICOM objects, in one ZIP."""
    kinds = pipeline.ExportKind
    return _archive(exported, {kinds.SEG, kinds.SR, kinds.SC, kinds.PDF})


def make_joined(exported: Exported) -> bytes:
    """SEG with one segment for all lesions, in a ZIP."""
    return _archive(exported, {pipeline.ExportKind.SEG_JOINED})


def make_runs(exported: Exported) -> bytes:
    """The masks as run lengths, in one ZIP."""
    return _archive(exported, {pipeline.ExportKind.RLE})


def _needs_signature(exported: Exported) -> str:
    return "" if exported.record is not None else "Sign the study first."


def _needs_result(exported: Exported) -> str:
    has_result = exported.record is not None or exported.row.positive_slices is not None
    return "" if has_result else _NO_RESULT


_COLUMNS: Final = (
    "item", "number", "kind", "counts", "location", "location_snomed_ct", "side", "source",
    "volume_ml", "voxels", "first_slice", "last_slice", "longest", "perpendicular", "area",
    "angle_degrees", "unit", "sequence", "mean", "standard_deviation", "minimum", "maximum",
    "slice_score", "points_px", "text",
)  # fmt: skip


def make_table(exported: Exported) -> bytes:
    """Lesions and the reader's own measurements as CSV, a row for each.

    Where the AI result is withheld, a row says why, and lesions have what the reader wrote of them.
    Slices have the numbers that the page shows; points are (x, y) in pixels from the top left. An
    area is in square mm, or in pixels, as its unit says. After it come the values of the pixels
    inside, a row for each sequence.
    """
    content, numbers = exported.read.content, exported.row.indices
    withheld = exported.read.withheld
    corrected = exported.read.corrected
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, _COLUMNS, restval="")
    writer.writeheader()
    if withheld:
        writer.writerow(_cells(item="withheld", text=withheld_words(withheld)))
    for one in content.lesions:
        writer.writerow(
            _cells(
                item="lesion",
                number=one.number,
                location=LOCATIONS.get(one.location or "", ""),
                location_snomed_ct=one.location or "",
                first_slice=numbers[one.first],
                last_slice=numbers[one.last],
                text=one.comment,
                **({} if withheld else _figures(one, is_corrected=one.number in corrected)),
            )
        )
    spacing = content.study.spacing_mm
    for number, item in enumerate(content.measurements, start=1):
        drawn = values_of(item, spacing)
        on = numbers[item.k]
        which = {"number": number, "kind": item.kind, "first_slice": on, "last_slice": on}
        writer.writerow(
            _cells(
                item="measurement",
                **which,
                longest=_number(drawn.length, 2),
                perpendicular=_number(drawn.across, 2),
                area=_number(drawn.area, 2),
                angle_degrees=_number(drawn.angle, 1),
                unit=("mm" if spacing else "px") if drawn.has_unit else "",
                points_px=json.dumps([[round(x, 2), round(y, 2)] for x, y in item.points]),
                text=item.text,
            )
        )
        for inside in pixel_values(exported.row, exported.read, item):
            writer.writerow(
                _cells(
                    item="pixel values",
                    **which,
                    sequence=inside.sequence,
                    **_statistics(inside.values),
                )
            )
    return stream.getvalue().encode("utf-8")


def _figures(lesion: SignedLesion, *, is_corrected: bool) -> dict[str, object]:
    return {
        "kind": str(lesion.verdict),
        "counts": "no" if lesion.verdict is LesionVerdict.REMOVE else "yes",
        "side": lesion.side,
        "source": "ai corrected" if is_corrected else lesion.source,
        "volume_ml": _number(lesion.volume_ml, 3),
        "voxels": lesion.voxels,
        "longest": _number(lesion.longest, 2),
        "perpendicular": _number(lesion.perpendicular, 2),
        "unit": lesion.unit,
        "slice_score": _number(lesion.score, 3),
    }


def _statistics(values: PixelValues | None) -> dict[str, object]:
    if values is None:
        return {"text": "no pixels inside"}
    found = {
        "mean": values.mean,
        "standard_deviation": values.deviation,
        "minimum": values.least,
        "maximum": values.most,
    }
    return {name: float(f"{value:.6g}") for name, value in found.items()}


def _cells(**values: object) -> dict[str, object]:
    """A row in which no text is a formula to a spreadsheet."""
    return {
        name: spreadsheet_text(value) if isinstance(value, str) else value
        for name, value in values.items()
    }


def _number(value: float | None, digits: int) -> float | str:
    return "" if value is None else round(value, digits)


#: Every kind, in the order of the menu.
KINDS: Final[Mapping[str, ExportKind]] = {
    kind.name: kind
    for kind in (
        ExportKind(
            "report",
            "Report (PDF)",
            "To read and to print: findings, lesion table, key images, volume over time.",
            ".pdf",
            make_report_pdf,
        ),
        ExportKind(
            "page",
            "Report (page)",
            "The same report in the browser, to read or to print.",
            ".html",
            make_report_page,
        ),
        ExportKind(
            "dicom",
            "DICOM objects (ZIP)",
            "For the PACS: outlines (SEG), measurements (SR), key images and the report.",
            "_dicom.zip",
            make_dicom,
            _needs_signature,
        ),
        ExportKind(
            "seg-joined",
            "DICOM SEG, joined (ZIP)",
            "For viewers that show one outline: all lesions as one segment.",
            "_seg_joined.zip",
            make_joined,
            _needs_signature,
        ),
        ExportKind(
            "nifti",
            "Mask as read (NIfTI)",
            "For research programs: the mask on the voxels of the input.",
            "_mask.nii.gz",
            make_read_nifti,
        ),
        ExportKind(
            "ai-nifti",
            "AI mask (NIfTI)",
            "For comparison: the mask of the AI before any correction.",
            "_ai_mask.nii.gz",
            make_ai_nifti,
            _needs_result,
        ),
        ExportKind(
            "csv",
            "Measurements (CSV)",
            "For spreadsheets and statistics: lesions, and what you measured by hand.",
            "_measurements.csv",
            make_table,
        ),
        ExportKind(
            "rle",
            "Masks as run lengths (ZIP)",
            "For scripts and courses: pixel numbers as CSV and JSON.",
            "_rle.zip",
            make_runs,
            _needs_signature,
        ),
        ExportKind(
            "view",
            "View (PNG)",
            "For slides and teaching: the slice as it is shown, with its overlays.",
            "_view.png",
            None,
        ),
    )
}
