# ruff: noqa: E501 - a request is a line
"""Each network's request for one person, spelled by hand from its documentation: method, address, headers, every key.

The golden batches are written by the code that they check; these are not. Values are letters, so that one sees which cell goes where.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tracker.networks import NETWORKS, Terms

GOLDEN = Path(__file__).parents[1] / "golden" / "networks"
TERMS = Terms(days=30, now_ms=1_795_000_000_000, audience="aud_1", site="shop.example")
JSON = {"Content-Type": "application/json"}
GOOGLE = (
    {"accountId": "{CUSTOMER_ID}", "accountType": "GOOGLE_ADS"},
    {"accountId": "{LOGIN_CUSTOMER_ID}", "accountType": "GOOGLE_ADS"},
)
YES = {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}
DV_YES = {"adUserData": "CONSENT_STATUS_GRANTED", "adPersonalization": "CONSENT_STATUS_GRANTED"}
LINKEDIN = JSON | {
    "X-RestLi-Method": "BATCH_CREATE",
    "X-Restli-Protocol-Version": "2.0.0",
    "LinkedIn-Version": "202604",
}
META = "EXTERN_ID EMAIL PHONE DOBY DOBM DOBD LN FN FI GEN CT ST ZIP COUNTRY MADID".split()
CONTACT = {
    "hashedEmails": ["e"],
    "hashedPhoneNumbers": ["p"],
    "hashedFirstName": "f",
    "hashedLastName": "l",
    "countryCode": "US",
    "zipCodes": ["9"],
}
PERSON = {
    "userData": {
        "userIdentifiers": [
            {"emailAddress": "e"},
            {"phoneNumber": "p"},
            {"addressInfo": {"givenName": "f", "familyName": "l", "regionCode": "US", "postalCode": "9"}},
        ]
    }
}


def google(product: str, member: dict[str, Any], *, add: bool) -> dict[str, Any]:
    place = {"operatingAccount": GOOGLE[0], "loginAccount": GOOGLE[1], "productDestinationId": product}
    body: dict[str, Any] = {"destinations": [place], "encoding": "HEX", "validateOnly": False}
    if not add:  # a removal needs no consent, and asks for no terms
        return body | {"audienceMembers": [member]}
    terms = {"customerMatchTermsOfServiceStatus": "ACCEPTED"}
    return body | {"audienceMembers": [member | {"consent": YES}], "consent": YES, "termsOfService": terms}


def meta(row: list[str]) -> dict[str, Any]:
    source = {"type": "FILE_IMPORTED", "sub_type": "ANYTHING"}
    lists: dict[str, Any] = {"app_ids": [], "page_ids": [], "ig_account_ids": []}
    return {"payload": {"schema": META, "is_raw": True, "data_source": source, "data": [row], **lists}}


def tiktok(action: str) -> dict[str, Any]:
    ids = [{"id": one, "audience_ids": ["{AUDIENCE_ID}"]} if one else {} for one in ("e", "p", "", "a")]
    schema = ["EMAIL_SHA256", "PHONE_SHA256", "IDFA_SHA256", "AAID_SHA256"]
    return {"action": action, "advertiser_ids": ["{ADVERTISER_ID}"], "id_schema": schema, "batch_data": [ids]}


def linkedin(action: str) -> dict[str, Any]:
    ids = [{"idType": "SHA256_EMAIL", "idValue": "e"}, {"idType": "GOOGLE_AID", "idValue": "a"}]
    return {"elements": [{"action": action, "userIds": ids, "country": "US"}]}


def microsoft(action: str, kind: str, item: str) -> dict[str, Any]:
    said = {"ActionType": action, "AudienceId": "{AUDIENCE_ID}", "CustomerListItemSubType": kind}
    return {"CustomerListUserData": said | {"CustomerListItems": [item], "AcceptCustomerMatchTerm": True}}


def criteo(operation: str, kind: str, item: str, **more: str) -> dict[str, Any]:
    said = {"operation": operation, "identifierType": kind, "identifiers": [item], **more}
    return {"data": {"type": "ContactlistAmendment", "attributes": said}}


def trade_desk(minutes: int) -> dict[str, Any]:
    data = [{"Name": "aud_1", "TTLInMinutes": minutes}]
    items = [
        {kind: value, "Data": data} for kind, value in (("TDID", "t"), ("DAID", "d"), ("UID2", "u"), ("EUID", "v"))
    ]
    return {"DataProviderId": "{DATA_PROVIDER_ID}", "AdvertiserId": "{ADVERTISER_ID}", "Items": items}


DM = "https://datamanager.googleapis.com/v1/audienceMembers:"
DV = "https://displayvideo.googleapis.com/v4/firstPartyAndPartnerAudiences/{%s}:editCustomerMatchMembers"
FB = "https://graph.facebook.com/v25.0/{AUDIENCE_ID}/users"
TT = "https://business-api.tiktok.com/open_api/v1.3/segment/mapping/"
LI = "https://api.linkedin.com/rest/dmpSegments/{SEGMENT_ID}/users"
PIN = "https://api.pinterest.com/v5/ad_accounts/{AD_ACCOUNT_ID}/customer_lists/{%s_LIST_ID}"
SNAP = "https://adsapi.snapchat.com/v1/segments/{SEGMENT_ID}/users"
MS = "https://campaign.api.bingads.microsoft.com/CampaignManagement/v13/CustomerListUserData/Apply"
X = "https://ads-api.x.com/12/accounts/{ACCOUNT_ID}/custom_audiences/{AUDIENCE_ID}/users"
YA = "https://api-audience.yandex.ru/v1/management/segment/{SEGMENT_ID}/modify_data?modification_type=replace&check_size=false"
TTD = "https://api.thetradedesk.com/v3/crmdata/segment/{ADVERTISER_ID}/{SEGMENT_ID}"
DATA = "https://{REGION}-data.adsrvr.org/data/advertiser"
CRITEO = "https://api.criteo.com/2026-07/marketing-solutions/audience-segments/{SEGMENT_ID}/contact-list"
REDDIT = "https://ads-api.reddit.com/api/v3/custom_audiences/{AUDIENCE_ID}/users"
AMAZON = "https://advertising-api.amazon.com"
X_USER = {"email": ["e"], "phone_number": ["p"], "device_id": ["d"], "partner_user_id": ["i"]}
X_TIMES = {"effective_at": "2026-11-18T11:06:40.000Z", "expires_at": "2026-12-18T11:06:40.000Z"}
AMAZON_USER = {"email": "e", "phone": "p", "firstName": "f", "lastName": "l", "address": "s", "city": "c", "state": "t", "postalCode": "9", "country": "u"}  # fmt: skip
OWN = {"source": "shop.example", "inserter": "shop.example", "mm": 4, "uids": [{"id": "v", "atype": 1}]}
UID = {"source": "uidapi.com", "mm": 3, "uids": [{"id": "u", "atype": 3}]}
TWIN = {"source": "euid.eu", "mm": 3, "uids": [{"id": "w", "atype": 3}]}

Wire = tuple[str, str, dict[str, str], Any]
LETTERS: dict[str, tuple[str, list[Wire], list[Wire]]] = {  # cells of one person; how they are brought; how taken back
    "google": (
        "e p f l US 9 d",
        [("POST", DM + "ingest", JSON, google("{USER_LIST_ID}", PERSON, add=True)), ("POST", DM + "ingest", JSON, google("{MOBILE_LIST_ID}", {"mobileData": {"mobileIds": ["d"]}}, add=True))],
        [("POST", DM + "remove", JSON, google("{USER_LIST_ID}", PERSON, add=False)), ("POST", DM + "remove", JSON, google("{MOBILE_LIST_ID}", {"mobileData": {"mobileIds": ["d"]}}, add=False))],
    ),
    "dv360": (
        "e p f l US 9 d",
        [("POST", DV % "AUDIENCE_ID", JSON, {"advertiserId": "{ADVERTISER_ID}", "addedContactInfoList": {"contactInfos": [CONTACT], "consent": DV_YES}}),
         ("POST", DV % "MOBILE_AUDIENCE_ID", JSON, {"advertiserId": "{ADVERTISER_ID}", "addedMobileDeviceIdList": {"mobileDeviceIds": ["d"], "consent": DV_YES}})],
        [("POST", DV % "AUDIENCE_ID", JSON, {"advertiserId": "{ADVERTISER_ID}", "removedContactInfoList": {"contactInfos": [CONTACT]}}),
         ("POST", DV % "MOBILE_AUDIENCE_ID", JSON, {"advertiserId": "{ADVERTISER_ID}", "removedMobileDeviceIdList": {"mobileDeviceIds": ["d"]}})],
    ),
    "meta": (
        "x e p 1970 01 02 l f i g c s z u -",
        [("POST", FB, JSON, meta(["x", "e", "p", "1970", "01", "02", "l", "f", "i", "g", "c", "s", "z", "u", ""]))],
        [("DELETE", FB, JSON, meta(["x", "e", "p", "1970", "01", "02", "l", "f", "i", "g", "c", "s", "z", "u", ""]))],
    ),
    "tiktok": (
        "e p - a",
        [("POST", TT, JSON | {"Access-Token": "{ACCESS_TOKEN}"}, tiktok("add"))],
        [("POST", TT, JSON | {"Access-Token": "{ACCESS_TOKEN}"}, tiktok("delete"))],
    ),
    "linkedin": ("e a US", [("POST", LI, LINKEDIN, linkedin("ADD"))], [("POST", LI, LINKEDIN, linkedin("REMOVE"))]),
    "pinterest": (
        "e m",
        [("PATCH", PIN % "EMAIL", JSON, {"operation_type": "ADD", "records": "e"}), ("PATCH", PIN % "MAID", JSON, {"operation_type": "ADD", "records": "m"})],
        [("PATCH", PIN % "EMAIL", JSON, {"operation_type": "REMOVE", "records": "e"}), ("PATCH", PIN % "MAID", JSON, {"operation_type": "REMOVE", "records": "m"})],
    ),
    "snapchat": (
        "e p m",
        [("POST", SNAP, JSON, {"users": [{"schema": [kind], "data": [[one]]}]}) for kind, one in (("EMAIL_SHA256", "e"), ("PHONE_SHA256", "p"), ("MOBILE_AD_ID_SHA256", "m"))],
        [("DELETE", SNAP, JSON, {"users": [{"schema": [kind], "data": [[one]]}]}) for kind, one in (("EMAIL_SHA256", "e"), ("PHONE_SHA256", "p"), ("MOBILE_AD_ID_SHA256", "m"))],
    ),
    "microsoft": (
        "e p",
        [("POST", MS, JSON, microsoft("Add", "Email", "e")), ("POST", MS, JSON, microsoft("Add", "Phone", "p"))],
        [("POST", MS, JSON, microsoft("Remove", "Email", "e")), ("POST", MS, JSON, microsoft("Remove", "Phone", "p"))],
    ),
    "x": (
        "e p d i",
        [("POST", X, JSON, [{"operation_type": "Update", "params": {**X_TIMES, "users": [X_USER]}}])],
        [("POST", X, JSON, [{"operation_type": "Delete", "params": {"users": [X_USER]}}])],
    ),
    "yandex": ("p e i", [("POST", YA, {"Content-Type": "multipart/form-data"}, {"file": "phone,email,ext_id\r\np,e,i\r\n"})], []),
    "ttd": (
        "e",
        [("POST", TTD, JSON | {"TTD-Auth": "{TTD_AUTH}"}, {"PiiType": "EmailHashedUnifiedId2", "MergeMode": "Replace", "RetentionEnabled": True}),
         ("PUT", "{Url}", {"Content-Type": "text/plain"}, "e")],
        [],
    ),
    "ttd_data": ("t d u v", [("POST", DATA, JSON, trade_desk(43_200))], [("POST", DATA, JSON, trade_desk(0))]),
    "uid2": ("e p", [("POST", "{OPERATOR_URL}/v3/identity/map", JSON, {"email_hash": ["e"], "phone_hash": ["p"]})], []),
    "euid": ("e p", [("POST", "{OPERATOR_URL}/v3/identity/map", JSON, {"email_hash": ["e"], "phone_hash": ["p"]})], []),
    "criteo": (
        "e g",
        [("PATCH", CRITEO, JSON, criteo("add", "email", "e")), ("PATCH", CRITEO, JSON, criteo("add", "gum", "g", gumCallerId="{GUM_CALLER_ID}"))],
        [("PATCH", CRITEO, JSON, criteo("remove", "email", "e")), ("PATCH", CRITEO, JSON, criteo("remove", "gum", "g", gumCallerId="{GUM_CALLER_ID}"))],
    ),
    "reddit": (
        "e m",
        [("PATCH", REDDIT, JSON, {"data": {"action_type": "ADD", "column_order": ["EMAIL_SHA256", "MAID_SHA256"], "user_data": [["e", "m"]]}})],
        [("PATCH", REDDIT, JSON, {"data": {"action_type": "REMOVE", "column_order": ["EMAIL_SHA256", "MAID_SHA256"], "user_data": [["e", "m"]]}})],
    ),
    "amazon": (
        "e p f l s c t 9 u i",
        [("POST", f"{AMAZON}/dp/records/hashed/", JSON, {"records": [{"hashedRecords": [AMAZON_USER], "externalId": "i"}]}),
         ("PATCH", f"{AMAZON}/v2/dp/audience", JSON, {"patches": [{"op": "add", "path": "/EXTERNAL_USER_ID-i/audiences", "value": ["{AUDIENCE_ID}"]}]})],
        [("PATCH", f"{AMAZON}/v2/dp/audience", JSON, {"patches": [{"op": "remove", "path": "/EXTERNAL_USER_ID-i/audiences", "value": ["{AUDIENCE_ID}"]}]})],
    ),
    "openrtb": (
        "v b u w",
        [("POST", "{URL}", JSON, [{"user": {"buyeruid": "b", "data": [{"name": "shop.example", "segment": [{"id": "aud_1"}]}], "eids": [OWN, UID, TWIN]}}])],
        [("POST", "{URL}", JSON, [{"user": {"buyeruid": "b", "data": [{"name": "shop.example", "segment": []}], "eids": [OWN, UID, TWIN]}}])],
    ),
}  # fmt: skip
REPLACED = {"yandex", "ttd"}
ASKED = {"uid2", "euid"}
GENERAL = {"csv", "jsonl", "parquet"}


def wire(name: str, action: Any, cells: str) -> list[Wire]:
    row = tuple("" if one == "-" else one for one in cells.split())
    found = NETWORKS[name].requests(action, [(row, True)], TERMS)
    plain = [msgspec.to_builtins(one) for one in found]
    return [
        (one["method"], one["url"], one["headers"], msgspec.json.decode(msgspec.json.encode(one["body"])))
        for one in plain
    ]


def test_every_network_with_an_api_is_spelled():
    assert set(LETTERS) | GENERAL == {name for name, one in NETWORKS.items() if one.build is not None}


@pytest.mark.parametrize("name", LETTERS)
def test_a_request_is_what_the_network_s_documentation_says_letter_by_letter(name):
    cells, brought, taken_back = LETTERS[name]
    assert wire(name, "add", cells) == brought
    if name in ASKED:
        assert wire(name, "remove", cells) == []
    elif name not in REPLACED:
        assert wire(name, "remove", cells) == taken_back


def test_who_said_nothing_about_ads_is_said_to_have_said_nothing():
    """Google's words; DV360's list has one consent for all in it, so they go apart."""
    row = ("e", *[""] * 6)
    [said] = NETWORKS["google"].requests("add", [(row, False), (row, True)], TERMS)
    nothing = {"adUserData": "CONSENT_STATUS_UNSPECIFIED", "adPersonalization": "CONSENT_STATUS_UNSPECIFIED"}
    assert [one["consent"] for one in said.body["audienceMembers"]] == [nothing, YES]
    assert said.body["consent"] == nothing, "of all of them at most what every one of them said"
    lists = [
        one.body["addedContactInfoList"]
        for one in NETWORKS["dv360"].requests("add", [(row, False), (row, True)], TERMS)
    ]
    assert [one["consent"] for one in lists] == [DV_YES, nothing]


def test_nobody_is_named_twice_in_a_batch_of_one_kind():
    """Snapchat: never send duplicates; two persons may share an address."""
    rows = [(("e", "p", ""), True), (("e", "q", ""), True)]
    found = list(NETWORKS["snapchat"].requests("add", rows, TERMS))
    assert [one.body["users"][0]["data"] for one in found] == [[["e"]], [["p"], ["q"]]]


@pytest.mark.parametrize("name", [name for name, one in NETWORKS.items() if one.extension != "parquet"])
def test_a_file_is_utf_8_without_a_mark_and_every_line_of_it_ends(name):
    """CRLF as RFC 4180 has it for CSV, LF for JSON lines; quotes where a network asks for them and nowhere else."""
    network = NETWORKS[name]
    blob = (GOLDEN / f"{name}.{network.extension}").read_bytes()
    assert not blob.startswith(b"\xef\xbb\xbf") and blob.decode("utf-8") and blob.endswith(b"\n")
    if network.extension == "csv":
        assert blob.count(b"\r\n") == blob.count(b"\n") == blob.count(b"\r") == len(blob.splitlines())
        cells = [cell for line in blob.decode().splitlines() for cell in line.split(",")]
        quoted = [cell for cell in cells if cell.startswith('"') and cell.endswith('"') and len(cell) > 1]
        assert len(quoted) == (len(cells) if name == "liveramp" else 0)
    else:
        assert b"\r" not in blob and all(msgspec.json.decode(line) for line in blob.splitlines())


def test_cells_are_quoted_as_each_network_s_file_needs():
    ramp, google_ = NETWORKS["liveramp"], NETWORKS["google"]
    assert b"".join(ramp.write([("k", "", 'a"b')], TERMS)) == b'"k","","a""b"\r\n'
    assert b"".join(google_.write([("", "", "", "", "GB", 'WC2H, "8LG"')], TERMS)) == b',,,,GB,"WC2H, ""8LG"""\r\n'
    assert "zoë,é".encode() in b"".join(google_.write([("", "", "zoë", "é", "", "")], TERMS))
    assert (ramp.compression, ramp.head(TERMS)) == ("gzip", b'"audience_key","email","phone_number"\r\n')
