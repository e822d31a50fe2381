"""Microsoft Advertising customer lists: a Bulk file, and `CustomerListUserData/Apply`, one kind a call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracker.networks.network import JSON, Action, Column, Network, Request, Row, Terms, one_kind

API = (Column("Email", ("email.e1",)), Column("Phone", ("phone.p1",)))
_URL = "https://campaign.api.bingads.microsoft.com/CampaignManagement/v13/CustomerListUserData/Apply"


def build(action: Action, rows: Sequence[Row], _granted: Sequence[bool], _terms: Terms) -> Iterator[Request]:
    """One request for each kind."""
    for kind, values in one_kind(API, rows):
        data = {
            "ActionType": action.title(),
            "AudienceId": "{AUDIENCE_ID}",
            "CustomerListItemSubType": kind,
            "CustomerListItems": values,
            "AcceptCustomerMatchTerm": True,
        }
        yield Request("POST", _URL, JSON, {"CustomerListUserData": data})


TITLES = (
    "Type", "Status", "Id", "Parent Id", "Name", "Scope",
    "Audience", "Action Type", "Membership Duration", "Sub Type", "Text",
)  # fmt: skip
"""Columns of the Bulk file schema, format version 6.0 (Microsoft's pages `bulk-service/customer-list` and `-item`)."""

_VERSION = "6.0"
_LIST = "-1"
"""A negative id makes a new list. Somebody puts an existing list's own id there: the items name it as their parent."""


def bulk(network: Network, row: Row, terms: Terms, _action: Action) -> bytes:
    """A row `Customer List Item` for each identifier of a member."""
    found = [("Email", row[0]), ("Phone", row[1])]
    start = ("Customer List Item", "", "", _LIST, "", "", terms.audience, "", "")
    return b"".join(network.cells((*start, kind, text)) for kind, text in found if text)


def customer_list(network: Network, terms: Terms, action: Action) -> bytes:
    """The format's version, without which a file is refused, and the row `Customer List` that the items belong to.

    It says whether they are added or removed, and for how long; a list's only scope is the customer.
    """
    kept = (terms.audience, action.title(), str(terms.days), "", "")
    version = network.cells(("Format Version", "", "", "", _VERSION, "", "", "", "", "", ""))
    return version + network.cells(("Customer List", "Active", _LIST, "", "", "Customer", *kept))


NETWORK = Network(
    name="microsoft",
    title="Microsoft Advertising customer lists",
    file=API,
    titles=TITLES,
    needs=(("Email",), ("Phone",)),
    line=bulk,
    intro=customer_list,
    api=API,
    build=build,
    batch=100_000,
    request_bytes=100_000_000,
    minimum=300,
    days=180,
    note="accept the terms once in their pages; put your list's id in place of `-1`, which makes a new one",
)
