"""The builder of an audience: its rule, how many that is, and how it is kept. For a new one, or one that there is."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, rule_draft, sidebar, state
from dashboard.client import ApiAway, ApiError, Json, SignedOut
from dashboard.components import empty, guarded, head, notice, section
from dashboard.filters import keep
from dashboard.views import audience_parts, rule_builder
from dashboard.views.audience_new import ASIDE

DURATIONS = {"7d": "7 days", "14d": "14 days", "30d": "30 days", "90d": "90 days", "365d": "12 months"}
REFRESH = {"1m": "every minute", "5m": "every 5 minutes", "1h": "every hour", "1d": "once a day"}
NOTHING: Json = {"all": []}
START, DRAFT = "rule-start", "rule-draft"
"""Where the dialog of new audiences leaves a rule to begin with; where this page keeps what is being edited."""


@guarded
def page() -> None:
    """The audience that the address names with `?id=`, else a new one."""
    id = str(st.query_params.get("id", ""))
    draft = _draft(id)
    if draft is None:
        empty("No site yet.", "Open Install in the menu and add your site; audiences are made of its visitors.")
        return
    head(f"Edit {draft['name']}" if id else "New audience", f"{state.site_name()} · who is in it, in your own words")
    if st.button("Back", icon=":material/arrow_back:", type="tertiary", key="back"):
        _leave(id)
    names = [str(row["event"]) for row in state.ask(state.api().event_names, state.site_name())]
    left, right = st.columns([3, 2])
    with left, st.container(border=True, key="card-builder"):
        section("Who is in it")
        rule_builder.edit(draft["group"], names)
    rule = rule_draft.rule_of(draft["group"])
    with right:
        with st.container(border=True, key="card-said"):
            section("In words")
            ready = _said(id, draft, rule)
        with st.container(border=True, key="card-kept"):
            section("How it is kept")
            _kept(draft)
            _save(id, draft, rule, ready)


def _draft(id: str) -> Json | None:
    """What is being edited, begun anew where the address says another audience; None without a site."""
    draft: Json | None = st.session_state.get(DRAFT)
    if not state.site():
        return None
    if draft is not None and draft["for"] == (id, state.site_name()):
        return draft
    given: Json = state.api().audience(id) if id else st.session_state.pop(START, {"name": "", "rule": NOTHING})
    if id:
        sidebar.turn_to(str(given["site"]), id)
    group = (
        rule_draft.draft_of(given["rule"])
        if given["rule"] != {"all": []}
        else rule_draft.new_node("all") | {"implicit": True}
    )
    kept = {"duration": "90d", "refresh": "5m", "holdout": 0.0} | {
        key: given[key] for key in ("duration", "refresh", "holdout") if given.get(key)
    }
    made = {"for": (id, state.site_name()), "group": group, "name": str(given["name"]), **kept}
    for key in ("name", *kept):
        st.session_state.pop(f"edit-{key}", None)
    st.session_state[DRAFT] = made
    return made


def _said(id: str, draft: Json, rule: Json) -> bool:
    """The rule in words and how many people that is; whether it can be saved."""
    missing = rule_draft.problem(draft["group"])
    if missing:
        st.caption(missing)
        return False
    audience_parts.rule(rule)
    try:
        preview = state.ask(
            state.api().preview, state.site_name(), rule, float(draft["holdout"]), *([id] if id else [])
        )
    except (ApiAway, SignedOut):
        raise
    except ApiError as refusal:
        notice("bad", "This cannot be counted.", refusal.sentence)
        return False
    audience_parts.sizes(preview)
    return True


def _kept(draft: Json) -> None:
    draft["name"] = st.text_input("Name", key=keep("edit-name", draft["name"]), placeholder="Looked, bought nothing")
    for key, label, known in (
        ("duration", "People stay for", DURATIONS),
        ("refresh", "Renewed", REFRESH),
        ("holdout", "Keep aside", ASIDE),
    ):
        titles = {**({} if draft[key] in known else {draft[key]: _other(key, draft[key])}), **known}
        draft[key] = st.selectbox(
            label,
            list(titles),
            format_func=titles.__getitem__,
            key=keep(f"edit-{key}", draft[key]),
            help="People who are never exported (hold-out): beside them you see what the audience brought."
            if key == "holdout"
            else None,
        )


def _other(key: str, value: object) -> str:
    if key == "holdout":
        return formats.percent(float(str(value)))
    text = formats.window_text(str(value))
    return f"every {text}" if key == "refresh" else text


def _save(id: str, draft: Json, rule: Json, ready: bool) -> None:
    label = "Save" if id else "Create the audience"
    name = str(draft["name"]).strip()
    if not st.button(label, type="primary", key="edit-save", disabled=not (ready and name), width="stretch"):
        return
    body = {"name": name, "rule": rule, **{key: draft[key] for key in ("duration", "refresh", "holdout")}}
    if id:
        state.api().change_audience(id, body)
    else:
        id = str(state.api().create_audience({"site": state.site_name(), **body})["id"])
    state.forget()
    _leave(id)


def _leave(id: str) -> None:
    st.session_state.pop(DRAFT, None)
    if id:
        st.switch_page(state.pages()["audience"], query_params={"id": id})
    st.switch_page(state.pages()["audiences"])
