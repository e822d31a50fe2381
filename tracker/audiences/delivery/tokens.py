"""Proof of who asks, for the networks' APIs: OAuth 2 tokens, OAuth 1.0a signatures, Meta's proof of the app."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets as random
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tracker.core.errors import BadRequest, Refused
from tracker.networks.accounts import REFRESH, Account
from tracker.outbound import Call, Door

_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


def access_token(door: Door, account: Account, secrets: Mapping[str, str], url: str) -> str:
    """The token that is kept, or a new one for the refresh token, the client's secret or the service account's key.

    Raises Refused where it is not given one.
    """
    if "service_account_key" in secrets:
        grant = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": assertion(secrets["service_account_key"], account.scope, account.token_url, int(time.time())),
        }
        return _asked(door, url, grant, {})
    if account.auth == "client":
        grant = {"grant_type": "client_credentials"}
    elif all(name in secrets for name in REFRESH):
        grant = {"grant_type": "refresh_token", "refresh_token": secrets["refresh_token"]}
        grant |= {"scope": account.scope} if account.scope and account.auth != "google" else {}
    else:
        return secrets.get("access_token", "")
    return _asked(door, url, grant, secrets)


def _asked(door: Door, url: str, grant: dict[str, str], secrets: Mapping[str, str]) -> str:
    head = dict(_FORM)
    if secrets and "reddit" in url:
        pair = f"{secrets['client_id']}:{secrets['client_secret']}".encode()
        head["Authorization"] = "Basic " + base64.b64encode(pair).decode()
    elif secrets:
        grant |= {"client_id": secrets["client_id"], "client_secret": secrets["client_secret"]}
    answer = door.send(Call(method="POST", url=url, headers=head, body=urlencode(grant).encode()))
    try:
        token = json.loads(answer.body).get("access_token") if answer.good else None
    except (ValueError, AttributeError):
        token = None
    if not isinstance(token, str) or not token:
        raise Refused("the network gives no token for these credentials", code="network_refused")
    return token


def assertion(key: str, scope: str, audience: str, now: int) -> str:
    """A JWT signed by a service account (RFC 7523), good for an hour. Raises BadRequest for a key that is none."""
    try:
        account: dict[str, Any] = json.loads(key)
        private = serialization.load_pem_private_key(account["private_key"].encode(), None)
        claims = {"iss": account["client_email"], "scope": scope, "aud": audience, "iat": now, "exp": now + 3600}
        if not isinstance(private, rsa.RSAPrivateKey):
            raise TypeError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadRequest("service_account_key is not the JSON of a service account", field="secrets") from None
    head = {"alg": "RS256", "typ": "JWT"}
    signed = b".".join(_web(msgspec.json.encode(part)) for part in (head, claims))
    return (signed + b"." + _web(private.sign(signed, padding.PKCS1v15(), hashes.SHA256()))).decode()


def _web(blob: bytes) -> bytes:
    return base64.urlsafe_b64encode(blob).rstrip(b"=")


def oauth1(
    method: str, url: str, secrets: Mapping[str, str], *, nonce: str | None = None, at: int | None = None
) -> str:
    """The `Authorization` header of RFC 5849 with HMAC-SHA1; a JSON body is not part of what is signed."""
    said = {
        "oauth_consumer_key": secrets["consumer_key"],
        "oauth_nonce": nonce or random.token_hex(16),
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(at or int(time.time())),
        "oauth_token": secrets["token"],
        "oauth_version": "1.0",
    }
    parts = urlsplit(url)
    pairs = sorted((_quoted(k), _quoted(v)) for k, v in [*said.items(), *parse_qsl(parts.query)])
    text = "&".join(f"{k}={v}" for k, v in pairs)
    base = "&".join(_quoted(one) for one in (method.upper(), f"{parts.scheme}://{parts.netloc}{parts.path}", text))
    key = f"{_quoted(secrets['consumer_secret'])}&{_quoted(secrets['token_secret'])}"
    made = hmac.digest(key.encode(), base.encode(), hashlib.sha1)
    said["oauth_signature"] = base64.b64encode(made).decode()
    return "OAuth " + ", ".join(f'{_quoted(k)}="{_quoted(v)}"' for k, v in sorted(said.items()))


def _quoted(text: str) -> str:
    return quote(text, safe="-._~")


def app_proof(secret: str, token: str, now: int) -> dict[str, str]:
    """Meta: HMAC-SHA256 of `token|time` under the app's secret."""
    made = hmac.digest(secret.encode(), f"{token}|{now}".encode(), "sha256").hex()
    return {"appsecret_proof": made, "appsecret_time": str(now)}
