"""Outreach: whom to call, whom to win back, what to hand to a CRM; and who is on no list, and why."""

from __future__ import annotations

import streamlit as st

from dashboard import filters, formats, outreach, state
from dashboard.client import Json
from dashboard.components import Column, done, empty, guarded, head, notice, section, table
from dashboard.views import audience_deliveries, audience_download, audience_parts, outreach_coupons

SHOWN = 25
OFTEN = {"": "Once, now", "24h": "Every day", "7d": "Every week", "1h": "Every hour"}
MODES = {"full": "Everybody", "new": "Only who was not on it yet"}
ASKED, RULE = "Who asked for a call in the last 30 days", "Who is known to have agreed"


@guarded
def page() -> None:
    """The page."""
    if not state.site():
        head("Outreach")
        empty("No site yet.", "Open Install in the menu and add your site; lists are made of its visitors.")
        return
    head("Outreach", f"{state.site_name()} · whom to call, whom to win back, and files for a CRM")
    audiences = state.ask(state.api().audiences, state.site_name())
    lists = {str(one["name"]): one for one in state.ask(state.api().outreach_lists)}
    pools = state.api().coupon_pools(state.site_name())
    with st.container(border=True, key="card-outreach"):
        section("Make a list", "Only people who agreed to be contacted this way are on it.")
        if audiences:
            _ask(outreach.named(audiences), lists, pools)
        else:
            empty(
                "A list is made of an audience, and there is none yet.",
                "Open Audiences in the menu and make one, for example of who left a cart.",
            )
    with st.container(border=True, key="card-coupons"):
        section("Coupons", "One code a person, the same one every time; nobody gets a code that somebody had.")
        outreach_coupons.panel(pools)


def _ask(audiences: dict[str, str], lists: dict[str, Json], pools: list[Json]) -> None:
    key = f"outreach-{state.site_name()}"
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        name = st.selectbox(
            "List", list(lists), format_func=lambda one: str(lists[one]["title"]), key="outreach-list", width=240
        )
        audience = st.selectbox(
            "Of the audience",
            list(audiences),
            format_func=lambda one: formats.plain(audiences[one]),
            key=f"{key}-audience",
            width=280,
        )
        limit = st.number_input("At most", 1, 100_000, 50, key="outreach-limit", width=140)
        mode = st.selectbox("Who", list(MODES), format_func=MODES.__getitem__, key="outreach-mode", width=240)
    if lists[name]["note"]:
        st.caption(formats.plain(f"{lists[name]['title']}: {lists[name]['note']}."))
    body: Json = {"list": name, "limit": int(limit), "mode": mode}
    agreed = _agreed(name)
    ready = name == "calls" or agreed is not None
    body |= {"permission": agreed} if agreed else {}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        if lists[name]["coupons"]:
            names = [str(one["pool"]) for one in pools]
            pool = st.selectbox(
                "Coupons of", names, key=f"{key}-pool-{bool(names)}", width=240, placeholder="no pool yet"
            )
            ready = ready and bool(pool)
            body |= {"coupons": pool} if pool else {}
        body |= {"destination": _destination(key)}
        every = ""
        if body["destination"] != "download":
            every = st.selectbox(
                "How often", list(OFTEN), format_func=OFTEN.__getitem__, key="outreach-every", width=160
            )
        label = "Make it by plan" if every else "Make the list"
        asked = st.button(label, type="primary", key="outreach-start", disabled=not ready)
    _means(lists[name], body, pools)
    if asked and every:
        _plan(audience, body | {"every": every})
    elif asked:
        _start(key, audience, name, body)
    _plans(audience)
    audience_download.progress(key, _finished, "No list was made.")


def _plan(audience: str, body: Json) -> None:
    done(lambda: state.api().plan_outreach(audience, body), "It was not planned.")


def _plans(audience: str) -> None:
    """The lists of this audience that are made again and again."""
    plans = [one for one in state.api().deliveries(audience) if str(one["network"]).startswith("list.")]
    places = {str(one["id"]): one for one in state.api().destinations(state.site_name())} if plans else {}
    for one in plans:
        audience_deliveries.delivery(one, places)


def _agreed(name: str) -> Json | None:
    """The rule of who agreed; None for who asked for a call, or while it says nothing."""
    if name == "calls":
        chosen = st.radio("Who may be called", [ASKED, RULE], key="outreach-agreed", horizontal=True)
        if chosen == ASKED:
            return None
    else:
        st.markdown("**Who agreed to be contacted this way**")
    rows: list[Json] = st.session_state.setdefault("outreach-filters", [])
    filters.editor("outreach-filters", rows, None)
    agreed = outreach.permission(rows)
    if agreed is None:
        st.caption("Say how you know: for example, the property *traits.newsletter* is *true*.")
    return agreed


def _destination(key: str) -> str:
    rows = state.api().destinations(state.site_name())
    places = {"download": "Download"} | {
        str(one["id"]): str(one["name"]) for one in rows if one["kind"] in outreach.TAKE_FILES
    }
    return str(
        st.selectbox("To", list(places), format_func=lambda one: formats.plain(places[one]), key=f"{key}-to", width=220)
    )


def _means(made: Json, body: Json, pools: list[Json]) -> None:
    """What making it does, before it is done."""
    if not made["coupons"]:
        st.caption("Where the site caps contacts, everybody on the list counts as contacted.")
        return
    if not pools:
        notice("info", "There are no coupons yet.", "Put codes into a pool below; everybody on this list gets one.")
        return
    free = next((int(one["free"]) for one in pools if one["pool"] == body.get("coupons")), 0)
    st.caption(
        f"{formats.number(free)} codes are left. Making the list gives them away: a code stays its person's, "
        "also when the file is thrown away."
    )


def _start(key: str, audience: str, name: str, body: Json) -> None:
    def start() -> None:
        st.session_state[key] = state.api().start_outreach(audience, body) | {"list": name}

    st.session_state.pop(key, None)  # what was made before is not the answer to this
    done(start, "No list was made.")


def _finished(export: Json) -> None:
    """How many are on it, who is not and why, its beginning, the file."""
    counts = export.get("counts") or {}
    written, unchanged = int(counts.get("written", 0)), int(counts.get("unchanged") or 0)
    more = f"{formats.number(unchanged)} were on it before." if unchanged else ""
    notice("good" if written else "info", f"{formats.number(written)} people are on the list.", more)
    withheld = {reason: count for reason, count in (counts.get("withheld") or {}).items() if count}
    if withheld:
        st.markdown("**Who is not on it, and why**")
        audience_parts.withheld({"withheld": withheld})
    if str(export.get("destination") or "download") != "download":
        st.caption("The file was handed to the destination; no copy is kept here.")
        return
    if not written:
        return
    content = audience_download.offer(str(export["id"]))
    titles, rows = outreach.preview(str(export.get("network") or "").rpartition(".")[2], content, SHOWN)
    columns = [Column(titles[0], "strong"), *(Column(one, _kind(one)) for one in titles[1:])]
    table(columns, [[cell or formats.NONE for cell in row] for row in rows], "The beginning of the list")
    st.caption(
        f"The first {formats.number(len(rows))} of {formats.number(written)}, in the list's order. "
        "Phone numbers and addresses are in the file only."
    )


def _kind(title: str) -> str:
    return "number" if title in outreach.NUMBERS else "text"
