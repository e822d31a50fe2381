"""What all endpoints of one worker share, and the one way every dialect takes: batch -> site -> road -> spool."""

from __future__ import annotations

import asyncio
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from typing import Any

from aiohttp import hdrs, web
from multidict import istr

from tracker.collector import cookies, cors
from tracker.collector.body import Budget
from tracker.collector.draft import Context
from tracker.collector.journey import Journey
from tracker.collector.limits import Buckets
from tracker.collector.metrics import Metrics
from tracker.collector.parsed import Batch
from tracker.collector.place import Places, block, client_address, within
from tracker.collector.settings import CollectorSettings
from tracker.collector.sites import KnownSite, Sites, allows
from tracker.collector.standing import Again, Asker, Standing, Standings
from tracker.collector.suppressions import Suppressions
from tracker.collector.suspects import (
    RATE,
    WEBDRIVER,
    Rates,
)
from tracker.core.errors import Forbidden, TooLarge, TooMany, TrackerError, TryLater, Unauthorized
from tracker.spool.writer import SpoolWriter

# A name that is an istr is looked up without being folded to lower case first.
_FORWARDED_FOR = istr("X-Forwarded-For")
_FORWARDED = istr("Forwarded")
LARGE = 65_536  # bytes of a body; reading a damaged one of that size takes some 40 ms
AT_A_TIME = 500  # events between two looks at other requests
_BYTES_AT_A_TIME = 131_072  # and bytes of them


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
        self.suppressions = Suppressions(settings.data)
        self.places = Places(settings.geoip, settings.data_centres)
        self.visitor_rates, self.block_rates = Rates(settings.visitor_rate), Rates(settings.block_rate)
        self.metrics = Metrics()
        self.arriving = Budget(settings.pending_max_bytes)
        self.proxies = tuple(ip_network(text, strict=False) for text in settings.trusted_proxies)
        self.address_rate = Buckets(settings.rate_per_address) if settings.rate_per_address else None
        self.key_rate = Buckets(settings.rate_per_key) if settings.rate_per_key else None
        self.parser = ThreadPoolExecutor(1, thread_name_prefix="parser")
        self.spool = SpoolWriter(
            settings.data / "spool",
            f"c{settings.worker}",
            segment_bytes=settings.segment_bytes,
            segment_age=settings.segment_age,
            max_bytes=settings.spool_max_bytes,
            max_pending=settings.pending_max_bytes,
        )
        self.standings = Standings(settings, self._place, self.places.find, self.spool.next_arrival)

    def close(self) -> None:
        """Seal the spool; blocks."""
        self.parser.shutdown(cancel_futures=True)
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

    async def store(self, request: Asker, batch: Batch, source: str, *, history: bool = False) -> list[tuple[str, str]]:
        """Take every event of a batch down the road and return once all endings are on disk: headers for the answer.

        Raises Unauthorized, Forbidden, TooLarge, TryLater; then nothing is stored.
        """
        journey = self.depart(request, batch, source, history=history)
        step = AT_A_TIME
        if len(batch.texts) > 1:  # a large batch must not keep everybody else waiting, be it many events or long ones
            step = min(step, 1 + _BYTES_AT_A_TIME * len(batch.texts) // (1 + sum(map(len, batch.texts))))
        for start in range(0, len(batch.texts), step):
            if start:
                await asyncio.sleep(0)
            journey.take(batch.texts[start : start + step])
        await self.spool.append(journey.bodies)
        return self.arrive(journey)

    def depart(
        self, request: Asker, batch: Batch, source: str, *, history: bool = False, again: Again | None = None
    ) -> Journey:
        """The journey of a batch that may be stored. Raises Unauthorized, Forbidden, TooLarge, TooMany.

        `again`: the head of the request where it was read before, and its cookie; saves reading it again.
        """
        if again is None:
            headers = request.headers
            origin, came = headers.get(hdrs.ORIGIN), headers.get(hdrs.COOKIE)
        else:
            origin, came = again[0].origin, again[1]
        known = self.site_of(batch.write_key, origin)
        limits = self.settings.limits
        most = limits.import_events if history else limits.events
        if len(batch.texts) > most:
            raise TooLarge(f"more than {most} events in one batch")
        if self.key_rate is not None:
            self.key_rate.take(batch.write_key, len(batch.texts), time.monotonic())
        if again is None:
            standing = self.standings.of(request, known, source, history=history)
        else:
            standing = self.standings.again(request, known, source, again[0])
        return Journey(batch, self._begin(standing, batch, came), came)

    def arrive(self, journey: Journey) -> list[tuple[str, str]]:
        """All of it is on disk: count it, and say what headers the answer has."""
        batch, context = journey.batch, journey.context
        batch.turned = journey.turned
        if journey.accepted:
            self.metrics.endings[context.source, "accepted"] += journey.accepted
        for reason, ending in journey.dropped:
            self.metrics.endings[context.source, ending] += 1
            self.metrics.reasons[reason] += 1
        if batch.anonymous:
            batch.kept, batch.visitor = journey.accepted, journey.visitor
        if not context.browser:
            return []
        answer = journey.cookie_headers(self.settings.https)
        if context.gpc:  # 11 CCR 7025(c)(6): the page may say so; only the server sees every signal
            answer.append(("Tracker-Optout", "honored"))
        return answer

    def context(self, request: Asker, known: KnownSite, batch: Batch, source: str) -> Context:
        """What the request says about all its events."""
        return self._begin(self.standings.of(request, known, source), batch, request.headers.get(hdrs.COOKIE))

    def _begin(self, standing: Standing, batch: Batch, came: str | None) -> Context:
        """The context of one more request of a sender; `came`: its Cookie header."""
        context: Context = standing.like.__copy__()  # type: ignore[attr-defined]  # structs have it
        context.received = self._now()
        context.arrival = self.spool.arrivals(len(batch.texts) * 2)  # one that no JSON can hold takes another
        context.sent_at = batch.sent_at
        context.fresh = batch.fresh
        context.nobody = batch.nobody
        context.ways = {}
        context.listed = self.suppressions.of(standing.known.keys, expected=self.sites.suppression)
        if standing.direct and came:
            context.cookie = cookies.read(came, self.settings.https, context.partition)
        if batch.anonymous and (context.browser or not batch.named):
            context.makes_visitors = True
        context.suspect = batch.suspect
        if context.browser and standing.direct and not context.suspect:
            context.suspect = self._suspect(standing, context, batch)
        return context

    def _suspect(self, standing: Standing, context: Context, batch: Batch) -> str:
        """The first sign that a browser is a machine; "" for a person."""
        if standing.public:
            if batch.driven:
                return WEBDRIVER
            if standing.contradicts is not None:
                return standing.contradicts
            block, events, now_ms = context.place.ip, len(batch.texts), context.received
            busy = self.block_rates.over(block, events, now_ms)
            if self.visitor_rates.over(context.cookie, events, now_ms) or busy:
                return RATE
        return standing.sign

    def _now(self) -> int:
        """The time in ms; it never goes back while this process lives, even if somebody sets the machine's clock."""
        self._received = max(self._received, time.time_ns() // 1_000_000)
        return self._received

    def _place(self, request: Asker) -> Any:
        return self.places.find(self.peer(request) if self.proxies else request.remote or "")

    def peer(self, request: Asker) -> str:
        """The address that a request came from, as far as trusted proxies say it."""
        peer = request.remote or ""
        if not self.proxies:
            return peer
        headers = request.headers
        forwarded = ",".join(headers.getall(_FORWARDED_FOR, ()))
        return client_address(peer, forwarded, self.proxies, ",".join(headers.getall(_FORWARDED, ())))

    def scheme_of(self, request: web.Request) -> str:
        """http or https, as the client sees it; a trusted proxy says so in X-Forwarded-Proto."""
        if self.settings.https:
            return "https"
        said = request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower()
        if said in ("http", "https") and self.proxies and within(request.remote or "", self.proxies):
            return said
        return str(request.scheme)

    def admit(self, request: Asker) -> None:
        """Raises TooMany where the client's address block is over its share."""
        if self.address_rate is not None:
            self.address_rate.take(block(self.peer(request)), 1, time.monotonic())

    def failure(self, request: Asker, failure: TrackerError, source: str) -> web.Response:
        """The answer to a request that failed: the error's own words, readable by origins that may send here.

        Segment's and RudderStack's libraries look for `code` and `message` at the top: without them rudder-sdk-python
        takes any refusal for a broken network and repeats it ten times.
        """
        origin = request.headers.get(hdrs.ORIGIN)
        readable = origin and not isinstance(failure, Forbidden) and self.sites.any_allows(origin)
        headers = cors.answer_headers(str(origin)) if readable else {}
        if isinstance(failure, TryLater):
            after = failure.after if isinstance(failure, TooMany) else 5
            headers["Retry-After"] = str(after + secrets.randbelow(11))
        body: dict[str, object] = {**failure.as_json()}
        if source == "segment":
            body |= {"code": failure.code, "message": failure.message}
        elif source == "matomo":  # its log importer looks these up without asking whether they are there
            body |= {"status": "error", "tracked": 0, "invalid": 0, "message": failure.message}
        return web.json_response(body, status=failure.status, headers=headers)


def unexpected() -> TrackerError:
    """What is said of a failure that nobody foresaw."""
    return TrackerError("something went wrong here; it was logged", code="internal")
