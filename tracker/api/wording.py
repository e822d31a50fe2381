"""What msgspec finds wrong with a request, in the words of our errors: what must be written instead. Pure.

msgspec says "Expected `int`, got `str` - at `$.rows[3].cost`"; who reads that has to know Python. What it leaves out
(the words of a choice, how a text of a pattern looks) is taken from the type that was to be read.
"""

from __future__ import annotations

import difflib
import re
from typing import Any

from msgspec import inspect

_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)
_NAMED = re.compile(r"(?P<how>unknown|required) field `(?P<name>[^`]+)`")
_EXPECTED = re.compile(r"Expected `(?P<kinds>[^`]+)`(?P<more>.*)", re.DOTALL)
_LENGTH = re.compile(r" of length (?P<sign>[<>]=|) ?(?P<limit>\d+)")
_LIMIT = re.compile(r" (?P<sign>[<>]=?) (?P<limit>\S+)")
_STEP = re.compile(r"([^.\[\]]+)|\[\d*\]")
_KINDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a JSON object",
}
_SIGNS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than", "": "exactly"}


def told(error: str, kind: Any) -> tuple[str, str | None]:
    """A sentence for the sender, and the path of the field (None: the whole). `kind`: what was to be read."""
    match = _AT.match(error)
    what, path = (match["what"], match["path"] or "") if match else (error, "")
    path = path.partition("[...]")[0]  # inside a free-form object, whose keys are not named
    if named := _NAMED.search(what):
        field = f"{path}.{named['name']}" if path else named["name"]
        if named["how"] == "required":
            return f"{field} is missing", field
        return f"{field}: {_misspelt(named['name'], _at(kind, path))}", field
    if said := _must(what, _at(kind, path)):
        return f"{path or 'the body'} {said}", path or None
    return f"{path}: {what}" if path else what, path or None


def _must(what: str, kind: Any) -> str:
    """ "" for what msgspec did not say itself."""
    if what.startswith("Invalid enum value"):
        return (
            f"must be one of {', '.join(map(str, _words(kind)))}" if _words(kind) else "is none of the words known here"
        )
    if what.startswith("Number out of range"):
        return "has a number that is too large to be read: write a smaller one"
    expected = _EXPECTED.fullmatch(what)
    if expected is None:
        return ""
    more = expected["more"]
    if length := _LENGTH.fullmatch(more):
        of = {"str": "character", "array": "entry"}.get(expected["kinds"], "key")
        return f"must have {_SIGNS[length['sign']]} {length['limit']} {_many(of, length['limit'])}"
    if limit := _LIMIT.fullmatch(more):
        return f"must be {_SIGNS[limit['sign']]} {limit['limit']}"
    if more.startswith(" matching regex"):
        return _form(kind)
    *rest, last = (_KINDS.get(one, one) for one in expected["kinds"].split(" | "))
    return f"must be {', '.join(rest)} or {last}" if rest else f"must be {last}"


def _many(of: str, number: str) -> str:
    return of if number == "1" else {"entry": "entries"}.get(of, f"{of}s")


def _form(kind: Any) -> str:
    said = next((one.extra_json_schema or {} for one in _kinds(kind) if isinstance(one, inspect.Metadata)), {})
    if "examples" in said:
        return f"must be written like {' or '.join(map(str, said['examples']))}"
    return f"must be {said['description']}" if "description" in said else "has characters or a form that it cannot have"


def _words(kind: Any) -> list[Any]:
    return [word for one in _kinds(kind) if isinstance(one, inspect.LiteralType) for word in one.values]


def _misspelt(name: str, kind: Any) -> str:
    known = [one.encode_name for one in _fields(kind)]
    near = difflib.get_close_matches(name, known, 1, 0.8)
    return f"there is no such field: write {near[0]}" if near else "there is no such field: leave it out"


def _at(kind: Any, path: str) -> Any:
    """The type that stands at a path like `rows[3].date`; one of anything where nobody can tell."""
    found: Any = inspect.type_info(kind)
    for step in _STEP.finditer(path):
        if step[1]:
            found = next((one.type for one in _fields(found) if one.encode_name == step[1]), inspect.AnyType())
        else:
            found = next((one.item_type for one in _kinds(found) if hasattr(one, "item_type")), inspect.AnyType())
    return found


def _fields(kind: Any) -> list[inspect.Field]:
    return [field for one in _kinds(kind) if isinstance(one, inspect.StructType) for field in one.fields]


def _kinds(kind: Any) -> list[Any]:
    """A type, and what it is made of: the alternatives, and what stands behind notes."""
    if isinstance(kind, inspect.UnionType):
        return [inner for one in kind.types for inner in _kinds(one)]
    return [kind, *_kinds(kind.type)] if isinstance(kind, inspect.Metadata) else [kind]
