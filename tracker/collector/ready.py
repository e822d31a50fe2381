"""The common answer, written once and sent to many.

Nearly every answer is the same: 204, the origin's headers, a date. aiohttp builds such an answer anew for each request,
which costs more than taking the event in; here its bytes are kept for the second that their date is right.
"""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest

from tracker.collector import cors


class Words(NamedTuple):
    """What an answer says, apart from what depends on who asked."""

    status: int
    body: bytes = b""
    content_type: str = ""


TAKEN = Words(204)


class Ready(web.StreamResponse):
    """An answer that never changes, for HTTP/1.1 connections that stay open; any number of requests may share it."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__(status=status, headers=headers)
        self.blob = _blob(status, headers.items(), body)

    @property
    def keep_alive(self) -> bool:
        """Always: who asks for the connection to be closed gets another answer."""
        return True

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Send all of it. Raises ConnectionError where nobody is there any more, as every response does."""
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has gone")
        transport.write(self.blob)
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to send."""


def built(words: Words, origin: str | None, headers: Iterable[tuple[str, str]]) -> web.Response:
    """The answer that is not common; `origin`: one that may send here."""
    response = web.Response(
        status=words.status,
        body=words.body or None,
        content_type=words.content_type or None,
        headers={} if origin is None else cors.answer_headers(origin),
    )
    for name, value in headers:
        response.headers.add(name, value)
    return response


def written(response: web.Response, *, last: bool) -> bytes:
    """An answer as HTTP/1.1, without aiohttp's road to the socket; `last`: the connection ends with it.

    Raises ValueError for a header that would be two lines.
    """
    body = response.body
    assert body is None or isinstance(body, bytes)
    headers = [*response.headers.items(), (hdrs.SERVER, "tracker"), (hdrs.DATE, formatdate(usegmt=True))]
    if body is not None:
        headers.append((hdrs.CONTENT_LENGTH, str(len(body))))
    if last:
        headers.append((hdrs.CONNECTION, "close"))
    if any("\r" in value or "\n" in value for _, value in headers):
        raise ValueError("a header must be one line")
    return _blob(response.status, headers, body or b"")


def _blob(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"{head}\r\n".encode() + body


def stays(request: BaseRequest) -> bool:
    """Whether the connection goes on in HTTP/1.1 after the answer."""
    return request.version == HttpVersion11 and request.keep_alive


@lru_cache(maxsize=256)
def ready(words: Words, origin: str | None, second: int) -> Ready | None:
    """The answer for one second (since the epoch) and one origin, which the caller has allowed.

    None for an origin with letters in it that no header may hold as they are.
    """
    headers: dict[str, str] = {}
    if origin is not None:
        if not (origin.isascii() and origin.isprintable()):
            return None
        headers = cors.answer_headers(origin)
    headers |= {hdrs.SERVER: "tracker", hdrs.DATE: formatdate(second, usegmt=True)}
    if words.body:
        headers |= {hdrs.CONTENT_TYPE: words.content_type, hdrs.CONTENT_LENGTH: str(len(words.body))}
    return Ready(words.status, headers, words.body)
