"""What an audience brought: those who may be shown advertising beside those who were kept aside."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, lift, state
from dashboard.client import ApiAway, ApiError, Json, SignedOut
from dashboard.components import Column, empty, guarded, notice, table

ALL = ""
SIDES = {"exposed": "Exposed", "holdout": "Hold-out"}


@guarded
def panel(audience: Json) -> None:
    """The choice, both sides, and what the difference says."""
    id, site = str(audience["id"]), str(audience["site"])
    given = _given(id, site)
    spec = _choice(id, site, given or [])
    if spec is None:
        empty("There are no events yet.", "Open Install in the menu and put the snippet on your site.")
        return
    with st.spinner("Counting …"):
        answer = state.ask(state.api().lift, spec)
    missing = [arm for arm in SIDES if not answer[arm]["persons"]]
    if "holdout" in missing and not audience.get("holdout"):
        empty(
            "No hold-out is set.",
            "Without people who are kept aside there is nothing to compare with. Make the audience anew and choose "
            "under “Keep aside” how many of them are never shown advertising.",
        )
        return
    if missing:
        _nobody(missing)
        return
    if given == []:
        notice(
            "warn",
            "Nothing was exported yet.",
            "No network has this audience, so nobody was shown anything: a difference is chance until then.",
        )
    _result(answer, str(spec["conversion"]["event"]))


def _given(audience: str, site: str) -> list[str] | None:
    """The networks that were given the audience; None where this token may not know."""
    try:
        exports = state.ask(state.api().exports, site)
    except (ApiAway, SignedOut):
        raise
    except ApiError:
        return None
    mine = [one for one in exports if one.get("audience") == audience and not one.get("dry_run")]
    done = [one for one in mine if one.get("state") == "done"]
    return sorted({str(one["network"]) for one in done})


def _choice(id: str, site: str, given: list[str]) -> Json | None:
    names = [str(row["event"]) for row in state.ask(state.api().event_names, site)]
    if not names:
        return None
    period = state.period()
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        event = st.selectbox(
            "Conversion",
            names,
            index=names.index("purchase") if "purchase" in names else 0,
            format_func=formats.event_title,
            key=f"lift-{id}-event",
            width=220,
        )
        network = ALL
        if given:
            network = st.selectbox(
                "Given to",
                [ALL, *given],
                format_func=lambda one: one or "Any network",
                key=f"lift-{id}-network",
                width=200,
                help="With a network nothing counts before it was first given the audience.",
            )
    st.caption(
        formats.plain(f"People who joined {period.text}, and what they did until its end. The sidebar has the period.")
    )
    spec: Json = {"site": site, "audience": id, "from": period.start, "to": period.end, "conversion": {"event": event}}
    return spec | ({"network": network} if network else {})


def _nobody(missing: list[str]) -> None:
    if len(missing) == 2:
        empty(
            "Too few people: nobody joined in this period.",
            "Choose a longer period in the sidebar, or wait until the audience was refreshed.",
        )
    elif missing == ["holdout"]:
        empty("Too few people: nobody is in the hold-out yet.", "Wait for more people, or choose a longer period.")
    else:
        empty(
            "Too few people: nobody may be shown advertising yet.",
            "Look above who is withheld, and why. Whoever has not agreed to advertising is on neither side.",
        )


def _result(answer: Json, event: str) -> None:
    currency = str(answer["currency"])
    columns = [
        Column("Side", "strong"),
        Column("People", "number"),
        Column(formats.short(lift.buyers(event), 40).capitalize(), "number"),
        Column("Rate", "number"),
        Column("Revenue per person", "number"),
    ]
    rows: list[list[object]] = [_side(title, answer[arm], currency) for arm, title in SIDES.items()]
    rows.append(
        [
            "Difference",
            formats.NONE,
            formats.NONE,
            lift.signed_points(answer["conversion"]["difference"]),
            lift.signed_money(answer["revenue"]["difference"], currency),
        ]
    )
    table(columns, rows, "Those who may be shown advertising beside the hold-out")
    small = lift.small(answer)
    if small:
        notice("warn", small)
    for said in (lift.conversion(answer, event), *([] if lift.nobody(answer) else [lift.revenue(answer)])):
        notice(said.kind, said.text, said.detail)
    for line in (lift.needed(answer), _other(answer), _crossed(answer)):
        if line:
            st.caption(formats.plain(line))


def _side(title: str, arm: Json, currency: str) -> list[object]:
    return [
        title,
        formats.number(arm["persons"]),
        formats.number(arm["converted"]),
        formats.percent(arm["rate"]),
        formats.money(arm["revenue_per_person"], currency),
    ]


def _other(answer: Json) -> str:
    count = answer.get("other_currencies")
    return f"{formats.number(count)} conversions in other currencies are worth nothing here." if count else ""


def _crossed(answer: Json) -> str:
    count = answer.get("crossed")
    return (
        f"{formats.number(count)} people were on both sides before they were recognised; the first counts."
        if count
        else ""
    )
