"""The parts that every page is put together from."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec

import plotly.graph_objects as go
import streamlit as st

from dashboard import charts, formats, state
from dashboard.client import ApiAway, ApiError, SignedOut
from dashboard.markup import Markup, join, tag

P = ParamSpec("P")
log = logging.getLogger("dashboard")


def head(title: str, about: str | None = None) -> None:
    """The page's title; below it what it shows, by default site, period and segment."""
    if about is None:
        about = f"{state.site_name()} · {state.period().text}{only()}" if state.site() else ""
    st.html(tag("header", tag("h1", title), tag("p", about) if about else None, cls="jt-head"))


def only() -> str:
    """The segment for the end of a head; empty for everybody."""
    name = str(state.segment().get("name", ""))
    return f" · only “{name}”" if name else ""


def section(title: str, about: str = "") -> None:
    """The head of a card."""
    st.html(tag("div", tag("h2", title), tag("p", about) if about else None, cls="jt-section"))


def notice(kind: str, text: str, detail: str = "") -> None:
    """One sentence in a box: kind is good, info, warn or bad. Data may be in it."""
    role = "alert" if kind == "bad" else "status"
    st.html(
        tag("div", tag("strong", text), tag("span", detail) if detail else None, cls=f"jt-notice {kind}", role=role)
    )


def empty(title: str, what_next: str) -> None:
    """Nothing to show, and what to do about it."""
    st.html(tag("div", tag("strong", title), tag("p", what_next), cls="jt-empty"))


@dataclass(frozen=True)
class Figure:
    """A key figure. `tone` of the change: good, bad or quiet."""

    label: str
    value: str
    change: str = ""
    tone: str = "quiet"
    note: str = ""


def figures(items: Sequence[Figure]) -> None:
    """Key figures in a row that wraps."""
    st.html(tag("div", *(_figure(item) for item in items), cls="jt-figures"))


def _figure(item: Figure) -> Markup:
    below = [tag("span", item.change, cls=f"jt-change {item.tone}")] if item.change else []
    below += [tag("span", item.note, cls="jt-note")] if item.note else []
    return tag(
        "div", tag("span", item.label, cls="jt-label"), tag("b", item.value), tag("div", *below), cls="jt-figure"
    )


@dataclass(frozen=True)
class Column:
    """A column of a table: `kind` is text, number or strong (the row's name)."""

    title: str
    kind: str = "text"


FIRST = 5
"""Rows of a long table that a phone shows at first; style.css hides the others until they are asked for."""


def table(columns: Sequence[Column], rows: Sequence[Sequence[object]], caption: str) -> None:
    """A table that turns into one card a row on a phone, the first few at first. `caption` is for screen readers."""
    top = tag("tr", *(tag("th", column.title, scope="col", cls=column.kind) for column in columns))
    body = [tag("tr", *map(_cell, columns, row)) for row in rows]
    st.html(tag("table", tag("caption", caption), tag("thead", top), tag("tbody", *body), cls="jt-table"))
    if len(rows) > FIRST + 1:  # an element of its own and always the same: it stays open when the rows change
        st.html(tag("details", tag("summary", "All rows"), cls="jt-more"))


def _cell(column: Column, cell: object) -> Markup:
    unknown = " none" if cell == formats.NONE else ""  # left out where a row is a card
    return tag("td", cell, cls=column.kind + unknown, data_label=column.title)


def triangle(
    titles: Sequence[str],
    rows: Sequence[tuple[str, str, Sequence[float | None]]],
    caption: str,
    *,
    total: bool = True,
) -> None:
    """Shares by cohort, shaded; wide ones are moved sideways in their own frame, also on a phone.

    `titles` names all columns; a row is (cohort, its size, a share 0..1 or None for each further column).
    `total`: the first row is that of all, and is written in bold.
    """
    top = max((share for _, _, shares in rows for share in shares if share is not None), default=0) or 1
    head = tag("tr", *(tag("th", title, scope="col") for title in titles))
    body = [
        tag("tr", tag("th", name, scope="row"), tag("td", size, cls="size"), *(_shaded(one, top) for one in shares))
        for name, size, shares in rows
    ]
    whole = tag(
        "table",
        tag("caption", caption),
        tag("thead", head),
        tag("tbody", *body),
        cls=f"jt-triangle{' total' if total else ''}",
    )
    st.html(tag("div", whole, cls="jt-sideways", tabindex="0", role="region", aria_label=caption))


def _shaded(share: float | None, top: float) -> Markup:
    if share is None:
        return tag("td")
    depth = 0.62 * share / top  # deeper, the dark figures could not be read any more
    return tag("td", formats.percent(share, 0), style=f"background:rgba(11,110,105,{depth:.3f})")


def bars(rows: Sequence[tuple[str, float, str]], titles: tuple[str, str], nothing: str, top: float = 0) -> None:
    """Names with a value each and a bar behind, longest first: (name, size of bar, value as text).

    A bar of the size `top` is the whole width; without it the largest is.
    """
    if not rows:
        st.html(tag("p", nothing, cls="jt-quiet"))
        return
    top = top or max(size for _, size, _ in rows) or 1
    lines = [
        tag(
            "li",
            tag("i", style=f"width:{max(size / top * 100, 0.8):.1f}%"),
            tag("span", name, title=name),
            tag("b", value),
        )
        for name, size, value in rows
    ]
    st.html(
        join(
            tag("div", tag("span", titles[0]), tag("span", titles[1]), cls="jt-bars-head"),
            tag("ol", *lines, cls="jt-bars"),
        )
    )


def chart(figure: go.Figure, key: str, alt: str) -> None:
    """A figure of `charts`, without clutter; `alt` says it in words."""
    st.plotly_chart(figure, theme=None, config=charts.CONFIG, key=key, alt=alt)


def legend(entries: Sequence[tuple[str, str]]) -> None:
    """(colour, name) of each part of the chart below."""
    st.html(
        tag(
            "ul",
            *(tag("li", tag("i", style=f"background:{colour}"), name) for colour, name in entries),
            cls="jt-legend",
        )
    )


def changed(now: float | None, before: float | None, good: str = "up") -> dict[str, str]:
    """The change of a key figure as arguments of `Figure`."""
    text, direction = formats.change(now, before)
    if direction == "new":
        return {"note": "none before"}
    if direction == "flat":
        return {"note": text}
    return {"change": text, "tone": "good" if direction == good else "bad"}


def cross(label: str, key: str) -> bool:
    """A button that takes away what it stands beside; whether it was pressed. `label`: read out, and a hint."""
    return st.button(label, icon=":material/close:", type="tertiary", key=key, help=label)


def guarded(draw: Callable[P, Any]) -> Callable[P, None]:
    """Whatever goes wrong while drawing becomes one helpful sentence, never a traceback."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            draw(*args, **kwargs)
        except SignedOut as refusal:
            st.session_state.pop("token", None)
            notice("warn", "You are signed out.", refusal.sentence)
            if st.button("Sign in again", key=f"again-{draw.__name__}"):
                st.rerun(scope="app")
        except ApiAway as away:
            unreachable(away, draw.__name__)
        except ApiError as refusal:
            notice("bad", refusal.sentence)
        except Exception:
            log.exception("a page could not be drawn")
            notice("bad", "This part of the page could not be shown.", "The reason is in the dashboard's log.")

    return drawn


def done(send: Callable[[], object], otherwise: str) -> bool:
    """Whether the API took it; where it refused, `otherwise` and its sentence are shown."""
    try:
        send()
    except (ApiAway, SignedOut):
        raise
    except ApiError as refusal:
        notice("bad", otherwise, refusal.sentence)
        return False
    return True


def unreachable(away: ApiAway, key: str) -> None:
    """A calm word and a button while the API is away."""
    with st.container(key=f"away-{key}", horizontal_alignment="center", gap="medium"):
        empty(
            away.sentence,
            "Nothing is lost: events are still collected. This page works again as soon as the service is back.",
        )
        if st.button("Try again", key=f"retry-{key}", type="primary", icon=":material/refresh:"):
            state.forget()
            st.rerun(scope="app")
