"""Numbers for the nodes of paths, short enough that a node and its moment fit into 64 bits, and if possible a hop.

A code is the upper bits of the name's hash times an odd number, which is chosen so that no two of the nodes that there
are share one. Sorting, keeping and comparing 64 bits costs half of what 128 do, in time and in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tracker.analytics.paths_numbers import Hops
from tracker.analytics.paths_spec import Spec
from tracker.store.engine import Engine
from tracker.store.sql import Fragment, fill, load

HASH_BITS = 64
MAX_CODES = 50_000
"""Most nodes that get codes; beyond that nodes are told apart by their whole hashes."""

RESERVED = 2
"""Numbers up to this one stand for something else than a node."""

_BESIDE = 2
"""Bits that a node and its moment have beside the code and the time."""

_TRIES = 64
_HOPELESS = 3
"""So many bits less than the square of the number of names has, and hardly any factor tells them apart."""

_GOLDEN = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class Codes:
    """`bits` of each code, the `factor` that makes them, and the names of all codes; without names: whole hashes."""

    bits: int = HASH_BITS
    factor: int = 1
    names: Mapping[int, str] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether a node's code is the whole hash of its name."""
        return self.bits == HASH_BITS

    def of(self, hashed: Fragment) -> Fragment:
        """SQL: the code, as UInt64, of what has this hash."""
        if self.whole:
            return hashed
        text = f"bitShiftRight({hashed.text} * toUInt64({self.factor}), {HASH_BITS - self.bits})"
        return Fragment(text, hashed.params)


def codes(engine: Engine, spec: Spec, events: Fragment) -> Codes:
    """Codes for all nodes of the range, or whole hashes where there are too many for that. Asks one question."""
    span = spec.range.end - spec.range.start
    most = HASH_BITS - _BESIDE - span.bit_length()
    found = fill(
        load(__package__, "paths_codes"),
        {"label": spec.label(), "hash": spec.label_hash(), "seen": _seen(spec, events)},
        {"site": spec.site, "from": spec.range.start, "to": spec.range.end, "most": MAX_CODES + 1},
        settings={"prefer_column_name_to_alias": 1},
    )
    names: dict[int, str] = {hashed: str(name) for hashed, name in engine.ask(found).rows}
    return told_apart(names, Hops.code_bits(span, spec.steps), most) if len(names) <= MAX_CODES else Codes()


def _seen(spec: Spec, events: Fragment) -> Fragment:
    """A subquery with the column that names nodes, each name once where that is cheap: what makes a node of it is then
    done for few.
    """
    name, once = spec.by, "group by event"
    if spec.by == "page":
        name, once = "path", ""
        if not spec.groups:  # two paths are one page at most: with a slash at the end, and without
            name, once = "any(path) as path", f"group by cityHash64(path) limit {2 * (MAX_CODES + 1)}"
    slots = {"name": Fragment(name), "events": events, "among": among(spec), "once": Fragment(once)}
    found = fill(load(__package__, "paths_seen"), slots)
    return Fragment(found.text, found.params)


def among(spec: Spec) -> Fragment:
    """SQL: the events whose names can be nodes. Names of events stand together, so nothing but them is read."""
    if spec.by == "event":
        return Fragment("true")
    between = "ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})"
    return Fragment(f"{spec.relevant().text} and {between}")


def told_apart(names: Mapping[int, str], bits: int, most: int) -> Codes:
    """Codes of at least `bits` and at most `most` bits for the names behind these hashes.

    Whole hashes where no factor is found that will do.
    """
    hashes, few = np.array(list(names), dtype=np.uint64), (len(names) + RESERVED).bit_length()
    for size in range(min(max(bits, 2 * few - _HOPELESS), most), most + 1):
        for at in range(_TRIES):
            factor = pow(_GOLDEN, 2 * at + 1, 2**HASH_BITS)
            found = hashes * np.uint64(factor) >> np.uint64(HASH_BITS - size)
            if len(np.unique(found)) == len(names) and found.min(initial=RESERVED + 1) > RESERVED:
                return Codes(size, factor, dict(zip(found.tolist(), names.values(), strict=True)))
    return Codes()
