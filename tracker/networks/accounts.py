"""What it takes to speak to a network's API: which ids and secrets of an account, and what its answers mean. Pure.

Source: each network's documentation. How the tokens are fetched is in `audiences.delivery.tokens`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Auth = Literal["bearer", "oauth", "google", "oauth1", "client", "header", "url", "operator"]


@dataclass(frozen=True)
class Reading:
    """What an answer means. `refused`: rows that the network did not take; `again`: the same may succeed later.

    `content`: it refuses what is in the request, not who asks, so that a part of it may be taken without the rest.
    `items`: those it names, by their place in the request, and why each is refused.
    """

    good: bool
    refused: int = 0
    again: bool = False
    why: str = ""
    content: bool = False
    items: Mapping[int, str] = field(default_factory=dict)


Read = Callable[[int, Any], Reading]


REFRESH = ("client_id", "client_secret", "refresh_token")
_ITEM = re.compile(r"\bevents\[(\d{1,5})\](?:\.([A-Za-z_.\[\]0-9]{1,80}))?")
_PLACE = re.compile(r"\[\d+\]")
_REASON = re.compile(r"[A-Z][A-Z_]{2,80}")
_CREDENTIALS = "the network does not take these credentials"


def plain(status: int, _body: Any) -> Reading:
    """2xx is yes; 401 and 403 are about credentials."""
    if 200 <= status < 300:
        return Reading(True)
    if status in (401, 403):
        return Reading(False, why=_CREDENTIALS)
    return Reading(False, why=f"the network answers {status}", content=status in (400, 413, 422))


@dataclass(frozen=True, kw_only=True)
class Account:
    """`ids`: what replaces `{NAME}` in requests, `maybe`: those that may be left out, `defaults`: what they are then;
    of `spared` the request loses the key, of the others it is not sent. `secrets`: sets, one of which is needed;
    `more`: those that may be given beside them. `headers`: name -> which id or secret it carries; `signed`: name ->
    under which secret it carries the body's signature. `token_url`: where a refresh token is changed. `carries`: the
    key of a request's list of which each item stands for itself; where it is known, a refused item does not cost the
    others anything.
    """

    auth: Auth
    ids: tuple[str, ...]
    maybe: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    secrets: tuple[tuple[str, ...], ...] = (("access_token",),)
    more: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    signed: tuple[tuple[str, str], ...] = ()
    defaults: tuple[tuple[str, str], ...] = ()
    token_url: str = ""
    scope: str = ""
    read: Read = plain
    carries: str = ""
    note: str = ""


def _dict(body: Any) -> dict[str, Any]:
    return body if isinstance(body, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def read_meta(status: int, body: Any) -> Reading:
    """Codes 4, 17, 32, 613 and 80003 are limits; 190 and 102 are about the token; subcode 1713230: flagged."""
    error = _dict(_dict(body).get("error"))
    if not error:
        return Reading(True, _number(_dict(body).get("num_invalid_entries"))) if status < 300 else plain(status, body)
    code, subcode = error.get("code"), error.get("error_subcode")
    if code in (4, 17, 32, 613, 80003, 1, 2) or error.get("is_transient") is True:
        return Reading(False, again=True, why="the network asks to come again later")
    if code in (102, 190):
        return Reading(False, why=_CREDENTIALS)
    if subcode == 1713230:
        return Reading(False, why="Meta has flagged this audience; look at it in the Ads Manager")
    said = f"the network refuses: code {_number(code)}" + (f", subcode {subcode}" if _number(subcode) else "")
    return Reading(False, why=said, content=code == 100)


def read_tiktok(status: int, body: Any) -> Reading:
    """Success is 200 and code 0, and nothing else: no other code is taken for a part of it. 40100 is the rate, 40105
    the token, 50000 and up are theirs.
    """
    code = _dict(body).get("code")
    if status < 300 and code == 0:
        return Reading(True)
    if code == 40100 or (isinstance(code, int) and code >= 50_000):
        return Reading(False, again=True, why="the network asks to come again later")
    if code in (40001, 40105):
        return Reading(False, why=_CREDENTIALS)
    if status < 300:
        return Reading(False, why=f"the network refuses: code {_number(code)}", content=True)
    return plain(status, body)


def _linkedin(status: int, body: Any) -> Reading:
    """Each element has its own status. A new segment is 404 for a minute or two."""
    if status == 404:
        return Reading(False, again=True, why="LinkedIn does not know this segment, or not yet")
    return read_elements(status, body)


def read_elements(status: int, body: Any) -> Reading:
    """LinkedIn: what was created in a batch, each with its own status."""
    elements = [_dict(one) for one in _list(_dict(body).get("elements"))]
    if status < 300:
        said = {at: _number(one.get("status")) for at, one in enumerate(elements)}
        bad = {at: f"the network answers {code} for it" for at, code in said.items() if code >= 400}
        return Reading(True, len(bad), items=bad)
    return plain(status, body)


def read_google(status: int, body: Any) -> Reading:
    """A `google.rpc.BadRequest` names what is wrong by its path, like `events.events[3].event_timestamp`.

    Its description may repeat what was sent; only the field's name and the reason, a constant, are passed on.
    """
    reading = plain(status, body)
    if not reading.content:
        return reading
    details = [_dict(one) for one in _list(_dict(_dict(body).get("error")).get("details"))]
    violations = [_dict(one) for detail in details for one in _list(detail.get("fieldViolations"))]
    items: dict[int, str] = {}
    for one in violations:
        if (found := _ITEM.search(str(one.get("field", "")))) is not None:
            reason = str(one.get("reason", ""))
            said = [_PLACE.sub("", found[2] or "an event"), *([reason] if _REASON.fullmatch(reason) else [])]
            items.setdefault(int(found[1]), f"the network refuses {': '.join(said)}")
    return replace(reading, items=items)


def _snapchat(status: int, body: Any) -> Reading:
    said = _dict(body).get("request_status", "SUCCESS")
    if status < 300 and str(said).upper() != "SUCCESS":
        return Reading(False, why="the network refuses this request")
    return plain(status, body)


def _microsoft(status: int, body: Any) -> Reading:
    """Partial errors name an item each; the faults 105 and 109 are about credentials, whatever the status."""
    told = _dict(body)
    codes = {_dict(one).get("Code") for one in [*_list(told.get("Errors")), *_list(told.get("OperationErrors"))]}
    if codes & {105, 109}:
        return Reading(False, why=_CREDENTIALS)
    if 117 in codes:
        return Reading(False, again=True, why="the network asks to come again later")
    if status >= 300 or codes:
        return plain(status if status >= 300 else 400, body)
    return Reading(True, len({_dict(one).get("Index") for one in _list(told.get("PartialErrors"))}))


def _x(status: int, body: Any) -> Reading:
    data = _dict(_dict(body).get("data"))
    if status < 300:
        return Reading(True, max(_number(data.get("total_count")) - _number(data.get("success_count")), 0))
    return plain(status, body)


def _ttd(status: int, body: Any) -> Reading:
    """200 may still carry lines that failed."""
    return Reading(True, len(_list(_dict(body).get("FailedLines")))) if status < 300 else plain(status, body)


def _criteo(status: int, body: Any) -> Reading:
    told = _dict(body)
    if status < 300 and not _list(told.get("errors")):
        attributes = _dict(_dict(told.get("data")).get("attributes"))
        return Reading(True, _number(attributes.get("nbInvalidIdentifiers")))
    return plain(status if status >= 300 else 400, body)


def _pinterest(status: int, body: Any) -> Reading:
    if status < 300 and _dict(body).get("status") == "FAILED":
        return Reading(False, why="the network refuses this list")
    return plain(status, body)


GOOGLE: dict[str, Any] = {
    "auth": "google",
    "secrets": (("service_account_key",), REFRESH),
    "token_url": "https://oauth2.googleapis.com/token",
}

_ASKED = "an operator is asked for ids on the way to The Trade Desk and OpenRTB; no audience is delivered to it"

ACCOUNTS: dict[str, Account] = {
    "google": Account(
        ids=("CUSTOMER_ID", "USER_LIST_ID"),
        maybe=("LOGIN_CUSTOMER_ID", "MOBILE_LIST_ID"),
        scope="https://www.googleapis.com/auth/datamanager",
        note="ids without hyphens; `MOBILE_LIST_ID`: a list of advertising ids",
        **GOOGLE,
    ),
    "dv360": Account(
        ids=("ADVERTISER_ID", "AUDIENCE_ID"),
        maybe=("MOBILE_AUDIENCE_ID",),
        scope="https://www.googleapis.com/auth/display-video",
        **GOOGLE,
    ),
    "meta": Account(
        auth="bearer",
        ids=("AUDIENCE_ID",),
        more=("app_secret",),
        read=read_meta,
        note="with `app_secret` every request carries its proof",
    ),
    "tiktok": Account(
        auth="header",
        ids=("ADVERTISER_ID", "AUDIENCE_ID"),
        headers=(("Access-Token", "access_token"),),
        read=read_tiktok,
    ),
    "linkedin": Account(auth="bearer", ids=("SEGMENT_ID",), read=_linkedin, note="needs LinkedIn's approval"),
    "pinterest": Account(
        auth="bearer", ids=("AD_ACCOUNT_ID", "EMAIL_LIST_ID"), maybe=("MAID_LIST_ID",), read=_pinterest
    ),
    "snapchat": Account(
        auth="bearer",
        ids=("SEGMENT_ID",),
        secrets=(REFRESH, ("access_token",)),
        token_url="https://accounts.snapchat.com/login/oauth2/access_token",  # noqa: S106
        read=_snapchat,
    ),
    "microsoft": Account(
        auth="bearer",
        ids=("AUDIENCE_ID", "CUSTOMER_ID", "ACCOUNT_ID"),
        secrets=((*REFRESH, "developer_token"), ("access_token", "developer_token")),
        headers=(
            ("DeveloperToken", "developer_token"),
            ("CustomerId", "CUSTOMER_ID"),
            ("CustomerAccountId", "ACCOUNT_ID"),
        ),
        token_url="https://login.microsoftonline.com/common/oauth2/v2.0/token",  # noqa: S106
        scope="https://ads.microsoft.com/msads.manage offline_access",
        read=_microsoft,
    ),
    "x": Account(
        auth="oauth1",
        ids=("ACCOUNT_ID", "AUDIENCE_ID"),
        secrets=(("consumer_key", "consumer_secret", "token", "token_secret"),),
        read=_x,
    ),
    "yandex": Account(auth="oauth", ids=("SEGMENT_ID",), note="the segment is made of a first file, hashed, by hand"),
    "ttd": Account(
        auth="header",
        ids=("ADVERTISER_ID", "SEGMENT_ID"),
        secrets=(("ttd_auth",),),
        headers=(("TTD-Auth", "ttd_auth"),),
        read=_ttd,
    ),
    "ttd_data": Account(
        auth="header",
        ids=("ADVERTISER_ID",),
        maybe=("DATA_PROVIDER_ID", "REGION"),
        spared=("DATA_PROVIDER_ID",),
        secrets=(("advertiser_secret",),),
        more=("data_provider_secret",),
        signed=(("TtdSignature", "advertiser_secret"), ("TtdSignature-dp", "data_provider_secret")),
        defaults=(("REGION", "use"),),
        read=_ttd,
        note="`REGION` is use, usw, euw, sin or tok; for China give `base_url`: https://data-cn2.adsrvr.cn",
    ),
    "uid2": Account(auth="operator", ids=("OPERATOR_URL",), secrets=(("api_key", "client_secret"),), note=_ASKED),
    "euid": Account(auth="operator", ids=("OPERATOR_URL",), secrets=(("api_key", "client_secret"),), note=_ASKED),
    "criteo": Account(
        auth="client",
        ids=("SEGMENT_ID",),
        maybe=("GUM_CALLER_ID",),
        secrets=(("client_id", "client_secret"),),
        token_url="https://api.criteo.com/oauth2/token",  # noqa: S106
        read=_criteo,
    ),
    "reddit": Account(
        auth="bearer",
        ids=("AUDIENCE_ID",),
        secrets=(("access_token",), REFRESH),
        token_url="https://www.reddit.com/api/v1/access_token",  # noqa: S106
    ),
    "amazon": Account(
        auth="bearer",
        ids=("AUDIENCE_ID",),
        secrets=(REFRESH,),
        headers=(("Amazon-Advertising-API-ClientId", "client_id"),),
        token_url="https://api.amazon.com/auth/o2/token",  # noqa: S106
    ),
    "openrtb": Account(auth="url", ids=("URL",), secrets=((), ("access_token",))),
    "csv": Account(auth="url", ids=("URL",), secrets=((), ("access_token",))),
    "jsonl": Account(auth="url", ids=("URL",), secrets=((), ("access_token",))),
    "parquet": Account(auth="url", ids=("URL",), secrets=((), ("access_token",))),
}
"""LiveRamp has no API."""
