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


def bulk(network: Network, row: Row, terms: Terms) -> bytes:
    """A row `Customer List Item` for each identifier of a member."""
    found = [("Email", row[0]), ("Phone", row[1])]
    lines = [network.cells(("Customer List Item", "", terms.audience, kind, value)) for kind, value in found if value]
    return b"".join(lines)


NETWORK = Network(
    name="microsoft",
    title="Microsoft Advertising customer lists",
    file=API,
    titles=("Type", "Parent Id", "Audience", "Sub Type", "Text"),
    needs=(("Email",), ("Phone",)),
    line=bulk,
    api=API,
    build=build,
    batch=100_000,
    minimum=300,
    days=390,
    note="accept the terms once in their pages; put your list's id into `Parent Id`",
)
