"""Tells firings of alerts to the destination that each alert names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tracker.audiences.delivery import Senders
from tracker.audiences.delivery.word import Word
from tracker.audiences.telling import tell
from tracker.core.alerts import Firing
from tracker.core.lines import one_line

if TYPE_CHECKING:
    from tracker.catalog import Catalog


class Announcer:
    """A webhook gets signed JSON, a mail address plain words; figures only, nothing about anybody."""

    def __init__(self, catalog: Catalog, senders: Senders) -> None:
        self._catalog = catalog
        self._senders = senders

    def tell(self, firing: Firing) -> None:
        """Hand one over. Raises TrackerError where it cannot be taken now: then it is told again."""
        facts = _facts(firing)
        word = Word(
            key=firing.id,
            event="alert",
            subject=f"Alert: {one_line(firing.name)} on {firing.site}",
            facts=facts,
            text="".join(f"{name}: {value}\n" for name, value in facts.items()),
        )
        tell(self._catalog, self._senders, firing.destination, word)


def _facts(firing: Firing) -> Mapping[str, Any]:
    facts = {
        "site": firing.site,
        "alert": firing.name,
        "from": firing.start,
        "kind": firing.kind,
        "value": firing.value,
    }
    if firing.usual is not None:
        facts |= {"usual": firing.usual, "score": firing.score}
    return facts
