"""The builder of an audience's rule: groups, and one form for each kind of condition. Edits a draft in place."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard import filters, formats, questions, rule_draft, segments, state
from dashboard.client import Json
from dashboard.components import cross
from dashboard.filters import keep
from dashboard.rule_draft import GROUPS, KINDS
from dashboard.views import funnel_builder, rule_times

DEEPEST = 5
"""Groups within groups that fit on a screen; deeper ones of the API can be edited, not made."""
WHO = {"all": "Everybody who fits all of these", "any": "Everybody who fits at least one"}
TOUCH = {"last": "as known last", "first": "as known first"}


def edit(group: Json, names: list[str], depth: int = 0) -> None:
    """Show the group and write what is chosen into it; `names`: events of the site."""
    key = f"rule-{group['id']}"
    if depth == 0 or len(group["parts"]) > 1:
        group["kind"] = st.selectbox(
            "Who fits",
            GROUPS,
            format_func=WHO.__getitem__,
            key=keep(f"{key}-kind", group["kind"]),
            label_visibility="collapsed" if depth else "visible",
        )
    for part in list(group["parts"]):
        _part(group, part, names, depth)
    _add(group, names, depth)


def _part(group: Json, part: Json, names: list[str], depth: int) -> None:
    key = f"rule-{part['id']}"
    with st.container(border=True, key=f"card-{key}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            with st.container(width="stretch"):
                st.markdown(f"**{KINDS[part['kind']]}**")
            denied = st.toggle("Not", key=keep(f"{key}-not", part["nots"] % 2 == 1), help="Everybody but those.")
            if denied != (part["nots"] % 2 == 1):
                part["nots"] = int(denied)
            if cross("Remove", f"icon-{key}-remove"):
                group["parts"].remove(part)
                st.rerun()
        if part["kind"] in GROUPS:
            edit(part, names, depth + 1)
        else:
            _FORMS[part["kind"]](part, key, names)


def _add(group: Json, names: list[str], depth: int) -> None:
    with st.popover("Add a condition", icon=":material/add:", type="tertiary", key=f"rule-{group['id']}-add"):
        for kind, title in KINDS.items():
            if kind in GROUPS and depth + 1 >= DEEPEST:
                continue
            if st.button(title, key=f"rule-{group['id']}-add-{kind}", type="tertiary", width="stretch"):
                group["parts"].append(rule_draft.new_node(kind, *names[:2]))
                st.rerun()


def _did(part: Json, key: str, names: list[str]) -> None:
    options = list(dict.fromkeys([*names, "*", *([part["event"]] if part["event"] else [])]))
    part["event"] = (
        st.selectbox(
            "Event",
            options,
            index=None,
            key=keep(f"{key}-event", part["event"] or None),
            format_func=formats.event_title,
        )
        or ""
    )
    part["count"] = rule_times.bounds("How often", key, part["count"], whole=True, absent="at least once")
    _value(part, key)
    part["within"] = rule_times.within(key, part["within"], ever=True)
    with st.expander(_where_label(part["where"]), icon=":material/filter_alt:"):
        filters.editor(key, part["where"], part["event"] or None)


def _where_label(rows: list[Json]) -> str:
    said = [questions.filter_text(row) for row in rows if questions.filter_ready(row)]
    return formats.plain("Only where " + " and ".join(said)) if said else "Only where …"


def _value(part: Json, key: str) -> None:
    if not st.toggle("Worth so much in sum", key=keep(f"{key}-worth", bool(part["value"]))):
        part["value"] = None
        return
    known = [name for name in filters.known_values(part["event"] or None) if name.startswith("props.")]
    now = part["value_of"] or "value"
    part["value_of"] = st.selectbox(
        "Sum of",
        list(dict.fromkeys(["value", now, *known])),
        format_func=questions.property_title,
        key=keep(f"{key}-sum", now),
    )
    part["value"] = rule_times.bounds("Sum", f"{key}-value", part["value"] or {"gte": 100}, whole=False)


def _property(part: Json, key: str, _names: list[str]) -> None:
    filters.one(key, part["filter"])
    part["touch"] = st.selectbox(
        "Which", list(TOUCH), format_func=TOUCH.__getitem__, key=keep(f"{key}-touch", part["touch"])
    )


def _sequence(part: Json, key: str, names: list[str]) -> None:
    funnel_builder.steps(part, names, f"{key}-step")
    part["window"] = rule_times.length("All within", f"{key}-window", part["window"])
    part["within"] = rule_times.within(key, part["within"], ever=False)


def _dropped(part: Json, key: str, names: list[str]) -> None:
    funnel = part["funnel"]
    funnel_builder.steps(funnel, names, f"{key}-step")
    titles = [questions.step_title(step) or f"step {place}" for place, step in enumerate(funnel["steps"], 1)]
    last = len(titles) - 1
    part["after_step"] = st.selectbox(
        "They left after",
        range(1, last + 1),
        format_func=lambda step: f"{step}. {titles[step - 1]}",
        key=funnel_builder.inside(f"{key}-after", part["after_step"], 1, last),
    )
    part["within"] = rule_times.within(key, part["within"], ever=False, label="They began")
    if st.toggle("Wait before somebody counts", key=keep(f"{key}-waits", bool(part["wait"]))):
        part["wait"] = rule_times.length("Wait", f"{key}-wait", part["wait"] or "1h")
    else:
        part["wait"] = ""
    with st.expander("Window, order, and who is left out", icon=":material/tune:"):
        funnel["window"] = rule_times.length("All steps within", f"{key}-window", funnel["window"])
        funnel["mode"] = st.selectbox(
            "Order",
            list(questions.MODES),
            format_func=questions.MODES.__getitem__,
            key=keep(f"{key}-mode", funnel["mode"]),
        )
        funnel_builder.exclusions(funnel, names, f"{key}-exclusion")


def _answered(part: Json, key: str, _names: list[str]) -> None:
    known = filters.known_values("survey_answered").get("props.survey", [])
    part["survey"] = (
        st.selectbox(
            "Survey",
            list(dict.fromkeys([*known, *([part["survey"]] if part["survey"] else [])])),
            index=None,
            key=keep(f"{key}-survey", part["survey"] or None),
            accept_new_options=True,
            placeholder="Choose, or type its name",
        )
        or ""
    )
    part["score"] = rule_times.bounds("Score", key, part["score"], whole=False, absent="any")
    part["within"] = rule_times.within(key, part["within"], ever=True)


def _rfm(part: Json, key: str, _names: list[str]) -> None:
    part["segments"] = st.multiselect(
        "Customer groups (RFM)",
        list(dict.fromkeys([*segments.ADVICE, *part["segments"]])),
        format_func=segments.title,
        key=keep(f"{key}-segments", part["segments"]),
        select_all=False,
    )


def _ltv(part: Json, key: str, _names: list[str]) -> None:
    part["value"] = rule_times.bounds("Worth in all", key, part["value"], whole=False)


def _in(part: Json, key: str, _names: list[str]) -> None:
    own = str(st.query_params.get("id", ""))
    named = {str(one["id"]): str(one["name"]) for one in state.ask(state.api().audiences, state.site_name())}
    options = [id for id in named if id != own]
    options += [part["audience"]] if part["audience"] and part["audience"] not in options else []
    part["audience"] = (
        st.selectbox(
            "Audience",
            options,
            index=None,
            key=keep(f"{key}-audience", part["audience"] or None),
            format_func=lambda id: named.get(id, id),
        )
        or ""
    )


_FORMS: dict[str, Callable[[Json, str, list[str]], None]] = {
    "did": _did,
    "property": _property,
    "sequence": _sequence,
    "dropped": _dropped,
    "answered": _answered,
    "rfm": _rfm,
    "ltv": _ltv,
    "in": _in,
}
