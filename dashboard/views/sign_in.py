"""Asks for an API token; it lives in this session only and is never written down."""

from __future__ import annotations

import httpx
import streamlit as st

from dashboard import state
from dashboard.client import ApiError
from dashboard.components import guarded, head, notice


@guarded
def page() -> None:
    """The whole window while nobody is signed in."""
    with st.container(key="sign-in"):
        head(
            "Sign in",
            "Paste the API token you were given. It stays in this browser tab and is forgotten when you close it.",
        )
        with st.form("sign-in-form", border=False):
            given = st.text_input("API token", type="password", autocomplete="off")
            sent = st.form_submit_button("Sign in", type="primary", width="stretch")
        st.caption("No token yet? Run `tracker key add --role analyst` on the server.")
        if sent:
            _sign_in(given.strip())


def _sign_in(given: str) -> None:
    if not given:
        notice("warn", "Please paste a token first.")
        return
    st.session_state["token"] = given
    try:
        state.api().sites()
    except (ApiError, httpx.HTTPError, UnicodeEncodeError) as refusal:
        st.session_state.pop("token", None)
        notice("bad", refusal.sentence if isinstance(refusal, ApiError) else "This is not a token of the API.")
        return
    st.rerun()
