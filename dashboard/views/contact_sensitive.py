"""Special categories: what suggests one, and the ground an admin declared for it to leave the house."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard import formats, state
from dashboard.client import Api, Json
from dashboard.components import done, empty, guarded, notice, section

LEAST = 10
"""So many characters a ground has at least."""


@guarded
def panel() -> None:
    """All of the site's, each with what can be done about it."""
    rows = state.api().sensitive(state.site_name())
    if not rows:
        empty(
            "Nothing here suggests a special category.",
            "An audience or conversion whose name, rule or events suggest health, religion, politics, sexuality, "
            "origin, a trade union, financial hardship, children or precise location would stand here. "
            "The words are a net with holes: whether something is one is yours to judge.",
        )
        return
    for row in rows:
        _card(row)


def _card(row: Json) -> None:
    id, ground = str(row["id"]), row.get("ground")
    about = formats.listing([str(one).replace("_", " ") for one in row["categories"]], "and")
    with st.container(border=True, key=f"card-sensitive-{id}"):
        section(str(row["name"]), f"{'Conversion' if id.startswith('cnv_') else 'Audience'} · suggests {about}")
        if ground is None:
            notice("warn", "It stays in the house.", "It goes into no file, list or network; taking back still works.")
            with st.popover("Declare a ground", icon=":material/gavel:", key=f"declare-{id}"):
                _declare(id)
        else:
            when = formats.when(formats.moment(row.get("declared"), state.zone(state.site())))
            notice("good", "It may leave the house.", f"Declared {when}: {ground}")
            if st.button("Withdraw the declaration", key=f"withdraw-{id}"):
                _act(lambda api: api.withdraw(id))


@guarded
def _declare(id: str) -> None:
    notice(
        "warn",
        "You declare this for the company that answers for the data.",
        "Data of these kinds may be handed on only with a ground in law, as a rule the explicit consent of each person "
        "to exactly this. Nobody checks what you write; it is kept in the audit log under your token. From then on "
        "the people in it may be sent to networks and lists like those of any other, as their consent allows.",
    )
    with st.form(f"declare-{id}-form", border=False):
        ground = st.text_area(
            "The ground",
            max_chars=1000,
            key=f"ground-{id}",
            placeholder="explicit consent, form F-12 of 2026",
        ).strip()
        asked = st.form_submit_button("Declare it", type="primary", key=f"declare-{id}-send")
    if not asked:
        return
    if len(ground) < LEAST:
        notice("bad", "Nothing was declared.", f"Say the ground in at least {LEAST} characters.")
        return
    _act(lambda api: api.declare(id, ground))


def _act(change: Callable[[Api], object]) -> None:
    if done(lambda: change(state.api()), "Nothing was changed."):
        state.forget()
        st.rerun()
