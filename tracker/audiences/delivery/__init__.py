"""Destinations: `Senders` makes of a saved one something that can check, send, and say what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracker.audiences.delivery.kinds import KINDS, Kind, check, moved
from tracker.audiences.delivery.network_api import NetworkApi
from tracker.audiences.delivery.notice import Notice
from tracker.audiences.delivery.operator import Operator
from tracker.audiences.delivery.sender import Outcome, Sender, Shipment
from tracker.audiences.delivery.shelf import Folder, ShelfSender
from tracker.audiences.delivery.webhook import Webhook
from tracker.core.errors import BadRequest
from tracker.networks.conversions.accounts import ALL_ACCOUNTS
from tracker.outbound import Door
from tracker.outbound.bucket import Bucket
from tracker.outbound.mail import MailServer

__all__ = [
    "KINDS", "TELLING", "Kind", "Outcome", "Sender", "Senders", "Shipment", "check", "moved",
]  # fmt: skip

TELLING = ("webhook", "email")
"""Kinds that can be told a word instead of a file."""


@dataclass(frozen=True)
class Senders:
    """`folder`: where folders of destinations lie; `others`: folders elsewhere, beneath which they may lie too."""

    door: Door
    folder: Path
    others: tuple[Path, ...] = ()

    def of(self, kind: str, options: Mapping[str, Any], secrets: Mapping[str, str]) -> Sender:
        """What sends there. Raises BadRequest for what cannot be used."""
        check(kind, options, secrets)
        reach = self.door.reach
        if kind == "folder":
            return ShelfSender(Folder(self._path(str(options["path"]))))
        if kind == "webhook":
            return Webhook(self.door, options["url"], secrets["secret"])
        if kind in ("s3", "gcs", "azure"):
            return ShelfSender(Bucket(kind, options, secrets, reach))
        if kind == "sftp":
            from tracker.outbound.sftp import Sftp  # noqa: PLC0415 - a large library that only this kind needs

            server = Sftp(
                reach=reach,
                host=options["host"],
                port=options.get("port", 22),
                user=options["user"],
                host_key=options["host_key"],
                folder=options.get("folder", ""),
                password=secrets.get("password", ""),
                private_key=secrets.get("private_key", ""),
                passphrase=secrets.get("passphrase", ""),
            )
            return ShelfSender(server)
        if kind == "email":
            mail = MailServer(
                host=options["host"],
                port=options.get("port", 587),
                security=options.get("security", "starttls"),
                user=options.get("user", ""),
                password=secrets.get("password", ""),
            )
            return Notice(reach, mail, options["sender"], options["to"], options.get("link", ""))
        if ALL_ACCOUNTS[options["network"]].auth == "operator":
            return Operator(self.door, options["ids"], secrets)
        return NetworkApi(self.door, options["network"], options["ids"], secrets, options.get("base_url", ""))

    def _path(self, text: str) -> Path:
        """Below one of the folders that exports may be written to, symbolic links followed."""
        wanted = (self.folder / text).resolve()
        for root in (self.folder, *self.others):
            if wanted.is_relative_to(root.resolve()) and wanted != root.resolve():
                return wanted
        raise BadRequest(
            "path is the name of a folder in DATA/deliveries, or lies below one named in the setting outbound_folders",
            field="options.path",
        )
