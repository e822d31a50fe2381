"""Lifetime value: what customers have been worth, by month and channel, and what they are expected to be."""

from __future__ import annotations

import streamlit as st

from dashboard import cohorts, formats, people, state
from dashboard.client import ApiError, Json
from dashboard.components import Column, Figure, empty, figures, guarded, head, notice, section, table

HORIZONS = {"90d": "3 months", "180d": "6 months", "365d": "12 months", "730d": "24 months"}
ORDERS = {"value": "Most expected value", "churn": "Most likely lost", "purchases": "Most expected purchases"}
SHOWN = 15


@guarded
def page() -> None:
    """The page."""
    head("Lifetime value")
    if not state.site():
        empty("No site yet.", "Open Install in the menu and add your site; here is what its customers are worth.")
        return
    names = [str(row["event"]) for row in state.ask(state.api().event_names, state.site_name())]
    if not names:
        empty(
            "Nobody has bought anything yet.",
            "Open Install in the menu and put the snippet on your site. Customers are here with their first purchase.",
        )
        return
    period = state.period()
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        event = st.selectbox(
            "A purchase is",
            names,
            index=names.index("purchase") if "purchase" in names else 0,
            format_func=formats.event_title,
            key="value-event",
            width=220,
        )
        horizon = st.selectbox(
            "Looking ahead", list(HORIZONS), index=2, format_func=HORIZONS.__getitem__, key="value-horizon", width=180
        )
    spec: Json = {"site": state.site_name(), "from": period.start, "to": period.end, "event": {"event": event}}
    with st.spinner("Counting …"):
        report = state.ask(state.api().ltv, spec)
    if not report["buyers"]:
        empty(
            "Nobody bought for the first time in this period.",
            "This page is about customers who are new in the period: choose a longer one in the sidebar.",
        )
        return
    _past(report)
    _ahead(spec | {"horizon": horizon}, report)


def _past(report: Json) -> None:
    currency = str(report["currency"])
    figures(
        [
            Figure("New customers", formats.number(report["buyers"]), note="first purchase in the period"),
            Figure("Value so far", formats.money(report["value"], currency)),
            Figure("Value per customer", formats.money(report["ltv"], currency), note="so far, on average"),
            Figure("Purchases per customer", f"{report['purchases'] / report['buyers']:.2f}"),
        ]
    )
    if report["other_currencies"]:
        notice(
            "info",
            f"{formats.number(report['other_currencies'])} purchases in other currencies are worth nothing here.",
            "Sums in different currencies are never added up.",
        )
    rows = [row for row in report["cohorts"] if row["buyers"]][-cohorts.MOST :]
    columns = max(len(row["cumulative"]) for row in rows)
    with st.container(border=True, key="card-ltv-cohorts"):
        section(
            "By month of the first purchase",
            "what one customer was worth by the end of each month; month 0 is the first",
        )
        titles = [Column("Began", "strong"), Column("Customers", "number")]
        titles += [Column(f"Month {at}", "number") for at in range(columns)]
        table(
            titles,
            [
                [
                    cohorts.title(row["start"], "month"),
                    formats.number(row["buyers"]),
                    *(formats.money(worth, currency) for worth in row["cumulative"]),
                    *[formats.NONE] * (columns - len(row["cumulative"])),
                ]
                for row in rows
            ],
            "Value per customer by month of the first purchase",
        )
        st.caption("The last figure of a row is of a month that may not be over. Compare months down a column.")


@guarded
def _ahead(spec: Json, past: Json) -> None:
    with st.container(border=True, key="card-ltv-ahead"):
        ahead = HORIZONS[spec["horizon"]]
        section("What to expect", f"of these customers in the {ahead} after the period")
        parts: Json = {}
        try:
            with st.spinner("Predicting …"):
                whole = state.ask(state.api().ltv_predicted, spec)
                parts = state.ask(state.api().ltv_people, spec | {"limit": SHOWN, "order": _order()})
        except ApiError as refusal:
            if refusal.code != "too_few":
                raise
            st.caption(
                "Too few customers came back to tell: 50 are needed who bought again on another day. Choose a longer "
                "period in the sidebar, like the last 12 months."
            )
        else:
            _figures(whole)
            st.caption(_honest(whole))
    ahead_of = {row["channel"]: row for row in parts["channels"]} if parts else None
    _channels(past["channels"], str(past["currency"]), ahead_of)
    if parts:
        _people(parts, spec["horizon"])


def _figures(whole: Json) -> None:
    currency, worth = str(whole["currency"]), whole["ltv"]

    def between(one: Json, text: object) -> str:
        return f"{text(one['low'])} to {text(one['high'])}"  # type: ignore[operator]

    def money(amount: float) -> str:
        return formats.money(amount, currency)

    items = [
        Figure(
            "Still customers", formats.percent(1 - whole["churned"]["expected"]), note="at most: one-time buyers count"
        ),
        Figure(
            "Purchases",
            formats.number(round(whole["purchases"]["expected"])),
            note=between(whole["purchases"], lambda one: formats.number(round(one))),
        ),
    ]
    if worth is not None:
        items += [
            Figure("Value", money(whole["value"]["expected"]), note=between(whole["value"], money)),
            Figure("Value per customer", money(worth["expected"]), note=between(worth, money)),
        ]
    figures(items)


def _honest(whole: Json) -> str:
    sampled = ""
    if whole["fitted"] < whole["buyers"]:
        sampled = f" It was learnt from {formats.number(whole['fitted'])} of them, drawn at random."
    return (
        "Below each figure the range that holds the truth in nine of ten cases, if the customers go on as they did: "
        "the models (BG/NBD and Gamma-Gamma) know of no season, no campaign and no customer yet to come, so around a "
        f"sale or a holiday expect more misses than one in ten.{sampled}"
    )


def _channels(past: list[Json], currency: str, ahead: dict[str, Json] | None) -> None:
    with st.container(border=True, key="card-ltv-channels"):
        section("By channel", "that brought a customer first; cost per customer where costs were imported")
        costs = any("cost" in row for row in past)
        titles = [
            "Customers",
            "Value per customer so far",
            *(["Expected ahead", "From – to"] if ahead is not None else []),
        ]
        titles += ["Cost per customer", "LTV : CAC"] if costs else []
        rows = []
        for row in past:
            likely = (ahead or {}).get(row["channel"], {})
            worth = likely.get("ltv")
            cells = [str(row["channel"]), formats.number(row["buyers"]), formats.money(row["ltv"], currency)]
            if ahead is not None:
                cells += [
                    formats.NONE if worth is None else formats.money(worth["expected"], currency),
                    formats.NONE
                    if worth is None
                    else f"{formats.money(worth['low'], currency)} – {formats.money(worth['high'], currency)}",
                ]
            if costs:
                ratio = likely.get("ltv_to_cac", row.get("ltv_to_cac"))
                cells += [
                    formats.NONE if row.get("cac") is None else formats.money(row["cac"], currency),
                    formats.NONE if ratio is None else f"{ratio:.1f} : 1",
                ]
            rows.append(cells)
        columns = [Column("Channel", "strong"), *(Column(title, "number") for title in titles)]
        table(columns, rows, "Value per customer by channel")
        if costs:
            what = "what a customer was worth so far" + (" and is expected to be" if ahead is not None else "")
            st.caption(f"LTV : CAC is {what}, by what winning one cost. Around 3 : 1 is often called healthy.")
        else:
            st.caption("Import what advertising cost (tracker cost import) to see the cost of winning a customer.")


def _order() -> str:
    return str(st.session_state.get("value-order", "value"))


@guarded
def _people(parts: Json, horizon: str) -> None:
    currency = str(parts["currency"])
    with st.container(border=True, key="card-ltv-people"):
        section("Customers to look after", f"by what the models expect in the next {HORIZONS[horizon]}")
        st.selectbox("First", list(ORDERS), format_func=ORDERS.__getitem__, key="value-order", width=240)
        titles = ("So far", "Purchases", "Expected value", "Expected purchases", "Chance to be lost")
        columns = [Column("Customer", "strong"), Column("Channel"), *(Column(title, "number") for title in titles)]
        rows = [
            [
                people.label(row),
                str(row["channel"]),
                formats.money(row["value_so_far"], currency),
                formats.number(row["purchases_so_far"]),
                formats.NONE if row["value"] is None else formats.money(row["value"], currency),
                f"{row['purchases']:.1f}",
                formats.NONE if row["churn"] is None else formats.percent(row["churn"], 0),
            ]
            for row in parts["people"]
        ]
        table(columns, rows, "Customers with what is expected of each")
        st.caption(
            "An expectation is an average over people like this one; a single customer may do anything. Whether "
            "somebody who bought on one day alone is lost, the models cannot tell."
        )
