"""The sidebar below the navigation: which site, which days."""

from __future__ import annotations

from datetime import date, timedelta

import streamlit as st

from dashboard import state
from dashboard.client import Json
from dashboard.state import Period


def draw() -> None:
    """Ask for site and period and keep both in the session for the page."""
    sites = state.ask(state.api().sites)
    with st.sidebar:
        st.session_state["_site"] = site = _site(sites)
        st.session_state["_period"] = _period(site)
        if not state.token_is_given() and st.button(
            "Sign out", icon=":material/logout:", type="tertiary", key="sign-out"
        ):
            st.session_state.pop("token", None)
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


def _own_dates(today: date) -> tuple[date, date]:
    chosen = st.date_input(
        "From – to", (today - timedelta(days=29), today), max_value=today, key="dates", format="YYYY-MM-DD"
    )
    if isinstance(chosen, tuple) and len(chosen) == 2:
        return chosen
    first = chosen[0] if isinstance(chosen, tuple) and chosen else today
    return first, today
