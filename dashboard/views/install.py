"""Install: add a site, put the snippet on it, see that it speaks."""

from __future__ import annotations

import re
from zoneinfo import available_timezones

import streamlit as st

from dashboard import examples, formats, state
from dashboard.client import Json
from dashboard.components import empty, guarded, head, notice, section

CONSENT = {
    "opt-in": "Ask first: nothing about a person before they agree",
    "opt-out": "Measure unless they object (you have a legal ground)",
}
DOMAIN = re.compile(r"^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:\d+)?$", re.IGNORECASE)


@guarded
def page() -> None:
    """The page."""
    head(
        "Install",
        "Two steps. The box below turns green with the first event."
        if state.site()
        else "Add your site, then put one line on its pages.",
    )
    made = st.session_state.pop("site-made", None)
    if made:
        notice("good", f"The site {made} is ready.", "Now put the snippet on its pages.")
    if not state.site():
        with st.container(border=True, key="card-new-site"):
            section("Add your site")
            _new_site()
        return
    install = state.ask(state.api().install, state.site_name())
    heard()
    with st.container(border=True, key="card-snippet"):
        section("1. Put this on every page", "best inside <head>; it loads without holding up the page")
        snippet = examples.snippet(str(install["snippet"]), str(state.site().get("consent") or ""))
        st.code(snippet, language="html", wrap_lines=True)
        if state.site().get("consent") != "opt-out":
            st.caption(
                "This site asks first: nothing is kept before your page says `jt('consent', { analytics: true })`."
            )
        _pinned(install)
    with st.container(border=True, key="card-server"):
        section("2. Tell us what counts", "purchases and sign-ups, from the page or from your server")
        _examples(install)
    with st.expander("Add another site", icon=":material/add:"):
        _new_site()


def _pinned(install: Json) -> None:
    pinned = install.get("pinned")
    if not isinstance(pinned, dict):
        return
    modules = ", ".join(map(str, install.get("modules") or [])) or "none"
    st.caption(f"Modules that the site's settings load: {modules}.")
    with st.expander("Pin the script with Subresource Integrity", icon=":material/lock:"):
        st.markdown(
            "The browser runs this file and no other. It is kept as it is for ever, so take a new snippet when the "
            "site's pixel settings change or a new version has something you want."
        )
        snippet = examples.snippet(str(pinned["snippet"]), str(state.site().get("consent") or ""))
        st.code(snippet, language="html", wrap_lines=True)


@st.fragment(run_every=3)
@guarded
def heard() -> None:
    """Turns green with the first event."""
    answer = state.api().install(state.site_name())
    event = answer.get("last_event")
    if not answer.get("heard"):
        notice(
            "wait",
            "Waiting for the first event …",
            "Put the snippet on your site and open it in another tab. This turns green by itself.",
        )
        return
    detail = ""
    if isinstance(event, dict):
        came = event.get("received") or event.get("ts")
        then = formats.moment(str(came)) if came else None
        detail = f"Last received: {formats.event_title(str(event.get('event', '')))}, {formats.ago(then, state.now())}."
    notice("good", f"We have heard from {state.site_name()}.", detail)


def _examples(install: Json) -> None:
    key, address = str(install["write_key"]), examples.collector(str(install["snippet"]))
    kinds = examples.all_of(address, key)
    for tab, (_, language, code) in zip(st.tabs([title for title, _, _ in kinds]), kinds, strict=True):
        with tab:
            st.code(code, language=language, wrap_lines=True)


def _new_site() -> None:
    with st.form("new-site", border=False):
        name = st.text_input("Name", placeholder="shop", help="Short, without spaces; it is in every report.")
        domains = st.text_input(
            "Domains",
            placeholder="shop.example, www.shop.example",
            help="Pages on these may send events. Separate several with commas.",
        )
        consent = st.radio("Consent", list(CONSENT), format_func=CONSENT.__getitem__)
        zones = sorted(available_timezones())
        timezone = st.selectbox("Time zone of its days", zones, index=zones.index("UTC"))
        sent = st.form_submit_button("Add the site", type="primary")
    if not sent:
        return
    wanted = [
        domain.strip().removeprefix("https://").removeprefix("http://").rstrip("/")
        for domain in domains.split(",")
        if domain.strip()
    ]
    if not name.strip() or not wanted:
        empty("Name and domain are needed.", "For example: shop, and shop.example.")
        return
    wrong = [domain for domain in wanted if not DOMAIN.match(domain)]
    if wrong:
        notice("warn", f"{wrong[0]} is not a domain.", "Write it like shop.example, without a path.")
        return
    state.api().create_site(name.strip(), wanted, consent, timezone)
    state.forget()
    st.session_state["_go_to_site"] = st.session_state["site-made"] = name.strip()
    st.rerun()
