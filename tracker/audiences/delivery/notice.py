"""A mail that says that a file is ready, or a word. Nothing about anybody is in it, nor how the audience is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tracker.audiences.delivery.sender import Outcome, Shipment
from tracker.audiences.delivery.word import Word
from tracker.core.lines import one_line
from tracker.outbound import Reach
from tracker.outbound.mail import MailServer, check_mail, send_mail


class Notice:
    """The file stays here, for download with a token."""

    leaves_nothing = False
    in_parts = False

    def __init__(self, reach: Reach, server: MailServer, sender: str, to: Sequence[str], link: str) -> None:
        self._reach, self._server, self._sender, self._to, self._link = reach, server, sender, to, link

    def check(self) -> list[str]:
        """Connect and log in."""
        check_mail(self._reach, self._server)
        return []

    def tell(self, word: Word) -> None:
        """One word; to the addresses that it names, or else to those of the destination. Raises as `send_mail` does."""
        send_mail(
            self._reach,
            self._server,
            sender=self._sender,
            to=word.to or self._to,
            subject=one_line(word.subject),
            text=word.text,
            key=word.key,
            file=word.file,
        )

    def send(self, shipment: Shipment, understood: Callable[[int], None]) -> Outcome:
        """The mail, once its export is done. A mail that is sent twice has one Message-ID."""
        export = shipment.export
        link = self._link.replace("{export}", export.id) if self._link else f"/api/v1/exports/{export.id}/file"
        send_mail(
            self._reach,
            self._server,
            sender=self._sender,
            to=self._to,
            subject=f"Export {export.id} is ready",
            text=f"An export of the site {export.site} is ready for download:\n\n{link}\n\nYou need a token for it.\n",
            key=export.id,
        )
        understood(1)
        return Outcome()

    def settle(self, _shipment: Shipment) -> bool:
        """Nothing of an export is in a mail."""
        return False
