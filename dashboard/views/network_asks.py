"""What a network says of its lists, and what it lets choose: for downloads and deliveries alike."""

from __future__ import annotations

import re

import streamlit as st

from dashboard import formats, rules, state
from dashboard.client import Json
from dashboard.components import notice

_DELIMITERS = {",": "comma", ";": "semicolon", "|": "pipe", "\t": "tab"}
_COMPRESSIONS = {"gzip": "gzip", "none": "not compressed"}


def choices(network: Json, key: str) -> Json:
    """Fields for the options that this network takes; gives what was chosen, as the API takes it."""
    chosen: Json = {}
    takes = list(network.get("options") or [])
    if "delimiter" in takes:
        chosen["delimiter"] = st.selectbox(
            "Between cells", list(_DELIMITERS), format_func=_DELIMITERS.__getitem__, key=f"{key}-delimiter", width=140
        )
    if "compression" in takes:
        chosen["compression"] = st.selectbox(
            "File is", list(_COMPRESSIONS), format_func=_COMPRESSIONS.__getitem__, key=f"{key}-compression", width=160
        )
    if "segments" in takes:
        text = st.text_input(
            "Ids of IAB Audience Taxonomy 1.1", placeholder="753, 1675", key=f"{key}-segments", width=240
        )
        if found := [one for one in re.split(r"[\s,]+", text or "") if one]:
            chosen["segments"] = found
    return chosen


def asks(network: Json, exportable: int | None) -> None:
    """What the network says of its lists, and whether this one is long enough, for the site and for the network, before
    anything is made.
    """
    least, minimum = int(state.site().get("min_size") or 0), int(network["minimum"])
    if (exportable or 0) < least:
        notice(
            "warn",
            f"This site exports {formats.number(least)} people at least, so that nobody can be picked out.",
            f"This list has {formats.few(exportable)} at most: nobody new will leave.",
        )
    if (exportable or 0) < minimum:
        notice(
            "warn",
            f"{network['title']} needs {formats.number(minimum)} people in a list.",
            f"This one has {formats.few(exportable)} at most: the network may refuse it or show it to nobody.",
        )
    if network["note"]:
        st.caption(f"{rules.sentence(str(network['note']))}.")
