"""Reading a request's body: bounded in size, in time, and in what it inflates to."""

from __future__ import annotations

import asyncio
import zlib

from aiohttp import StreamReader, hdrs, web

from tracker.core.errors import BadRequest, TooLarge, TrackerError, TryLater

_GZIP = b"\x1f\x8b"


class TooSlow(TrackerError):
    """The client did not send its body in time."""

    status = 408
    code = "too_slow"


class Budget:
    """Bytes of bodies still arriving, over all connections of a worker: slow senders cannot fill its memory."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.used = 0

    def take(self, size: int) -> None:
        """Raises TryLater when there is no room for `size` more."""
        if self.used + size > self.most:
            raise TryLater("too many bodies are arriving at once", code="overloaded")
        self.used += size


def body_now(request: web.Request, limit: int) -> bytes | None:
    """The body where all of it is here already and plain, which is nearly always; None: `read_body` must look."""
    content = request.content
    if not content.is_eof() or hdrs.CONTENT_ENCODING in request.headers:
        return None
    body = content.read_nowait()
    if len(body) > limit:
        raise _too_large(limit)
    return inflate(body, limit, zlib.MAX_WBITS | 16) if body.startswith(_GZIP) else body


async def read_body(request: web.Request, *, limit: int, patience: float, budget: Budget, rate: int = 16_000) -> bytes:
    """The body, inflated where it begins like gzip - headers are not to be trusted with that.

    Raises TooLarge over `limit` bytes (compressed or inflated), TooSlow after `patience` seconds and one more for each
    `rate` bytes that came, TryLater over the budget, BadRequest for broken compression or framing.
    """
    length = request.content_length
    if length is not None and length > limit:
        raise _too_large(limit)
    content = request.content
    if content.is_eof():  # all of it is here already: no clock is needed
        body = await content.read()
    else:
        try:
            async with asyncio.timeout(patience) as clock:
                body = await _read_slowly(content, limit, budget, clock, rate)
        except TimeoutError:
            raise TooSlow("the body took too long") from None
    if len(body) > limit:
        raise _too_large(limit)
    if body.startswith(_GZIP):
        return inflate(body, limit, zlib.MAX_WBITS | 16)
    if request.headers.get("Content-Encoding") == "deflate":
        return inflate(body, limit, zlib.MAX_WBITS)
    return body


async def _read_slowly(content: StreamReader, limit: int, budget: Budget, clock: asyncio.Timeout, rate: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        while chunk := await content.readany():
            budget.take(len(chunk))
            size += len(chunk)  # what was taken is given back, however this ends
            if size > limit:
                raise _too_large(limit)
            chunks.append(chunk)
            clock.reschedule((clock.when() or 0.0) + len(chunk) / rate)
        return b"".join(chunks)
    finally:
        budget.used -= size


def inflate(body: bytes, limit: int, window: int) -> bytes:
    """Inflate at most `limit` bytes: what would grow beyond is refused without being held in memory."""
    stream = zlib.decompressobj(window)
    try:
        plain = stream.decompress(body, limit + 1)
    except zlib.error:
        raise BadRequest("the body is not valid gzip", code="bad_compression") from None
    if len(plain) > limit:
        raise _too_large(limit)
    if not stream.eof:
        raise BadRequest("the body's compression ends too early", code="bad_compression")
    return plain


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than {limit} bytes; send smaller batches")
