"""Google Customer Match: CSV for an upload by hand, and the Data Manager API.

The Google Ads API takes no Customer Match data from new users since April 2026. Hashes are hexadecimal; country and
postcode are not hashed; a name counts only together with the other, country and postcode. A removal needs no consent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tracker.networks.network import JSON, Action, Column, Network, Request, Row, Terms

ADDRESS = ("First Name", "Last Name", "Country", "Zip")
_ADDRESS_KEYS = ("givenName", "familyName", "regionCode", "postalCode")
PLACE = (Column("Country", ("country.plain",)), Column("Zip", ("zip.plain",)))
API = (
    Column("Email", ("email.e3",)),
    Column("Phone", ("phone.p1",)),
    Column("First Name", ("first_name.g",)),
    Column("Last Name", ("last_name.g",)),
    *PLACE,
)


COLUMNS = (*API, Column("Mobile Device ID", ("madid.plain",)))


def consent(granted: bool) -> dict[str, str]:
    """Both of Google's consents, as of the person's own words."""
    value = "CONSENT_GRANTED" if granted else "CONSENT_STATUS_UNSPECIFIED"
    return {"adUserData": value, "adPersonalization": value}


def destination(product: str) -> dict[str, Any]:
    """The account, and which of its lists or conversion actions."""
    return {
        "operatingAccount": {"accountId": "{CUSTOMER_ID}", "accountType": "GOOGLE_ADS"},
        "loginAccount": {"accountId": "{LOGIN_CUSTOMER_ID}", "accountType": "GOOGLE_ADS"},
        "productDestinationId": product,
    }


def identifiers(row: Sequence[str]) -> list[dict[str, Any]]:
    """Cells of `API` as user identifiers: an address only with all of its parts."""
    email, phone, *place = row
    found: list[dict[str, Any]] = []
    if email:
        found.append({"emailAddress": email})
    if phone:
        found.append({"phoneNumber": phone})
    if all(place):
        found.append({"addressInfo": dict(zip(_ADDRESS_KEYS, place, strict=True))})
    return found


def build(action: Action, rows: Sequence[Row], granted: Sequence[bool], _terms: Terms) -> Iterator[Request]:
    """Contacts and devices apart, because a list of Google's holds one of both; `validateOnly` to try it out."""
    contacts = [
        ({"userData": {"userIdentifiers": found}}, at)
        for at, row in enumerate(rows)
        if (found := identifiers(row[:-1]))
    ]
    devices = [({"mobileData": {"mobileIds": [row[-1]]}}, at) for at, row in enumerate(rows) if row[-1]]
    for members, product in ((contacts, "{USER_LIST_ID}"), (devices, "{MOBILE_LIST_ID}")):
        if members:
            yield _request(action, [(member, granted[at]) for member, at in members], product)


def _request(action: Action, members: Sequence[tuple[dict[str, Any], bool]], product: str) -> Request:
    body: dict[str, Any] = {
        "destinations": [destination(product)],
        "audienceMembers": [member for member, _ in members],
        "encoding": "HEX",
    }
    if action == "add":
        for member, yes in members:
            member["consent"] = consent(yes)
        body |= {
            "consent": consent(all(yes for _, yes in members)),
            "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
        }
    verb = "ingest" if action == "add" else "remove"
    return Request(
        "POST", f"https://datamanager.googleapis.com/v1/audienceMembers:{verb}", JSON, {**body, "validateOnly": False}
    )


NETWORK = Network(
    name="google",
    title="Google Customer Match",
    file=(
        Column("Email", ("email.e1",)),
        Column("Phone", ("phone.p1",)),
        Column("First Name", ("first_name.s",)),
        Column("Last Name", ("last_name.s",)),
        *PLACE,
    ),
    needs=(("Email",), ("Phone",), ADDRESS),
    together=ADDRESS,
    api=COLUMNS,
    api_needs=(("Email",), ("Phone",), ADDRESS, ("Mobile Device ID",)),
    build=build,
    batch=10_000,
    minimum=100,
    days=540,
    asks_granted=True,
    note="1,000 for YouTube; in the EEA, the UK and Switzerland only who said yes; devices go to a list of their own",
)
