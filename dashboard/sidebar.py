"""The sidebar below the navigation: which site, which days, which people."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import streamlit as st

from dashboard import state
from dashboard.client import Json
from dashboard.state import Period

EVERYBODY = "Everybody"


def draw() -> None:
    """Ask for site, period and segment and keep them in the session for the page."""
    sites = state.ask(state.api().sites)
    with st.sidebar:
        st.session_state["_site"] = site = _site(sites)
        st.session_state["_period"] = _period(site)
        st.session_state["_segment"] = _segment(site)
        if not state.token_is_given() and st.button(
            "Sign out", icon=":material/logout:", type="tertiary", key="sign-out"
        ):
            st.session_state.pop("token", None)
            st.rerun()


def turn_to(site: str, shown: str) -> None:
    """Turn to the site of what the address names: its zone, currency and limits are the ones that count.

    `shown`: the id of what is named. Whoever chooses another site while it is shown leaves it for the list.
    """
    before = st.session_state.get("_shown")
    st.session_state["_shown"] = shown
    known = {str(one.get("name") or one.get("site")) for one in state.ask(state.api().sites)}
    if site == state.site_name() or site not in known:
        return
    if before == shown:
        del st.session_state["_shown"]
        st.switch_page(state.pages()["audiences"])
    st.session_state["_go_to_site"] = site
    st.rerun()


def _site(sites: list[Json]) -> Json:
    if not sites:
        return {}
    by_name = {str(site.get("name") or site.get("site")): site for site in sites}
    wanted = st.session_state.pop("_go_to_site", None)
    if wanted in by_name:
        st.session_state["site"] = wanted
    if st.session_state.get("site") not in by_name:
        st.session_state.pop("site", None)
    name = st.selectbox("Site", list(by_name), key="site", bind="query-params")
    return by_name[name]


def _period(site: Json) -> Period:
    zone = state.zone(site)
    today = state.today(site)
    if not site:
        return Period(today - timedelta(days=29), today, zone)
    names = list(state.PRESETS)
    choice = st.selectbox("Period", names, index=2, key="period", bind="query-params")
    days = state.PRESETS[choice]
    if days is not None:
        return Period(today - timedelta(days=days - 1), today, zone)
    return Period(*_own_dates(today), zone)


def _segment(site: Json) -> Json:
    st.session_state["_segment"] = {}
    audiences = state.ask(state.api().audiences, state.site_name()) if site else []
    if not audiences:
        return {}
    names = Counter(str(one["name"]) for one in audiences)
    names[EVERYBODY] += 1
    by_name = {_named(one, names): one for one in audiences}
    if st.session_state.get("segment", EVERYBODY) not in (EVERYBODY, *by_name):
        st.session_state.pop("segment")
    chosen = st.selectbox(
        "People",
        [EVERYBODY, *by_name],
        key="segment",
        bind="query-params",
        help="Reports count only the people who are in this audience now.",
    )
    return by_name.get(chosen, {})


def _named(audience: Json, names: Counter[str]) -> str:
    name = str(audience["name"])
    return name if names[name] == 1 else f"{name} ({audience['id']})"


def _own_dates(today: date) -> tuple[date, date]:
    chosen = st.date_input(
        "From – to", (today - timedelta(days=29), today), max_value=today, key="dates", format="YYYY-MM-DD"
    )
    if isinstance(chosen, tuple) and len(chosen) == 2:
        return chosen
    first = chosen[0] if isinstance(chosen, tuple) and chosen else today
    return first, today
