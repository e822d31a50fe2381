"""The OpenAPI 3.1 document, made from the route table and the structs, so that it cannot differ from what is served."""

from __future__ import annotations

from typing import Any

import msgspec

from tracker.api import answers
from tracker.api.formats import Format
from tracker.api.routes import ROUTES
from tracker.api.routing import Route

_REF = "#/components/schemas/{name}"
_ERRORS = {
    400: "Something in the request must change; `field` says what",
    401: "No token, or one that is not known",
    403: "The token does not allow this",
    404: "There is no such thing",
    409: "The present state does not allow this",
    413: "The body is over 1 MB",
    503: "Busy or away: try again",
}
_TOO_MUCH = {
    422: "The report needs more memory than it may use: choose a shorter period, fewer steps, or no breakdown",
    504: "The report took too long: choose a shorter period",
}
_DESCRIPTION = (
    "Private API of Journey Tracker. Times are RFC 3339; `from` is included, `to` is not. Windows are written `30m`, "
    "`24h`, `7d`. Every error has the same shape. Reports are also given as CSV and as Arrow, by `Accept`."
)


def document(version: str) -> dict[str, Any]:
    """The whole document as JSON-ready values."""
    kinds = [kind for route in ROUTES for kind in (route.body, route.answer) if kind is not None]
    _, schemas = msgspec.json.schema_components([*dict.fromkeys(kinds), answers.Error], ref_template=_REF)
    for route in ROUTES:
        for name in route.read_only:
            told = schemas[route.answer.__name__]["properties"][name]
            schemas[route.body.__name__]["properties"][name] = {**told, "readOnly": True}
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Journey Tracker API", "version": version, "description": _DESCRIPTION},
        "security": [{"token": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in ROUTES)],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "description": f"Needs the role `{route.role}`.",
        "tags": [route.tag],
        "responses": _responses(route),
    }
    if parameters := [*_path_parameters(route), *_query_parameters(route)]:
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(route.body)}}}
    return operation


def _operation_id(route: Route) -> str:
    words = route.path.removeprefix("/api/v1/").replace("{", "by_").replace("}", "").replace("/", "_")
    return f"{route.method.lower()}_{words}"


def _responses(route: Route) -> dict[str, Any]:
    content: dict[str, Any]
    if route.file:
        content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    else:
        content = {"application/json": {"schema": _ref(route.answer)}}
    if route.report:
        content[Format.CSV.value] = {"schema": {"type": "string"}}
        content[Format.ARROW.value] = {"schema": {"type": "string", "format": "binary"}}
    error = {"application/json": {"schema": _ref(answers.Error)}}
    errors = {**_ERRORS, **(_TOO_MUCH if route.slow else {})}
    return {
        str(route.status): {"description": "Done", "content": content},
        **{str(status): {"description": text, "content": error} for status, text in errors.items()},
    }


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in route.parameters]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    (_,), schemas = msgspec.json.schema_components([route.query])
    schema = schemas[route.query.__name__]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": kind}
        for name, kind in schema["properties"].items()
    ]


def _ref(kind: Any) -> dict[str, Any]:
    return {"$ref": _REF.format(name=kind.__name__)}
