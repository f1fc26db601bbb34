"""What endpoints accept and return: declared models, parsed and written in one place.

    @measurement.put("/api/studies/<study_id>/measurements")
    @endpoint()
    def write(address: StudyAddress, sent: SentMeasurements) -> Measurements: ...

A view's parameters are its `Address` (the variables of its rule), `Query`, `Headers` and `Body`, if
it has them; it returns an `Answer`, or a response with the type of content that the decorator
names.
`dashboard.api.openapi` describes the endpoints from the same declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from http import HTTPStatus
from typing import Any, ClassVar, Final, TypeVar, get_type_hints

from flask import Response, request
from pydantic import ConfigDict, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from dashboard.api.bodies import LONGEST_BODY, check_nesting
from dashboard.workspace.received import NotThere, RequestRefused
from pipeline import DeclaredModel, first_problem, input_error

#: Version of the HTTP interface, and the header that names it in requests and answers.
VERSION: Final = "1"
VERSION_HEADER: Final = "X-Overread"
NOTHING_HERE = "There is nothing at this address."
JSON = "application/json"
#: Rates of what costs the server much: surfaces and measuring take up to a second, a plane some
#: milliseconds. A reader who drags a control stays far below.
SURFACES, PLANES = "40 per 10 seconds", "800 per 10 seconds"

_View = TypeVar("_View", bound=Callable[..., Any])


class Address(DeclaredModel):
    """The variables of an address; numbers arrive as text."""

    model_config = ConfigDict(strict=False)


class Query(DeclaredModel):
    """The query of an address; the base class accepts no parameters."""

    model_config = ConfigDict(strict=False)


class Headers(DeclaredModel):
    """Headers of a request, by their names as aliases; others are not looked at."""

    model_config = ConfigDict(strict=False)


def check_printable(text: str) -> str:
    """A text of a request without control characters.

    Raises:
        ValueError: It has some.
    """
    if not text.isprintable():
        raise ValueError("must be plain text")
    return text


def join_words(text: object) -> object:
    """A text of a request with single spaces between its words; anything else as it is."""
    return " ".join(text.split()) if isinstance(text, str) else text


class Body(DeclaredModel):
    """The JSON object of a request.

    Attributes:
        shown, remedy: What the sentence on one that is not valid calls it, and says to do.
    """

    shown: ClassVar[str] = "The request"
    remedy: ClassVar[str] = "correct it or load the page again"


class Answer(DeclaredModel):
    """The JSON object of an answer; no number in it is NaN or infinite."""

    model_config = ConfigDict(strict=False)


class Nothing(Answer):
    """An answer without content: the request succeeded."""


class ErrorAnswer(Answer):
    """Why a request failed.

    Attributes:
        error: One sentence that may be shown.
        field: The field that is not valid, such as "items[2].points"; "" for none in
            particular.
    """

    error: str
    field: str = ""


@dataclass(frozen=True)
class Endpoint:
    """What an endpoint accepts and returns.

    Attributes:
        address, query, headers, body: Models of the request's parts; None for a part that it does
            not have.
        content: Model of its answer, or the type of content if that is not JSON.
        status: Status of its answer.
        others: Models of answers with other statuses; the others are an `ErrorAnswer`.
        receives: Type of content of a body that is not JSON, or "".
        longest: Largest body in bytes, or the function that returns it for an address.
        rate: How often a reader may request it, such as `SURFACES`; "" for any number.
    """

    address: type[Address] | None
    query: type[Query]
    headers: type[Headers] | None
    body: type[Body] | None
    content: type[Answer] | str
    status: HTTPStatus
    others: Mapping[HTTPStatus, type[Answer]] = field(default_factory=dict)
    receives: str = ""
    longest: int | Callable[[Any], int] = LONGEST_BODY
    rate: str = ""

    def answers(self, status: HTTPStatus | int) -> type[Answer] | str:
        """Return the model, or the type of content, of its answer with a status."""
        if status == self.status:
            return self.content
        return next((kind for code, kind in self.others.items() if code == status), ErrorAnswer)


def endpoint(
    content: type[Answer] | str | None = None,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    others: Mapping[HTTPStatus, type[Answer]] | None = None,
    longest: int | Callable[[Any], int] = LONGEST_BODY,
    receives: str = "",
    rate: str = "",
) -> Callable[[_View], Callable[..., Response]]:
    """Declare a view as an endpoint, by the types of its parameters and of its return value.

    Args:
        content: Content of the answer if the view returns a `Response`.
        status: Status of the answer.
        others: Models of answers with other statuses, if not `ErrorAnswer`.
        longest: Longest body that is read, in bytes, or a function that returns it for an address.
        receives: Type of content of a body that the view reads itself.
        rate: How often a reader may request it (`dashboard.api.throttle`).
    """

    def declare(view: _View) -> Callable[..., Response]:
        kinds = get_type_hints(view)
        returned = kinds.pop("return")
        parameters = {
            base: name
            for name, kind in kinds.items()
            for base in (Address, Query, Headers, Body)
            if issubclass(kind, base)
        }
        declared = Endpoint(
            address=kinds.get(parameters.get(Address, "")),
            query=kinds.get(parameters.get(Query, ""), Query),
            headers=kinds.get(parameters.get(Headers, "")),
            body=kinds.get(parameters.get(Body, "")),
            content=content or returned,
            status=status,
            others=others or {},
            receives=receives,
            longest=longest,
            rate=rate,
        )

        @wraps(view)
        def answer(**values: Any) -> Response:
            parsed: dict[type[DeclaredModel], DeclaredModel] = {}
            if declared.address is not None:
                parsed[Address] = _parse_address(declared.address, values)
            parsed[Query] = _parse_query(declared.query)
            if declared.headers is not None:
                parsed[Headers] = _parse_headers(declared.headers)
            if declared.body is not None:
                most = longest if isinstance(longest, int) else longest(parsed.get(Address))
                parsed[Body] = _parse_body(declared.body, most)
            found = view(**{name: parsed[base] for base, name in parameters.items()})
            return found if isinstance(found, Response) else json_response(found, status)

        answer.declared = declared  # type: ignore[attr-defined]
        return answer

    return declare


def json_response(answer: Answer, status: HTTPStatus | int = HTTPStatus.OK) -> Response:
    """Return an answer as JSON."""
    return Response(answer.model_dump_json(), status, mimetype=JSON)


def _parse_address(kind: type[Address], values: Mapping[str, Any]) -> Address:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        found = kind.model_fields.get(first_problem(error).field)
        title = found.title if found else None
        raise NotThere(f"No {title} at this address." if title else NOTHING_HERE) from None


def _parse_query(kind: type[Query]) -> Query:
    try:
        return kind.model_validate(request.args.to_dict())
    except ValidationError as error:
        if request.method == "GET":  # the query is a part of the address
            raise NotThere(NOTHING_HERE) from None
        raise _refusal(error, Body) from None


def _parse_headers(kind: type[Headers]) -> Headers:
    names = [str(field.alias) for field in kind.model_fields.values()]
    try:
        return kind.model_validate(
            {name: request.headers[name] for name in names if name in request.headers}
        )
    except ValidationError as error:
        raise _refusal(error, Body) from None


def _parse_body(kind: type[Body], most: int) -> Body:
    if (request.content_length or 0) > most:
        raise RequestEntityTooLarge
    if not request.is_json:
        raise RequestRefused(f"{kind.shown} must be JSON; {kind.remedy}.")
    text = request.get_data()
    check_nesting(text)
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise _refusal(error, kind) from None


def _refusal(error: ValidationError, kind: type[Body]) -> RequestRefused:
    sentence = input_error(error, kind.shown, remedy=kind.remedy).message
    return RequestRefused(sentence, field=first_problem(error).field)
