"""What pages about audiences share: the withheld explained, the rule written out."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboard import formats, rules, state
from dashboard.client import Json
from dashboard.components import Figure, bars, figures
from dashboard.markup import tag


def withheld_lines(withheld: Mapping[str, int | None] | None, size: int | None = None) -> list[str]:
    """`412 have not agreed to advertising.` for each reason that holds somebody back; `size`: of all of them."""
    return [
        f"{formats.few(count, size)} {sentence(reason)}." for reason, count in (withheld or {}).items() if count != 0
    ]


def sizes(preview: Json) -> None:
    """People, how many may leave the house, how many are held back and why."""
    size, exportable = preview["size"], preview["exportable"]
    known = size is not None and exportable is not None
    figures(
        [
            Figure("People", formats.few(size), note="match the rule now"),
            Figure(
                "May be exported",
                formats.few(exportable, size),
                note=f"{formats.percent(exportable / size)} of them" if known and size else "",
            ),
            Figure("Withheld", formats.few(size - exportable if known else None, size), note="are in no export"),
        ]
    )
    if None in (size, exportable, *(preview.get("withheld") or {}).values()):
        st.caption("Counts of fewer than 10 people are not shown, nor one more where it would give such a count away.")


def withheld(preview: Json) -> None:
    """Who is held back and why, the most frequent reason first."""
    reasons = sorted((preview.get("withheld") or {}).items(), key=lambda item: -(item[1] or 0))
    rows = [
        (sentence(reason), float(count or 0), formats.few(count, preview.get("size")))
        for reason, count in reasons
        if count != 0
    ]
    bars(rows, ("They …", "People"), "Nobody is withheld: everybody here agreed to advertising.")


def sentence(reason: str) -> str:
    """Why somebody is held back, in words that follow “they”."""
    return rules.WITHHELD.get(reason, reason.replace("_", " "))


def readable(spec: Json) -> Json:
    """The rule with other audiences of the site by their names."""
    return rules.named(spec, {str(one["id"]): str(one["name"]) for one in _others()})


def _others() -> list[Json]:
    found: list[Json] = state.ask(state.api().audiences, state.site_name())
    return found


def rule(spec: Json) -> None:
    """The rule, one sentence a line, indented as it is nested."""
    st.html(
        tag(
            "ul",
            *(tag("li", line, style=f"margin-left:{depth * 1.25}rem") for depth, line in rules.lines(readable(spec))),
            cls="jt-rule",
        )
    )
