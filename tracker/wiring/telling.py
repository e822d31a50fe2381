"""Tells firings of alerts to the destination that each alert names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tracker.audiences.delivery import Senders
from tracker.audiences.delivery.notice import Notice
from tracker.audiences.delivery.webhook import Webhook
from tracker.core.alerts import Firing
from tracker.core.errors import Refused
from tracker.core.identifiers import keys_of

if TYPE_CHECKING:
    from tracker.catalog import Catalog


class Announcer:
    """A webhook gets signed JSON, a mail address plain words; figures only, nothing about anybody."""

    def __init__(self, catalog: Catalog, senders: Senders) -> None:
        self._catalog = catalog
        self._senders = senders

    def tell(self, firing: Firing) -> None:
        """Hand one over. Raises TrackerError where it cannot be taken now: then it is told again."""
        site = self._catalog.sites.get(firing.site)
        destination = self._catalog.destinations.get(firing.destination)
        secrets = destination.opened(keys_of(site.name, site.write_key, site.identifier_key))
        sender = self._senders.of(destination.kind, destination.options, secrets)
        if not isinstance(sender, Webhook | Notice):
            raise Refused("only webhooks and mail addresses can be told of alerts", code="cannot_tell")
        sender.tell(firing.id, _subject(firing), _facts(firing))


def _subject(firing: Firing) -> str:
    name = " ".join(firing.name.split())  # one line: a mail's subject cannot hold more
    return f"Alert: {name} on {firing.site}"


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
