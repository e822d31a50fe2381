"""The lists: what their columns are called and what stands in them.

`crm`'s columns are those that the importer of each CRM names. A cell that a spreadsheet would run as a formula is made
harmless; a phone number in E.164 stays as it is, digits behind a plus are no formula.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tracker.audiences.outreach.facts import DAY_MS, Facts
from tracker.catalog.contacts import LIST
from tracker.networks.network import Action, Column, Network, Row, Terms, harmless

_PHONE = re.compile(r"\+[0-9]{7,15}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
NOT_PROVIDED = "[not provided]"
SOURCE = "Website"


@dataclass(frozen=True, kw_only=True)
class Contact:
    """A person as a list may name them: what the site calls them, and what they gave in order to be contacted."""

    person: str
    user: str
    visitor: str
    last_seen: str
    phone: str
    email: str
    coupon: str
    rank: int
    facts: Facts
    timezone: str
    now_ms: int

    @property
    def where(self) -> str:
        """Where their contact data is: only hashes are kept here of what came with a login."""
        if self.phone or self.email:
            return "given in a form"
        return "in your CRM, by user" if self.user else "unknown: a visitor without a user id"

    @property
    def reason(self) -> str:
        """Why."""
        return self.facts.reason(self.now_ms)

    @property
    def best_time(self) -> str:
        """When."""
        return self.facts.best_time(self.timezone, self.now_ms)

    @property
    def worth(self) -> str:
        """What is at stake, with its currency."""
        value, currency = self.facts.value
        return f"{value:.2f} {currency}" if value else ""

    @property
    def note(self) -> str:
        """What somebody who calls wants to read."""
        return "; ".join(one for one in (self.reason, self.worth, self.best_time) if one)

    @property
    def rating(self) -> str:
        """Salesforce's own words: somebody who asked or stands at the checkout, somebody with a cart, others."""
        facts = self.facts
        if max(facts.asked_at, facts.checkout_at) > facts.bought_at:
            return "Hot"
        return "Warm" if facts.cart_at > facts.bought_at else "Cold"

    @property
    def idle_days(self) -> str:
        """Whole days since the last purchase."""
        bought = self.facts.bought_at
        return str((self.now_ms - bought) // DAY_MS) if bought else ""


Cell = Callable[[Contact], str]


@dataclass(frozen=True, kw_only=True)
class List:
    """`cells`: header -> what stands there. `coupons`: everybody on it gets one of a pool. `first`: the most of it."""

    name: str
    title: str
    cells: Mapping[str, Cell]
    coupons: bool = False
    first: Callable[[Facts], float] = lambda facts: facts.score
    note: str = ""
    network: Network = field(init=False)

    def __post_init__(self) -> None:
        columns = tuple(Column(header, ()) for header in self.cells)
        network = Network(name=f"{LIST}{self.name}", title=self.title, file=columns, line=_line)
        object.__setattr__(self, "network", network)

    def row(self, contact: Contact) -> Row:
        """Its cells, not yet made harmless."""
        return tuple(cell(contact) for cell in self.cells.values())


def _line(network: Network, row: Row, _terms: Terms, _action: Action) -> bytes:
    return network.cells(tuple(safe(cell) for cell in row))


def safe(cell: str) -> str:
    """One line without control characters, that no spreadsheet runs."""
    text = _CONTROL.sub(" ", cell).strip()
    return text if _PHONE.fullmatch(text) else harmless(text)


_WHO: dict[str, Cell] = {
    "user": lambda one: one.user,
    "visitor": lambda one: one.visitor,
    "phone": lambda one: one.phone,
    "email": lambda one: one.email,
    "contact": lambda one: one.where,
}
LISTS: dict[str, List] = {
    one.name: one
    for one in (
        List(
            name="calls",
            title="Whom to call",
            cells={
                "rank": lambda one: str(one.rank),
                **_WHO,
                "reason": lambda one: one.reason,
                "best_time": lambda one: one.best_time,
                "score": lambda one: f"{one.facts.score:.3f}",
                "intent": lambda one: f"{one.facts.intent:.3f}",
                "value": lambda one: one.worth,
                "last_seen": lambda one: one.last_seen,
            },
            note="the most promising first",
        ),
        List(
            name="winback",
            title="Whom to win back",
            cells={
                **_WHO,
                "coupon": lambda one: one.coupon,
                "purchases": lambda one: str(one.facts.purchases),
                "spent": lambda one: f"{one.facts.spent:.2f}",
                "currency": lambda one: one.facts.currency,
                "days_since_purchase": lambda one: one.idle_days,
                "last_seen": lambda one: one.last_seen,
            },
            coupons=True,
            first=lambda facts: facts.spent,
            note="one coupon a person, the same one every time",
        ),
        List(
            name="hubspot",
            title="HubSpot contacts",
            cells={
                "Email": lambda one: one.email,
                "Phone Number": lambda one: one.phone,
                "External ID": lambda one: one.user or one.visitor,
                "Retargeting Score": lambda one: f"{one.facts.score:.3f}",
                "Retargeting Note": lambda one: one.note,
            },
            note="External ID, Retargeting Score and Retargeting Note are properties that you make once",
        ),
        List(
            name="salesforce",
            title="Salesforce leads",
            cells={
                "Last Name": lambda one: one.user or NOT_PROVIDED,
                "Company": lambda _: NOT_PROVIDED,
                "Email": lambda one: one.email,
                "Phone": lambda one: one.phone,
                "Lead Source": lambda _: SOURCE,
                "Rating": lambda one: one.rating,
                "Description": lambda one: one.note,
                "External ID": lambda one: one.user or one.visitor,
            },
            note="a new lead must have a name and a company, and no name is kept here: match by External ID",
        ),
        List(
            name="bitrix24",
            title="Bitrix24 leads",
            cells={
                "Lead Name": lambda one: one.user or one.visitor,
                "Work Phone": lambda one: one.phone,
                "Work E-mail": lambda one: one.email,
                "Source": lambda _: SOURCE,
                "Opportunity": lambda one: f"{one.facts.value[0]:.2f}",
                "Currency": lambda one: one.facts.value[1],
                "Comment": lambda one: one.note,
                "External ID": lambda one: one.user or one.visitor,
            },
            note="choose the comma as separator",
        ),
    )
}
