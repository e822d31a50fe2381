"""What a conversions API is to us: who may be recognised by what, what its events look like, how old they may be. Pure.

An event comes in with what is known of its person as forms (`email.e1` -> hash) and of the clicks before it, and goes
out as one JSON object of a request. Identifiers are hashed as each network says; a click id is the network's own.
Source of everything here: each network's own documentation, as it stands in the network's file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from tracker.networks.network import Action, Column, Member, Network, Request, Row, Terms

DAY_MS = 86_400_000
STANDARD = {
    "view_item": "ViewContent",
    "search": "Search",
    "add_to_cart": "AddToCart",
    "add_to_wishlist": "AddToWishlist",
    "begin_checkout": "InitiateCheckout",
    "add_payment_info": "AddPaymentInfo",
    "purchase": "Purchase",
    "generate_lead": "Lead",
    "sign_up": "CompleteRegistration",
    "subscribe": "Subscribe",
    "callback_requested": "Contact",
}
"""GA4's names -> the standard events that Meta and TikTok call alike."""


class Item(msgspec.Struct, frozen=True):
    """What was bought or looked at; names as in the store."""

    item_id: str = ""
    item_name: str = ""
    item_category: str = ""
    price: float = 0.0
    quantity: float = 0.0


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a person. `ts`: ms; `id`: what the network tells doubles by; `name`: what the network calls it.

    `clicks`: kind (`gclid`, `fbclid`, ...) -> (when, ms, the id), the last of each before the event.
    """

    id: str
    name: str
    ts: int
    url: str = ""
    value: float | None = None
    currency: str = ""
    order: str = ""
    items: tuple[Item, ...] = ()
    clicks: dict[str, tuple[int, str]] = {}

    def click(self, kind: str) -> str:
        """The id of that kind, or ""."""
        return self.clicks.get(kind, (0, ""))[1]

    @property
    def money(self) -> dict[str, Any]:
        """`{"value", "currency"}`; a value without a currency says nothing and stays here."""
        if self.value is None or len(self.currency) != 3:
            return {}
        return {"value": round(self.value, 6), "currency": self.currency.upper()}


Encode = Callable[[Happened, Mapping[str, str], bool], "dict[str, Any] | None"]
Wrap = Callable[[Sequence[tuple[str, msgspec.Raw]], bool], Iterator[Request]]


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """One network's conversions API.

    `network`: what the site's privacy settings and `networks` call it. `columns`: by what a person may be recognised.
    `clicks`: kinds of click ids that it knows; `click_days`: how long one counts. `days`: how old an event may be;
    `days_without_click`: the same where there is no click id, None: the same. `names`: GA4's names -> its own.
    `ids`: its events are ids of the account, digits. `needs_value`: names that are refused without value and currency.
    `tests`: it has a way to try without counting; `test_id`: the account's id that this takes.
    `encode`: (event, header -> hash, said yes to ads) -> the JSON of an event, None where nobody could be recognised.
    `wrap`: ((name, event's JSON) of one batch, a try) -> requests.
    """

    name: str
    network: str
    title: str
    columns: tuple[Column, ...]
    clicks: tuple[str, ...]
    days: int
    batch: int
    encode: Encode
    wrap: Wrap
    click_days: int = 90
    days_without_click: int | None = None
    names: Mapping[str, str]
    ids: bool = False
    needs_value: frozenset[str] = frozenset()
    asks_granted: bool = False
    tests: bool = True
    test_id: str = ""
    note: str = ""

    def too_old(self, event: Happened, now_ms: int) -> bool:
        """Whether the network would refuse it, or refuse the whole request for it."""
        days = self.days
        if self.days_without_click is not None and not event.clicks:
            days = self.days_without_click
        return event.ts < now_ms - days * DAY_MS

    def encoded(self, event: Happened, member: Member) -> Row:
        """(its name, its JSON); () where nobody could be recognised by it."""
        cells = {column.header: column.cell(member.forms) for column in self.columns}
        made = self.encode(event, {header: cell for header, cell in cells.items() if cell}, member.granted)
        return () if made is None else (event.name, msgspec.json.encode(made).decode())

    def as_network(self, *, test: bool) -> Network:
        """As exports know networks: rows are what `encoded` gives."""

        def build(_action: Action, rows: Sequence[Row], _granted: Sequence[bool], _terms: Terms) -> Iterator[Request]:
            if rows:
                yield from self.wrap([(name, msgspec.Raw(text.encode())) for name, text in rows], test)

        return Network(
            name=self.name,
            title=self.title,
            file=(),
            api=self.columns,
            build=build,
            batch=self.batch,
            asks_granted=self.asks_granted,
        )


def hashed(text: str) -> str:
    """SHA-256, hex, of an id of ours that a network takes hashed."""
    return hashlib.sha256(text.encode()).hexdigest()


def bare(url: str) -> str:
    """An address without its query: what is in there is no business of a network."""
    return url.partition("#")[0].partition("?")[0]
