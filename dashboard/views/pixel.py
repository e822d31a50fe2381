"""Pixel settings: what the script on a site's pages does, asks and shows."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

import streamlit as st

from dashboard import state
from dashboard.client import ApiError, Json
from dashboard.components import empty, guarded, head, notice, section
from dashboard.views.install import CONSENT

CAPTURE = {
    "outbound": "Clicks to other sites",
    "download": "Downloads",
    "contact": "Clicks on e-mail addresses and phone numbers",
    "form": "Forms sent and left (never what is in them)",
    "marked": "Elements marked with data-track",
    "rage": "Angry clicks: three on one spot",
    "missing": "Pages not found",
    "error": "JavaScript errors",
}
MANAGERS = {"tcf": "IAB TCF", "gpp": "IAB GPP", "gcm": "Google Consent Mode"}
NPS = {"id": "nps", "kind": "nps"}


@guarded
def page() -> None:
    """The page."""
    head("Pixel settings", "What the script on your pages does. Pages have a change within an hour.")
    if not state.site():
        empty("There is no site yet.", "Add your site on the Install page first.")
        return
    if st.session_state.pop("pixel-saved", False):
        notice("good", "Saved.", "Pages that pin the script need the new snippet from the Install page.")
    kept: Json = state.site().get("pixel") or {}
    with st.form("pixel", border=False):
        with st.container(border=True, key="card-pixel-seen"):
            section("What is seen", "page views always; the rest only where you ask for it")
            seen = _seen(kept)
        with st.container(border=True, key="card-pixel-asked"):
            section("Who is asked", "nothing about a person before they agree, unless you have a legal ground")
            consent, asked = _asked(kept)
        with st.container(border=True, key="card-pixel-known"):
            section("Who is one person", "over domains, and in your own records")
            known = _known(kept)
        with st.container(border=True, key="card-pixel-shown"):
            section("What visitors may say", "loaded only when somebody opens it")
            shown = _shown(kept)
        sent = st.form_submit_button("Save", type="primary")
    if not sent:
        return
    try:
        state.api().change_site(state.site_name(), consent=consent, pixel=merged(kept, seen | asked | known | shown))
    except ApiError as refused:
        notice("warn", "Nothing was saved.", refused.sentence)
        return
    state.forget()
    st.session_state["pixel-saved"] = True
    st.rerun()


def merged(kept: Json, wanted: dict[str, Any]) -> Json:
    """The site's settings with what the form asked for. What the form does not know stays; what is off is left out."""
    both = {**kept, **wanted}
    return {name: value for name, value in both.items() if value not in (False, None, "", [])}


def _seen(kept: Json) -> dict[str, Any]:
    capture = st.multiselect(
        "Without any code",
        list(CAPTURE),
        kept.get("autocapture") or [],
        format_func=CAPTURE.__getitem__,
        placeholder="Choose what: links, downloads, forms, errors and more",
    )
    left, right = st.columns(2)
    engagement = left.toggle("Time engaged and how far down", bool(kept.get("engagement")))
    vitals = right.toggle(
        "How fast pages are", bool(kept.get("vitals")), help="Core Web Vitals: loading, reacting, standing still."
    )
    left, right = st.columns(2)
    layer = left.text_input(
        "Array of Google's tag",
        kept.get("datalayer", ""),
        placeholder="dataLayer",
        help="A shop with Google Analytics 4 has pushed its purchases there already: they are read, and need no new "
        "code. Empty: not read.",
    )
    currency = right.text_input("Currency", kept.get("currency", ""), placeholder="EUR", help="Of events naming none.")
    return {
        "autocapture": capture,
        "engagement": engagement,
        "vitals": vitals,
        "datalayer": layer.strip(),
        "currency": currency.strip().upper(),
    }


def _asked(kept: Json) -> tuple[str, dict[str, Any]]:
    policies = list(CONSENT)
    now = str(state.site().get("consent") or policies[0])
    consent = st.radio("Consent", policies, policies.index(now), format_func=CONSENT.__getitem__)
    managers = st.multiselect(
        "Consent managers on your pages",
        list(MANAGERS),
        kept.get("cmp") or [],
        format_func=MANAGERS.__getitem__,
        help="They are asked for the visitor's choice. With one, leave our banner off.",
    )
    left, right = st.columns(2, vertical_alignment="bottom")
    banner = left.toggle("Our own consent banner", kept.get("banner") is not None)
    policy = right.text_input(
        "Address of your privacy policy", (kept.get("banner") or {}).get("policy", ""), placeholder="/privacy"
    )
    left, right = st.columns(2)
    optout = left.toggle(
        "Say when an opt-out is honoured",
        bool(kept.get("optout")),
        help="Shows “Opt-Out Request Honored” to browsers that send Global Privacy Control, as California requires.",
    )
    dnt = right.toggle("Do Not Track is a refusal", bool(kept.get("dnt")))
    words = {name: value for name, value in (kept.get("banner") or {}).items() if name != "policy"}
    if policy.strip():
        words["policy"] = policy.strip()
    return str(consent), {"cmp": managers, "banner": words if banner else None, "optout": optout, "dnt": dnt}


def _known(kept: Json) -> dict[str, Any]:
    domains = st.text_input(
        "Your other domains",
        ", ".join(kept.get("link_domains") or []),
        placeholder="shop.example, shop.fr",
        help="Links and forms between them carry the visitor, signed and good for two minutes.",
    )
    left, right = st.columns(2, vertical_alignment="bottom")
    hashed = left.toggle(
        "Hash contact details in the browser",
        bool(kept.get("hash")),
        help="E-mail addresses and phone numbers leave the page as SHA-256 only.",
    )
    code = right.text_input(
        "Calling code", kept.get("calling_code", ""), placeholder="49", help="Completes national phone numbers."
    )
    return {
        "link_domains": [domain.strip().lower() for domain in domains.split(",") if domain.strip()],
        "hash": hashed,
        "calling_code": code.strip().lstrip("+"),
    }


def _shown(kept: Json) -> dict[str, Any]:
    surveys: list[Json] = kept.get("surveys") or []
    others = [survey for survey in surveys if survey.get("id") != NPS["id"]]
    own = next((survey for survey in surveys if survey.get("id") == NPS["id"]), None)
    left, right = st.columns(2, vertical_alignment="bottom")
    nps = left.toggle("Would you recommend us?", own is not None, help="0 to 10, the Net Promoter Score.")
    after = right.text_input(
        "Ask by itself after the event", (own or {}).get("on", ""), placeholder="purchase", help="Empty: on request."
    )
    feedback = st.toggle("Feedback form", kept.get("feedback") is not None)
    callback = st.toggle("Call-back request", kept.get("callback") is not None)
    left, right = st.columns(2)
    slots = left.text_input(
        "Times to call", ", ".join((kept.get("callback") or {}).get("slots") or []), placeholder="09:00-12:00"
    )
    zones = sorted(available_timezones())
    zone = str((kept.get("callback") or {}).get("timezone") or state.site().get("timezone") or "UTC")
    timezone = right.selectbox("Time zone of these times", zones, zones.index(zone if zone in zones else "UTC"))
    times = [slot.strip() for slot in slots.split(",") if slot.strip()]
    call = {**(kept.get("callback") or {}), "slots": times, "timezone": timezone}
    if not times:
        call = {name: value for name, value in call.items() if name not in ("slots", "timezone")}
    survey = {**(own or NPS), "on": after.strip()}
    if not after.strip():
        del survey["on"]
    st.caption(
        "Open them with a link like `<a href='#' data-jt-open='feedback'>`. Texts, colours and surveys of your own are "
        "set through the API and stay as they are: see docs/pixel.md."
    )
    return {
        "surveys": [*others, survey] if nps else others,
        "feedback": (kept.get("feedback") or {}) if feedback else None,
        "callback": call if callback else None,
    }
