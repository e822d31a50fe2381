"""A webhook: each file in a signed POST of its own, then the manifest. A receiver acts when the manifest has come.

Tracker-Delivery   the export's id; whatever comes twice has the same one
Tracker-Event      delivery.file, delivery.complete (the manifest), ping, alert, or report
Tracker-File       the file's name      Tracker-Sha256   of the body
Tracker-Signature  see `tracker.outbound.signing`
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from tracker.audiences.delivery.sender import Outcome, Shipment
from tracker.audiences.delivery.word import Word
from tracker.core.errors import Refused
from tracker.outbound import Call, Door
from tracker.outbound.signing import HEADER, signature

_TYPES = {".csv": "text/csv; charset=utf-8", ".jsonl": "application/x-ndjson", ".gz": "application/gzip"}


class Webhook:
    """One address that takes deliveries."""

    leaves_nothing = False
    in_parts = False

    def __init__(self, door: Door, url: str, secret: str) -> None:
        self._door, self._url, self._secret = door, url, secret

    def check(self) -> list[str]:
        """A signed ping, with nothing in it."""
        self._post(b"{}", {"Tracker-Event": "ping", "Content-Type": "application/json"})
        return []

    def tell(self, word: Word) -> None:
        """One word, as JSON. Raises Refused, TryLater, Forbidden."""
        body = msgspec.json.encode({"id": word.key, "subject": word.subject, **word.facts})
        head = {"Tracker-Event": word.event, "Tracker-Delivery": word.key, "Content-Type": "application/json"}
        self._post(body, head)

    def send(self, shipment: Shipment, understood: Callable[[int], None]) -> Outcome:
        """Every file, then the manifest."""
        for number, file in enumerate(shipment.files, 1):
            head = {
                "Tracker-Event": "delivery.file",
                "Tracker-Delivery": shipment.export.id,
                "Tracker-File": file.name,
                "Tracker-Sha256": file.sha256,
                "Content-Type": _TYPES.get(Path(file.name).suffix, "application/octet-stream"),
            }
            self._post(shipment.folder / file.name, head)
            understood(number)
        self._complete(shipment)
        return Outcome()

    def settle(self, shipment: Shipment) -> bool:
        """Where all files were taken the manifest, which names nobody, is said again; else it never will be."""
        if shipment.understood < len(shipment.files):
            return False
        self._complete(shipment)
        return True

    def _complete(self, shipment: Shipment) -> None:
        head = {
            "Tracker-Event": "delivery.complete",
            "Tracker-Delivery": shipment.export.id,
            "Tracker-File": shipment.manifest_name,
            "Tracker-Sha256": hashlib.sha256(shipment.manifest).hexdigest(),
            "Content-Type": "application/json",
        }
        self._post(shipment.manifest, head)

    def _post(self, body: bytes | Path, head: dict[str, str]) -> None:
        signed = {HEADER: signature(self._secret, body, int(time.time()))}
        answer = self._door.send(Call(method="POST", url=self._url, headers={**head, **signed}, body=body))
        if not answer.good:
            raise Refused(f"the webhook answers {answer.status}", code="webhook_refused")
