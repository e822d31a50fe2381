"""Overview: how the site does in this period, and compared with the one before."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from dashboard import charts, formats, notes, state
from dashboard.client import Json
from dashboard.components import Figure, bars, changed, empty, figures, guarded, head, only, section
from dashboard.countries import country

NO_COUNTRIES = "No country is known. Give the tracker a database of places with the setting TRACKER_GEO_DATABASE."
MANY_DAYS = 120  # above it, money is drawn by the week
GREY = " · in grey: the time before"
DOTTED = " · dotted: not over yet"


@guarded
def page() -> None:
    """The page."""
    if not state.site():
        head("Overview")
        empty(
            "No site yet.",
            "Open Install in the menu, add your site and put the snippet on it. Numbers appear here within seconds.",
        )
        return
    period = state.period()
    before = period.before
    compared = f"{period.text}, compared with {formats.days(before.first, before.last)}"
    head("Overview", f"{state.site_name()} · {compared}{only()}")
    with st.spinner("Counting …"):
        report = state.ask(state.api().overview, state.site_name(), period.start, period.end, period.zone.key)
    if not report["totals"].get("events"):
        _nothing()
        return
    currency = _in_one_currency(report) or formats.main_currency(report["totals"].get("revenue"))
    _key_figures(report, currency)
    _over_time(report, currency)
    notes.card()
    _lists(report, currency)


def _nothing() -> None:
    heard = state.ask(state.api().install, state.site_name()).get("heard")
    if heard:
        empty(
            "No events in this period.",
            "Choose a longer period in the sidebar. Bots, programs like curl among them, are in no report.",
        )
    else:
        empty(
            "We have not heard from your site yet.",
            "Open Install in the menu and put the snippet on your pages; this page fills within seconds.",
        )


def _in_one_currency(report: Json) -> str:
    """Put what the API converted in place of the amounts as they came; the site's currency, or nothing."""
    lists = ("series", "previous_series", "channels")
    for part in [
        report["totals"],
        report.get("previous") or {},
        *(row for name in lists for row in report.get(name, [])),
    ]:
        if made := part.get("converted"):
            part["revenue"] = {**made["unconverted"], made["currency"]: made["amount"]}
    return str((report["totals"].get("converted") or {}).get("currency", ""))


def _key_figures(report: Json, currency: str) -> None:
    now, before = report["totals"], report.get("previous") or {}
    revenue, others = formats.revenue_text(now.get("revenue"), currency)
    money_change = changed((now.get("revenue") or {}).get(currency), (before.get("revenue") or {}).get(currency))
    if others:
        money_change["note"] = others
    figures(
        [
            Figure("People", formats.number(now["people"]), **changed(now["people"], before.get("people"))),
            Figure("Sessions", formats.number(now["sessions"]), **changed(now["sessions"], before.get("sessions"))),
            Figure(
                "Page views", formats.number(now["page_views"]), **changed(now["page_views"], before.get("page_views"))
            ),
            Figure("Purchases", formats.number(now["purchases"]), **changed(now["purchases"], before.get("purchases"))),
            Figure(
                "Conversion",
                formats.percent(now["conversion_rate"], 2),
                **{"note": "of people bought"} | changed(now["conversion_rate"], before.get("conversion_rate")),
            ),
            Figure("Revenue", revenue, **money_change),
        ]
    )


def _over_time(report: Json, currency: str) -> None:
    days, people, revenue, per = _series(report, currency)
    open_ = per == "day" and state.period().last >= state.today(state.site())  # today is not over
    left, right = st.columns(2)
    with left, st.container(border=True, key="card-people"):
        before = _before(report, per, "people")
        section("People", f"per {per} · {_peak(days, people, per)}{GREY if before else ''}{DOTTED if open_ else ''}")
        alt = f"People per {per}, {_peak(days, people, per)}"
        figure = charts.over_time(days, people, "people", before=before, last_is_open=open_)
        notes.dated(figure, "people-over-time", alt)
    with right, st.container(border=True, key="card-revenue"):
        if currency:
            before = _before(report, per, "revenue", currency)
            if len(days) > MANY_DAYS:
                (days, revenue, per), before = charts.by_week(days, revenue), []
            section("Revenue", f"per {per} · {_peak(days, revenue, per, currency)}{GREY if before else ''}")
            figure = charts.bars_over_time(days, revenue, currency, before=before, last_is_open=open_)
            notes.dated(figure, "revenue-over-time", f"Revenue per {per}")
        else:
            section("Events", "per day; revenue shows here with the first purchase that has a value")
            days = [str(point["date"]) for point in report["series"]]
            events = [float(point["events"]) for point in report["series"]]
            figure = charts.over_time(days, events, "events", last_is_open=open_)
            notes.dated(figure, "events-over-time", "Events per day")


def _series(report: Json, currency: str) -> tuple[list[str], list[float], list[float], str]:
    """Times, people, revenue and what one point stands for: an hour where there are only a day or two."""
    period = state.period()
    if period.days > 2:
        series = report["series"]
        revenue = [float((point.get("revenue") or {}).get(currency, 0)) for point in series]
        return [str(point["date"]) for point in series], [float(point["people"]) for point in series], revenue, "day"
    api, ask = state.api(), state.ask
    hours = (state.site_name(), period.start, period.end)
    people = ask(api.hourly, *hours, "people")["series"]
    revenue = [float(point["value"] or 0) for point in ask(api.hourly, *hours, "value", "purchase")["series"]]
    starts = [_local(str(point["start"])) for point in people]
    return starts, [float(point["value"] or 0) for point in people], revenue, "hour"


def _before(report: Json, per: str, figure: str, currency: str = "") -> list[float]:
    """The same of the period before, day by day; nothing where hours are drawn."""
    if per != "day":
        return []
    days = report.get("previous_series") or []
    if figure == "revenue":
        return [float((day.get("revenue") or {}).get(currency, 0)) for day in days]
    return [float(day[figure]) for day in days]


def _local(start: str) -> str:
    then = formats.moment(start)
    return then.astimezone(state.period().zone).strftime("%Y-%m-%dT%H:%M") if then else start


def _peak(times: list[str], values: list[float], per: str, currency: str = "") -> str:
    top = max(values, default=0)
    if not top:
        return "none yet"
    written = formats.money(top, currency) if currency else formats.number(top)
    then = datetime.fromisoformat(times[values.index(top)])
    where = (
        f"at {then:%H:%M}" if per == "hour" else f"{'in the week of' if per == 'week' else 'on'} {then.day} {then:%b}"
    )
    return f"most {where}: {written}"


def _lists(report: Json, currency: str) -> None:
    left, right = st.columns(2)
    with left, st.container(border=True, key="card-channels"):
        section("Channels", "where people came from")
        bars(_people(report["channels"]), ("Channel", "People"), "Nobody in this period.")
    with right, st.container(border=True, key="card-pages"):
        section("Top pages")
        pages = [
            (str(row["key"]) or "(no address)", row["views"], formats.number(row["views"]))
            for row in report["pages"][:8]
        ]
        bars(pages, ("Page", "Views"), "No page views in this period.")
    left, middle, right = st.columns(3)
    with left, st.container(border=True, key="card-events"):
        section("Top events")
        events = [
            (formats.event_title(row["event"]), row["count"], formats.number(row["count"]))
            for row in report.get("events", [])[:8]
        ]
        bars(events, ("Event", "Times"), "No events in this period.")
    with middle, st.container(border=True, key="card-devices"):
        section("Devices")
        bars(_people(report["devices"]), ("Device", "People"), "No device is known in this period.")
    with right, st.container(border=True, key="card-countries"):
        section("Countries")
        named = [row | {"key": country(str(row["key"]))} for row in report["countries"]]
        bars(_people(named), ("Country", "People"), NO_COUNTRIES)


def _people(rows: list[Json]) -> list[tuple[str, float, str]]:
    return [
        (
            formats.event_title(str(row["key"])) if row["key"] else "Unknown",
            row["people"],
            formats.number(row["people"]),
        )
        for row in rows[:8]
    ]
