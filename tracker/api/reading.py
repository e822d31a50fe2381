"""Query strings and JSON bodies -> checked structs, with the path of what is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from tracker.core.errors import BadRequest

_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)


def needs_site(kind: Any) -> bool:
    """Whether a query string of this kind must name a site."""
    return kind is not None and any(one.name == "site" and one.required for one in msgspec.structs.fields(kind))


def query_of(given: Mapping[str, str], kind: Any) -> Any:
    """A query string as a struct; unknown and malformed parameters raise BadRequest."""
    try:
        return msgspec.convert(dict(given), kind, strict=False)
    except msgspec.ValidationError as error:
        raise _wrong(error) from None


def body_of(raw: bytes, kind: Any) -> Any:
    """A JSON body as a struct (or as `dict`). Raises BadRequest with the field's path."""
    if not raw.strip():
        raise BadRequest("the request needs a JSON body", code="bad_json")
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise _wrong(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("the body is not readable as JSON in UTF-8", code="bad_json") from None


def _wrong(error: msgspec.ValidationError) -> BadRequest:
    match = _AT.match(str(error))
    what, path = (match["what"], match["path"]) if match else (str(error), None)
    if path:
        path = path.partition("[...]")[0]  # inside a free-form object, whose keys are not named
    named = re.search(r"(?:unknown|required) field `([^`]+)`", what)
    if named:
        path = f"{path}.{named[1]}" if path else named[1]
    return BadRequest(f"{path}: {what}" if path else what, code="bad_field", field=path or None)
