"""The OpenAPI 3.1 description of the HTTP interface, made from what the endpoints declare.

``python -m dashboard.document`` writes it to docs/openapi.json; docs/http.md explains it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema
from werkzeug.routing import Rule

from dashboard.api.endpoint import JSON, VERSION, VERSION_HEADER, Endpoint, ErrorAnswer

_REFERENCE = "#/components/schemas/{model}"
_VARIABLE = re.compile(r"<(?:[^<>]*:)?(\w+)>")
_CHANGING = ("PUT", "POST", "PATCH", "DELETE")


def describe_interface(server: Flask) -> dict[str, Any]:
    """Describe all declared endpoints of a server."""
    found = list(list_endpoints(server))
    schemas = _describe_models([declared for _, declared in found])
    paths: dict[str, dict[str, Any]] = {}
    for rule, declared in found:
        (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"} or {"OPTIONS"}
        path = paths.setdefault(_VARIABLE.sub(r"{\1}", rule.rule), {})
        path[method.lower()] = {
            "operationId": rule.endpoint,
            "summary": _summary(server.view_functions[rule.endpoint].__doc__),
            "parameters": list(_describe_parameters(rule, declared, schemas)),
            **_describe_request(declared),
            "responses": _describe_responses(declared),
        }
    for _, declared in found:
        for kind in (declared.address, declared.query, declared.headers):
            if kind is not None:
                schemas.pop(kind.__name__, None)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Overread",
            "version": VERSION,
            "description": "The HTTP interface between Overread's pages and its server; see"
            " http.md.",
        },
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(schemas.items()))},
    }


def list_endpoints(server: Flask) -> Iterator[tuple[Rule, Endpoint]]:
    """Return the rules of a server's declared views, with their declarations."""
    for rule in server.url_map.iter_rules():
        declared = getattr(server.view_functions[rule.endpoint], "declared", None)
        if isinstance(declared, Endpoint):
            yield rule, declared


class _PlainSchemas(GenerateJsonSchema):
    """Generates schemas without titles, which pydantic derives from the fields' names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _describe_models(endpoints: list[Endpoint]) -> dict[str, Any]:
    """Return the JSON schemas of all models by name."""
    taken = {
        kind: None
        for one in endpoints
        for kind in (one.address, one.query, one.headers, one.body)
        if kind
    }
    given = {
        kind: None
        for one in endpoints
        for kind in (one.content, *one.others.values(), ErrorAnswer)
        if isinstance(kind, type)
    }
    answers = _schemas(given, "serialization")
    for schema in answers.values():
        schema.pop("additionalProperties", None)  # a field may be added within a version
    return answers | _schemas(taken, "validation")


def _schemas(kinds: Iterable[type[BaseModel]], mode: JsonSchemaMode) -> dict[str, Any]:
    _, schema = models_json_schema(
        [(kind, mode) for kind in kinds], ref_template=_REFERENCE, schema_generator=_PlainSchemas
    )
    found: dict[str, Any] = schema["$defs"]
    return found


def _describe_parameters(
    rule: Rule, declared: Endpoint, schemas: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    places = {"path": declared.address, "query": declared.query, "header": declared.headers}
    for place, kind in places.items():
        schema = schemas[kind.__name__] if kind else {}
        for name, field in schema.get("properties", {}).items():
            required = place == "path" or name in schema.get("required", ())
            yield {"name": name, "in": place, "required": required, "schema": field}
    if rule.rule.startswith("/api/") and set(_CHANGING) & (rule.methods or set()):
        version = {"type": "string", "const": VERSION}
        yield {"name": VERSION_HEADER, "in": "header", "required": True, "schema": version}


def _describe_request(declared: Endpoint) -> dict[str, Any]:
    kind: Any = declared.body or declared.receives
    return {"requestBody": {"required": True, "content": _describe_content(kind)}} if kind else {}


def _describe_responses(declared: Endpoint) -> dict[str, Any]:
    described = {
        str(int(status)): {"description": status.phrase, "content": _describe_content(kind)}
        for status, kind in ((declared.status, declared.content), *declared.others.items())
    }
    error = {"description": "Error", "content": _describe_content(ErrorAnswer)}
    return {**described, "default": error}


def _describe_content(kind: type[BaseModel] | str) -> dict[str, Any]:
    if isinstance(kind, str):
        return {kind: {}}
    return {JSON: {"schema": {"$ref": _REFERENCE.format(model=kind.__name__)}}}


def _summary(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0].rstrip(".")
