"""Telling a destination a word: alerts and scheduled reports."""

from __future__ import annotations

from tracker.audiences.deliver import sender_of
from tracker.audiences.delivery import TELLING, Senders
from tracker.audiences.delivery.notice import Notice
from tracker.audiences.delivery.webhook import Webhook
from tracker.audiences.delivery.word import Word
from tracker.catalog import Catalog
from tracker.catalog.destinations import Destination
from tracker.core.errors import BadRequest, Refused


def tellable(catalog: Catalog, site: str) -> list[Destination]:
    """The destinations of a site that can be told a word, by name."""
    return [one for one in catalog.destinations.list(site) if one.kind in TELLING]


def check_told(catalog: Catalog, site: str, destination: object, field: str = "destination") -> Destination:
    """The destination, if it is one of the site that can be told a word. Raises BadRequest."""
    for one in tellable(catalog, site):
        if one.id == destination:
            return one
    raise BadRequest(f"{field} must be a webhook or e-mail destination of the site", field=field)


def tell(catalog: Catalog, senders: Senders, destination: str, word: Word) -> None:
    """Hand a word over. Raises NotFound, BadRequest, Refused, TryLater: it was not taken."""
    sender = sender_of(catalog, senders, catalog.destinations.get(destination))
    if not isinstance(sender, Webhook | Notice):
        raise Refused("only webhooks and mail addresses can be told of anything", code="cannot_tell")
    sender.tell(word)
