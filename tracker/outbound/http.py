"""One narrow HTTP client for everything that leaves the house."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult

from tracker import __version__
from tracker.core.errors import BadRequest, Refused, TooMany, TryLater
from tracker.outbound.addresses import Address, Reach
from tracker.outbound.pauses import AGAIN, pause, retry_after

log = structlog.get_logger()

AGENT = f"journey-tracker/{__version__}"
CHUNK = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Seconds, tries and bytes. `total`: of one try. `patience`: seconds that all pauses may take together."""

    connect: float = 10.0
    total: float = 60.0
    tries: int = 5
    first_pause: float = 0.5
    longest_pause: float = 30.0
    patience: float = 120.0
    answer_bytes: int = 4_000_000


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request. A body that is a Path is streamed from that file.

    `again`: whether it may be said twice; if not, it is tried again only after an answer that says nothing was done
    (429, 503). Nothing of headers and body is ever logged or repeated in an error.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | Path = field(default=b"", repr=False)
    again: bool = True


@dataclass(frozen=True)
class Answer:
    """What came back. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def good(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300


class Door:
    """Sends requests. Every method blocks and may be called from any thread that runs no event loop."""

    def __init__(
        self,
        reach: Reach | None = None,
        limits: Limits | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.reach, self.limits, self._sleep = reach or Reach(), limits or Limits(), sleep

    def send(self, call: Call) -> Answer:
        """The answer, whatever its status, once it is none that asks to come again.

        Raises BadRequest for an address that cannot be called, Forbidden for one that must not, TryLater (TooMany
        where it was 429) when the tries are used up, Refused where its certificate is wrong.
        """
        return asyncio.run(self._alone(call))

    async def asend(self, call: Call) -> Answer:
        """As `send`, for callers that have an event loop."""
        return await self._alone(call)

    async def _alone(self, call: Call) -> Answer:
        parts = urlsplit(call.url)
        host, port = self._check(call)
        began, waited, attempt = time.monotonic(), 0.0, 0
        while True:
            attempt += 1
            answer, why, again = await self._try(call, host, port)
            log.info(
                "outbound",
                host=parts.hostname,
                method=call.method,
                status=answer.status if answer else 0,
                reason=why or None,
                attempt=attempt,
                seconds=round(time.monotonic() - began, 3),
            )
            if answer is not None and answer.status not in AGAIN:
                return answer
            asked = retry_after(answer.headers.get("retry-after")) if answer is not None else None
            wait = pause(attempt, first=self.limits.first_pause, longest=self.limits.longest_pause)
            wait = wait if asked is None else asked + wait
            if not again or attempt >= self.limits.tries or waited + wait > self.limits.patience:
                raise _given_up(parts.hostname or "", answer, why, attempt, asked)
            waited += wait
            await self._sleep(wait)

    def _check(self, call: Call) -> tuple[str, int]:
        parts = urlsplit(call.url)
        host = parts.hostname or ""
        try:
            port = parts.port or (80 if parts.scheme == "http" else 443)
        except ValueError:
            raise BadRequest("the address has a port that is none", code="bad_address", field="url") from None
        if not host or parts.username is not None or parts.scheme not in ("https", "http"):
            raise BadRequest(
                "an address to send to is https://HOST/..., without a user in it", code="bad_address", field="url"
            )
        if parts.scheme == "http" and not self.reach.named(host, port):
            raise BadRequest(
                "an address to send to must be https; in clear only to hosts named in the setting outbound_hosts",
                code="not_https",
                field="url",
            )
        return host, port

    async def _try(self, call: Call, host: str, port: int) -> tuple[Answer | None, str, bool]:
        """(answer, why there is none, whether to try again)."""
        try:
            addresses = await self.reach.addresses(host, port, self.limits.connect)
        except TryLater as error:
            return None, error.code, True
        try:
            answer = await self._once(call, addresses)
        except aiohttp.ClientConnectorCertificateError:
            raise Refused(f"the certificate of {host} is not valid", code="bad_certificate") from None
        except aiohttp.ClientConnectorError:
            return None, "no_connection", True
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return None, "timeout" if isinstance(error, TimeoutError) else "broken_off", call.again
        except ValueError:  # InvalidURL, a header with a line break
            raise BadRequest("the address or a header cannot be sent", code="bad_address", field="url") from None
        return answer, "", answer.status in AGAIN and (call.again or answer.status in (429, 503))

    async def _once(self, call: Call, addresses: list[Address]) -> Answer:
        limits = self.limits
        timeout = aiohttp.ClientTimeout(total=limits.total, connect=limits.connect)
        async with (
            aiohttp.TCPConnector(resolver=_Pinned(addresses), use_dns_cache=False) as connector,
            aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            _content(call.body) as content,
            session.request(
                call.method,
                call.url,
                data=content,
                headers={"User-Agent": AGENT, **call.headers},
                allow_redirects=False,
            ) as answer,
        ):
            body = bytearray()
            async for chunk in answer.content.iter_chunked(CHUNK):
                body += chunk
                if len(body) > limits.answer_bytes:
                    raise aiohttp.ClientPayloadError
            return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, bytes(body))


class _Pinned(AbstractResolver):
    """Gives what was checked, and looks nothing up."""

    def __init__(self, addresses: list[Address]) -> None:
        self._addresses = addresses

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=one.ip, port=port, family=one.family, proto=0, flags=0)
            for one in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def _content(body: bytes | Path) -> AsyncIterator[object]:
    if isinstance(body, bytes):
        yield body or None
        return
    with body.open("rb") as file:
        yield file


def _given_up(host: str, answer: Answer | None, why: str, tries: int, asked: float | None) -> TryLater:
    if answer is not None and answer.status == 429:
        return TooMany(f"{host} says that we send too much", after=int(asked or 60) + 1)
    said = f"answers {answer.status}" if answer is not None else f"cannot be reached ({why})"
    return TryLater(f"{host} {said}, after {tries} tries", code="not_sent")
