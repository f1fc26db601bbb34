"""HTTP of prior studies: the patient's other studies, registration, slices, the comparison."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any, Literal

import numpy as np
from flask import Blueprint, Response
from numpy.typing import NDArray
from PIL import Image, ImageColor
from pydantic import Field

import pipeline
from dashboard.api.access import (
    DataAddress,
    Place,
    StudyAddress,
    answer_immutable,
    check_place,
    find_services,
    find_study,
    load_case,
    still_there,
    study_with_pixels,
)
from dashboard.api.corrections import SentView, find_whole_mask, longest_mask
from dashboard.api.decisions import (
    ReadingAnswer,
    ReadingConflictAnswer,
    answer_claimed,
    answer_conflict,
    describe_reading,
)
from dashboard.api.endpoint import PLANES, SURFACES, Answer, Body, Nothing, Query, endpoint
from dashboard.api.entries import UNNAMED
from dashboard.api.errors import refuse_input
from dashboard.api.identity import author, current_reader
from dashboard.api.measurements import Revision
from dashboard.api.space import Figure
from dashboard.decisions.priors import (
    MaskAsRead,
    TimePoint,
    compare_with_prior,
    find_matrix,
    find_prior,
    list_patient_studies,
    mask_as_read,
    may_link,
)
from dashboard.figures import volumes
from dashboard.figures.template import Theme, tokens_of
from dashboard.jobs import table
from dashboard.masks.corrections import make_volume, shape_of
from dashboard.store import JobState, StudyId, StudyRow
from dashboard.store.claims import Claimed
from dashboard.store.patients import PatientLink, write_link
from dashboard.store.readings import ReadingConflict, write_reading
from dashboard.store.registrations import read_registration
from dashboard.store.states import StudyState
from dashboard.studies.display import grey_levels
from dashboard.workspace.received import NotThere, RequestRefused
from pipeline import InputError

_PNG = "image/png"
#: Longest side at least of a picture of a prior.
_LEAST_PX = 768
NOT_A_PRIOR = "This is not a prior study of the same patient; open the study again."
NOT_REGISTERED = "The prior is not registered."

prior = Blueprint("prior", __name__)
prior.register_error_handler(InputError, refuse_input)
prior.register_error_handler(ReadingConflict, answer_conflict)
prior.register_error_handler(Claimed, answer_claimed)


class PriorsQuery(Query):
    """The theme of the chart."""

    theme: Theme = "dark"


class PriorAddress(StudyAddress):
    """A prior of a study."""

    prior_id: StudyId


class PriorSliceAddress(DataAddress):
    """The prior's slice at a slice of a study."""

    prior_id: StudyId
    k: Place


_WindowShare = Annotated[float, Field(ge=-100, le=100)]


class PriorSliceQuery(Query):
    """How the slice is shown.

    Attributes:
        registered: Whether it is brought to the study's slice.
        sequence: Of the channel that is shown; the prior's own choice where it has none.
        mask: Names the prior's mask and spacing, so that other ones have another address.
        low, high: The reader's window, as shares of the study's own display window: the prior is
            shown in the same shares of its own, because its grey values have another scale.
        invert: Whether bright is shown dark.
        outline: Whether the prior's mask is outlined.
    """

    registered: bool = False
    sequence: Annotated[str, Field(max_length=16)] = "flair"
    mask: Annotated[str, Field(max_length=32)] = ""
    low: _WindowShare = 0.0
    high: _WindowShare = 1.0
    invert: bool = False
    outline: bool = True


class TimePointAnswer(Answer):
    """A study of the patient; see `TimePoint`.

    Attributes:
        mask: Names its mask and spacing in addresses.
        letters: At the left, right, top and bottom edges of its images; null where unknown.
        withheld: Why no figures of its AI mask are given, or "".
        linked_by: The reader who says that it is the patient's; "" where its files say so.
    """

    linked_by: str
    study_id: str
    name: str
    study_date: str
    state: StudyState
    source: Literal["signed", "version", "ai", ""]
    mask: str
    volume_ml: float | None
    longest: float | None
    perpendicular: float | None
    unit: Literal["mm", "px"]
    letters: tuple[str, str, str, str] | None
    withheld: str


class ContradictedAnswer(Answer):
    """A study with the same patient id that is not taken for the patient's.

    Attributes:
        contradictions: What its files contradict.
        cut_by: The reader who says that it is not; "" where its files say so.
    """

    study_id: str
    study_date: str
    contradictions: list[str]
    cut_by: str


class PriorsAnswer(Answer):
    """The patient's earlier studies.

    Attributes:
        is_stated: Whether the study's files state a patient id.
        own: The study in view.
        priors: The earlier ones, the latest first.
        contradicted: Earlier studies with the same id and another name, sex or birth date.
        chart: Volume and diameter over time; null without a prior of another date.
        slice_url: Address of a prior's slice, with the placeholders ``{prior}`` and ``{k}``.
    """

    is_stated: bool
    own: TimePointAnswer
    priors: list[TimePointAnswer]
    contradicted: list[ContradictedAnswer]
    chart: Figure | None
    slice_url: str


class SentLink(Body):
    """Whether a reader says that two studies are of one patient; null for what the files state."""

    is_same: bool | None


class SentRegistration(Body):
    """A request for a registration; again tries one that failed once more."""

    again: bool = False


class RegistrationAnswer(Answer):
    """A registration.

    Attributes:
        state: Of its job; "done" once it is known.
        usable: Whether the prior can be shown registered.
        sentence: Why not, or "".
        overlap, correlation: How well the two agree; null before it is known.
    """

    state: JobState
    usable: bool
    sentence: str
    overlap: float | None = None
    correlation: float | None = None


class SentComparison(SentView):
    """A comparison of what is in the reader's view with a prior.

    Attributes:
        revision: Of the reading that the page has seen.
        registered: Whether the prior is shown registered.
    """

    revision: Revision
    registered: bool


@prior.get("/api/studies/<study_id>/priors")
@endpoint(rate=SURFACES)
def show_priors(address: StudyAddress, query: PriorsQuery) -> PriorsAnswer:
    """Return the patient's studies before this one, with what was read of them."""
    row = find_study(address.study_id)
    found = list_patient_studies(find_services(), row)
    dated = [one for one in found.priors if one.row.study_date != row.study_date]
    return PriorsAnswer(
        is_stated=found.is_stated,
        own=_describe(found.own),
        priors=[_describe(one, links=found.links) for one in found.priors],
        contradicted=[
            ContradictedAnswer(
                study_id=one.study_id,
                study_date=one.study_date,
                contradictions=list(why),
                cut_by=found.links[one.study_id].author if one.study_id in found.links else "",
            )
            for one, why in found.contradicted
        ],
        chart=_chart([found.own, *dated], query.theme) if dated else None,
        slice_url=f"/data/{row.study_id}/{row.data_digest}/prior/{{prior}}/{{k}}.png",
    )


@prior.put("/api/studies/<study_id>/priors/<prior_id>/link")
@endpoint()
def link(address: PriorAddress, sent: SentLink) -> Nothing:
    """Store that two studies with one patient id are of one patient, or are not.

    Signed records keep the comparison that was signed.
    """
    row = find_study(address.study_id)
    if not current_reader().is_named:
        raise RequestRefused(UNNAMED)
    if not may_link(find_services(), row, address.prior_id):
        raise NotThere(NOT_A_PRIOR)
    with still_there():
        write_link(
            find_services().store, row.study_id, address.prior_id, is_same=sent.is_same, by=author()
        )
    return Nothing()


@prior.post("/api/studies/<study_id>/priors/<prior_id>/registration")
@endpoint()
def register_prior(address: PriorAddress, sent: SentRegistration) -> RegistrationAnswer:
    """Request the registration of a prior, and return how far it is."""
    row, other = _find(address)
    store = find_services().store
    found = read_registration(store, row.content_digest, other.content_digest)
    if found is not None:
        return RegistrationAnswer(
            state=JobState.DONE,
            usable=not found.problem,
            sentence=found.problem,
            overlap=found.overlap,
            correlation=found.correlation,
        )
    job = table.submit_registration(
        store, row.content_digest, other.content_digest, restart=sent.again
    )
    return RegistrationAnswer(state=job.state, usable=False, sentence=job.error)


@prior.get("/data/<study_id>/<digest>/prior/<prior_id>/<int:k>.png")
@endpoint(_PNG, rate=PLANES)
def prior_slice(address: PriorSliceAddress, query: PriorSliceQuery) -> Response:
    """Return the prior's slice at a slice of the study, with the outline of the prior's mask."""
    row = study_with_pixels(address)
    check_place(row, 0, address.k)
    other = find_prior(find_services(), row, address.prior_id)
    if other is None:
        raise NotThere(NOT_A_PRIOR)

    def encode() -> bytes:
        return _draw(row, other, address.k, query)

    return answer_immutable(encode, mimetype=_PNG)


@prior.put("/api/studies/<study_id>/priors/<prior_id>/comparison")
@endpoint(others={HTTPStatus.CONFLICT: ReadingConflictAnswer}, longest=longest_mask, rate=SURFACES)
def write_comparison(address: PriorAddress, sent: SentComparison) -> ReadingAnswer:
    """Compare what is in the reader's view with a prior, and record that."""
    row, other = _find(address)
    parts = find_services()
    found = compare_with_prior(
        parts, row, other, find_whole_mask(row, sent), registered=sent.registered
    )
    with still_there():
        written = write_reading(
            parts.store,
            row.study_id,
            author(),
            revision=sent.revision,
            change=lambda before: replace(before, comparison=found),
        )
    return describe_reading(row, written)


def _find(address: PriorAddress) -> tuple[StudyRow, StudyRow]:
    row = find_study(address.study_id)
    other = find_prior(find_services(), row, address.prior_id)
    if other is None:
        raise NotThere(NOT_A_PRIOR)
    return row, other


def _describe(
    point: TimePoint, *, links: Mapping[str, PatientLink] | None = None
) -> TimePointAnswer:
    link = (links or {}).get(point.row.study_id)
    return TimePointAnswer(
        linked_by=link.author if link else "",
        study_id=point.row.study_id,
        name=point.row.name,
        study_date=point.row.study_date,
        state=point.state,
        source=point.source,
        mask=f"{point.mask_name}-{point.row.data_digest[:8]}",
        volume_ml=point.volume_ml,
        longest=point.longest,
        perpendicular=point.perpendicular,
        unit=point.unit,
        letters=point.letters,
        withheld=point.withheld,
    )


def _chart(points: list[TimePoint], theme: Theme) -> Figure:
    import pandas as pd

    in_mm = [one.unit == "mm" for one in points]
    data = pd.DataFrame(
        {
            volumes.DATE: [one.row.study_date for one in points],
            volumes.VOLUME: [one.volume_ml for one in points],
            volumes.LONGEST: [
                one.longest if mm else None for one, mm in zip(points, in_mm, strict=True)
            ],
            volumes.PERPENDICULAR: [
                one.perpendicular if mm else None for one, mm in zip(points, in_mm, strict=True)
            ],
            volumes.IN_VIEW: [at == 0 for at in range(len(points))],
        }
    )
    return Figure.model_validate(
        json.loads(volumes.make_volumes_figure(data, theme=theme).to_json())
    )


def _draw(row: StudyRow, other: StudyRow, k: int, query: PriorSliceQuery) -> bytes:
    parts = find_services()
    case, found = load_case(other), mask_as_read(parts, other)
    names = list(other.sequences)
    channel = names.index(query.sequence) if query.sequence in names else other.start_channel
    pixels = case.pixels[..., channel]
    spacing = case.spacing_mm
    if query.registered:
        matrix = find_matrix(parts, row, other)
        if matrix is None:
            raise NotThere(NOT_REGISTERED)
        shape = (row.height, row.width)
        image: NDArray[Any] = pipeline.resample_slice(pixels, matrix, shape, k)
        volume = make_volume(found.mask, shape_of(other)).astype(np.float32)
        mask = np.nan_to_num(pipeline.resample_slice(volume, matrix, shape, k)) >= 0.5
        spacing = load_case(row).spacing_mm
    else:
        at = round(k * (other.slices - 1) / max(row.slices - 1, 1))
        image = pixels[at]
        mask = np.asarray(found.mask.get(at, np.zeros(image.shape, bool)), bool)
    black, white = other.display.windows[channel]
    low, high = (black + share * (white - black) for share in (query.low, query.high))
    grey = grey_levels(image, (low, high))
    if query.invert:
        grey = np.uint8(255) - grey
    size = _drawn_size(grey.shape, spacing)
    enlarged, outlined = (
        np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BILINEAR))
        for one in (grey, mask.astype(np.uint8) * np.uint8(255))
    )
    colors = np.repeat(enlarged[..., None], 3, axis=-1)
    if query.outline:
        rows, columns = pipeline.surface_points(outlined >= 128).T
        colors[rows, columns] = ImageColor.getrgb(_color(found))
    picture = Image.fromarray(colors)
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _drawn_size(
    shape: tuple[int, ...], spacing: tuple[float, float, float] | None
) -> tuple[int, int]:
    """Width and height of the picture: square pixels, and enough of them for a thin outline."""
    rows, columns = shape
    stretch = spacing[1] / spacing[2] if spacing else 1.0
    factor = max(1.0, _LEAST_PX / max(rows * stretch, columns))
    return max(1, round(columns * factor)), max(1, round(rows * stretch * factor))


def _color(found: MaskAsRead) -> str:
    """The images are dark in both themes."""
    tokens = tokens_of("dark")
    return tokens.ai if found.source == "ai" else tokens.correction
