"""Channels: which of them led to conversions, by a model of choice, and what that cost."""

from __future__ import annotations

import streamlit as st

from dashboard import filters, formats, questions, state
from dashboard.client import Json
from dashboard.components import Column, Figure, bars, empty, figures, guarded, head, notice, section, table

BY = {"channel": "Channel", "source": "Source", "campaign": "Campaign", "click_id": "Click id"}
MODELS = {
    "last_non_direct": "Last touch that is not direct",
    "last": "Last touch",
    "first": "First touch",
    "linear": "Every touch the same",
    "position": "First and last most",
    "time_decay": "The later, the more",
    "markov": "What would be missed (Markov)",
    "shapley": "Fair share (Shapley)",
}
ABOUT = {
    "last_non_direct": "The last visit before the conversion that did not come directly gets everything.",
    "last": "The last visit before the conversion gets everything.",
    "first": "The visit that everything began with gets everything.",
    "linear": "All visits before the conversion get the same part.",
    "position": "40 % to the first visit, 40 % to the last, the rest to those between.",
    "time_decay": "A visit counts half as much for every seven days it lies before the conversion.",
    "markov": "By how many conversions would be lost without it, also counting the ways that led to nothing.",
    "shapley": "Every different one on the way gets the same part, however often it was there.",
}
LOOK_BACK = {"7d": "7 days", "30d": "30 days", "90d": "90 days"}
LONGEST = 7  # touches, above which conversions are counted together
SHOWN = 50


@guarded
def page() -> None:
    """The page."""
    head("Channels")
    if not state.site():
        empty("No site yet.", "Open Install in the menu and add your site; this page shows what brings its customers.")
        return
    names = [str(row["event"]) for row in state.ask(state.api().event_names, state.site_name())]
    if not names:
        empty(
            "There is nothing to trace back yet.",
            "Open Install in the menu and put the snippet on your site. Links with utm_source and utm_campaign say "
            "by themselves where people come from.",
        )
        return
    _result(*_choice(names))


def _choice(names: list[str]) -> tuple[Json, str]:
    """The question, and the currency of the values; empty where none is known.

    A site with a currency gets all values in it. Else one currency is looked at, as sums of several say nothing.
    """
    period = state.period()
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        by = st.selectbox("By", list(BY), format_func=BY.__getitem__, key="channels-by", width=150)
        model = st.selectbox("Model", list(MODELS), format_func=MODELS.__getitem__, key="channels-model", width=280)
        event = st.selectbox(
            "Conversion",
            names,
            index=names.index("purchase") if "purchase" in names else 0,
            format_func=formats.event_title,
            key="channels-event",
            width=200,
        )
        lookback = st.selectbox(
            "Looking back", list(LOOK_BACK), index=1, format_func=LOOK_BACK.__getitem__, key="channels-back", width=150
        )
        own = str((state.site() or {}).get("currency") or "")
        currencies = [own] if own else filters.known_values(event).get("currency", [])
        currency = currencies[0] if currencies else ""
        if len(currencies) > 1:
            currency = st.selectbox("Currency", currencies, key="channels-currency", width=130)
    conversion: Json = {"event": event}
    if len(currencies) > 1:
        only = questions.new_filter("currency") | {"value": currency}
        conversion["where"] = [questions.filter_spec(only)]
    spec: Json = {"site": state.site_name(), "from": period.start, "to": period.end, "timezone": period.zone.key}
    return spec | {"by": by, "model": model, "conversion": conversion, "lookback": lookback}, currency


@guarded
def _result(asked: Json, currency: str) -> None:
    with st.spinner("Counting …"):
        report = state.ask(state.api().attribution, asked)
    if not report["conversions"]:
        empty("No conversions in this period.", "Choose a longer period in the sidebar, or another conversion.")
        return
    paths, lag = report["path_length"], report["lag_seconds"]
    currency = str(report.get("currency") or currency)
    figures(
        [
            Figure("Conversions", formats.number(report["conversions"])),
            Figure("Value", _money(report["value"], currency)),
            Figure("Visits before it", _usual(paths), note="median, of conversions"),
            Figure("Time to convert", formats.duration(lag["median"]), note="median, from the first visit"),
        ]
    )
    with st.container(border=True, key="card-attribution"):
        section(f"Conversions by {BY[asked['by']].lower()}", ABOUT[asked["model"]])
        _rows(report, asked, currency)
    with st.container(border=True, key="card-lengths"):
        section("Visits it took", "how many visits from outside a conversion had before it")
        bars(_lengths(paths), ("Visits", "Conversions"), "No conversion had a visit before it.")


def _rows(report: Json, asked: Json, currency: str) -> None:
    rows: list[Json] = report["rows"]
    spent_in = str(report.get("cost_currency") or "")
    known = any("cost" in row for row in rows)
    comparable = known and currency in ("", spent_in)
    columns = [Column(BY[asked["by"]], "strong")]
    columns += [Column(title, "number") for title in ("Conversions", "Share", "Value")]
    columns += [Column(title, "number") for title in ("Cost", "Cost each (CAC)")] if known else []
    columns += [Column("Value per cost (ROAS)", "number")] if comparable else []
    lines = []
    for row in rows[:SHOWN]:
        line = [
            str(row["key"]),
            _credit(row["conversions"]),
            formats.percent(row["conversions"] / report["conversions"]),
            _money(row["value"], currency),
        ]
        if known:
            line += [formats.money(row.get("cost"), spent_in), formats.money(row.get("cac"), spent_in)]
        if comparable:
            line.append(formats.NONE if row.get("roas") is None else f"{row['roas']:,.1f}")
        lines.append(line)
    table(columns, lines, f"Conversions, value and cost by {BY[asked['by']].lower()}")
    left = formats.not_converted(report.get("unconverted") or {})
    if left:
        st.caption(formats.plain(left))
    if len(rows) > SHOWN:
        st.caption(f"The {SHOWN} largest of {formats.number(len(rows))}.")
    if not known:
        site = state.site_name().replace("`", "")
        st.caption(
            "No costs are known for these days. Bring them in with "
            f"`tracker cost import FILE.csv --site {site}`, and cost per conversion and return stand here."
        )
    elif not comparable:
        notice("info", f"Costs in {spent_in} and values in {currency} cannot be compared.", "So no return is shown.")
    if report.get("other_cost_currencies"):
        left_out = formats.listing([str(one) for one in report["other_cost_currencies"]], "and")
        notice("info", f"Costs in {left_out} are left out.", "Sums in different currencies are never added up.")


def _credit(conversions: float) -> str:
    """Models give parts of conversions: one digit of them, and none where it is a whole number."""
    return f"{conversions:,.1f}".removesuffix(".0")


def _money(amount: float, currency: str) -> str:
    return formats.money(amount, currency) if currency else formats.number(round(amount, 2))


def _usual(paths: list[Json]) -> str:
    """The median number of visits."""
    half, seen = sum(row["conversions"] for row in paths) / 2, 0
    for row in sorted(paths, key=lambda row: row["touches"]):
        seen += row["conversions"]
        if seen >= half:
            return formats.number(row["touches"])
    return formats.NONE


def _lengths(paths: list[Json]) -> list[tuple[str, float, str]]:
    counts: dict[int, int] = {}
    for row in sorted(paths, key=lambda row: row["touches"]):
        touches = min(int(row["touches"]), LONGEST)
        counts[touches] = counts.get(touches, 0) + int(row["conversions"])
    words = {0: "None known", 1: "1 visit", LONGEST: f"{LONGEST} visits or more"}
    return [(words.get(n, f"{n} visits"), count, formats.number(count)) for n, count in counts.items()]
