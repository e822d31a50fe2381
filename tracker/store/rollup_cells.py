"""The rows of a day that is counted, as SQL: out of `events`, or out of `recent`, which holds what came lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tracker.store import persons
from tracker.store.engine import Param
from tracker.store.site_days import midnight
from tracker.store.sql import Fragment, fill, load

KINDS = ("day", "event", "page", "country", "device", "channel")
"""Lists there are."""

_OF_EVENTS = {
    "visit": Fragment(persons.SESSION),
    "in_session": Fragment("session != ''"),
    "on_page": Fragment("url != ''"),
}
_OF_RECENT = {name: Fragment(name) for name in _OF_EVENTS}
COLUMNS = (
    "day, kind, entry, events, page_views, purchases, sessions, revenue, people, buyers, strangers, strange_buyers"
)


def between(
    timezone: str, numbers: Sequence[int], within: tuple[int, int] | None = None, *, name: str = ""
) -> Fragment:
    """`ts` lies on some days, or in what of them lies in `within` (ms). `name` keeps parameters of two ranges apart."""
    start, end = midnight(min(numbers), timezone), midnight(max(numbers) + 1, timezone)
    if within is not None:
        start, end = max(start, within[0]), min(end, within[1])
    return Fragment(
        f"ts >= fromUnixTimestamp64Milli({{{name}from:Int64}}) and ts < fromUnixTimestamp64Milli({{{name}to:Int64}})"
        f" and toUInt16(toDate(ts, {{timezone:String}})) in {{{name}days:Array(UInt16)}}",
        {f"{name}from": start, f"{name}to": end, f"{name}days": list(numbers)},
    )


def seen(events: Fragment, days: Fragment, *, recent: bool = False, join: Fragment | None = None) -> Fragment:
    """What is counted of each event of `days` (`between`); needs `site` and `timezone`.

    recent: `events` has the columns of the table `recent`. join: in place of `persons.join()`.
    """
    slots = {
        "events": events,
        "persons": join or persons.join(),
        "person": Fragment(persons.PERSON),
        "range": days,
        **(_OF_RECENT if recent else _OF_EVENTS),
    }
    return filled("rollup_seen", slots)


def cells(what: Fragment) -> Fragment:
    """Rows of all lists but channels out of `seen`; needs `kinds`."""
    return filled("rollup_cells", {"seen": what})


def visits(what: Fragment) -> Fragment:
    """One row a visit, out of `seen`."""
    return filled("rollup_visits", {"seen": what})


def channels(what: Fragment) -> Fragment:
    """Rows of channels out of `visits`."""
    return filled("rollup_channels", {"visits": what})


def lists(what: Fragment, kinds: Sequence[str] = KINDS) -> Fragment:
    """All rows of some lists out of `seen`, in the order of `COLUMNS`; needs `kinds`."""
    return together([cells(what), *([channels(visits(what))] if "channel" in kinds else [])])


def together(rows: Sequence[Fragment]) -> Fragment:
    """Rows of several questions, in the order of `COLUMNS`."""
    params: dict[str, Param] = {}
    for one in rows:
        params |= one.params
    return Fragment(" union all ".join(f"select {COLUMNS} from ({one.text})" for one in rows), params)  # noqa: S608


def filled(name: str, slots: Mapping[str, Fragment], params: Mapping[str, Param] | None = None) -> Fragment:
    """A file of this package as a fragment."""
    query = fill(load(__package__, name), slots, params)
    return Fragment(query.text, query.params)
