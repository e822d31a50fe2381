"""The door of a worker: how many may stand in it, how long a request's head may take, what is said to those who
speak no HTTP.

aiohttp bounds one line and the number of lines; here the whole head is bounded, in size and in time, and so are the
connections of a worker. A request whose head comes in one piece, as nearly all do, costs one look.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Any

from aiohttp import hdrs, web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web_protocol import RequestHandler

from tracker.collector.endpoints import SERVICE
from tracker.collector.heads import Parts, taken_apart
from tracker.collector.lane import Lane
from tracker.collector.place import block, within
from tracker.collector.quiet import quiet

HEAD_BYTES = 65_536
HEADERS = 100
_SWEEP = 1.0  # seconds
_STRANGE = 8  # heads that nobody knew: whoever speaks here never says the same twice
_LOOKED_AT = 100  # connections that are asked to leave before a newcomer is turned away
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nServer: tracker\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


class Visitor(RequestHandler):
    """One connection.

    _passing  its request is in the fast lane
    _begun    its task has come to its first step
    _whole    all that came so far were whole requests, one at a time: what comes next is the beginning of another
    _strange  how many whole requests in a row had heads that nobody knew
    """

    __slots__ = ("_begun", "_passing", "_strange", "_whole")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._begun = False
        self._passing = False
        self._whole = True
        self._strange = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take it in, in the place of an idle one where the house is full."""
        door = self._manager
        assert isinstance(door, Door)
        if door.full and not door.make_room():
            transport.abort()  # type: ignore[attr-defined]
            return
        if not door.admits(self, transport.get_extra_info("peername")):
            transport.abort()  # type: ignore[attr-defined]
            return
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """As aiohttp does; its block has room again."""
        door = self._manager
        if isinstance(door, Door):
            door.left(self)
        super().connection_lost(exc)

    async def start(self) -> None:
        """As aiohttp does. The first request is often here before: then the task waits like everybody for the lane."""
        self._begun = True
        if self._passing:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        await super().start()

    @property
    def _free(self) -> bool:
        """No request is being answered, and none waits for the connection's task to wake up."""
        waiter = self._waiter
        return not self._begun if waiter is None else not waiter.done()

    def data_received(self, data: bytes) -> None:
        """As aiohttp does, but a request that the fast lane takes wakes no task; an incomplete head is watched."""
        if not self._free:
            self._whole = False
            RequestHandler.data_received(self, data)
            return
        parts = taken_apart(data) if self._whole and self._strange < _STRANGE else None
        if parts is not None and self._recalled(parts):
            return
        waiter, before = self._waiter, self._request_count
        self._waiter = None
        try:
            RequestHandler.data_received(self, data)
        finally:
            self._waiter = waiter
        if self._whole:
            self._whole = self._request_count == before + 1 and self._was_one(data)
        if self._passing:
            return
        if self._request_count != before:
            self._next(parts if self._whole else None)
        elif data:
            self._half_a_head(len(data))

    def _was_one(self, data: bytes) -> bool:
        """Whether the one request that was just read is all of `data`, so that aiohttp's parser holds nothing of it."""
        message, payload = self._messages[-1]
        return (
            isinstance(message, RawRequestMessage)
            and not self._upgraded
            and payload.is_eof()
            and data.find(b"\r\n\r\n") + 4 + payload.total_bytes == len(data)
        )

    def _recalled(self, parts: Parts) -> bool:
        """Take a whole request whose head was read before through the fast lane; False: it is none."""
        door = self._manager
        lane = door.lane if isinstance(door, Door) else None
        if lane is None or self._close or self._force_close or self._messages:
            return False
        known = lane.recalls(parts)
        if known is None:
            self._strange += 1
            return False
        self._strange = 0
        self._request_count += 1
        self._passing = self._request_in_progress = True
        lane.enter_again(known, self.remote, self._passed)
        return True

    def _next(self, parts: Parts | None = None) -> None:
        """Requests came, and none is being answered: the first goes through the fast lane, or wakes the task.

        `parts`: of the one request that came, where it came alone and whole.
        """
        door = self._manager
        lane = door.lane if isinstance(door, Door) else None
        messages: Any = self._messages
        while messages and self._free and not self._passing:
            message, payload = messages[0]
            if lane is None or not lane.takes(message, payload):
                if self._waiter is not None:
                    self._waiter.set_result(None)
                return
            del messages[0]
            self._passing = self._request_in_progress = True
            if self._parser is not None:
                self._parser.message_consumed()
            if self._buffer_paused and len(messages) <= self._msg_queue_resume_size:
                self._resume_reading_if_drained()
            if parts is not None:
                lane.heads.learn(parts, message)
            lane.enter(message, payload, self.remote, self._passed)

    def _passed(self, answer: bytes, last: bool) -> None:
        """The request in the fast lane has its answer; what came after it may follow."""
        self._passing = self._request_in_progress = False
        if self._handler_waiter is not None and not self._handler_waiter.done():
            self._handler_waiter.set_result(None)
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        transport.write(answer)
        if last or self._close:
            self.force_close()  # what is written is sent before
            return
        self._next_keepalive_close_time = close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(close_time, self._process_keepalive)
        if self._messages:
            self._loop.call_soon(self._next)

    def close(self) -> None:
        """As aiohttp does; a request in the fast lane gets its answer first."""
        self._close = True
        if not self._passing:
            super().close()

    def _process_keepalive(self) -> None:
        """As aiohttp does, but not while a request is in the fast lane."""
        if self._passing:
            self._keepalive_handle = None
        else:
            super()._process_keepalive()

    @property
    def remote(self) -> str | None:
        """The address of the peer."""
        name = self.peername
        return str(name[0]) if isinstance(name, (list, tuple)) else name

    def _half_a_head(self, size: int) -> None:
        door = self._manager
        if not isinstance(door, Door):
            return
        if door.watch(self, self._request_count, size) > HEAD_BYTES:
            if self.transport is not None:
                self.transport.write(_TOO_LARGE)
            self.force_close()

    @property
    def idle(self) -> bool:
        """No request of it is being answered."""
        return self._waiter is not None and not self._waiter.done() and not self._passing

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """An answer that repeats nothing of the request and says nothing of what runs here; closes the connection."""
        if isinstance(exc, ConnectionError):
            raise exc  # nobody is there any more
        if request.writer.output_size > 0:
            raise ConnectionError("half of an answer is out already")
        if status < 500:
            long = isinstance(exc, LineTooLong)
            status = 431 if long else 400
            code, words = ("head_too_large", "the head is too large") if long else ("bad_http", "this is not HTTP/1.1")
            quiet("collector.no_http", status=status)
        else:
            code, words = "internal", "something went wrong here; it was logged"
            quiet("collector.failed", trace=exc is not None, source="server")
        answer = web.json_response(
            {"error": {"code": code, "message": words}}, status=status, headers={hdrs.SERVER: "tracker"}
        )
        answer.force_close()
        return answer

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """What aiohttp could not handle: without addresses, and not without end."""
        failure = kw.get("exc_info")
        quiet("collector.failed", source="server", error=type(failure).__name__)


class Door(web.Server):
    """All connections of a worker.

    lane       where the common request is answered; without one all go the whole way
    most       how many; `patience`: seconds for a head
    per_block  how many of one address block, 0: any number; `proxies` may have any number
    """

    def __init__(
        self,
        like: web.Server,
        *,
        lane: Lane | None = None,
        most: int,
        patience: float,
        per_block: int,
        proxies: Sequence[Any],
    ) -> None:
        super().__init__(
            like.request_handler,
            request_factory=like.request_factory,
            handler_cancellation=like.handler_cancellation,
            loop=like._loop,
        )
        self._kwargs = like._kwargs
        self._most = most
        self._patience = patience
        self.lane = lane
        self._per_block = per_block
        self._proxies = proxies
        self._homes: dict[Visitor, str] = {}  # no more than there are connections
        self._at_home: Counter[str] = Counter()
        self._halves: dict[Visitor, tuple[int, int, float]] = {}  # requests before it, bytes so far, deadline
        self._sweeping: asyncio.TimerHandle | None = None

    def __call__(self) -> RequestHandler:
        """A handler for a new connection."""
        return Visitor(self, loop=self._loop, **self._kwargs)

    @property
    def full(self) -> bool:
        """Whether no connection more may come."""
        return len(self._connections) >= self._most

    def make_room(self) -> bool:
        """Hang up on an idle connection, the oldest of those looked at; False where all are busy."""
        for visitor in islice(self._connections, _LOOKED_AT):
            if isinstance(visitor, Visitor) and visitor.idle and visitor.transport is not None:
                visitor.force_close()
                return True
        return False

    def admits(self, visitor: Visitor, peer: Any) -> bool:
        """Whether the block of a peer has room for one more, which it then is."""
        if not self._per_block or not isinstance(peer, tuple) or within(str(peer[0]), self._proxies):
            return True
        home = block(str(peer[0]))
        if self._at_home[home] >= self._per_block:
            quiet("collector.block_is_full")
            return False
        self._homes[visitor] = home
        self._at_home[home] += 1
        return True

    def left(self, visitor: Visitor) -> None:
        """A connection has ended."""
        home = self._homes.pop(visitor, None)
        if home is not None:
            self._at_home[home] -= 1
            if not self._at_home[home]:
                del self._at_home[home]

    def watch(self, visitor: Visitor, requests: int, size: int) -> int:
        """`size` bytes more of a head that is not complete; how many there are now."""
        before, had, deadline = self._halves.get(visitor, (-1, 0, 0.0))
        if before != requests:
            had, deadline = 0, self._loop.time() + self._patience
        self._halves[visitor] = (requests, had + size, deadline)
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(min(_SWEEP, self._patience), self._sweep)
        return had + size

    def _sweep(self) -> None:
        now = self._loop.time()
        for visitor, (requests, _, deadline) in list(self._halves.items()):
            if visitor.transport is None or not visitor.idle or visitor._request_count != requests:
                del self._halves[visitor]
            elif now >= deadline:
                del self._halves[visitor]
                visitor.force_close()
        again = min(_SWEEP, self._patience)
        self._sweeping = self._loop.call_later(again, self._sweep) if self._halves else None

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - aiohttp's own
        """Stop watching, then as aiohttp does."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        await super().shutdown(timeout)


class Runner(web.AppRunner):
    """An AppRunner whose connections come through a Door."""

    __slots__ = ("_bounds",)

    def __init__(
        self,
        app: web.Application,
        *,
        most: int,
        patience: float,
        per_block: int,
        proxies: Sequence[Any],
        **options: Any,
    ) -> None:
        super().__init__(app, **options)
        self._bounds: dict[str, Any] = {"most": most, "patience": patience, "per_block": per_block, "proxies": proxies}

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()  # only now is there a service
        lane = Lane(self.app[SERVICE], asyncio.get_running_loop())
        return Door(server, lane=lane, **self._bounds)
