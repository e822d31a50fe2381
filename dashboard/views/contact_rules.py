"""Contact rules: how often a person is contacted, which audience comes first, and what stays in the house."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, outreach, state
from dashboard.client import Json
from dashboard.components import done, empty, guarded, head, notice, section
from dashboard.views import contact_sensitive

SAVED = "frequency-saved"


@guarded
def page() -> None:
    """The page."""
    if not state.site():
        head("Contact rules")
        empty("No site yet.", "Open Install in the menu and add your site; the rules are about its visitors.")
        return
    head("Contact rules", f"{state.site_name()} · over all audiences, networks and lists. Only an admin changes them.")
    with st.container(border=True, key="card-frequency"):
        section("How often", "a cap over everything: exports to networks, deliveries, lists for people")
        _frequency()
    with st.container(border=True, key="card-sensitive"):
        section("Special categories", "audiences and conversions that stay in the house until an admin says why not")
        contact_sensitive.panel()


@guarded
def _frequency() -> None:
    if st.session_state.pop(SAVED, False):
        notice("good", "Saved.", "It holds for every export and list from now on.")
    kept = state.api().frequency(state.site_name())
    names = outreach.named(state.ask(state.api().audiences, state.site_name()))
    key = f"frequency-{state.site_name()}"
    most = int(kept["most"])
    notice("info", _said(most, int(kept["days"])), "Whoever is over it is withheld as such." if most else "")
    with st.form(key, border=False):
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            most = st.number_input(
                "Contacts of a person, at most",
                0,
                1000,
                most,
                key=f"{key}-most",
                width=260,
                help="0: no cap, and what was counted is forgotten.",
            )
            days = st.number_input("Within days", 1, 365, int(kept["days"]), key=f"{key}-days", width=160)
        first = st.multiselect(
            "Who comes first",
            list(names),
            [one for one in kept["priority"] if one in names],
            format_func=lambda one: formats.plain(names[one]),
            key=f"{key}-priority",
            placeholder="Choose audiences, the most important first",
            select_all=False,
        )
        st.caption(
            "Contacts are kept for the audiences named here, in this order, as long as they are delivered again and "
            "again. Among the rest the first to export wins. One audience in one channel is one contact, however often "
            "it is repeated within the days; conversions are none."
        )
        asked = st.form_submit_button("Save", type="primary", key=f"{key}-save")
    if asked:
        _save({"most": int(most), "days": int(days), "priority": first})


def _said(most: int, days: int) -> str:
    if not most:
        return "There is no cap: people may be contacted any number of times."
    times = "once" if most == 1 else f"{formats.number(most)} times"
    return f"Nobody is contacted more than {times} within {formats.window_text(f'{days}d')}."


def _save(body: Json) -> None:
    if done(lambda: state.api().set_frequency(state.site_name(), body), "Nothing was saved."):
        st.session_state[SAVED] = True
        st.rerun()
