"""Bodies that an endpoint must refuse, made from the OpenAPI document: each is a right one with one thing wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
_NAMES = {
    type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object",
}  # fmt: skip
_NO_NUMBERS = ("NaN", "Infinity", "-Infinity", "1e400")


@dataclass(frozen=True)
class Broken:
    """What is wrong with it, the bytes to send, and the field that the answer must name ("": none)."""

    what: str
    raw: bytes
    field: str


class Bodies:
    """What the document says of bodies."""

    def __init__(self, document: Json) -> None:
        self._schemas: Json = document["components"]["schemas"]

    def as_a_whole(self, right: Mapping[str, Any]) -> Iterator[Broken]:
        """Not JSON, not an object, or an object with a field that nobody reads."""
        yield from (Broken(repr(raw), raw, "") for raw in (b"", b"{", b"null", b"[]", b'"text"', b"7"))
        yield Broken("no UTF-8", _json({**right, "site": "@@"}).replace(b"@@", b"\xff"), "")
        yield Broken("bottomless", b'{"a":' * 100_000, "")
        yield _with(right, "nobody_reads_this", 1, "unknown")

    def missing(self, right: Mapping[str, Any], schema: Json) -> Iterator[Broken]:
        """Without one of the fields that must be there."""
        for name in self._seen(schema).get("required", []):
            yield Broken(f"{name} missing", _json({key: right[key] for key in right if key != name}), name)

    def fields(self, right: Mapping[str, Any], schema: Json, *, nulls: bool) -> Iterator[list[Broken]]:
        """For each field that can be set: all that can be wrong with it. `nulls`: null, too, where it is no value."""
        for name, kind in self._seen(schema)["properties"].items():
            if not kind.get("readOnly"):
                yield list(self._field(right, name, kind, nulls=nulls))

    def _field(self, right: Mapping[str, Any], name: str, kind: Json, *, nulls: bool) -> Iterator[Broken]:
        kinds = [self._seen(one) for one in kind.get("anyOf", [kind])]
        types = {self._type(one) for one in kinds}
        for wrong in (None, True, 1, 1.5, "\0", [1], {"x": 1}):
            known = _NAMES[type(wrong)]
            if known not in types and not (known == "integer" and "number" in types) and (nulls or wrong is not None):
                yield _with(right, name, wrong, f"{known} in place of {types}")
        for text in _NO_NUMBERS:  # the parser's to refuse, who may not know where it is
            yield Broken(f"{name}: {text}", _json({**right, name: "@@"}).replace(b'"@@"', text.encode()), "")
        if len(types - {"null"}) == 1:
            for one in kinds:
                yield from (_with(right, name, value, f"{value!r:.40}") for value in _beyond(one, right.get(name)))

    def _seen(self, schema: Json) -> Json:
        """The schema itself, behind its references."""
        while "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        return schema

    @staticmethod
    def _type(schema: Json) -> str:
        return str(schema["type"]) if "type" in schema else _NAMES[type(next(iter(schema["enum"])))]


def _beyond(schema: Json, right: Any) -> Iterator[Any]:
    """Values of the right type outside of what the schema allows."""
    if "enum" in schema:
        yield "no such word"
    if "maxLength" in schema:
        yield "x" * (schema["maxLength"] + 1)
    if schema.get("minLength") or "pattern" in schema:
        yield "" if schema.get("minLength") else "\n"
    if "maxItems" in schema:
        yield (right or [{}])[:1] * (schema["maxItems"] + 1)
    if schema.get("minItems"):
        yield []
    if "maximum" in schema:
        yield from (schema["maximum"] + 1, 10**40)
    if "minimum" in schema:
        yield schema["minimum"] - 1


def _with(right: Mapping[str, Any], name: str, value: object, what: str) -> Broken:
    return Broken(f"{name}: {what}", _json({**right, name: value}), name)


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
