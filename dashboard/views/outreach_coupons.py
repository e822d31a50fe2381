"""Pools of coupon codes: how many are left, and more of them."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard import formats, outreach, state
from dashboard.client import Json
from dashboard.components import Column, done, empty, notice, table

FEW = 0.1
"""Below this share of a pool that is left it is said."""
ADDED = "coupons-added"


def panel(pools: list[Json]) -> None:
    """What there is, and a form for more."""
    said = st.session_state.pop(ADDED, None)
    if said:
        notice("good", *said)
    if pools:
        rows = [[one["pool"], *(formats.number(one[name]) for name in ("codes", "given", "free"))] for one in pools]
        columns = [Column("Pool", "strong"), *(Column(title, "number") for title in ("Codes", "Given", "Left"))]
        table(columns, rows, "Pools of coupons")
        for one in pools:
            if one["free"] <= FEW * one["codes"]:
                left = formats.number(one["free"]) if one["free"] else "none"
                notice("warn", f"{one['pool']}: {left} left.", "Who gets no code is not on the list. Add more below.")
    else:
        empty("No coupons yet.", "Make codes in your shop, and put them in here, one a line.")
    with st.form("coupons", border=False, clear_on_submit=False):
        pool = st.text_input("Into the pool", max_chars=64, placeholder="spring", key="coupon-pool", width=240)
        file = st.file_uploader("A file, one code a line", type=["txt", "csv"], key="coupon-file", width=540)
        typed = st.text_area("or typed here", key="coupon-typed", height=110, width=540, placeholder="SPRING-7F3K")
        asked = st.form_submit_button("Add the codes", key="coupon-add")
    if asked:
        _add(pool.strip(), file.getvalue() if file else b"", typed)


def _add(pool: str, file: bytes, typed: str) -> None:
    try:
        codes, wrong = outreach.codes_of(f"{file.decode('utf-8-sig')}\n{typed}")
    except UnicodeDecodeError:
        notice("bad", "Nothing was added.", "The file is not text in UTF-8.")
        return
    if not outreach.POOL.fullmatch(pool):
        notice("bad", "Nothing was added.", "Name the pool with letters, digits, - _ and .")
    elif wrong:
        notice("bad", "Nothing was added.", f"Code {formats.number(wrong)} is none: letters, digits, - _ and . only.")
    elif not codes:
        notice("bad", "Nothing was added.", "Choose a file or type codes, one a line.")
    else:
        _send(pool, codes)


def _send(pool: str, codes: list[str]) -> None:
    added: list[int] = []

    def send(some: list[str]) -> None:
        added.append(state.api().add_coupons(state.site_name(), pool, some))

    for some in outreach.portions(codes):
        stopped = f"{formats.number(sum(added))} codes were added, then it stopped."
        if not done(partial(send, some), stopped):
            return
    new, known = sum(added), len(codes) - sum(added)
    more = f"{formats.number(known)} were there already, and stay as they are." if known else ""
    st.session_state[ADDED] = (f"{formats.number(new)} new codes in {pool}.", more)
    st.rerun()
