"""Trends: how often anything happened, by whom and for how much, beside the time before, and what was unusual."""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st

from dashboard import alerts, charts, filters, formats, notes, questions, state
from dashboard.client import Json
from dashboard.components import (
    Column,
    Figure,
    changed,
    done,
    empty,
    figures,
    guarded,
    head,
    notice,
    only,
    section,
    table,
)

ANY = "*"
MEASURES = {"events": "How often", "people": "How many people", "value": "Value of it"}
INTERVALS = {"hour": "Hour", "day": "Day", "week": "Week", "month": "Month"}
COMPARE = {"previous": "The period before", "year": "The year before", "": "Nothing"}
UNITS = {"events": "events", "people": "people"}
MOST_HOURS = 14  # days, above which hours cannot be told apart
UNUSUAL = 20


@guarded
def page() -> None:
    """The page."""
    if not state.site():
        head("Trends")
        empty("No site yet.", "Open Install in the menu and add your site; its events are drawn here over time.")
        return
    head("Trends", f"{state.site_name()} · {state.period().text}{only()}")
    names = [str(row["event"]) for row in state.ask(state.api().event_names, state.site_name())]
    if not names:
        empty("Nothing has happened yet.", "Open Install in the menu and put the snippet on your site.")
        return
    spec = _choice(names)
    _drawn(spec)
    _unusual(spec)


def _choice(names: list[str]) -> Json:
    period = state.period()
    fitting = "hour" if period.days <= 2 else "day" if period.days <= 120 else "week"
    intervals = [name for name in INTERVALS if name != "hour" or period.days <= MOST_HOURS]
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        event = st.selectbox(
            "Event", [ANY, *names], index=_first(names), format_func=formats.event_title, key="trends-event", width=220
        )
        measure = st.selectbox(
            "Figure", list(MEASURES), format_func=MEASURES.__getitem__, key="trends-measure", width=190
        )
        interval = st.selectbox(
            "By",
            intervals,
            index=intervals.index(fitting),
            format_func=INTERVALS.__getitem__,
            key=f"trends-interval-{fitting}-{len(intervals)}",
            width=110,
        )
        compare = st.selectbox(
            "Compare with", list(COMPARE), format_func=COMPARE.__getitem__, key="trends-compare", width=190
        )
    rows: list[Json] = st.session_state.setdefault(f"trends-filters-{state.site_name()}", [])
    said = " · ".join(questions.filter_text(row) for row in rows if questions.filter_ready(row))
    with st.expander(f"Only where {formats.plain(said)}" if said else "Only where …", icon=":material/filter_list:"):
        filters.editor("trends-where", rows, None if event == ANY else event)
    where = [questions.filter_spec(row) for row in rows if questions.filter_ready(row)]
    spec: Json = {"site": state.site_name(), "from": period.start, "to": period.end, "timezone": period.zone.key}
    spec |= {"event": {"event": event} | ({"where": where} if where else {}), "measure": measure, "interval": interval}
    return spec | ({"compare": compare} if compare else {})


def _first(names: list[str]) -> int:
    return names.index(questions.BUYING) + 1 if questions.BUYING in names else 1


@guarded
def _drawn(spec: Json) -> None:
    with st.spinner("Counting …"):
        report = state.ask(state.api().timeseries, spec)
    measure, interval = str(spec["measure"]), str(spec["interval"])
    series = [point for point in report["series"] if _start(point) <= state.now()]
    values = [float(point["value"]) for point in series]
    before = [float(point["value"]) for point in report.get("previous") or []]
    currency = _currency(report) if measure == "value" else ""
    _figures(series, before, spec, currency)
    starts = [_wall(str(point["start"]), interval) for point in series]
    is_open = state.period().last >= state.today(state.site())
    with st.container(border=True, key="card-trend"):
        section(_title(spec), _about(spec, grey=bool(before), dotted=is_open and measure != "value"))
        if measure == "value":
            figure = charts.bars_over_time(starts, values, currency, before=before, last_is_open=is_open)
        else:
            figure = charts.over_time(starts, values, UNITS[measure], before=before, last_is_open=is_open)
        notes.dated(figure, "trend", f"{_title(spec)} by the {interval}")
        left = formats.not_converted(_unconverted(series))
        if left:
            st.caption(formats.plain(left))


def _figures(series: list[Json], before: list[float], spec: Json, currency: str) -> None:
    values = [float(point["value"]) for point in series]

    def said(value: float) -> str:
        return formats.money(value, currency) if spec["measure"] == "value" else formats.number(round(value, 2))

    items = []
    if spec["measure"] != "people":  # somebody who came twice would be counted twice
        items.append(Figure("In all", said(sum(values)), **(changed(sum(values), sum(before)) if before else {})))
    top = max(series, key=lambda point: float(point["value"]))
    interval = str(spec["interval"])
    items += [
        Figure("On average", said(sum(values) / len(values)), note=f"a{'n' if interval == 'hour' else ''} {interval}"),
        Figure("Most", said(float(top["value"])), note=_when(str(top["start"]), interval)),
    ]
    figures(items)


def _title(spec: Json) -> str:
    name = formats.event_title(str(spec["event"]["event"]))
    return {"people": f"People with “{name}”", "value": f"Value of “{name}”"}.get(str(spec["measure"]), f"“{name}”")


def _about(spec: Json, *, grey: bool, dotted: bool) -> str:
    said = f"{'how often, ' if spec['measure'] == 'events' else ''}by the {spec['interval']}"
    return said + (" · in grey: the time before" if grey else "") + (" · dotted: not over yet" if dotted else "")


def _currency(report: Json) -> str:
    """That of the site, else the one that most of the value is in."""
    sums: dict[str, float] = {}
    for point in report["series"]:
        for name, amount in (point.get("values") or {}).items():
            sums[name] = sums.get(name, 0.0) + amount
    own = str(report.get("currency") or "")
    return own or (next(iter(sums)) if len(sums) == 1 else "")


def _unconverted(series: list[Json]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for point in series:
        for name, amount in (point.get("unconverted") or {}).items():
            sums[name] = sums.get(name, 0.0) + amount
    return sums


@guarded
def _unusual(spec: Json) -> None:
    """Days (hours) that were not what they usually are, and a click to be told of the next one."""
    if spec["interval"] not in ("hour", "day"):
        return
    figure = {name: spec[name] for name in ("site", "from", "to", "timezone", "event", "measure", "interval")}
    with st.container(border=True, key="card-unusual"):
        section("What was unusual", f"beside the same {_slot(spec)} of the eight weeks before")
        with st.spinner("Looking …"):
            series = [point for point in state.ask(state.api().anomalies, figure)["series"] if _is_over(point, spec)]
        found = [point for point in series if point["unusual"]]
        if all(point["usual"] is None for point in series):
            st.caption("Too early to tell: it takes four weeks of this figure.")
        elif not found:
            st.caption("Nothing: every one was within what is usual.")
        else:
            _list(found, str(spec["interval"]))
        _watch(spec)


def _start(point: Json) -> datetime:
    return datetime.fromisoformat(str(point["start"]))


def _is_over(point: Json, spec: Json) -> bool:
    """Whether its hour or day has ended: until then every one looks low."""
    return _start(point) + timedelta(**{f"{spec['interval']}s": 1}) <= state.now()


def _list(found: list[Json], interval: str) -> None:
    columns = [Column("When", "strong"), *(Column(title, "number") for title in ("Figure", "Usually", "How far off"))]
    newest = list(reversed(found))[:UNUSUAL]
    lines: list[list[object]] = [
        [
            _when(str(point["start"]), interval),
            formats.number(point["value"]),
            formats.number(point["usual"]),
            f"{point['score']:+.1f} ×",
        ]
        for point in newest
    ]
    table(columns, lines, "What was unusual, the newest first")
    st.caption("How far off: in multiples of what it usually varies by (median absolute deviation); 3.5 and more.")
    if len(found) > UNUSUAL:
        st.caption(f"The newest {UNUSUAL} of {formats.number(len(found))}.")


def _watch(spec: Json) -> None:
    """An alert on this very figure, with its filters."""
    alert = {name: spec[name] for name in ("event", "measure", "interval")} | {"when": {"anomaly": {"score": 3.5}}}
    name = formats.short(f"{alerts.summary(alert)}", 100)
    if not st.button("Watch for the next", icon=":material/notifications:", key="trends-watch"):
        return
    if done(lambda: state.api().add_alert(state.site_name(), name, alert), "It is not watched."):
        notice("good", "It is watched.", "Open Alerts in the menu to choose whom it tells, or to see what it finds.")


def _slot(spec: Json) -> str:
    return "hour and weekday" if spec["interval"] == "hour" else "weekday"


def _wall(start: str, interval: str) -> str:
    """The time on the site's wall, without its offset."""
    return start[:16] if interval == "hour" else start[:10]


def _when(start: str, interval: str) -> str:
    then = datetime.fromisoformat(start)
    if interval == "hour":
        return formats.when(then)
    if interval == "month":
        return f"{then:%b %Y}"
    return f"{'week of ' if interval == 'week' else ''}{formats.days(then.date(), then.date())}"
