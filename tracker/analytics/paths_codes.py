"""Numbers for the nodes of paths, short enough that a node and its moment fit into 64 bits, and if possible a hop.

A node's code is its place in a list of the nodes that there are. Sorting, keeping and comparing 64 bits costs half of
what 128 do, in time and in memory. A node that the list lacks has the code `UNKNOWN`, so an answer says if it saw one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from tracker.analytics.paths_spec import Spec
from tracker.store.engine import Engine
from tracker.store.sql import Fragment, fill, load

HASH_BITS = 64
MAX_CODES = 50_000
"""Most nodes that get codes; beyond that nodes are told apart by their whole hashes."""

RESERVED = 3
"""Numbers up to this one stand for something else than a node."""

UNKNOWN = RESERVED
"""The code of a node that came after the list."""


@dataclass(frozen=True)
class Codes:
    """The list: names by their 64-bit hashes. None: a node's code is the whole hash of its name."""

    listed: Mapping[int, str] | None = None

    @property
    def whole(self) -> bool:
        """Whether a node's code is the whole hash of its name."""
        return self.listed is None

    @cached_property
    def names(self) -> Mapping[int, str]:
        """What is called what, by code; empty for whole hashes."""
        return dict(enumerate((self.listed or {}).values(), RESERVED + 1))

    @cached_property
    def _codes(self) -> Mapping[str, int]:
        return {name: code for code, name in self.names.items()}

    @property
    def bits(self) -> int:
        """How many bits a code has."""
        return HASH_BITS if self.listed is None else (len(self.listed) + RESERVED).bit_length()

    def of(self, hashed: Fragment) -> Fragment:
        """SQL: the code, as UInt64, of what has this hash."""
        if self.listed is None:
            return hashed
        listed = "{listed:Array(UInt64)}"
        numbers = f"arrayMap(at -> toUInt64(at + {RESERVED}), arrayEnumerate({listed}))"
        text = f"transform({hashed.text}, {listed}, {numbers}, toUInt64({UNKNOWN}))"
        # An empty array has no type to look up in it: 0 stands for none that is
        return Fragment(text, {**hashed.params, "listed": list(self.listed) or [0]})

    def named(self, slot: str, name: str) -> str:
        """SQL: the code of the node that is called `name`, and in a question `slot` where codes are whole hashes."""
        return f"cityHash64({{{slot}:String}})" if self.whole else f"toUInt64({self._codes[name]})"


def codes(engine: Engine, spec: Spec, events: Fragment) -> Codes:
    """Codes for all nodes of the range, or whole hashes where there are too many for that. Asks one question."""
    found = listed(engine, spec, events, among(spec))
    return Codes(found) if len(found) <= MAX_CODES else Codes()


def listed(engine: Engine, spec: Spec, events: Fragment, where: Fragment) -> dict[int, str]:
    """Hash -> name of the nodes among some events, a few more than `MAX_CODES` at most."""
    found = fill(
        load(__package__, "paths_codes"),
        {"label": spec.label(), "hash": spec.label_hash(), "seen": _seen(spec, events, where)},
        {"site": spec.site, "from": spec.range.start, "to": spec.range.end, "most": MAX_CODES + 1},
        settings={"prefer_column_name_to_alias": 1},
    )
    return {hashed: str(name) for hashed, name in engine.ask(found).rows}


def _seen(spec: Spec, events: Fragment, where: Fragment) -> Fragment:
    """A subquery with the column that names nodes, each name once where that is cheap: what makes a node of it is then
    done for few.
    """
    name, once = spec.by, "group by event"
    if spec.by == "page":
        name, once = "path", ""
        if not spec.groups:  # two paths are one page at most: with a slash at the end, and without
            name, once = "any(path) as path", f"group by cityHash64(path) limit {2 * (MAX_CODES + 1)}"
    slots = {"name": Fragment(name), "events": events, "among": where, "once": Fragment(once)}
    found = fill(load(__package__, "paths_seen"), slots)
    return Fragment(found.text, found.params)


def among(spec: Spec) -> Fragment:
    """SQL: the events whose names can be nodes. Names of events stand together, so nothing but them is read."""
    if spec.by == "event":
        return Fragment("true")
    between = "ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})"
    return Fragment(f"{spec.relevant().text} and {between}")
