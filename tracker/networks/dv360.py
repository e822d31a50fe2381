"""Google Display & Video 360: `editCustomerMatchMembers` of the API, version 4. There is no file to upload."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tracker.networks import google
from tracker.networks.network import JSON, Action, Column, Network, Request, Row, Terms

_KEYS = ("hashedEmails", "hashedPhoneNumbers", "hashedFirstName", "hashedLastName", "countryCode", "zipCodes")
_LISTS = ("hashedEmails", "hashedPhoneNumbers", "zipCodes")
COLUMNS = tuple(Column(key, column.forms) for key, column in zip(_KEYS, google.API, strict=True))


def _contact(row: Row) -> dict[str, Any]:
    return {key: [cell] if key in _LISTS else cell for key, cell in zip(_KEYS, row, strict=True) if cell}


def build(action: Action, rows: Sequence[Row], granted: Sequence[bool], _terms: Terms) -> Iterator[Request]:
    """One list of contacts; its consent is that of everybody in it, so those who said nothing go apart."""
    url = "https://displayvideo.googleapis.com/v4/firstPartyAndPartnerAudiences/{AUDIENCE_ID}:editCustomerMatchMembers"
    for yes in (True, False):
        contacts = [_contact(row) for row, said in zip(rows, granted, strict=True) if said is yes]
        if contacts:
            key = "addedContactInfoList" if action == "add" else "removedContactInfoList"
            asked = {"consent": _consent(yes)} if action == "add" else {}
            listed = {"contactInfos": contacts, **asked}
            yield Request("POST", url, JSON, {"advertiserId": "{ADVERTISER_ID}", key: listed})


def _consent(yes: bool) -> dict[str, str]:
    value = "CONSENT_STATUS_GRANTED" if yes else "CONSENT_STATUS_UNSPECIFIED"
    return {"adUserData": value, "adPersonalization": value}


NETWORK = Network(
    name="dv360",
    title="Google Display & Video 360",
    file=COLUMNS,
    needs=(("hashedEmails",), ("hashedPhoneNumbers",), _KEYS[2:]),
    together=_KEYS[2:],
    api=COLUMNS,
    build=build,
    batch=10_000,
    minimum=100,
    days=540,
    asks_granted=True,
    note="no upload by hand: the file has the API's names; 1,000 for YouTube",
)
