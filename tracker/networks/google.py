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
    """One request for a batch, `validateOnly` for whoever tries it out."""
    members: list[dict[str, Any]] = [{"userData": {"userIdentifiers": identifiers(row)}} for row in rows]
    where = destination("{USER_LIST_ID}")
    body: dict[str, Any] = {"destinations": [where], "audienceMembers": members, "encoding": "HEX"}
    if action == "add":
        for member, yes in zip(members, granted, strict=True):
            member["consent"] = consent(yes)
        body |= {
            "consent": consent(all(granted)),
            "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
        }
    verb = "ingest" if action == "add" else "remove"
    yield Request(
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
    api=API,
    build=build,
    batch=10_000,
    minimum=100,
    days=540,
    asks_granted=True,
    note="1,000 for YouTube; in the EEA, the UK and Switzerland only persons who said yes",
)
