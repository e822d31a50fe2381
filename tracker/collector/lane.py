"""The fast lane: the common request is answered from its connection, without a task of its own.

For every request aiohttp makes a writer, a request and a task, and goes round the event loop three times; together that
costs more than taking an event in. What nearly everybody sends - `POST /e` in HTTP/1.1, plain, all of it here, nobody
before it on its connection - is read as soon as it came, and the answer is written as soon as the spool says that all
is on disk. Checks, road, spool and answers are those of every other request; what is not common goes the whole way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from aiohttp import HttpVersion11, StreamReader, hdrs
from aiohttp.http_parser import RawRequestMessage
from multidict import CIMultiDictProxy

from tracker.collector.heads import Heads, Known, Parts
from tracker.collector.journey import Journey
from tracker.collector.parsed import Batch
from tracker.collector.protocols import native
from tracker.collector.quiet import quiet
from tracker.collector.ready import TAKEN, built, ready, written
from tracker.collector.service import AT_A_TIME, LARGE, Service, unexpected
from tracker.collector.standing import Again
from tracker.core.errors import TrackerError

Send = Callable[[bytes, bool], None]  # the bytes of an answer, and whether the connection ends with it


class Lane:
    """The fast lane of one worker."""

    def __init__(self, service: Service, loop: asyncio.AbstractEventLoop) -> None:
        self.service = service
        self.loop = loop
        self._limits = service.settings.limits
        self._longest = min(LARGE, self._limits.body)
        self.long: set[asyncio.Task[None]] = set()
        self.heads = Heads()

    def recalls(self, parts: Parts) -> Known | None:
        """A whole request, if it is a common one and its head was read before."""
        body = parts[3]
        return self.heads.find(parts) if body.startswith(b"{") and len(body) <= self._longest else None

    def takes(self, message: RawRequestMessage, payload: StreamReader) -> bool:
        """Whether a request is a common one; nothing of its body is read yet."""
        if not 0 < payload.total_bytes <= self._longest:
            return False  # no body, or a long one, or no HTTP: then there is no `message` either
        headers = message.headers
        return (
            payload.is_eof()
            and message.path == "/e"
            and message.method == "POST"
            and message.version == HttpVersion11
            and not message.should_close
            and not message.upgrade
            and payload.exception() is None
            and payload._buffer[0].startswith(b"{")
            and hdrs.CONTENT_ENCODING not in headers
            and hdrs.EXPECT not in headers
            and headers.get(hdrs.ORIGIN, "").isascii()
        )

    def enter(self, message: RawRequestMessage, payload: StreamReader, remote: str | None, send: Send) -> None:
        """Take a common request in; `send` is called once, now or later. Never raises."""
        # Not `read_nowait`: it has aiohttp look for more of a body that is complete.
        self._take(Passage(self, message.headers, None, remote, send), b"".join(payload._buffer))

    def enter_again(self, known: Known, remote: str | None, send: Send) -> None:
        """`enter` for one whose head was read before."""
        head, cookie, body = known
        self._take(Passage(self, None, (head, cookie), remote, send), body)

    def _take(self, passage: Passage, body: bytes) -> None:
        service = self.service
        service.in_flight += 1
        try:
            if service.address_rate is not None:
                service.admit(passage)
            batch = native.parse(body, max_event=self._limits.event)
            if len(batch.texts) > AT_A_TIME:
                task = self.loop.create_task(passage.go_slowly(batch))
                self.long.add(task)
                task.add_done_callback(self.long.discard)
                return
            passage.journey = journey = service.depart(passage, batch, "native", again=passage.again)
            journey.take(batch.texts)
            if journey.bodies:
                service.spool.append_for(journey.bodies, self.loop, passage)
            else:
                passage.set_result(None)
        except Exception as failure:
            passage.set_exception(failure)


class Passage:
    """One request in the lane: `Asker` to the service, and told by the spool how it ended.

    It has headers, or a head that was read before with a cookie (`again`).
    """

    __slots__ = ("_headers", "_lane", "_send", "again", "journey", "remote")

    journey: Journey

    def __init__(
        self,
        lane: Lane,
        headers: CIMultiDictProxy[str] | None,
        again: Again | None,
        remote: str | None,
        send: Send,
    ) -> None:
        self._lane = lane
        self._send = send
        self._headers = headers
        self.again = again
        self.remote = remote

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """All of them."""
        if self._headers is None:
            assert self.again is not None
            self._headers = self.again[0].with_cookie(self.again[1])
        return self._headers

    async def go_slowly(self, batch: Batch) -> None:
        """A batch of very many events, with looks at other requests between them."""
        try:
            headers = await self._lane.service.store(self, batch, "native")
            self._answer(headers)
        except Exception as failure:
            self.set_exception(failure)

    @staticmethod
    def done() -> bool:
        """The answer is wanted, and does no harm where nobody is there any more."""
        return False

    def set_result(self, _: None) -> None:
        """All of it is on disk."""
        try:
            self._answer(self._lane.service.arrive(self.journey))
        except Exception as failure:
            self.set_exception(failure)

    def set_exception(self, failure: BaseException) -> None:
        """Nothing of it is; or something went wrong here."""
        service = self._lane.service
        if not isinstance(failure, TrackerError):
            quiet("collector.failed", trace=True, source="native")
            failure = unexpected()
        answer = service.failure(self, failure, "native")
        self._end(answer.status, written(answer, last=service.leaving))

    def _answer(self, headers: list[tuple[str, str]]) -> None:
        service = self._lane.service
        again = self.again
        origin = self.headers.get(hdrs.ORIGIN) if again is None else again[0].origin
        if not headers and not service.leaving:
            common = ready(TAKEN, origin, int(time.time()))
            if common is not None:
                self._end(TAKEN.status, common.blob)
                return
        self._end(TAKEN.status, written(built(TAKEN, origin, headers), last=service.leaving))

    def _end(self, status: int, blob: bytes) -> None:
        service = self._lane.service
        service.in_flight -= 1
        service.metrics.answers["native", status] += 1
        self._send(blob, service.leaving)
