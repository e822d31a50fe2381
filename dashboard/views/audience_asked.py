"""Recipes that ask something first: the step of a saved funnel, or an interest."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import streamlit as st

from dashboard import filters, questions, state
from dashboard.client import Json

LOOKED = "view_item"


@dataclass(frozen=True)
class Asked:
    """Like a `Recipe`; its `rule` draws the fields that it asks for, and is None while one is empty."""

    key: str
    name: str
    why: str
    rule: Callable[[str], Json | None]
    days: str = "30d"


def offered(names: Collection[str]) -> list[Asked]:
    """Those that can find somebody on a site with these events."""
    found = [DROPPED] if state.ask(state.api().funnels, state.site_name()) else []
    return [*found, INTEREST] if LOOKED in names else found


def _dropped(days: str) -> Json | None:
    saved = {str(row["id"]): row for row in state.ask(state.api().funnels, state.site_name())}
    id = st.selectbox(
        "Funnel", list(saved), format_func=lambda one: str(saved[one]["name"]), key="new-funnel", placeholder="Choose"
    )
    if not id:
        return None
    draft = questions.draft_of(saved[id]["funnel"])
    titles = [questions.step_title(step) for step in draft["steps"]]
    after = st.selectbox(
        "They left after",
        range(1, len(titles)),
        format_func=lambda step: f"{step}. {titles[step - 1]}",
        key=f"new-funnel-after-{id}",
    )
    spec = {"funnel": questions.rule_funnel(draft), "after_step": after, "within": days, "wait": "1h"}
    return {"dropped": spec}


def _interest(days: str) -> Json | None:
    known = {name: values for name, values in filters.known_values(LOOKED).items() if values}
    if not known:
        return None
    by = st.selectbox(
        "What was alike",
        list(known),
        index=next((at for at, name in enumerate(known) if "category" in name), _place(known, "path")),
        format_func=questions.property_title,
        key="new-interest-by",
    )
    chosen = st.multiselect(
        "They looked at",
        known[by],
        key=f"new-interest-{by}",
        accept_new_options=True,
        placeholder="Choose or type",
        select_all=False,
    )
    if not chosen:
        return None
    where = [{"property": by, "op": "in", "value": chosen}]
    return {"did": {"event": LOOKED, "where": where, "count": {"gte": 2}, "within": days}}


def _place(known: Collection[str], name: str) -> int:
    return list(known).index(name) if name in known else 0


DROPPED = Asked(
    "dropped",
    "Left a saved funnel",
    "They began what you measure and did not go on: meet them at the step where they stopped.",
    _dropped,
)
INTEREST = Asked(
    "interest",
    "Similar interest",
    "They looked at such things twice or more: show them what else there is of the kind.",
    _interest,
)
