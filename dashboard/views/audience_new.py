"""A new audience without a funnel: from a recipe, or who did what, who did not, and what is known of them."""

from __future__ import annotations

import streamlit as st

from dashboard import filters, formats, questions, recipes, state
from dashboard.client import Json
from dashboard.components import guarded
from dashboard.views import audience_asked, audience_parts

DAYS = {"7d": "7 days", "14d": "14 days", "30d": "30 days", "90d": "90 days", "365d": "12 months"}
ASIDE = {0.0: "Nobody", 0.05: "5 %", 0.1: "10 %", 0.2: "20 %", 0.5: "50 %"}


@st.dialog("New audience", width="medium")
@guarded
def ask() -> None:
    """The form; closes with the new audience open."""
    names = [str(row["event"]) for row in state.ask(state.api().event_names, state.site_name())]
    if not names:
        st.caption("There are no events yet: put the snippet on your site first.")
        return
    offered: list[recipes.Recipe | audience_asked.Asked] = [*recipes.offered(names), *audience_asked.offered(names)]
    chosen = st.selectbox(
        "Start from",
        [None, *offered],
        format_func=lambda recipe: "My own rule" if recipe is None else recipe.name,
        key="new-recipe",
    )
    if chosen is None:
        _own(names)
    else:
        _recipe(chosen)


def _recipe(recipe: recipes.Recipe | audience_asked.Asked) -> None:
    st.caption(recipe.why)
    name = st.text_input("Name", value=recipe.name, key=f"new-name-{recipe.key}")
    within = recipe.days
    if within:
        days = list(DAYS)
        within = st.selectbox(
            "in the last", days, index=days.index(within), format_func=DAYS.__getitem__, key=f"new-within-{recipe.key}"
        )
    rule = recipe.rule(within)
    if rule is None:
        st.caption("Choose what is asked for above to see how many people that is.")
        return
    audience_parts.rule(rule)
    _change(name, rule)
    _create(name, rule)


def _own(names: list[str]) -> None:
    name = st.text_input("Name", placeholder="Looked at shoes, bought nothing", key="new-name")
    did = st.multiselect(
        "People who did all of", names, format_func=formats.event_title, key="new-did", select_all=False
    )
    did_not = st.multiselect(
        "and none of",
        [one for one in names if one not in did],
        format_func=formats.event_title,
        key="new-not",
        select_all=False,
    )
    within = st.selectbox("in the last", list(DAYS), index=2, format_func=DAYS.__getitem__, key="new-within")
    rows: list[Json] = st.session_state.setdefault("new-filters", [])
    st.markdown("**and of whom is known**")
    filters.editor("new-audience-filters", rows, None)
    parts: list[Json] = [{"did": {"event": event, "count": {"gte": 1}, "within": within}} for event in did]
    parts += [{"not": {"did": {"event": event, "count": {"gte": 1}, "within": within}}} for event in did_not]
    parts += [{"property": questions.filter_spec(row)} for row in rows if questions.filter_ready(row)]
    _change(name, {"all": parts})
    if not parts:
        st.caption("Choose at least one thing to see how many people that is.")
        return
    _create(name, {"all": parts})


def _change(name: str, rule: Json) -> None:
    """On to the builder, which knows every kind of condition."""
    if st.button("Open it in the builder", icon=":material/account_tree:", type="tertiary", key="new-builder"):
        st.session_state["rule-start"] = {"name": name.strip(), "rule": rule}
        st.session_state.pop("rule-draft", None)
        st.switch_page(state.pages()["audience_edit"])


def _create(name: str, rule: Json) -> None:
    audience_parts.sizes(state.ask(state.api().preview, state.site_name(), rule))
    aside = st.selectbox(
        "Keep aside",
        list(ASIDE),
        format_func=ASIDE.__getitem__,
        key="new-holdout",
        help="People who are never exported (hold-out): beside them you see what the audience brought.",
    )
    if st.button("Create the audience", type="primary", key="new-create", disabled=not name.strip(), width="stretch"):
        created = state.api().create_audience(
            {"site": state.site_name(), "name": name.strip(), "rule": rule, "duration": "90d", "refresh": "5m"}
            | ({"holdout": aside} if aside else {})
        )
        state.forget()
        st.session_state.pop("new-filters", None)
        st.switch_page(state.pages()["audience"], query_params={"id": str(created["id"])})
