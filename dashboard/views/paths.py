"""Paths: which ways people take through a visit, step by step, and where they leave it."""

from __future__ import annotations

import streamlit as st

from dashboard import filters, formats, questions, state
from dashboard.client import Json
from dashboard.components import Column, bars, empty, guarded, head, section, table

BY = {"page": "Pages", "event": "Events"}
NODES = 8  # shown a step
REST = "other"
"""What the API calls the others of a step."""
STEPS = (2, 3, 4, 5, 6)
SPLIT = {"30m": "A visit", "": "All visits of a person"}
WAYS = 20


@guarded
def page() -> None:
    """The page."""
    head("Paths")
    if not state.site():
        empty("No site yet.", "Open Install in the menu and add your site; this page shows the ways through it.")
        return
    names = [str(row["event"]) for row in state.ask(state.api().event_names, state.site_name())]
    if not names:
        empty(
            "Nobody has taken a way through your site yet.",
            "Open Install in the menu and put the snippet on your pages. The first visits are here seconds later.",
        )
        return
    _result(_choice(names))


def _choice(names: list[str]) -> Json:
    period = state.period()
    spec: Json = {"site": state.site_name(), "from": period.start, "to": period.end, "max_nodes": NODES}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        by = st.selectbox("Ways through", list(BY), format_func=BY.__getitem__, key="paths-by", width=150)
        known = filters.known_values("page_view").get("path", []) if by == "page" else names
        for side, label in (("start", "Beginning with"), ("end", "Ending with")):
            chosen = st.selectbox(
                label,
                known,
                index=None,
                format_func=str if by == "page" else formats.event_title,
                key=f"paths-{side}-{by}",
                placeholder="Anywhere",
                accept_new_options=by == "page",
                width=240,
            )
            if chosen:
                spec[side] = chosen
        steps = st.selectbox("Steps", STEPS, index=2, key="paths-steps", width=110)
        gap = st.selectbox("One way is", list(SPLIT), format_func=SPLIT.__getitem__, key="paths-gap", width=200)
    groups = _groups() if by == "page" else []
    return spec | {"by": by, "steps": steps, "session_gap": gap or None} | ({"groups": groups} if groups else {})


def _groups() -> list[Json]:
    with st.expander("Put pages together", icon=":material/folder:"):
        text = st.text_area(
            "One rule a line; the first that fits counts",
            key="paths-groups",
            placeholder="/product/* = Product\n/blog/* = Blog",
            help="* stands for any characters. The name behind = is shown in place of the pages.",
            height=110,
            max_chars=20_000,
        )
        st.caption("Pages of one group are one step, and going from one to the next is no step at all.")
    return questions.path_groups(text or "")


@guarded
def _result(asked: Json) -> None:
    with st.spinner("Counting …"):
        report = state.ask(state.api().paths, asked)
    nodes: list[Json] = report["nodes"]
    if not nodes:
        empty(
            "Nobody took such a way in this period.",
            "Choose a longer period in the sidebar, or let it begin and end anywhere.",
        )
        return
    backwards = "end" in asked and "start" not in asked
    with st.container(border=True, key="card-nodes"):
        order = "the last steps before the end" if backwards else "the first steps of a visit"
        section("Step by step", f"people, {order}; all bars are on one scale")
        _steps(nodes, str(asked["by"]))
    with st.container(border=True, key="card-ways"):
        section("The most frequent ways", "from one step to the next")
        _ways(report["edges"], nodes, str(asked["by"]))


def _steps(nodes: list[Json], by: str) -> None:
    top = max(node["people"] for node in nodes)
    places = sorted({int(node["step"]) for node in nodes})
    for place, column in zip(places, st.columns(len(places)), strict=True):
        here = [node for node in nodes if node["step"] == place]
        with column:
            rows = [
                (_title(str(node["node"]), by), float(node["people"]), formats.number(node["people"]))
                for node in sorted(here, key=lambda node: -node["people"])
            ]
            bars(rows, (f"Step {place}", "People"), "", top)
            left = sum(node["dropped"] for node in here)
            st.caption(f"{formats.number(left)} of them left here")
    st.caption("Somebody with several visits may be on several ways, so the people of a step may exceed all people.")


def _ways(edges: list[Json], nodes: list[Json], by: str) -> None:
    if not edges:
        st.caption("All visits ended with their first step.")
        return
    at = {(node["step"], node["node"]): node["people"] for node in nodes}
    largest = sorted(edges, key=lambda edge: -edge["people"])[:WAYS]
    rows = []
    for edge in largest:
        there = at.get((edge["step"], edge["source"]))
        rows.append(
            [
                f"{_title(str(edge['source']), by)} → {_title(str(edge['target']), by)}",
                formats.number(edge["step"]),
                formats.number(edge["people"]),
                formats.percent(edge["people"] / there if there else None),
                formats.duration(edge["seconds_average"]),
            ]
        )
    titles = ("After step", "People", "Of all at its start", "Average time")
    table([Column("Way", "strong"), *(Column(title, "number") for title in titles)], rows, "The most frequent ways")
    if len(edges) > WAYS:
        st.caption(f"The {WAYS} largest of {formats.number(len(edges))}.")


def _title(node: str, by: str) -> str:
    if node == REST:
        return f"All other {BY[by].lower()}"
    return formats.event_title(node) if by == "event" else formats.short(node, 60)
