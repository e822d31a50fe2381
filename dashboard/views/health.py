"""Data health: what became of every event, how fresh the reports are, what was refused and why."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, people, state
from dashboard.client import Json
from dashboard.components import Column, Figure, bars, empty, figures, guarded, head, notice, section, table
from dashboard.markup import Markup, tag

REASONS = {
    "unreadable": "could not be read",
    "no_name": "had no event name",
    "bad_type": "was of an unknown type",
    "bad_field": "had a field of the wrong kind",
    "no_person": "said neither visitor nor user",
    "bad_time": "had a time that is none",
    "event_too_large": "was too large",
    "too_many_keys": "had too many properties",
    "too_deep": "was nested too deeply",
    "store_refused": "was refused by the database",
}


@guarded
def page() -> None:
    """The page."""
    head("Data health", f"{state.site_name()} · since the beginning" if state.site() else "")
    if not state.site():
        empty(
            "No site yet.",
            "Open Install in the menu and add your site; then every event it sends is accounted for here.",
        )
        return
    with st.container(border=True, key="card-ledger"):
        section("Every event is accounted for")
        ledger()
    with st.container(border=True, key="card-live"):
        section("Right now", "the latest events, renewed every few seconds")
        live()
    with st.container(border=True, key="card-rejected"):
        section("Rejected events", "kept for seven days, with the reason")
        _rejected()


@st.fragment(run_every=5)
@guarded
def ledger() -> None:
    """received = stored + duplicates + rejected + suppressed + waiting."""
    counts = state.api().ledger(state.site_name())
    status = state.api().status()
    rejected = sum(int(count) for count in (counts.get("rejected") or {}).values())
    parts = [
        ("Stored", int(counts["stored"]), "in every report"),
        ("Duplicates", int(counts["duplicates"]), "sent twice, counted once"),
        ("Rejected", rejected, "listed below"),
        ("Suppressed", int(counts["suppressed"]), "nobody agreed to them"),
        ("Waiting", int(counts["waiting"]), "on their way"),
    ]
    st.html(equation(int(counts["received"]), parts))
    unexplained = int(counts.get("unexplained") or 0)
    total = sum(count for _, count, _ in parts)
    if unexplained or total != int(counts["received"]):
        missing = unexplained or abs(int(counts["received"]) - total)
        notice(
            "bad",
            f"{formats.number(missing)} events are unexplained.",
            "Something removed data from the spool. Run `tracker doctor` on the server.",
        )
    elif counts["waiting"]:
        notice("info", "It adds up.", f"{formats.number(counts['waiting'])} events will be in the reports in a moment.")
    else:
        notice("good", "It adds up: nothing is lost, nothing is counted twice.", freshness(status))


def equation(received: int, parts: list[tuple[str, int, str]]) -> Markup:
    """The sum as tiles with signs between them."""
    tiles = [_tile("Received", received, "by the collector", "whole")]
    for place, (title, count, note) in enumerate(parts):
        tiles.append(tag("span", "+" if place else "=", cls="jt-sign", aria_hidden="true"))
        tiles.append(_tile(title, count, note, "some" if count else "none"))
    return tag("div", *tiles, cls="jt-equation", role="group", aria_label="Received equals the sum of the parts")


def _tile(title: str, count: int, note: str, cls: str) -> Markup:
    return tag("div", tag("span", title), tag("b", formats.number(count)), tag("small", note), cls=f"jt-tile {cls}")


def freshness(status: Json) -> str:
    """How far the reports are behind."""
    lag = status.get("lag_seconds", status.get("lag"))
    return (
        f"Reports are {formats.duration(float(lag))} behind."
        if isinstance(lag, int | float) and lag >= 1
        else "Reports are up to date."
    )


@st.fragment(run_every=4)
@guarded
def live() -> None:
    """Who is here, and what they just did."""
    answer = state.api().live(state.site_name(), 12)
    events = answer["events"]
    if not events:
        empty("Nothing has arrived yet.", "Open your site in another tab: the first event shows here within seconds.")
        return
    latest = formats.moment(str(events[0]["ts"]))
    figures(
        [
            Figure("Active now", formats.number(answer["active_5m"]), note="people in the last 5 minutes"),
            Figure("Last event", formats.ago(latest, state.now()), note=formats.event_title(str(events[0]["event"]))),
        ]
    )
    columns = [
        Column("Event", "strong"),
        Column("When", "when"),
        Column("Person"),
        Column("Where"),
        Column("Known"),
        Column("Value", "number"),
    ]
    rows = [
        [
            formats.event_title(str(event["event"])),
            formats.ago(formats.moment(str(event["ts"])), state.now()),
            people.named(str(event["person"])) if event.get("person") else formats.NONE,
            formats.short(path(str(event.get("url") or "")), 44) or formats.NONE,
            people.known(event),
            formats.money(event["value"], str(event.get("currency") or ""))
            if event.get("value") is not None
            else formats.NONE,
        ]
        for event in events
    ]
    table(columns, rows, "The latest events")


def path(url: str) -> str:
    """An address without scheme, host and query."""
    rest = url.split("://", 1)[-1]
    found = rest.find("/")
    return rest[found:].split("?")[0].split("#")[0] if found >= 0 else rest


def _rejected() -> None:
    counts = state.api().ledger(state.site_name()).get("rejected") or {}
    rows = state.api().rejected(state.site_name())
    replayed = st.session_state.pop("replayed", None)
    if replayed is not None:
        notice("info", replayed)
    if not rows and not any(counts.values()):
        nothing = (
            "No event was rejected. Broken ones would be listed here, with what to change in the code that sends them."
        )
        st.html(tag("p", nothing, cls="jt-quiet"))
        return
    bars(
        [
            (f"{formats.event_title(reason)}: {REASONS.get(reason, '')}".rstrip(": "), count, formats.number(count))
            for reason, count in sorted(counts.items(), key=lambda item: -item[1])
            if count
        ],
        ("Reason", "Events"),
        "",
    )
    if not rows:
        return
    columns = [Column("Reason", "strong"), Column("When", "when"), Column("What to change"), Column("Sent by")]
    now = state.now()
    table(
        columns,
        [
            [
                formats.event_title(str(row["reason"])),
                formats.ago(formats.moment(str(row["received"])), now),
                str(row["message"]),
                str(row.get("source") or formats.NONE),
            ]
            for row in rows[:20]
        ],
        "Rejected events",
    )
    with st.expander("What was sent"):
        for row in rows[:10]:
            st.code(formats.short(str(row.get("raw") or ""), 2000), language="json", wrap_lines=True)
    if st.button(
        "Replay the rejected events",
        icon=":material/replay:",
        key="replay",
        help="After a fix: sends them down the road again; what is good now is stored.",
    ):
        answer = state.api().replay(state.site_name())
        st.session_state["replayed"] = replay_text(answer)
        state.forget()
        st.rerun()


def replay_text(answer: Json) -> str:
    """What a replay did, as one sentence: how many are accepted now, how many still are not."""
    accepted = int(answer.get("replayed") or 0)
    still = int(answer.get("rejected") or 0) + int(answer.get("unreadable") or 0)
    if not accepted:
        return f"None of the {formats.number(still)} events is acceptable yet: what sent them has to change first."
    text = f"{formats.number(accepted)} events are accepted now and will be in the reports in a moment"
    return f"{text}; {formats.number(still)} still are not." if still else f"{text}."
