"""Google Display & Video 360: `editCustomerMatchMembers` of the API, version 4. There is no file to upload.

An audience holds contacts or devices: those have a list, and an audience, of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tracker.networks import google
from tracker.networks.network import JSON, Action, Column, Network, Request, Row, Terms

_KEYS = ("hashedEmails", "hashedPhoneNumbers", "hashedFirstName", "hashedLastName", "countryCode", "zipCodes")
_LISTS = ("hashedEmails", "hashedPhoneNumbers", "zipCodes")
FILE = tuple(Column(key, column.forms) for key, column in zip(_KEYS, google.API, strict=True))
COLUMNS = (*FILE, Column("mobileDeviceIds", ("madid.plain",)))
_NEEDS = (("hashedEmails",), ("hashedPhoneNumbers",), _KEYS[2:])


def _contact(row: Row) -> dict[str, Any]:
    return {key: [cell] if key in _LISTS else cell for key, cell in zip(_KEYS, row[:-1], strict=True) if cell}


def build(action: Action, rows: Sequence[Row], granted: Sequence[bool], _terms: Terms) -> Iterator[Request]:
    """A list of contacts and one of devices; its consent is that of everybody in it, so who said nothing goes apart."""
    verb = "added" if action == "add" else "removed"
    for yes in (True, False):
        mine = [row for row, said in zip(rows, granted, strict=True) if said is yes]
        consent = {"consent": _consent(yes)} if action == "add" else {}
        contacts = [found for row in mine if (found := _contact(row))]
        if contacts:
            yield _request("AUDIENCE_ID", f"{verb}ContactInfoList", {"contactInfos": contacts, **consent})
        devices = [row[-1] for row in mine if row[-1]]
        if devices:
            yield _request("MOBILE_AUDIENCE_ID", f"{verb}MobileDeviceIdList", {"mobileDeviceIds": devices, **consent})


def _request(audience: str, key: str, listed: dict[str, Any]) -> Request:
    url = (
        f"https://displayvideo.googleapis.com/v4/firstPartyAndPartnerAudiences/{{{audience}}}:editCustomerMatchMembers"
    )
    return Request("POST", url, JSON, {"advertiserId": "{ADVERTISER_ID}", key: listed})


def _consent(yes: bool) -> dict[str, str]:
    value = "CONSENT_STATUS_GRANTED" if yes else "CONSENT_STATUS_UNSPECIFIED"
    return {"adUserData": value, "adPersonalization": value}


NETWORK = Network(
    name="dv360",
    title="Google Display & Video 360",
    file=FILE,
    needs=_NEEDS,
    together=_KEYS[2:],
    api=COLUMNS,
    api_needs=(*_NEEDS, ("mobileDeviceIds",)),
    build=build,
    batch=10_000,
    minimum=100,
    days=540,
    asks_granted=True,
    note="no upload by hand: the file has the API's names; 1,000 for YouTube; devices go to an audience of their own",
)
