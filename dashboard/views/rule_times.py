"""Fields of a rule's numbers and times: at least so many, in the last days, between two dates."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any

import streamlit as st

from dashboard import rules, state
from dashboard.client import Json
from dashboard.filters import keep

UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_MORE_UNITS = {"ms": "milliseconds", "s": "seconds", "w": "weeks"}
_LENGTH = re.compile(r"(\d+)(ms|[smhdw])")
_KINDS = {"gte": "at least", "lte": "at most", "eq": "exactly", "between": "from … to"}
_ABSENT, _OWN = "absent", "own"


def bounds(label: str, key: str, now: Json | None, *, whole: bool, absent: str = "") -> Json | None:
    """A number's bounds; `absent`: what stands for none at all, None is given for it then."""
    kind = _kind(now)
    titles = ({_ABSENT: absent} if absent else {}) | _KINDS
    if kind == _OWN:
        titles[_OWN] = " and ".join(f"{rules.COMPARISON[word]} {value}" for word, value in (now or {}).items())
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
        chosen = st.selectbox(
            label, list(titles), format_func=titles.__getitem__, key=keep(f"{key}-bounds", kind), width=170
        )
        if chosen == _ABSENT:
            return None
        if chosen == _OWN:
            return now
        words = ("gte", "lte") if chosen == "between" else (chosen,)
        return {word: _number(key, word, now or {}, whole) for word in words}


def _kind(now: Json | None) -> str:
    if not now:
        return _ABSENT
    words = set(now)
    if words == {"gte", "lte"}:
        return "between"
    return next(iter(words)) if len(words) == 1 else _OWN


def _number(key: str, word: str, now: Json, whole: bool) -> float | int:
    given = now.get(word, next(iter(now.values()), 1))
    about: dict[str, Any] = {"min_value": 0, "step": 1} if whole else {"step": 1.0, "format": "%g"}
    chosen = st.number_input(
        rules.COMPARISON[word].capitalize(),
        key=keep(f"{key}-{word}", int(given) if whole else float(given)),
        label_visibility="collapsed",
        width=130,
        **about,
    )
    return int(chosen) if float(chosen).is_integer() else float(chosen)


def length(label: str, key: str, now: str) -> str:
    """A length of time, like `7d`."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
        return _length(label, key, now)


def _length(label: str, key: str, now: str, *, labelled: bool = True) -> str:
    said = _LENGTH.fullmatch(now)
    count, unit = (int(said[1]), said[2]) if said else (1, "d")
    titles = UNITS | ({unit: _MORE_UNITS[unit]} if unit in _MORE_UNITS else {})
    many = st.number_input(
        label,
        min_value=1,
        max_value=99_999,
        step=1,
        key=keep(f"{key}-count", count),
        label_visibility="visible" if labelled else "collapsed",
        width=130,
    )
    chosen = st.selectbox(
        f"Unit of {label}",
        list(titles),
        format_func=titles.__getitem__,
        key=keep(f"{key}-unit", unit),
        label_visibility="collapsed",
        width=120,
    )
    return f"{int(many)}{chosen}"


def within(key: str, now: Any, *, ever: bool, label: str = "When") -> Any:
    """`14d`, `{"from", "to"}`, or "" for all time where `ever` allows it."""
    titles = ({"ever": "at any time"} if ever else {}) | {"last": "in the last", "dates": "between two days"}
    kind = "dates" if isinstance(now, dict) else "last" if now else "ever"
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
        chosen = st.selectbox(
            label,
            list(titles),
            format_func=titles.__getitem__,
            key=keep(f"{key}-when", kind if kind in titles else "last"),
            width=170,
        )
        if chosen == "last":
            return _length("Length", f"{key}-last", now if isinstance(now, str) and now else "30d", labelled=False)
        return "" if chosen == "ever" else _dates(key, now if isinstance(now, dict) else {})


def _dates(key: str, now: Json) -> Json:
    """Days of the site's time zone, both included; what is no whole day stays as it was until another is chosen."""
    zone = state.zone(state.site())
    today = state.today(state.site())
    shown = (today - timedelta(days=29), today)
    if now:
        first, after = (datetime.fromisoformat(str(now[end])).astimezone(zone) for end in ("from", "to"))
        shown = (first.date(), (after - timedelta(microseconds=1)).date())
    chosen = st.date_input(
        "From – to", shown, key=f"{key}-dates", format="YYYY-MM-DD", label_visibility="collapsed", width=230
    )
    if not isinstance(chosen, tuple) or len(chosen) != 2 or (now and chosen == shown):
        return now or _days(shown, zone)
    return _days(chosen, zone)


def _days(days: tuple[date, date], zone: Any) -> Json:
    first, last = days
    return {
        "from": datetime.combine(first, time(), zone).isoformat(),
        "to": datetime.combine(last + timedelta(days=1), time(), zone).isoformat(),
    }
