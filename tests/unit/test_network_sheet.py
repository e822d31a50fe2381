# ruff: noqa: E501 - a network is a line
"""What the golden files and requests say, spelled by hand from the networks' documentation and hashed here.

A golden file shows hashes, of which nobody sees whether they are right, and it is written by the code that it checks. Here each of
them stands as the text that it must be the hash of, in the order of the file; the rules are quoted in `docs/networks.md`.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import re
from pathlib import Path

import msgspec
import pytest

from tracker.networks import NETWORKS

GOLDEN = Path(__file__).parents[1] / "golden" / "networks"
HASH = re.compile(r"(?<![A-Za-z0-9+/-])(?:[0-9a-f]{64}|[0-9a-f]{40}|[A-Za-z0-9+/]{43}=)(?![A-Za-z0-9+/=-])")

# One person with everything: J.ane+Shop@Gmail.com, +1 800 555 0100, an Apple device; another with +49 30 901820, an Android device; then
# "two words+x@example.com", which is an address only where white space is taken out, and J.ane+Shop@GoogleMail.com in Orléans.
TRIMMED, NO_DOTS, BARE, NO_TAG = "j.ane+shop@gmail.com", "jane+shop@gmail.com", "jane@gmail.com", "j.ane@gmail.com"
SPACED, SPACED_NO_TAG = "twowords+x@example.com", "twowords@example.com"
MAIL, MAIL_NO_DOTS, MAIL_BARE, MAIL_NO_TAG = (
    "j.ane+shop@googlemail.com", "jane+shop@googlemail.com", "jane@googlemail.com", "j.ane@googlemail.com",
)  # fmt: skip
PLUS, PLUS_2, DIGITS, DIGITS_2 = "+18005550100", "+4930901820", "18005550100", "4930901820"
APPLE, ANDROID = "5f3a2b18-9c4d-4e7f-b8e2-17d3a1e69b25", "38400000-8cf0-11bd-b23e-10b96e40000d"
UID2, EUID = "AdvIvSiaum0P5s3X/7X8h8sz+OhF2IG8DNbEnkWSbYM=", "IbW4n6LIvtDj/8fCESlU0QG9K/fH63UdcTkJpAG8fIQ="
PLAIN = [TRIMMED, PLUS, PLUS_2, MAIL]

HEADERS = {
    "google": "Email,Phone,First Name,Last Name,Country,Zip",
    "dv360": "hashedEmails,hashedPhoneNumbers,hashedFirstName,hashedLastName,countryCode,zipCodes",
    "meta": "email,phone,madid,fn,ln,zip,ct,st,country,doby,gen",
    "tiktok": "Email_SHA256,Phone_SHA256,MAID_SHA256",
    "linkedin": "email,firstname,lastname,jobtitle,employeecompany,country,googleaid",
    "snapchat": "EMAIL_SHA256,PHONE_SHA256,MOBILE_AD_ID_SHA256",
    "microsoft": "Type,Status,Id,Parent Id,Name,Scope,Audience,Action Type,Membership Duration,Sub Type,Text",
    "yandex": "phone,email,ext_id",
    "ttd_data": "TDID,DAID,UID2,EUID",
    "uid2": "email_hash,phone_hash",
    "euid": "email_hash,phone_hash",
    "criteo": "email",
    "reddit": "EMAIL_SHA256,MAID_SHA256",
    "amazon": "email,phone,firstName,lastName,address,city,state,postalCode,country,externalId",
    "liveramp": '"audience_key","email","phone_number"',
    "csv": "person,visitor,user,last_seen,last_event,country,device,channel,email_sha256,phone_sha256,partner_uid",
}
"""Pinterest, X and The Trade Desk's CRM drop have values only."""

ENDPOINTS = {  # what brings; what takes back where that is another call
    "google": (
        "POST https://datamanager.googleapis.com/v1/audienceMembers:ingest",
        "POST https://datamanager.googleapis.com/v1/audienceMembers:remove",
    ),
    "dv360": (
        "POST https://displayvideo.googleapis.com/v4/firstPartyAndPartnerAudiences/{AUDIENCE_ID}:editCustomerMatchMembers",
    ),
    "meta": (
        "POST https://graph.facebook.com/v25.0/{AUDIENCE_ID}/users",
        "DELETE https://graph.facebook.com/v25.0/{AUDIENCE_ID}/users",
    ),
    "tiktok": ("POST https://business-api.tiktok.com/open_api/v1.3/segment/mapping/",),
    "linkedin": ("POST https://api.linkedin.com/rest/dmpSegments/{SEGMENT_ID}/users",),
    "pinterest": ("PATCH https://api.pinterest.com/v5/ad_accounts/{AD_ACCOUNT_ID}/customer_lists/{EMAIL_LIST_ID}",),
    "snapchat": (
        "POST https://adsapi.snapchat.com/v1/segments/{SEGMENT_ID}/users",
        "DELETE https://adsapi.snapchat.com/v1/segments/{SEGMENT_ID}/users",
    ),
    "microsoft": ("POST https://campaign.api.bingads.microsoft.com/CampaignManagement/v13/CustomerListUserData/Apply",),
    "x": ("POST https://ads-api.x.com/12/accounts/{ACCOUNT_ID}/custom_audiences/{AUDIENCE_ID}/users",),
    "yandex": (
        "POST https://api-audience.yandex.ru/v1/management/segment/{SEGMENT_ID}/modify_data?modification_type=replace&check_size=false",
    ),
    "ttd": ("POST https://api.thetradedesk.com/v3/crmdata/segment/{ADVERTISER_ID}/{SEGMENT_ID}",),
    "ttd_data": ("POST https://{REGION}-data.adsrvr.org/data/advertiser",),
    "criteo": ("PATCH https://api.criteo.com/2026-07/marketing-solutions/audience-segments/{SEGMENT_ID}/contact-list",),
    "reddit": ("PATCH https://ads-api.reddit.com/api/v3/custom_audiences/{AUDIENCE_ID}/users",),
    "amazon": (
        "POST https://advertising-api.amazon.com/dp/records/hashed/",
        "PATCH https://advertising-api.amazon.com/v2/dp/audience",
    ),
}

FILES = {
    "google": [TRIMMED, PLUS, "mary ann", "o'zoë", PLUS_2, MAIL],
    "dv360": [NO_DOTS, PLUS, "maryann", "o'zoë", PLUS_2, MAIL_NO_DOTS],
    "meta": [TRIMMED, DIGITS, "maryann", "ozoë", "94045", "sanfrancisco", "ca", "us", "1970", "f", DIGITS_2, MAIL, "orlans"],
    "tiktok": [TRIMMED, DIGITS, APPLE, NO_TAG, DIGITS, APPLE, DIGITS_2, ANDROID, SPACED, SPACED_NO_TAG, MAIL, MAIL_NO_TAG],
    "linkedin": [TRIMMED, SPACED, MAIL],
    "pinterest": [TRIMMED, MAIL],
    "snapchat": [TRIMMED, DIGITS, APPLE, DIGITS_2, ANDROID, MAIL],
    "microsoft": PLAIN,
    "x": [TRIMMED, MAIL],
    "yandex": [DIGITS, TRIMMED, DIGITS_2, MAIL],
    "ttd": [BARE, MAIL],  # only gmail.com is looked into
    "ttd_data": [],
    "uid2": [BARE, PLUS, PLUS_2, MAIL],
    "euid": [BARE, PLUS, PLUS_2, MAIL],
    "criteo": [TRIMMED, MAIL],
    "reddit": [BARE, APPLE, ANDROID, MAIL_BARE],
    "amazon": [TRIMMED, DIGITS, "maryann", "ozoe", "1ruedelete", "sanfrancisco", "ca", "94045", "us", DIGITS_2, MAIL, "orleans"],
    "liveramp": [TRIMMED, "8005550100", SPACED, MAIL],
    "openrtb": [],
    "csv": PLAIN,
    "jsonl": PLAIN,
}  # fmt: skip

REQUESTS = FILES | {
    "google": [NO_DOTS, PLUS, "maryann", "o'zoë", PLUS_2, MAIL_NO_DOTS],
    "dv360": [NO_DOTS, PLUS, "maryann", "o'zoë", MAIL_NO_DOTS, PLUS_2],  # who said yes, then the others
    "meta": [TRIMMED, DIGITS, "1970", "01", "02", "ozoë", "maryann", "m", "f", "sanfrancisco", "ca", "94045", "us", DIGITS_2, MAIL, "orlans"],
    "pinterest": [TRIMMED, MAIL, APPLE, ANDROID],  # one kind a call, like some others
    "snapchat": [TRIMMED, MAIL, DIGITS, DIGITS_2, APPLE, ANDROID],
    "microsoft": [TRIMMED, MAIL, PLUS, PLUS_2],
    "uid2": [BARE, MAIL, PLUS, PLUS_2],
    "euid": [BARE, MAIL, PLUS, PLUS_2],
    "x": [TRIMMED, PLUS, APPLE, PLUS_2, ANDROID, MAIL],
    "parquet": PLAIN,
}  # fmt: skip
ONCE = {"uid2", "euid", "amazon"}
"""Requests that take nobody back by hash: none, and by the advertiser's own id."""


SMALLEST = {
    "google": 100, "dv360": 100, "meta": 100, "tiktok": 1_000, "linkedin": 300, "pinterest": 100, "snapchat": 1_000,
    "microsoft": 300, "x": 100, "yandex": 100, "ttd": 1_500, "liveramp": 25,
}  # fmt: skip
LONGEST = {"google": 540, "dv360": 540, "tiktok": 365, "snapchat": 9_999, "microsoft": 180, "ttd_data": 180}
"""Days that a member stays at most. Microsoft: `bulk-service/customer-list`; The Trade Desk: `TTLInMinutes`."""


def digest(network: str, text: str) -> str:
    raw = hashlib.sha256(text.encode()).digest()
    if network == "liveramp" and text.isdigit():
        return hashlib.sha1(text.encode()).hexdigest()
    return base64.b64encode(raw).decode() if network in ("uid2", "euid", "ttd") else raw.hex()


def hashes(text: str) -> list[str]:
    return [one for one in HASH.findall(text) if one not in (UID2, EUID)]  # as the operator gave them


def requests(name: str) -> list[dict]:
    return msgspec.json.decode((GOLDEN / f"{name}.requests.json").read_bytes())


def texts(value: object) -> list[str]:
    if isinstance(value, dict | list):
        return [one for part in (value.values() if isinstance(value, dict) else value) for one in texts(part)]
    return [str(value)]


def test_every_network_has_its_golden_file_and_batch_and_nothing_is_left_over():
    files = {f"{name}.{one.extension}" for name, one in NETWORKS.items()} - {"parquet.parquet"}
    batches = {f"{name}.requests.json" for name, one in NETWORKS.items() if one.build is not None}
    assert {one.name for one in GOLDEN.iterdir()} == files | batches
    assert set(FILES) | {"parquet"} == set(NETWORKS)
    assert set(NETWORKS) - {name.partition(".")[0] for name in batches} == {"liveramp"}  # has no API


def test_lists_have_the_size_and_the_time_that_their_networks_say():
    assert {name: one.minimum for name, one in NETWORKS.items() if one.minimum} == SMALLEST
    assert {name: one.days for name, one in NETWORKS.items() if one.days is not None} == LONGEST
    assert {name for name, one in NETWORKS.items() if one.ends} == {*LONGEST, "x"}, "X: `expires_at`"
    assert {name for name, one in NETWORKS.items() if one.replaces} == {"ttd", "yandex"}
    assert {name for name, one in NETWORKS.items() if one.asks_granted} == {"google", "dv360"}


@pytest.mark.parametrize("name", FILES)
def test_each_hash_of_a_file_is_that_of_the_text_that_the_network_asks_for(name):
    text = (GOLDEN / f"{name}.{NETWORKS[name].extension}").read_text()
    assert hashes(text) == [digest(name, one) for one in FILES[name]]


@pytest.mark.parametrize("name", [name for name, one in NETWORKS.items() if one.build is not None])
def test_each_hash_of_a_batch_is_that_too_and_who_is_taken_back_is_named_as_they_were_brought(name):
    found = hashes("\n".join(one for request in requests(name) for one in texts(request["body"])))
    assert found == [digest(name, one) for one in REQUESTS[name]] * (1 if name in ONCE else 2)


@pytest.mark.parametrize("name", [name for name, one in NETWORKS.items() if one.extension == "csv"])
def test_a_file_begins_with_the_headers_of_the_network(name):
    lines = (GOLDEN / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    if name in HEADERS:
        assert lines[0] == HEADERS[name]
        width = len(next(csv.reader([HEADERS[name]])))
        assert all(len(row) == width for row in csv.reader(lines))
    else:
        assert name in ("pinterest", "x", "ttd")
        assert lines == [digest(name, one) for one in FILES[name]]


@pytest.mark.parametrize("name", ENDPOINTS)
def test_each_call_goes_where_the_network_wants_it(name):
    called = {f"{one['method']} {one['url']}" for one in requests(name)}
    others = {"{MAID_LIST_ID}", "{MOBILE_AUDIENCE_ID}", "PUT {Url}"}
    assert {one for one in called if not any(other in one for other in others)} == set(ENDPOINTS[name])


def test_what_is_not_hashed_is_as_it_stands_on_the_device_and_at_the_operator():
    sent = msgspec.json.encode(requests("ttd_data")).decode()
    assert all(f'"{one}"' in sent for one in (APPLE, ANDROID, UID2, EUID))
    items = requests("ttd_data")[1]["body"]["Items"]
    assert {"TDID": "k-0Zp_7", "Data": [{"Name": "aud_1", "TTLInMinutes": 43_200}]} in items
    kinds = [one["body"]["data"]["attributes"] for one in requests("criteo")]
    gum = {"identifierType": "gum", "gumCallerId": "{GUM_CALLER_ID}", "identifiers": ["k-0Zp_7"]}
    assert [one for one in kinds if "gumCallerId" in one] == [
        {"operation": "remove", **gum},
        {"operation": "add", **gum},
    ]
    people = [one["userIds"] for one in requests("linkedin")[1]["body"]["elements"]]
    assert people[1] == [{"idType": "GOOGLE_AID", "idValue": ANDROID}]
    place = requests("google")[2]["body"]["audienceMembers"][0]["userData"]["userIdentifiers"][2]["addressInfo"]
    assert (place["regionCode"], place["postalCode"]) == ("US", "94045-1234")
