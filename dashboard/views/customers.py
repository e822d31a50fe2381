"""Customers: buyers in segments and what to do about each, and the search for one person."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, people, segments, state
from dashboard.client import Json
from dashboard.components import Column, empty, guarded, head, notice, section, table

PAGE = 8
MOST = 200
ENOUGH_DAYS = 90
CONFLICTS = 10


@guarded
def page() -> None:
    """The page."""
    head("Customers")
    if not state.site():
        empty("No site yet.", "Open Install in the menu and add your site; its customers are found here.")
        return
    names = [str(row["event"]) for row in state.ask(state.api().event_names, state.site_name())]
    if not names:
        empty(
            "Nobody has been here yet.",
            "Open Install in the menu and put the snippet on your site. Customers come into segments with their first "
            "purchase.",
        )
        return
    with st.container(border=True, key="card-segments"):
        section("Segments", "buyers of this period by how lately, how often and for how much they bought (RFM)")
        _segments(names)
    with st.container(border=True, key="card-people"):
        section(
            "Find a person",
            "whoever was seen last; or type an id, the beginning of one, or an e-mail address used as an id",
        )
        _people()
    _conflicts()


@guarded
def _conflicts() -> None:
    """Browsers that several persons use; nothing where there are none."""
    found = state.ask(state.api().conflicts, state.site_name(), CONFLICTS)
    if not found["conflicts"]:
        return
    with st.container(border=True, key="card-conflicts"):
        more = f"the latest {CONFLICTS} of {formats.number(found['total'])}" if found["total"] > CONFLICTS else ""
        section("Shared browsers", more or "seen with several customers; they are never merged for it")
        columns = [Column("Browser", "strong"), Column("Customers"), Column("Unsigned visits count for")]
        rows = [
            [
                people.label({"visitor": row["visitor"]}),
                _users(row),
                people.label({"user": row["kept"]}),
            ]
            for row in found["conflicts"]
        ]
        table(columns, rows, "Browsers that were seen with several customers")
        st.caption(
            "What somebody does signed in is theirs; what is done without signing in counts for who signed in first. "
            "If two of them are one person, send an alias call."
        )


def _users(row: Json) -> str:
    """The first few, by when they were seen."""
    names = [formats.short(str(one["user"]), 32) for one in row["users"][:3]]
    more = int(row["users_total"]) - len(names)
    return ", ".join(names) + (f" and {formats.number(more)} more" if more > 0 else "")


@guarded
def _segments(names: list[str]) -> None:
    period = state.period()
    event = st.selectbox(
        "A purchase is",
        names,
        index=names.index("purchase") if "purchase" in names else 0,
        format_func=formats.event_title,
        key="segments-event",
        width=220,
    )
    spec: Json = {"site": state.site_name(), "from": period.start, "to": period.end, "event": {"event": event}}
    with st.spinner("Counting …"):
        report = state.ask(state.api().rfm, spec)
    if not report["buyers"]:
        empty("Nobody bought in this period.", "Choose a longer period in the sidebar, or another event.")
        return
    titles = ("People", "Share", "Purchases", "Value", "Last purchase")
    columns = [Column("Segment", "strong"), *(Column(title, "number") for title in titles), Column("What to do")]
    rows = [
        [
            segments.title(str(row["segment"])),
            formats.number(row["people"]),
            formats.percent(row["share"]),
            formats.number(row["purchases"]),
            formats.money(row["value"], str(report["currency"])),
            formats.NONE if row["days_since_purchase"] is None else f"{row['days_since_purchase']:.0f} d ago",
            segments.advice(str(row["segment"])),
        ]
        for row in report["segments"]
        if row["people"]
    ]
    table(columns, rows, "Segments of buyers with what to do about each")
    if report["other_currencies"]:
        notice(
            "info",
            f"{formats.number(report['other_currencies'])} purchases in other currencies are worth nothing here.",
            "Sums in different currencies are never added up.",
        )
    if period.days < ENOUGH_DAYS:
        st.caption("Segments say most over a long time: choose the last 12 months in the sidebar.")


@guarded
def _people() -> None:
    q = st.text_input(
        "Who",
        key="people-q",
        max_chars=200,
        placeholder="User or visitor id",
    ).strip()
    key = f"people-found-{q}"
    shown = int(st.session_state.get(key, PAGE))
    rows = state.ask(state.api().people, state.site_name(), q, shown + 1)
    if not rows:
        if q:
            empty("Nobody was found.", "Ids are searched as a whole and in parts; names and addresses are not kept.")
        else:
            empty("Nobody was here in the last 30 days.", "Type an id to look for somebody from before.")
        return
    for place, row in enumerate(rows[:shown]):
        _row(place, row)
    if len(rows) > shown and shown < MOST and st.button("Show more", type="tertiary", key="more-people"):
        st.session_state[key] = min(shown * 4, MOST)
        st.rerun()


def _row(place: int, row: Json) -> None:
    seen = formats.ago(formats.moment(row.get("last_seen")), state.now())
    did = formats.event_title(str(row.get("last_event") or ""))
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        with st.container(gap=None, width="stretch"):
            section(people.label(row), f"{did}, {seen} · {people.known(row)}")
        if st.button("Open", key=f"open-person-{place}"):
            st.switch_page(state.pages()["person"], query_params={"id": str(row["person"])})
