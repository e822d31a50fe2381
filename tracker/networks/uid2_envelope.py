"""The envelope of UID2's and EUID's operators: AES-256-GCM under the client's secret, in Base64. Pure.

    request   1, 12 bytes of initialisation vector, encrypted (8 bytes time, 8 bytes nonce, JSON), 16 bytes of tag
    answer    12 bytes of initialisation vector, encrypted (8 bytes time, the nonce of the request, JSON), 16 of tag

The time is in milliseconds, big endian. Source: UID2 documentation, "Encrypting Requests and Decrypting Responses".
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tracker.core.errors import BadRequest, Refused

_VERSION = b"\x01"
IV, NONCE, _HEAD = 12, 8, 16


def secret_of(text: str) -> bytes:
    """A client's secret: 32 bytes in Base64. Raises BadRequest, which does not repeat it."""
    try:
        secret = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != 32:
        raise BadRequest("client_secret is 32 bytes in Base64", field="secrets.client_secret")
    return secret


def sealed(secret: bytes, body: Any, *, now_ms: int, nonce: bytes, iv: bytes) -> bytes:
    """A request. `nonce` (8 bytes) and `iv` (12 bytes) are random and used once."""
    plain = now_ms.to_bytes(8, "big") + nonce + msgspec.json.encode(body)
    return base64.b64encode(_VERSION + iv + AESGCM(secret).encrypt(iv, plain, None))


def opened(secret: bytes, answer: bytes, nonce: bytes) -> Any:
    """The JSON of an answer. Raises Refused where it is not encrypted with our secret, or answers another request."""
    try:
        blob = base64.b64decode(answer, validate=True)
        plain = AESGCM(secret).decrypt(blob[:IV], blob[IV:], None)
        body = msgspec.json.decode(plain[_HEAD:])
    except (binascii.Error, ValueError, InvalidTag):
        raise Refused("what the operator answers cannot be read with this client_secret", code="bad_answer") from None
    if plain[_HEAD - NONCE : _HEAD] != nonce:
        raise Refused("the operator answers another request than ours", code="bad_answer")
    return body
