"""The funnel's form: steps, window, order, who is counted, what throws people out."""

from __future__ import annotations

import streamlit as st

from dashboard import filters, formats, questions, rules, state
from dashboard.client import Json
from dashboard.components import cross, section
from dashboard.filters import keep
from dashboard.views import step_events

UNITS = {"m": "minutes", "h": "hours", "d": "days"}
MOST_STEPS = 20


def edit(draft: Json, names: list[str]) -> None:
    """Show the form and write what is chosen into `draft`."""
    section("Steps")
    steps(draft, names, "add-step")
    with st.expander("Window, order and breakdown", icon=":material/tune:"):
        _options(draft, names)
    with st.expander(_exclusion_label(draft), icon=":material/block:"):
        exclusions(draft, names, "add-exclusion")


def steps(draft: Json, names: list[str], key: str) -> None:
    """The steps alone; `key`: that of the button for one more."""
    for place, step in enumerate(list(draft["steps"])):
        _step(draft, place, step, names)
    if len(draft["steps"]) < MOST_STEPS and st.button("Add a step", icon=":material/add:", key=key, width="stretch"):
        draft["steps"].append(questions.new_step())
        st.rerun()


def _step(draft: Json, place: int, step: Json, names: list[str]) -> None:
    key = f"step-{step['id']}"
    with (
        st.container(key=f"row-{key}", gap=None),
        st.container(horizontal=True, gap="xsmall", vertical_alignment="center"),
    ):
        if step.get("mixed"):
            with st.container(width="stretch"):
                st.markdown(formats.plain(rules.condition(questions.step_spec(step))))
        else:
            _events(place, step, names, key)
        with st.popover(
            f"Name, filters, order of step {place + 1}",
            icon=":material/more_horiz:",
            type="tertiary",
            key=f"icon-{key}-more",
            help="Name, filters, order",
        ):
            _details(draft, place, step, names, key)
    rows = [] if step.get("mixed") else step["where"]
    said = [questions.filter_text(row) for row in rows if questions.filter_ready(row)]
    if step["optional"]:
        said.insert(0, "optional")
    if step.get("within"):
        said.insert(0, f"at most {formats.window_text(step['within'])} after the step before")
    if step.get("entry"):
        said.insert(0, "first page of a visit")
    if step["name"]:
        said.insert(0, f"“{step['name']}”")
    if said:
        st.caption(formats.plain(" · ".join(said)))


def _events(place: int, step: Json, names: list[str], key: str) -> None:
    step["events"] = st.multiselect(
        f"Event of step {place + 1}",
        list(dict.fromkeys([*names, "*", *step["events"]])),
        key=keep(f"{key}-events", step["events"]),
        format_func=formats.event_title,
        label_visibility="collapsed",
        placeholder="Choose an event",
        select_all=False,
    )


def _details(draft: Json, place: int, step: Json, names: list[str], key: str) -> None:
    step["name"] = st.text_input(
        "Name of the step",
        key=keep(f"{key}-name", step["name"]),
        placeholder=questions.step_title(step | {"name": ""}) or "As the event",
    )
    step_events.edit(step, names, key)
    step["optional"] = st.toggle(
        "Optional: may be skipped", key=keep(f"{key}-optional", step["optional"]), disabled=place == 0
    )
    _timing(place, step, key)
    steps = draft["steps"]
    with st.container(horizontal=True, gap="xsmall"):
        if st.button("Up", icon=":material/arrow_upward:", key=f"{key}-up", disabled=place == 0):
            steps[place - 1], steps[place] = steps[place], steps[place - 1]
            st.rerun()
        if st.button("Down", icon=":material/arrow_downward:", key=f"{key}-down", disabled=place == len(steps) - 1):
            steps[place + 1], steps[place] = steps[place], steps[place + 1]
            st.rerun()
        if st.button("Remove", icon=":material/delete:", key=f"{key}-remove", disabled=len(steps) <= 2):
            steps.remove(step)
            st.rerun()


def _timing(place: int, step: Json, key: str) -> None:
    """What makes an event come too late, or only as the first page of a visit."""
    if step["events"] == ["page_view"]:
        entry = bool(step.get("entry"))
        step["entry"] = st.toggle("Only the first page of a visit", key=keep(f"{key}-entry", entry))
    else:
        step["entry"] = False
    if place == 0:
        step["within"] = ""
        return
    within = str(step.get("within") or "")
    if not st.toggle("At most so long after the step before", key=keep(f"{key}-timed", bool(within))):
        step["within"] = ""
        return
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
        length = st.number_input(
            "Time", min_value=1, max_value=999, step=1, key=keep(f"{key}-length", int(within[:-1] or 1))
        )
        unit = within[-1:] if within[-1:] in UNITS else "h"
        chosen = st.selectbox(
            "Unit of the step",
            list(UNITS),
            format_func=UNITS.__getitem__,
            key=keep(f"{key}-unit", unit),
            label_visibility="collapsed",
            width=120,
        )
    step["within"] = f"{int(length)}{chosen}"


def _options(draft: Json, names: list[str]) -> None:
    count, unit = draft["window"][:-1], draft["window"][-1]
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
        length = st.number_input(
            "All steps within", min_value=1, max_value=999, step=1, key=keep("window-length", int(count))
        )
        chosen = st.selectbox(
            "Unit",
            list(UNITS),
            format_func=UNITS.__getitem__,
            key=keep("window-unit", unit),
            label_visibility="collapsed",
            width=120,
        )
    draft["window"] = f"{int(length)}{chosen}"
    draft["mode"] = st.selectbox(
        "Order", list(questions.MODES), format_func=questions.MODES.__getitem__, key=keep("mode", draft["mode"])
    )
    draft["count_by"] = st.selectbox(
        "Count",
        list(questions.COUNTED),
        format_func=questions.COUNTED.__getitem__,
        key=keep("count-by", draft["count_by"]),
    )
    known = list(dict.fromkeys([*filters.known_values(None), *([draft["breakdown"]] if draft["breakdown"] else [])]))
    draft["breakdown"] = (
        st.selectbox(
            "Break down by",
            known,
            format_func=questions.property_title,
            key=keep("breakdown", draft["breakdown"] or None),
            index=None,
            placeholder="Nothing",
        )
        or ""
    )
    if draft["breakdown"]:
        draft["touch"] = st.selectbox(
            "Taken from",
            list(questions.TOUCHES),
            format_func=questions.TOUCHES.__getitem__,
            key=keep("touch", draft["touch"]),
        )
    _compare(draft)
    _worth(draft, names)


def _worth(draft: Json, names: list[str]) -> None:
    kept = draft.get("worth") or {}
    event = str(kept.get("event") or "")
    known = [name for name in dict.fromkeys([questions.BUYING, *names, event]) if name]
    chosen = st.selectbox(
        "Value in money of",
        known,
        format_func=formats.event_title,
        key=keep("worth", event or None),
        index=None,
        placeholder="Nothing",
        help="The event that carries value and currency; its first one after the last step counts.",
    )
    if chosen != (event or None):
        draft["worth"] = {"event": chosen} if chosen else {}


def _compare(draft: Json) -> None:
    named = {str(one["id"]): f"Only “{one['name']}”" for one in state.ask(state.api().audiences, state.site_name())}
    choices = {**questions.COMPARE, **named}
    if draft.get("compare", "") not in choices:
        draft["compare"] = ""
    draft["compare"] = st.selectbox(
        "Compare with", list(choices), format_func=choices.__getitem__, key=keep("compare", draft["compare"])
    )
    if draft["compare"] == "breakdown" and (not draft["breakdown"] or draft["touch"] == "all"):
        st.caption("Choose a breakdown by first or last touch: its values are compared.")


def _exclusion_label(draft: Json) -> str:
    count = sum(1 for row in draft["exclude"] if row["event"])
    return f"Leave out people who … ({count})" if count else "Leave out people who …"


def exclusions(draft: Json, names: list[str], key: str) -> None:
    """Who is left out; `key`: that of the button for one more."""
    add = key
    st.caption("Who does this between the two steps is not counted.")
    last = len(draft["steps"])
    for row in list(draft["exclude"]):
        key = f"exclude-{row['id']}"
        options = list(dict.fromkeys([*names, *([row["event"]] if row["event"] else [])]))
        row["event"] = (
            st.selectbox(
                "Did",
                options,
                key=keep(f"{key}-event", row["event"] or None),
                index=None,
                format_func=formats.event_title,
                placeholder="Choose an event",
            )
            or ""
        )
        row["from_step"], row["to_step"] = min(row["from_step"], last - 1), min(row["to_step"], last)
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
            row["from_step"] = st.selectbox(
                "after step", range(1, last), key=inside(f"{key}-from", row["from_step"], 1, last - 1)
            )
            row["to_step"] = st.selectbox(
                "and before step",
                range(row["from_step"] + 1, last + 1),
                key=inside(f"{key}-to", row["to_step"], row["from_step"] + 1, last),
            )
            if cross("Remove", f"icon-{key}-remove"):
                draft["exclude"].remove(row)
                st.rerun()
        filters.editor(key, row["where"], row["event"] or None)
    if st.button("Add an event", icon=":material/add:", type="tertiary", key=add):
        draft["exclude"].append({"id": questions.new_id(), "event": "", "from_step": 1, "to_step": last, "where": []})
        st.rerun()


def inside(key: str, value: int, lowest: int, highest: int) -> str:
    """Keep a choice inside the steps that are left."""
    st.session_state[key] = max(lowest, min(int(st.session_state.get(key, value)), highest))
    return key


def reset_widgets() -> None:
    """Another funnel is opened: the form's own fields take its values."""
    for key in ("window-length", "window-unit", "mode", "count-by", "breakdown", "touch", "compare", "worth"):
        st.session_state.pop(key, None)


def current(names: list[str]) -> Json:
    """The draft of this session and site; a first one is made out of the events there are."""
    site = state.site_name()
    if st.session_state.get("funnel-site") != site:
        st.session_state["funnel-site"] = site
        st.session_state["funnel"] = questions.new_draft(names)
        st.session_state.pop("funnel-id", None)
        reset_widgets()
    draft: Json = st.session_state["funnel"]
    return draft
