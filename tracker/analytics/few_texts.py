"""Columns with few texts, whose codes can stand in an event's number beside its time."""

from __future__ import annotations

from collections.abc import Sequence

from tracker.store.engine import Engine, Param
from tracker.store.filters import Condition
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import counted

MAX_TEXTS = 1000
"""Most texts of a property that are put into events' numbers; beyond that each unit's text is carried along."""

MAX_DOUBTS = 1000
"""Most units asked about apart because their code does not tell their text; beyond that codes are not used."""

FEW_TEXTS = frozenset(
    "event type host referrer_host channel utm_source utm_medium utm_campaign utm_term utm_content click_id_kind"
    " country device os os_version browser browser_version bot language timezone screen currency mode library"
    " source".split()
)
"""Columns kept as dictionaries: a text's code costs a look-up for each text of a block, not for each event."""


def texts_of(
    engine: Engine,
    column: str,
    events: Fragment,
    *,
    conditions: Sequence[Condition],
    relevant: Fragment,
    between: tuple[str, int, int],
) -> tuple[str, ...] | None:
    """The texts but '' that a column of `FEW_TEXTS` has in `relevant` events; None: more than `MAX_TEXTS`.

    `conditions` are those that `relevant` is made of. `between`: site, first and last millisecond.
    """
    site, first, last = between
    slots = {
        "text": Fragment(f"`{column}`"),
        "events": events,
        "counted": counted(conditions),
        "relevant": relevant,
    }
    params: dict[str, Param] = {"site": site, "from": first, "until": last, "most": MAX_TEXTS + 1}
    found = engine.ask(fill(load(__package__, "few_texts"), slots, params)).rows[0][0]
    return tuple(found) if len(found) <= MAX_TEXTS else None


def code(column: str) -> str:
    """SQL: the code of an event's text: 0 for '', its place among the texts, `new` for one that came since."""
    return f"transform(`{column}`, {{texts:Array(String)}}, {{codes:Array(UInt16)}}, {{new:UInt16}})"


def coded(texts: Sequence[str]) -> dict[str, Param]:
    """The parameters of `code`; `texts` there is '' and these."""
    return {"texts": ["", *texts], "codes": list(range(len(texts) + 1)), "new": len(texts) + 1}
