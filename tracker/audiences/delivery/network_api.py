"""A network's own API: the requests that `tracker.networks` makes, with the account's ids and credentials put in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from tracker.audiences.delivery import apart
from tracker.audiences.delivery.sender import Outcome, Shipment
from tracker.audiences.delivery.tokens import access_token, app_proof, oauth1
from tracker.core.errors import Refused, TryLater
from tracker.networks import Request, Terms, google
from tracker.networks.accounts import Reading
from tracker.networks.conversions.accounts import ALL_ACCOUNTS
from tracker.networks.linkedin import VERSION
from tracker.networks.network import MULTIPART
from tracker.outbound import Answer, Call, Door


class NetworkApi:
    """One account. `base_url` stands in for the network's scheme and host: for a proxy, and for tests."""

    leaves_nothing = False
    in_parts = True

    def __init__(
        self, door: Door, network: str, ids: Mapping[str, str], secrets: Mapping[str, str], base_url: str = ""
    ) -> None:
        self._door, self._network, self._secrets, self._base = door, network, secrets, base_url
        self._account = ALL_ACCOUNTS[network]
        self._ids = {**dict(self._account.defaults), **ids}
        if network in ("google", "google_conversions"):
            # Its pages write an account as 123-456-7890, its API takes 1234567890.
            self._ids = {name: value.replace("-", "") for name, value in self._ids.items()}
            self._ids.setdefault("LOGIN_CUSTOMER_ID", self._ids["CUSTOMER_ID"])
        self._token: str | None = None

    def check(self) -> list[str]:
        """Fetch a token; where the network has a way to try without doing, use it."""
        self._known_token()
        if self._network == "google":
            nobody = hashlib.sha256(b"nobody@example.com").hexdigest()
            row = (nobody, *[""] * (len(google.COLUMNS) - 1))
            [tried] = google.build("remove", [row], [True], Terms(days=0, now_ms=0, audience="", site=""))
            self._said(_filled(msgspec.structs.replace(tried, body={**tried.body, "validateOnly": True}), self._ids))
            return []
        if self._network in _LOOKS:
            address, headers = _LOOKS[self._network]
            self._said(_filled(Request("GET", address, headers, None), self._ids))
            return []
        return ["this network has no way to try without sending: the first delivery will show"]

    def send(self, shipment: Shipment, understood: Callable[[int], None]) -> Outcome:
        """One request after the other, in the order they were written."""
        outcome, known = Outcome(), dict(self._ids)
        for number, request in enumerate(_requests(shipment), 1):
            filled = self._without(_filled(request, known))
            if lacking := self._lacking(filled):  # of another kind of identifier, which this account does not take
                missing = f"{lacking} is not set: what is for it was left out"
                outcome.warnings += [missing] if missing not in outcome.warnings else []
            elif self._account.carries:
                reasons = apart.refused(lambda some: self._asked(some)[0], filled, self._account.carries)
                outcome.refused += reasons.total()
                outcome.reasons = dict(reasons + Counter(outcome.reasons))
            else:
                refused, told = self._said(filled)
                outcome.refused += refused
                if isinstance(told, dict) and isinstance(told.get("Url"), str):
                    known["Url"] = told["Url"]  # The Trade Desk: where the next request goes
            understood(number)
        return outcome

    def settle(self, _shipment: Shipment) -> bool:
        """What was taken is in the ledger; the rest is said again by the next delivery, which may not harm."""
        return False

    def _lacking(self, request: Request) -> str:
        """The name of an id that it cannot do without and that is not known; "" where there is none."""
        if "{" in request.url:
            return request.url.partition("{")[2].partition("}")[0]
        gone = [name for name in self._account.maybe if name not in self._ids]
        raw = msgspec.json.encode(request.body) if gone else b""
        return next((name for name in gone if f"{{{name}}}".encode() in raw), "")

    def _without(self, request: Request) -> Request:
        """Without those keys of the body that name an id which the request can spare, and which is not known."""
        gone = {f"{{{name}}}" for name in self._account.spared if name not in self._ids}
        if not gone or not isinstance(request.body, dict):
            return request
        kept = {key: value for key, value in request.body.items() if not (isinstance(value, str) and value in gone)}
        return msgspec.structs.replace(request, body=kept)

    def _said(self, request: Request) -> tuple[int, Any]:
        """(rows refused, the decoded answer). Raises Refused, TryLater."""
        reading, told = self._asked(request)
        if not reading.good:
            raise Refused(reading.why, code="network_refused")
        return reading.refused, told

    def _asked(self, request: Request) -> tuple[Reading, Any]:
        """(what the answer means, the decoded answer). Raises TryLater where the same may succeed later."""
        body: bytes = b""
        kind = request.headers.get("Content-Type", "")
        if isinstance(request.body, str):
            body = request.body.encode()
        elif kind == MULTIPART:
            body, kind = _multipart(request.body)
        elif request.body is not None:
            token = self._known_token()
            proof = app_proof(self._secrets["app_secret"], token, int(time.time())) if self._proves else {}
            body = msgspec.json.encode({**request.body, **proof} if proof else request.body)
        url = self._moved(request.url)
        named = {"Content-Type": kind} if kind else {}
        head = {**request.headers, **named, **self._head(request.method, request.url), **self._signatures(body)}
        answer = self._door.send(Call(method=request.method, url=url, headers=head, body=body))
        told = _decoded(answer)
        reading = self._account.read(answer.status, told)
        if reading.again:
            raise TryLater(reading.why, code="network_busy")
        return reading, told

    @property
    def _proves(self) -> bool:
        return "app_secret" in self._account.more and "app_secret" in self._secrets

    def _known_token(self) -> str:
        if self._token is None:
            url = self._moved(self._account.token_url) if self._account.token_url else ""
            self._token = access_token(self._door, self._account, self._secrets, url)
        return self._token

    def _head(self, method: str, url: str) -> dict[str, str]:
        account = self._account
        known = {**self._ids, **self._secrets}
        if self._network == "ttd" and method == "PUT":
            return {}  # to a place that is signed already, of somebody else
        head = {name: known[what] for name, what in account.headers}
        if account.auth == "oauth1":
            head["Authorization"] = oauth1(method, self._moved(url), self._secrets)
        elif account.auth != "header":
            token = self._known_token()
            scheme = "OAuth" if account.auth == "oauth" else "Bearer"
            head |= {"Authorization": f"{scheme} {token}"} if token else {}
        return head

    def _signatures(self, body: bytes) -> dict[str, str]:
        """The Trade Desk: Base64 of HMAC-SHA1 of the body, under each secret that is known."""
        known = [(name, self._secrets[what]) for name, what in self._account.signed if self._secrets.get(what)]
        return {
            name: base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha1)).decode() for name, secret in known
        }

    def _moved(self, url: str) -> str:
        if not self._base or not url.startswith("https://") or self._account.auth == "url":
            return url
        base, parts = urlsplit(self._base), urlsplit(url)
        if not _of_network(parts.hostname or ""):
            return url
        path = base.path.rstrip("/") + parts.path
        return urlunsplit((base.scheme, base.netloc, path, parts.query, ""))


_LOOKS: dict[str, tuple[str, dict[str, str]]] = {
    "meta": ("https://graph.facebook.com/v25.0/{AUDIENCE_ID}?fields=id", {}),
    "meta_conversions": ("https://graph.facebook.com/v25.0/{PIXEL_ID}?fields=id", {}),
    "linkedin_conversions": ("https://api.linkedin.com/rest/adAccounts/{AD_ACCOUNT_ID}", VERSION),
}
"""Networks where looking at the account shows whether the credentials are good."""

_HOSTS = (
    "googleapis.com facebook.com tiktok.com linkedin.com pinterest.com snapchat.com bingads.microsoft.com "
    "microsoftonline.com x.com thetradedesk.com adsrvr.org criteo.com reddit.com amazon.com yandex.ru"
).split()


def _of_network(host: str) -> bool:
    return any(host == one or host.endswith(f".{one}") for one in _HOSTS)


def _requests(shipment: Shipment) -> Iterator[Request]:
    decoder = msgspec.json.Decoder(Request)
    for file in shipment.files:
        with (shipment.folder / file.name).open("rb") as lines:
            for line in lines:
                yield decoder.decode(line)


def _filled(request: Request, known: Mapping[str, str]) -> Request:
    """The request with `{NAME}` replaced wherever it stands, as text that needs no quoting (`options.ID`)."""
    raw = msgspec.json.encode(request)
    for name, value in known.items():
        raw = raw.replace(f"{{{name}}}".encode(), msgspec.json.encode(value)[1:-1])
    return msgspec.json.decode(raw, type=Request)


def _multipart(files: Mapping[str, str]) -> tuple[bytes, str]:
    """(the body, its content type): each entry as a CSV file (RFC 7578)."""
    line = uuid.uuid4().hex
    parts = [
        f'--{line}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}.csv"\r\n'
        f"Content-Type: text/csv\r\n\r\n{text}\r\n"
        for name, text in files.items()
    ]
    return "".join((*parts, f"--{line}--\r\n")).encode(), f"{MULTIPART}; boundary={line}"


def _decoded(answer: Answer) -> Any:
    try:
        return msgspec.json.decode(answer.body)
    except (ValueError, UnicodeDecodeError):
        return None
