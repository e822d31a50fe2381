"""An operator of UID2 or EUID: maps hashes to raw ids, and says which ids have opted out.

One request after the other, on one connection at a time, as operators ask for; 429 and 5xx are tried again by the door,
with exponential back-off and jitter. Neither hashes nor ids are ever in a log or an error.
"""

from __future__ import annotations

import base64
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tracker.audiences.delivery.sender import Outcome, Shipment
from tracker.core.errors import BadRequest, Refused
from tracker.networks import uid2
from tracker.networks.network import batched
from tracker.networks.uid2_envelope import IV, NONCE, opened, sealed, secret_of
from tracker.outbound import Call, Door

_MAP, _STATUS = "/v3/identity/map", "/v2/optout/status"


class Operator:
    """One account. `ids`: `OPERATOR_URL`; `secrets`: `api_key` and `client_secret`. Every method blocks.

    Raises Refused where the operator does not take the key or the secret is another one, TryLater where it is away.
    """

    leaves_nothing = True
    in_parts = False

    def __init__(self, door: Door, ids: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        self._door, self._url = door, ids["OPERATOR_URL"].rstrip("/")
        self._key, self._secret = secrets["api_key"], secret_of(secrets["client_secret"])

    def check(self) -> list[str]:
        """Ask for somebody who does not exist."""
        nobody = hashlib.sha256(b"nobody@example.com").digest()
        for _ in self.map([("email_hash", base64.b64encode(nobody).decode())]):
            pass
        return []

    def send(self, _shipment: Shipment, _understood: Callable[[int], None]) -> Outcome:
        """Raises BadRequest: an operator is asked, and keeps no lists."""
        raise BadRequest("an operator takes no audiences: deliver to The Trade Desk or as OpenRTB", field="destination")

    def settle(self, _shipment: Shipment) -> bool:
        """Nothing is ever left there."""
        return False

    def map(self, items: Sequence[tuple[str, str]]) -> Iterator[list[tuple[tuple[str, str], uid2.Answer]]]:
        """(kind, hash) of each item -> what it is, as they are answered, at most 5,000 at a time."""
        for some, body in uid2.payloads(items):
            found = uid2.answers(some, self._asked(_MAP, body))
            if found is None:
                raise Refused("the operator answers something else than was asked", code="bad_answer")
            yield list(zip(some, found, strict=True))

    def opted_out(self, raws: Sequence[str]) -> Iterator[set[str]]:
        """Those of some raw ids that have opted out, 5,000 at a time."""
        for some in batched(raws, uid2.ITEMS):
            yield uid2.opted_out(self._asked(_STATUS, {"advertising_ids": some}))

    def _asked(self, path: str, body: Any) -> Any:
        nonce = os.urandom(NONCE)
        request = sealed(self._secret, body, now_ms=time.time_ns() // 1_000_000, nonce=nonce, iv=os.urandom(IV))
        head = {"Authorization": f"Bearer {self._key}", "Content-Type": "text/plain"}
        answer = self._door.send(Call(method="POST", url=self._url + path, headers=head, body=request))
        if answer.status in (401, 403):
            raise Refused("the operator does not take this api_key", code="network_refused")
        if answer.status != 200:
            raise Refused(f"the operator answers {answer.status}", code="network_refused")
        told = opened(self._secret, answer.body, nonce)
        if not isinstance(told, dict) or told.get("status") != "success":
            raise Refused("the operator does not say success", code="network_refused")
        return told.get("body")
