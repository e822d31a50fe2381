"""The form for a new destination: the fields are those the API names for its kind."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, places, state
from dashboard.client import Json
from dashboard.components import done, guarded, notice

WIDTH = 540
COUNT = "destination-made"
"""How many this session connected: part of the fields' keys, so that what was typed is gone afterwards."""


@guarded
def form(kinds: Json) -> None:
    """Kind, name, options, secrets."""
    key = f"destination-{st.session_state.setdefault(COUNT, 0)}"
    by_kind = {str(one["kind"]): one for one in kinds["kinds"]}
    networks = {str(one["network"]): one for one in kinds["networks"]}
    known = [*state.ask(state.api().networks), *state.ask(state.api().conversion_networks)]
    titles = {str(one["name"]): str(one["title"]) for one in known}
    first = list(by_kind).index("network") if "network" in by_kind else 0
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        kind = st.selectbox(
            "Kind",
            list(by_kind),
            index=first,
            format_func=lambda one: str(by_kind[one]["title"]),
            key=f"{key}-kind",
            width=260,
        )
        network = ""
        if kind == "network":
            network = st.selectbox(
                "Network", list(networks), format_func=lambda one: titles.get(one, one), key=f"{key}-network", width=240
            )
    about = networks[network] if network else by_kind[kind]
    where = f"{key}-{kind}-{network}"
    signs = _signs(where, [[str(one) for one in some] for some in about["secrets"]])
    fields = [str(one) for one in about["ids" if network else "options"]]
    maybe = [str(one) for one in about.get("optional") or []]
    own = [str(one) for one in by_kind[kind].get("optional") or []] if network else []
    if network and about.get("note"):
        note = places.said(str(about["note"]))
        st.caption(formats.plain(f"{note[:1].upper()}{note[1:]}."))
    more: dict[str, str] = {}
    with st.form(f"{where}-form", border=False):  # sends what stands in the fields, wherever the cursor is
        name = st.text_input("Name", key=f"{where}-name", max_chars=200, placeholder="Spring campaign", width=WIDTH)
        given = {one: _option(where, one) for one in fields}
        secrets = {one: _secret(where, one) for one in signs}
        if maybe or own:
            with st.expander("Optional"):
                given |= {one: _option(where, one) for one in maybe}
                more = {one: _option(where, one) for one in own}
        asked = st.form_submit_button("Connect", type="primary", key=f"{key}-create")
    if not asked:
        return
    missing = ["name"] * (not name.strip())
    missing += [places.title(one).lower() for one in fields if not given[one].strip()]
    if missing:
        notice("bad", "It was not connected.", f"Still missing: {', '.join(missing)}.")
        return
    body = places.body(state.site_name(), name, kind, more if network else given, secrets)
    if network:
        ids = {one: text.strip() for one, text in given.items() if text.strip()}
        body["options"] |= {"network": network, "ids": ids}
    _create(body)


def _option(where: str, name: str) -> str:
    label, key = places.title(name), f"{where}-{name}"
    if name == "security":
        return st.selectbox(label, places.SECURITY, key=key, width=WIDTH)
    return st.text_input(label, key=key, max_chars=4000, width=WIDTH)


def _signs(where: str, sets: list[list[str]]) -> list[str]:
    """The names of the secrets to give; a choice where there are several ways."""
    if len(sets) < 2:
        return sets[0] if sets else []
    place = st.selectbox(
        "Sign in with",
        range(len(sets)),
        format_func=lambda at: formats.listing([places.title(one).lower() for one in sets[at]], "and") or "nothing",
        key=f"{where}-set",
        width=WIDTH,
    )
    return sets[place]


def _secret(where: str, name: str) -> str:
    return st.text_input(
        places.title(name),
        type="password",
        key=f"{where}-secret-{name}",
        max_chars=20_000,
        autocomplete="off",
        width=WIDTH,
    )


def _create(body: Json) -> None:
    if done(lambda: state.api().add_destination(body), "It was not connected."):
        _forget_typed()
        state.forget()
        st.rerun()


def _forget_typed() -> None:
    for key in [key for key in st.session_state if "-secret-" in str(key)]:
        del st.session_state[key]
    st.session_state[COUNT] += 1
