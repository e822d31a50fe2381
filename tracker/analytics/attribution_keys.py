"""What attribution credits: the keys, how SQL reads them off an arrival, and what their hashes stand for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from xxhash import xxh64_intdigest

from tracker.store.engine import Engine, Param
from tracker.store.sql import Fragment, fill, load

if TYPE_CHECKING:
    from tracker.analytics.attribution import Spec

DAY_MS = 86_400_000
MAX_STATES = 2_000
"""Most keys that get codes, and most of a Markov chain: its matrix has as many rows and columns."""

CHANNELS = (
    *("Direct", "Cross-network", "Display", "Organic Shopping", "Organic Social", "Organic Video", "Organic Search"),
    *("Referral", "Email", "Affiliates", "Audio", "SMS", "Mobile Push Notifications", "Unassigned"),
    *("Paid Shopping", "Paid Search", "Paid Social", "Paid Video", "Paid Other"),
)
"""All that the loader names (`enrich/source.py`): asking which there are would cost a tenth of the report. Where an
answer tells of others, all names are asked for.
"""

KEYS = {
    "channel": "channel",
    "source": "multiIf(utm_source != '', toString(utm_source), click_id_kind != '', toString(click_id_kind),"
    " referrer_host != '', toString(referrer_host), channel = 'Direct', '(direct)', '(not set)')",
    "campaign": "if(utm_campaign = '', '(not set)', toString(utm_campaign))",
    "click_id": "if(click_id_kind = '', '(not set)', toString(click_id_kind))",
}

_FIRST_CODE = 16  # twice that is more than any kind of a fact (`attribution.sql`)


def hash_of(spec: Spec) -> str:
    """SQL: the hash of an arrival's key; its lowest bit is free."""
    return f"xxHash64({KEYS[spec.by]})"


def code_of(spec: Spec, names: Iterable[str]) -> Fragment:
    """SQL: the code of an arrival's key, for keys of these names and one more for all others."""
    codes = tuple(names)
    new = _FIRST_CODE + len(codes)
    known: dict[str, Param] = {"keys": ["", *codes], "codes": [new, *range(_FIRST_CODE, new)], "new": new}
    code = f"transform({KEYS[spec.by]}, {{keys:Array(String)}}, {{codes:Array(UInt16)}}, {{new:UInt16}})"
    return Fragment(code, known)


class Coded:
    """hash -> name of the keys that have codes. In facts a code is doubled: keys are even there."""

    def __init__(self, names: dict[int, str]) -> None:
        self.names = names
        self._hashes = list(names)

    def hash(self, number: int) -> int:
        """The hash of a doubled code; other numbers of a fact as they are. IndexError: a key without a code."""
        if number % 2 or number < 2 * _FIRST_CODE:
            return number
        return self._hashes[number // 2 - _FIRST_CODE]


def coded(engine: Engine, spec: Spec, events: Fragment) -> Coded | None:
    """The keys that get codes, as far as they are known without asking. None: there are too many."""
    if spec.by == "channel" and len(CHANNELS) <= MAX_STATES:
        return Coded({xxh64_intdigest(name.encode()) & ~1: name for name in CHANNELS})
    return all_coded(engine, spec, events)


def all_coded(engine: Engine, spec: Spec, events: Fragment) -> Coded | None:
    """All keys that there are now. None: there are too many."""
    names = names_of(engine, spec, events)
    return None if names is None else Coded(names)


def read_from(spec: Spec) -> int:
    """Where reading starts: a day before the earliest touch that can count, so that its visit's beginning is seen."""
    return spec.range.start - spec.lookback - DAY_MS


def names_of(
    engine: Engine, spec: Spec, events: Fragment, wanted: Iterable[int] | None = None
) -> dict[int, str] | None:
    """What hashes of keys stand for: the `wanted`, or all there are, None where they are more than `MAX_STATES`."""
    some = None if wanted is None else sorted(wanted)
    if some == []:
        return {}
    few = some is not None and len(some) <= MAX_STATES
    limit = MAX_STATES + 1 if some is None else len(some) if few else 2**63
    asked = fill(
        load(__package__, "attribution_keys"),
        {
            "key": Fragment(KEYS[spec.by]),
            "events": events,
            "wanted": Fragment("hash in {keys:Array(UInt64)}", {"keys": some or []}) if few else Fragment("true"),
        },
        {"site": spec.site, "read": read_from(spec), "to": spec.range.end, "limit": limit},
    )
    found = {hashed: str(name) for name, hashed in engine.ask(asked).rows}
    return None if some is None and len(found) > MAX_STATES else found
