"""An operator of UID2 as its documentation describes it, to be served by `outside`: it opens what it is sent with the
client's secret, and refuses whatever is not exactly as it must be.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from outside import Heard

DAY = 86_400_000
ARRAYS = ("email", "email_hash", "phone", "phone_hash")


def gcm(secret: bytes, iv: bytes, data: bytes) -> bytes:
    """Opened, by another interface than the product uses. Raises InvalidTag."""
    opener = Cipher(algorithms.AES(secret), modes.GCM(iv, data[-16:])).decryptor()
    return opener.update(data[:-16]) + opener.finalize()


@dataclass
class UidOperator:
    """`salt`: with another one everybody has another id. `out`, `bad`: hashes that opted out, or are invalid."""

    key: str = "uid2-key-that-nobody-sees"
    secret: bytes = field(default_factory=lambda: os.urandom(32))
    salt: str = "a"
    out: set[str] = field(default_factory=set)
    bad: set[str] = field(default_factory=set)
    days: int = 30
    busy: list[int] = field(default_factory=list)  # statuses to answer first
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    wire: list[bytes] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    clock: int = 0  # ms ahead of the wall clock
    most_at_once: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def secrets(self) -> dict[str, str]:
        return {"api_key": self.key, "client_secret": base64.b64encode(self.secret).decode()}

    def raw(self, value: str, salt: str = "") -> str:
        return base64.b64encode(hashlib.sha256(f"{salt or self.salt}:{value}".encode()).digest()).decode()

    def __call__(self, heard: Heard) -> tuple[int, dict[str, str], bytes]:
        with self._lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            return self._answer(heard)
        finally:
            with self._lock:
                self._now -= 1

    def _answer(self, heard: Heard) -> tuple[int, dict[str, str], bytes]:
        if self.busy:
            return self.busy.pop(0), {}, b'{"status": "busy"}'
        if heard.headers.get("authorization") != f"Bearer {self.key}":
            return 401, {}, b'{"status": "unauthorized"}'
        self.wire.append(heard.body)
        blob = base64.b64decode(heard.body, validate=True)
        plain = gcm(self.secret, blob[1:13], blob[13:])
        sent, nonce, body = int.from_bytes(plain[:8], "big"), plain[8:16], json.loads(plain[16:])
        self._check(heard, blob[0], sent, body)
        self.asked.append((heard.path, body))
        if heard.path == "/v3/identity/map":
            told: Any = {name: [self._mapped(one) for one in body.get(name, [])] for name in ARRAYS}
        else:
            gone = {self.raw(one) for one in self.out}
            told = {"opted_out": [{"advertising_id": one, "opted_out_since": sent} for one in body["advertising_ids"] if one in gone]}  # fmt: skip # noqa: E501
        return 200, {}, self.sealed({"body": told, "status": "success"}, nonce)

    def sealed(self, answer: Any, nonce: bytes) -> bytes:
        iv = os.urandom(12)
        sealer = Cipher(algorithms.AES(self.secret), modes.GCM(iv)).encryptor()
        plain = (time.time_ns() // 1_000_000).to_bytes(8, "big") + nonce + json.dumps(answer).encode()
        return base64.b64encode(iv + sealer.update(plain) + sealer.finalize() + sealer.tag)

    def _mapped(self, value: str) -> dict[str, Any]:
        if value in self.bad:
            return {"e": "invalid identifier"}
        if value in self.out:
            return {"e": "optout"}
        refresh = time.time_ns() // 1_000_000 + self.clock + self.days * DAY
        return {"u": self.raw(value), "p": self.raw(value, "a") if self.salt != "a" else None, "r": refresh}

    def _check(self, heard: Heard, version: int, sent: int, body: dict[str, Any]) -> None:
        """What the documentation asks for; noted, so that the test can fail over it."""
        items = sum(len(body.get(name, [])) for name in (*ARRAYS, "advertising_ids"))
        for what, good in {
            "version": version == 1,
            "time": abs(sent - time.time_ns() // 1_000_000) < 60_000,
            "size": len(heard.body) <= 1_000_000,
            "items": 0 < items <= 5_000,
            "path": heard.path in ("/v3/identity/map", "/v2/optout/status"),
            "method": heard.method == "POST",
            "hashes": all(len(base64.b64decode(one)) == 32 for name in ("email_hash", "phone_hash") for one in body.get(name, [])),  # noqa: E501
        }.items():  # fmt: skip
            if not good:
                self.problems.append(what)
