"""Query strings and JSON bodies -> checked structs, with the path of what is wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from tracker.api import wording
from tracker.core.errors import BadRequest


def needs_site(kind: Any) -> bool:
    """Whether a query string of this kind must name a site."""
    return kind is not None and any(one.name == "site" and one.required for one in msgspec.structs.fields(kind))


def query_of(given: Mapping[str, str], kind: Any) -> Any:
    """A query string as a struct; unknown and malformed parameters raise BadRequest."""
    try:
        return msgspec.convert(dict(given), kind, strict=False)
    except msgspec.ValidationError as error:
        raise _wrong(error, kind) from None


def body_of(raw: bytes, kind: Any) -> Any:
    """A JSON body as a struct (or as `dict`). Raises BadRequest with the field's path."""
    if not raw.strip():
        raise BadRequest("the request needs a JSON body", code="bad_json")
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise _wrong(error, kind) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("the body is not readable as JSON in UTF-8", code="bad_json") from None


def body_and_given(raw: bytes, kind: Any, read_only: Collection[str]) -> tuple[Any, dict[str, Any]]:
    """As `body_of`, of a body that may hold fields that nobody can set; and what these hold."""
    given = _object(raw) if read_only else {}
    told = {name: given.pop(name) for name in read_only if name in given}
    if not told:
        return body_of(raw, kind), {}
    try:
        return msgspec.convert(given, kind), told
    except msgspec.ValidationError as error:
        raise _wrong(error, kind) from None


def _object(raw: bytes) -> dict[str, Any]:
    """{} where it is none; `body_of` says what is wrong with it."""
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _wrong(error: msgspec.ValidationError, kind: Any) -> BadRequest:
    message, path = wording.told(str(error), kind)
    return BadRequest(message, code="bad_field", field=path)
