"""What all endpoints of one worker share, and the one way every dialect takes: batch -> site -> road -> spool."""

from __future__ import annotations

import asyncio
import secrets
import time
from ipaddress import ip_network
from typing import Any

from aiohttp import hdrs, web
from multidict import istr

from tracker.collector import cookies, cors
from tracker.collector.body import Budget
from tracker.collector.metrics import Metrics
from tracker.collector.parsed import Batch, Reader, Unreadable
from tracker.collector.place import NOWHERE, Places, client_address
from tracker.collector.road import Context, encode, to_body, turn_away
from tracker.collector.settings import CollectorSettings
from tracker.collector.sites import KnownSite, Sites, allows
from tracker.core.errors import Forbidden, TooLarge, TrackerError, TryLater, Unauthorized
from tracker.core.event import Event, Suppressed
from tracker.spool.writer import SpoolWriter

# A name that is an istr is looked up without being folded to lower case first.
_SEC_FETCH_SITE, _SEC_GPC, _FORWARDED_FOR = istr("Sec-Fetch-Site"), istr("Sec-GPC"), istr("X-Forwarded-For")
_AT_A_TIME = 500  # events between two looks at other requests


class Service:
    """One worker's things: settings, sites, places, spool, metrics.

    in_flight  requests that are being answered; `leaving`: SIGTERM came, every answer ends its connection
    """

    def __init__(self, settings: CollectorSettings) -> None:
        self.in_flight = 0
        self._received = 0
        self.leaving = False
        self.settings = settings
        self.sites = Sites(settings.data / "sites.json")
        self.places = Places(settings.geoip)
        self.metrics = Metrics()
        self.arriving = Budget(settings.pending_max_bytes)
        self.proxies = tuple(ip_network(text, strict=False) for text in settings.trusted_proxies)
        self.spool = SpoolWriter(
            settings.data / "spool",
            f"c{settings.worker}",
            segment_bytes=settings.segment_bytes,
            segment_age=settings.segment_age,
            max_bytes=settings.spool_max_bytes,
            max_pending=settings.pending_max_bytes,
        )

    def close(self) -> None:
        """Seal the spool; blocks."""
        self.spool.close()
        self.places.close()

    def site_of(self, write_key: str, origin: str | None) -> KnownSite:
        """The site a request may send for. Raises Unauthorized, Forbidden."""
        known = self.sites.get(write_key)
        if known is None:
            raise Unauthorized("unknown write key; `tracker site add` prints a site's key", code="unknown_key")
        if origin is not None and not allows(known.site.domains, origin):
            raise Forbidden("this origin is not among the site's domains", code="origin_not_allowed")
        return known

    async def store(
        self, request: web.Request, batch: Batch, source: str, *, history: bool = False
    ) -> list[tuple[str, str]]:
        """Take every event of a batch down the road and return once all endings are on disk: headers for the answer.

        Raises Unauthorized, Forbidden, TooLarge, TryLater; then nothing is stored.
        """
        headers = request.headers
        origin = headers.get(hdrs.ORIGIN)
        known = self.site_of(batch.write_key, origin)
        limits = self.settings.limits
        most = limits.import_events if history else limits.events
        if len(batch.texts) > most:
            raise TooLarge(f"more than {most} events in one batch")
        context = self._context(request, known, batch, source, history)
        out = _Travelled()
        for start in range(0, len(batch.texts), _AT_A_TIME):
            if start:  # a large batch must not keep everybody else waiting
                await asyncio.sleep(0)
            self._travel(batch.texts[start : start + _AT_A_TIME], batch.read, context, out)
        await self.spool.append(out.bodies)
        if out.accepted:
            self.metrics.endings[source, "accepted"] += out.accepted
        for reason, ending in out.dropped:
            self.metrics.endings[source, ending] += 1
            self.metrics.reasons[reason] += 1
        return self._cookie_headers(request, batch, context, out)

    def _context(self, request: web.Request, known: KnownSite, batch: Batch, source: str, history: bool) -> Context:
        headers = request.headers
        browser = hdrs.ORIGIN in headers or _SEC_FETCH_SITE in headers  # Node's fetch says Sec-Fetch-Mode, never Site
        ua = headers.get(hdrs.USER_AGENT, "")
        if source == "gif" and not browser:  # images carry no Origin, and older browsers no Sec-Fetch
            browser = hdrs.REFERER in headers or ua.startswith("Mozilla/")
        if not browser and not ua.startswith("Mozilla/"):
            ua = ""  # a library's name says nothing about the person it speaks for
        direct = browser or source in ("native", "gif")  # else the peer is a server and its place is not the person's
        return Context(
            site=known.site,
            keys=known.keys,
            source=source,
            received=self._now(),
            arrival=self.spool.next_arrival,
            browser=browser,
            gpc=headers.get(_SEC_GPC) == "1",
            place=self._place(request) if direct else NOWHERE,
            ua=ua,
            find_place=self.places.find,
            sent_at=batch.sent_at,
            keep_times=history,
            cookie=cookies.read(headers.get(hdrs.COOKIE), self.settings.https) if direct else "",
            fresh=batch.fresh,
            nobody=batch.nobody,
            makes_visitors=browser and source in ("native", "gif"),
            limits=self.settings.limits,
        )

    def _now(self) -> int:
        """The time in ms; it never goes back while this process lives, even if somebody sets the machine's clock."""
        self._received = max(self._received, time.time_ns() // 1_000_000)
        return self._received

    def _place(self, request: web.Request) -> Any:
        peer = request.remote or ""
        if self.proxies:
            peer = client_address(peer, request.headers.get(_FORWARDED_FOR), self.proxies)
        return self.places.find(peer)

    def _travel(self, texts: list[bytes], read: Reader, context: Context, out: _Travelled) -> None:
        bodies = out.bodies
        for text in texts:
            raw = read(text)
            if isinstance(raw, Unreadable):
                turned = turn_away(raw.reason, raw.message, context, text)
                out.dropped.append((turned.reason, "rejected"))
                bodies.append(encode(turned))
                continue
            record, body = to_body(raw, context, text)
            bodies.append(body)
            if isinstance(record, Event):
                out.accepted += 1
                out.last = record
                if record.analytics == 0:
                    out.refused = True
            else:
                ending = "suppressed" if isinstance(record, Suppressed) else "rejected"
                out.dropped.append((record.reason, ending))
                out.refused = out.refused or record.reason == "refused"

    def _cookie_headers(
        self, request: web.Request, batch: Batch, context: Context, out: _Travelled
    ) -> list[tuple[str, str]]:
        if not context.browser:
            return []
        if not out.refused and out.last is not None and out.last.visitor == context.cookie and not context.fresh:
            return []  # the common case: the browser has the right cookie already
        https = self.settings.https
        if out.refused:
            if not cookies.present(request.headers.get(hdrs.COOKIE)):
                return []
            return [("Set-Cookie", header) for header in cookies.expire_headers(https)]
        event = out.last
        if event is None or not event.visitor:
            return []
        headers = []
        if event.visitor != context.cookie:
            header = cookies.set_header(event.visitor, https)
            if header is not None:
                headers.append(("Set-Cookie", header))
        given = batch.read(batch.texts[0])
        if not isinstance(given, Unreadable) and given.visitor != event.visitor and context.source == "native":
            headers.append(("X-Visitor", event.visitor))
        return headers

    def failure(self, request: web.Request, failure: TrackerError, source: str) -> web.Response:
        """The answer to a request that failed: the error's own words, readable by origins that may send here.

        Segment's and RudderStack's libraries look for `code` and `message` at the top: without them rudder-sdk-python
        takes any refusal for a broken network and repeats it ten times.
        """
        origin = request.headers.get(hdrs.ORIGIN)
        readable = origin and not isinstance(failure, Forbidden) and self.sites.any_allows(origin)
        headers = cors.answer_headers(str(origin)) if readable else {}
        if isinstance(failure, TryLater):
            headers["Retry-After"] = str(5 + secrets.randbelow(11))
        body: dict[str, object] = {**failure.as_json()}
        if source == "segment":
            body |= {"code": failure.code, "message": failure.message}
        return web.json_response(body, status=failure.status, headers=headers)


class _Travelled:
    """What one batch became."""

    __slots__ = ("accepted", "bodies", "dropped", "last", "refused")

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.accepted = 0
        self.dropped: list[tuple[str, str]] = []
        self.last: Event | None = None
        self.refused = False
