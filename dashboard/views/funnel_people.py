"""Who dropped at a step, and one click to make an audience of them."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, people, questions, rules, state
from dashboard.client import Json
from dashboard.components import empty, guarded, notice, section
from dashboard.views.audience_parts import withheld_lines

LOOK_BACK = {
    "7d": "7 days",
    "14d": "14 days",
    "30d": "30 days",
    "90d": "90 days",
    "180d": "180 days",
    "365d": "12 months",
}
DURATION = {"30d": "30 days", "90d": "90 days", "180d": "180 days", "540d": "18 months"}
WAIT = {"": "Not at all", "1h": "1 hour", "24h": "1 day", "7d": "7 days"}
PAGE = 10


def show(spec: Json, steps: list[Json], draft: Json, who: str) -> None:
    """The card below the funnel."""
    places = [place for place in range(1, len(steps)) if not steps[place - 1].get("optional")]
    if not places:
        return
    worst = max(places, key=lambda place: steps[place - 1]["dropped"])
    with st.container(border=True, key="card-dropped"):
        section("Who dropped here", "Look at the people behind a drop, and win them back.")
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            after = st.selectbox(
                "Reached, but did not go on",
                places,
                index=places.index(worst),
                format_func=lambda place: (
                    f"{place}. {steps[place - 1]['name']}  ·  {formats.number(steps[place - 1]['dropped'])} left"
                ),
                key=f"drop-after-{len(steps)}",
            )
            can_be_made = draft["count_by"] == "person" and steps[after - 1]["dropped"] > 0
            if st.button(
                "Make an audience of them",
                icon=":material/group_add:",
                type="primary",
                key="make-audience",
                disabled=not can_be_made,
            ):
                _make(draft, steps, after)
        if draft["count_by"] != "person":
            st.caption("An audience is made of people: count people instead of " + who + " to make one.")
        _people(spec, after)


@guarded
def _people(spec: Json, after: int) -> None:
    key = f"people-shown-{after}"
    shown = int(st.session_state.get(key, PAGE))
    answer = state.ask(state.api().funnel_people, spec, after, "dropped", shown)
    if not answer["people"]:
        empty("Nobody dropped here.", "Everyone who reached this step went on. Look at another one.")
        return
    people.listing(answer["people"], "People who dropped at this step")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"{formats.number(len(answer['people']))} of {formats.number(answer['total'])}")
        if len(answer["people"]) < answer["total"] and st.button("Show more", type="tertiary", key=f"more-{after}"):
            st.session_state[key] = min(shown * 4, 1000)
            st.rerun()


@st.dialog("Make an audience of them", width="medium")
@guarded
def _make(draft: Json, steps: list[Json], after: int) -> None:
    made = st.session_state.get("audience-made")
    if made and made["for"] == (after, state.site_name(), str(draft)):
        _done(made)
        return
    reached, missed = str(steps[after - 1]["name"]), str(steps[after]["name"])
    name = st.text_input("Name", value=f"{reached}, but not {missed}"[:120], key="audience-name")
    left, right = st.columns(2)
    days = state.period().days
    closest = min(LOOK_BACK, key=lambda length: (int(length[:-1]) < days, abs(int(length[:-1]) - days)))
    within = left.selectbox(
        "Who dropped in the last",
        list(LOOK_BACK),
        index=list(LOOK_BACK).index(closest),
        format_func=LOOK_BACK.__getitem__,
    )
    wait = right.selectbox(
        "Wait before counting",
        list(WAIT),
        index=0,
        format_func=WAIT.__getitem__,
        help="Gives people time to go on by themselves.",
    )
    duration = left.selectbox("Stay in the audience for", list(DURATION), format_func=DURATION.__getitem__)
    holdout = right.selectbox(
        "Keep aside to measure the effect",
        [0.0, 0.05, 0.1, 0.2],
        index=0,
        format_func=lambda share: formats.percent(share) if share else "Nobody",
    )
    rule: Json = {
        "dropped": {"funnel": questions.rule_funnel(draft), "after_step": after, "within": within}
        | ({"wait": wait} if wait else {})
    }
    for _, line in rules.lines(rule):
        st.caption(formats.plain(line))
    preview = state.ask(state.api().preview, state.site_name(), rule, holdout)
    size, exportable = formats.few(preview["size"]), formats.few(preview["exportable"], preview["size"])
    reasons = " ".join(withheld_lines(preview.get("withheld"), preview["size"]))
    notice("info", f"{size} people now, {exportable} of them may be shown ads.", reasons)
    if st.button(
        "Create the audience", type="primary", key="audience-create", disabled=not name.strip(), width="stretch"
    ):
        body = {"site": state.site_name(), "name": name.strip(), "rule": rule, "duration": duration, "refresh": "5m"}
        created = state.api().create_audience(body | ({"holdout": holdout} if holdout else {}))
        state.forget()
        st.session_state["audience-made"] = {
            "for": (after, state.site_name(), str(draft)),
            "id": str(created["id"]),
            "name": name.strip(),
        }
        st.rerun(scope="fragment")


def _done(made: Json) -> None:
    notice("good", f"The audience “{made['name']}” is ready.", "It keeps itself up to date from now on.")
    st.page_link(
        state.pages()["audience"],
        label="Open the audience",
        icon=":material/arrow_forward:",
        query_params={"id": made["id"]},
    )
