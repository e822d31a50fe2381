"""How much audiences overlap, as a small matrix."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, state
from dashboard.client import Json
from dashboard.components import guarded, section, triangle

MOST = 12
"""Audiences in the matrix, the largest ones."""


@guarded
def card() -> None:
    """For each row the share of its people who are in the column too; nothing for fewer than two audiences."""
    answer = state.ask(state.api().overlap, state.site_name())
    places = _places(answer["audiences"])
    if len(places) < 2:
        return
    rows = [_row(answer, place, places) for place in places]
    with st.container(border=True, key="card-overlap"):
        section("Overlap", "of the people in the audience of a row, so many are in that of the column too")
        names = [formats.short(str(answer["audiences"][place]["name"]), 20) for place in places]
        triangle(["Audience", "People", *names], rows, "How much the audiences overlap", total=False)
        if any(answer["overlap"][row][column] is None for row in places for column in places):
            st.caption("An empty cell beside the diagonal: fewer than 10 people.")
        if len(places) < len(answer["audiences"]):
            st.caption(f"The {MOST} largest audiences.")


def _places(audiences: list[Json]) -> list[int]:
    """Where those with members are, the largest first."""
    found = [place for place, one in enumerate(audiences) if one["members"]]
    return sorted(found, key=lambda place: -int(audiences[place]["members"]))[:MOST]


def _row(answer: Json, place: int, places: list[int]) -> tuple[str, str, list[float | None]]:
    one = answer["audiences"][place]
    members = int(one["members"])
    both = answer["overlap"][place]
    shares = [None if other == place or both[other] is None else int(both[other]) / members for other in places]
    return formats.short(str(one["name"]), 32), formats.number(members), shares
