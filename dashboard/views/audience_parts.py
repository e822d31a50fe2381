"""What pages about audiences share: the withheld explained, the rule written out."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboard import formats, rules
from dashboard.client import Json
from dashboard.components import Figure, bars, figures
from dashboard.markup import tag


def withheld_lines(withheld: Mapping[str, int] | None) -> list[str]:
    """`412 have not agreed to advertising.` for each reason that holds somebody back."""
    return [f"{formats.number(count)} {sentence(reason)}." for reason, count in (withheld or {}).items() if count]


def sizes(preview: Json) -> None:
    """People, how many may leave the house, how many are held back and why."""
    size, exportable = int(preview["size"]), int(preview["exportable"])
    figures(
        [
            Figure("People", formats.number(size), note="match the rule now"),
            Figure(
                "May be exported",
                formats.number(exportable),
                note=f"{formats.percent(exportable / size)} of them" if size else "",
            ),
            Figure("Withheld", formats.number(size - exportable), note="stay in the house"),
        ]
    )


def withheld(preview: Json) -> None:
    """Who is held back and why, the most frequent reason first."""
    reasons = sorted((preview.get("withheld") or {}).items(), key=lambda item: -item[1])
    rows = [(sentence(reason), float(count), formats.number(count)) for reason, count in reasons if count]
    bars(rows, ("They …", "People"), "Nobody is withheld: everybody here agreed to advertising.")


def sentence(reason: str) -> str:
    """Why somebody is held back, in words that follow “they”."""
    return rules.WITHHELD.get(reason, reason.replace("_", " "))


def rule(spec: Json) -> None:
    """The rule, one sentence a line, indented as it is nested."""
    st.html(
        tag(
            "ul",
            *(tag("li", line, style=f"margin-left:{depth * 1.25}rem") for depth, line in rules.lines(spec)),
            cls="jt-rule",
        )
    )
