"""One person: what is known, what they did, all of it as a file, and the end of it."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import streamlit as st

from dashboard import formats, history, people, state
from dashboard.client import ApiError, Json
from dashboard.components import Column, Figure, empty, figures, guarded, head, notice, section, table
from dashboard.countries import country
from dashboard.views import person_audiences

PAGE, MOST = 25, 1000


@guarded
def page() -> None:
    """The person that the address names with `?id=`."""
    id = str(st.query_params.get("id", ""))
    if st.button("All customers", icon=":material/arrow_back:", type="tertiary", key="back") or not id:
        st.switch_page(state.pages()["customers"])
    if st.session_state.get("person-erased", {}).get("for") == (state.site_name(), id):
        _erased(st.session_state["person-erased"])
        return
    key = f"events-shown-{id}"
    shown = int(st.session_state.get(key, PAGE))
    try:
        answer = state.ask(state.api().timeline, state.site_name(), id, shown)
    except ApiError as refusal:
        if refusal.status != 404:
            raise
        head("Person")
        empty("Nobody on this site goes by that id.", "They may have been erased, or belong to another site.")
        return
    card = answer["person"]
    head(people.label(card), f"{state.site_name()} · {card['visitor']}")
    _figures(card)
    _expected(id)
    with st.container(border=True, key="card-timeline"):
        section("Timeline", "what they did in all of their browsers, and what happened to them, the latest first")
        _timeline(answer["events"], _history(id, answer))
        if answer.get("cursor") and shown < MOST and st.button("Show more", type="tertiary", key="more-events"):
            st.session_state[key] = min(shown * 4, MOST)
            st.rerun()
    with st.container(border=True, key="card-audiences"):
        section("Audiences", "whether they are in it, since when and why, and why an export leaves them out")
        person_audiences.panel(id)
    with st.container(border=True, key="card-data"):
        section("Their data", "for when they ask what is kept, or want it gone; needs an admin token")
        _data(id, card)


def _figures(card: Json) -> None:
    props = card.get("props") or {}
    figures(
        [
            Figure("Last seen", formats.ago(formats.moment(card["last_seen"]), state.now())),
            Figure("Visits", formats.number(props.get("visits"))),
            Figure("Country", country(str(props["country"])) if props.get("country") else formats.NONE),
            Figure("Device", formats.event_title(str(props.get("device") or ""))),
            Figure("Came first by", str(props.get("channel") or formats.NONE)),
        ]
    )


@guarded
def _expected(id: str) -> None:
    """What this customer is expected to do; nothing for whoever bought nothing, or where too few bought to tell."""
    today = state.period().last
    year = state.Period(today - timedelta(days=3 * 365), today, state.period().zone)
    spec: Json = {"site": state.site_name(), "from": year.start, "to": year.end, "horizon": "365d", "person": id}
    try:
        found = state.ask(state.api().ltv_people, spec)
    except ApiError as refusal:
        if refusal.code in ("too_few", "not_found"):
            return
        raise
    for row in found["people"]:
        currency = str(found["currency"])
        figures(
            [
                Figure("Value so far", formats.money(row["value_so_far"], currency), note="over three years"),
                Figure("Purchases so far", formats.number(row["purchases_so_far"])),
                Figure("Expected value", formats.money(row["value"], currency), note="in the next 12 months"),
                Figure("Expected purchases", f"{row['purchases']:.1f}", note="in the next 12 months"),
                *([] if row["churn"] is None else [_lost(row["churn"])]),
            ]
        )


def _lost(churn: float) -> Figure:
    return Figure("Chance to be lost", formats.percent(churn, 0), note="no customer any more")


def _history(id: str, answer: Json) -> list[Json]:
    """What happened beside the events, as far back as they are shown."""
    events = answer["events"]
    back = formats.moment(events[-1]["ts"]) if events and answer.get("cursor") else None
    rows = state.ask(state.api().person_history, state.site_name(), id)
    return [row for row in rows if back is None or (formats.moment(row["at"]) or back) >= back]


def _timeline(events: list[Json], happened: list[Json]) -> None:
    columns = [
        Column("Event", "strong"),
        Column("When", "when"),
        Column("Where"),
        Column("What"),
        Column("Value", "number"),
    ]
    lines = [(formats.moment(event["ts"]), _event(event)) for event in events]
    lines += [(formats.moment(row["at"]), _happened(row)) for row in happened]
    zone = state.period().zone
    rows = [
        [first, formats.when(then.astimezone(zone)), *rest]
        for then, (first, *rest) in sorted(
            ((then, cells) for then, cells in lines if then), key=lambda line: line[0], reverse=True
        )
    ]
    table(columns, rows, "What this person did and what happened to them, the latest first")


def _event(event: Json) -> list[object]:
    return [
        formats.event_title(str(event["event"])),
        formats.short(urlsplit(str(event.get("url") or "")).path) or formats.NONE,
        _what(event),
        formats.money(event.get("value"), str(event.get("currency") or "")),
    ]


def _happened(entry: Json) -> list[object]:
    title, more = history.line(entry)
    return [title, formats.NONE, formats.short(more, 120), formats.NONE]


def _what(event: Json) -> str:
    """The items, else the properties, and the channel where one was come by."""
    found = [f"by {event['channel']}"] if event.get("channel") else []
    for item in event.get("items") or []:
        count = item.get("quantity") or 1
        name = str(item.get("item_name") or item.get("item_id") or "")
        found.append(f"{formats.number(count)} × {name}" if count != 1 else name)
    if not event.get("items"):
        props = event.get("props") or {}
        found += [f"{key}: {value}" for key, value in props.items() if isinstance(value, str | int | float)]
    return formats.short(" · ".join(part for part in found if part), 120) or formats.NONE


def _known_as(id: str, card: Json) -> tuple[str, str]:
    """The id to ask with, and what it is."""
    user = str(card.get("user") or "")
    return (user, "user") if user else (str(card.get("visitor") or id), "visitor")


@guarded
def _data(id: str, card: Json) -> None:
    with st.container(horizontal=True, gap="small"):
        wanted = st.button("Get all that is kept", icon=":material/folder_open:", key="export-person")
        with st.popover("Erase", icon=":material/delete_forever:", key="erase"):
            _erase(id, card)
    if wanted:
        # asked for anew each time and given to the browser only: nothing of it stays in the dashboard
        content = state.api().person_export(state.site_name(), *_known_as(id, card))
        notice(
            "good", "The file is ready.", "Events, ids, consents, audiences: all that is kept on this person, as JSON."
        )
        st.download_button(
            "Download",
            content,
            file_name="person.json",
            mime="application/json",
            icon=":material/download:",
            type="primary",
            key="download-person",
            on_click="ignore",
        )


@guarded
def _erase(id: str, card: Json) -> None:
    notice(
        "warn",
        "This cannot be undone.",
        f"Everything that is kept on {people.label(card)} goes: events, ids, identifiers, files made for download. "
        "Numbers of past reports change, and nothing new is collected of them.",
    )
    sure = st.checkbox("Yes, erase this person for ever", key=f"erase-sure-{state.site_name()}-{id}")
    if st.button("Erase", type="primary", key="erase-now", disabled=not sure, width="stretch"):
        answer = state.api().erase(state.site_name(), *_known_as(id, card))
        state.forget()
        st.session_state["person-erased"] = {"for": (state.site_name(), id)} | answer
        st.rerun()


def _erased(answer: Json) -> None:
    head("Person")
    count = formats.number(answer.get("events") or 0)
    if answer.get("state") == "done":
        notice("good", "This person is erased.", f"{count} events are gone. What still arrives of them is not kept.")
    else:
        notice(
            "info",
            "This person is being erased.",
            "The store still works at it; it goes on by itself until all is gone.",
        )
