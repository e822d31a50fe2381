"""Mail by SMTP, to a mail server of ours or somebody's: over TLS, to an address that was checked."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Literal

import aiosmtplib
import structlog

from tracker.core.errors import BadRequest, Refused, TryLater
from tracker.outbound.addresses import Address, Reach

log = structlog.get_logger()

Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """Where mail goes out. `security` none: in clear, only to hosts named in the setting `outbound_hosts`."""

    host: str
    port: int = 587
    security: Security = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 30.0


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file that goes with a mail; `kind` is its media type. A text is UTF-8."""

    name: str
    kind: str
    content: bytes = field(repr=False)


def send_mail(
    reach: Reach,
    server: MailServer,
    *,
    sender: str,
    to: Sequence[str],
    subject: str,
    text: str,
    key: str = "",
    file: Attachment | None = None,
) -> None:
    """Hand one plain text mail over. `key`: stands in the Message-ID, so that a mail sent twice is seen as one. Blocks.

    Raises BadRequest for addresses that are none, Forbidden for a host that must not be reached, Refused where the
    server does not take it, TryLater where it may take it later.
    """
    message = EmailMessage()
    try:
        message["From"], message["To"], message["Subject"] = sender, ", ".join(to), subject
    except (ValueError, IndexError):
        raise BadRequest("a mail address or the subject cannot be used", code="bad_mail", field="to") from None
    message["Date"] = formatdate()
    domain = sender.rpartition("@")[2].strip(">") or "localhost"
    message["Message-ID"] = f"<{key}@{domain}>" if key else make_msgid(domain=domain)
    message.set_content(text)
    if file is not None:
        main, _, sub = file.kind.partition("/")
        charset = {"charset": "utf-8"} if main == "text" else {}
        message.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name, params=charset)
    asyncio.run(_send(reach, server, message))
    log.info("outbound", host=server.host, method="SMTP", recipients=len(to))


def check_mail(reach: Reach, server: MailServer) -> None:
    """Connect and log in, send nothing. Raises as `send_mail`."""
    asyncio.run(_send(reach, server, None))


async def _send(reach: Reach, server: MailServer, message: EmailMessage | None) -> None:
    if server.security == "none" and not reach.named(server.host, server.port):
        raise BadRequest(
            "mail goes over TLS; in clear only to hosts named in the setting outbound_hosts",
            code="not_tls",
            field="security",
        )
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=None,
        sock=await connected(await reach.addresses(server.host, server.port), server.timeout),
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
        username=server.user or None,
        password=server.password or None,
        timeout=server.timeout,
    )
    try:
        async with client:
            if message is not None:
                await client.send_message(message)
    except aiosmtplib.SMTPAuthenticationError:
        raise Refused("the mail server does not take this user and password", code="mail_refused") from None
    except aiosmtplib.SMTPRecipientsRefused as error:
        worst = max(one.code for one in error.recipients)
        raise _outcome(worst) from None
    except aiosmtplib.SMTPResponseException as error:
        raise _outcome(error.code) from None
    except (aiosmtplib.SMTPException, OSError, TimeoutError):
        raise TryLater(f"the mail server {server.host} cannot be reached", code="not_sent") from None


def _outcome(code: int) -> Refused | TryLater:
    if code >= 500:
        return Refused(f"the mail server refused the mail ({code})", code="mail_refused")
    return TryLater(f"the mail server takes no mail now ({code})", code="not_sent")


async def connected(addresses: Sequence[Address], timeout: float) -> socket.socket:  # noqa: ASYNC109
    """A socket to the first of some checked addresses that answers. Raises TryLater."""
    for one in addresses:
        sock = socket.socket(one.family, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(sock, (one.ip, one.port)), timeout)
        except (OSError, TimeoutError):
            sock.close()
            continue
        return sock
    raise TryLater("no address of this host answers", code="no_connection")
