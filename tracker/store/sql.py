"""SQL files with named slots. A slot is written `/*name*/` and takes a Fragment; values always travel as parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from tracker.store.engine import Param, Query, Rows

_SLOT = re.compile(r"/\*([a-z_]+)\*/")


@dataclass(frozen=True)
class Fragment:
    """A piece of SQL made by our code (never by a stranger) and the parameters it names."""

    text: str
    params: Mapping[str, Param] = field(default_factory=dict)


def load(package: str, name: str) -> str:
    """The text of `name`.sql beside the module of `package`."""
    return files(package).joinpath(f"{name}.sql").read_text(encoding="utf-8")


def fill(
    text: str,
    slots: Mapping[str, Fragment] | None = None,
    params: Mapping[str, Param] | None = None,
    *,
    tables: Mapping[str, Rows] | None = None,
    settings: Mapping[str, str | int] | None = None,
) -> Query:
    """Put fragments into slots. An unfilled slot or an unwanted fragment is a programming error (KeyError)."""
    given = dict(slots or {})
    merged: dict[str, Param] = dict(params or {})
    used: set[str] = set()

    def put(match: re.Match[str]) -> str:
        fragment = given[match[1]]
        used.add(match[1])
        merged.update(fragment.params)
        return fragment.text

    filled = _SLOT.sub(put, text)
    if unused := given.keys() - used:
        raise KeyError(f"no such slot: {sorted(unused)}")
    return Query(text=filled, params=merged, tables=tables or {}, settings=settings or {})
