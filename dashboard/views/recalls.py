"""Removal orders: deleted audiences that are taken back from where they were delivered, until that is acknowledged."""

from __future__ import annotations

from dashboard import formats, state, told
from dashboard.client import Json
from dashboard.components import Column, empty, guarded, notice, table


@guarded
def panel(places: dict[str, str]) -> None:
    """Those under way and those that are over; `places`: the names of the site's destinations."""
    waiting = state.api().recalls(state.site_name())
    over = told.taken_back(state.api().exports(state.site_name()), waiting)
    if not waiting and not over:
        empty(
            "Nothing has to be taken back.",
            "When you delete an audience that was delivered, its members are taken back from there by themselves, "
            "and it stands here until the other side has said yes to everybody.",
        )
        return
    failing = [one for one in waiting if int(one["failures"])]
    if failing:
        notice("bad", f"{formats.number(len(failing))} could not be taken back yet.", "It is tried again by itself.")
    titles = ("Deleted audience", "From", "Acknowledged")
    columns = [Column(titles[0], "strong"), Column(titles[1]), Column(titles[2]), Column("People", "number")]
    lines = [_waiting(one, places) for one in waiting] + [_over(one, places) for one in over]
    table(columns, lines, "Removal orders of deleted audiences")


def _waiting(one: Json, places: dict[str, str]) -> list[str]:
    said = f"Not yet; next try {_when(one.get('next'))}"
    if failures := int(one["failures"]):
        said += f"; failed {formats.number(failures)} times in a row"
    return [str(one["audience"]), _place(one, places), said, formats.number(int(one["waiting"]))]


def _over(one: Json, places: dict[str, str]) -> list[str]:
    removed = int((one.get("counts") or {}).get("removed") or 0)
    return [str(one["audience"]), _place(one, places), f"Yes, {_when(one.get('finished'))}", formats.number(removed)]


def _when(text: str | None) -> str:
    return formats.when(formats.moment(text, state.zone(state.site())))


def _place(one: Json, places: dict[str, str]) -> str:
    titles = {str(each["name"]): str(each["title"]) for each in state.ask(state.api().networks)}
    network = titles.get(str(one["network"]), str(one["network"]))
    return f"{places.get(str(one['destination']), 'a destination that is gone')} · {network}"
