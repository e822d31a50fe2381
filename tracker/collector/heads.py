"""Heads of requests that were read before: a head that differs only in its cookie and its length means the same again.

A browser writes the same head with every request from a page, and reading one - lines to headers, headers to what they
say - costs as much as taking the event in. Nothing is read here: what aiohttp made of a head is kept under the head's
own bytes, without the value of its cookie and without the digits of its length, and every other byte must be equal.
"""

from __future__ import annotations

from aiohttp import hdrs
from aiohttp.http_parser import RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy

_BEGIN = b"POST /e HTTP/1.1\r\n"
_LENGTH, _COOKIE = b"\r\nContent-Length: ", b"\r\nCookie: "
_LONGEST = 2_048  # bytes of a head
_MOST = 2_048  # heads: some 10 MB


class Head:
    """What one head said. `headers` are without its length and its cookie, which are others each time."""

    __slots__ = ("headers", "origin")

    def __init__(self, headers: CIMultiDictProxy[str]) -> None:
        self.headers = headers
        self.origin = headers.get(hdrs.ORIGIN)

    def with_cookie(self, cookie: str | None) -> CIMultiDictProxy[str]:
        """The headers of a request with this head."""
        if cookie is None:
            return self.headers
        headers = CIMultiDict(self.headers)
        headers.add(hdrs.COOKIE, cookie)
        return CIMultiDictProxy(headers)


# A request whose head was read before: the head, its cookie, its body.
Known = tuple[Head, str | None, bytes]
# A whole request: its head without the two values, the cookie, the digits of its length, its body.
Parts = tuple[bytes, str | None, bytes, bytes]


class Heads:
    """The heads that one worker has read more than once; when there are too many, it begins again."""

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}
        self._seen: set[int] = set()  # of heads that came once; most never come again, and are not worth keeping

    def find(self, parts: Parts) -> Known | None:
        """The request, if its head is known."""
        head = self._known.get(parts[0])
        return None if head is None else (head, parts[1], parts[3])

    def learn(self, parts: Parts, message: RawRequestMessage) -> None:
        """`message` is what aiohttp read from them: keep it, if it comes again, where both say the same."""
        shape, cookie, length, _ = parts
        mark = hash(shape)
        if mark not in self._seen:
            if len(self._seen) >= _MOST:
                self._seen.clear()
            self._seen.add(mark)
            return
        headers = message.headers
        cookies = [] if cookie is None else [cookie]
        if (
            headers.getall(hdrs.COOKIE, []) != cookies
            or headers.getall(hdrs.CONTENT_LENGTH, []) != [length.decode()]
            or hdrs.TRANSFER_ENCODING in headers
        ):
            return
        if len(self._known) >= _MOST:
            self._known.clear()
        left = CIMultiDict(headers)
        left.popall(hdrs.COOKIE, None)
        del left[hdrs.CONTENT_LENGTH]
        self._known[shape] = Head(CIMultiDictProxy(left))


def taken_apart(data: bytes) -> Parts | None:
    """The parts of a common request; None for anything else, also for half of one and for more than one."""
    if not data.startswith(_BEGIN):
        return None
    end = data.find(b"\r\n\r\n", 0, _LONGEST)
    first = data.find(_LENGTH, 0, end) + len(_LENGTH)
    if end < 0 or first < len(_LENGTH):
        return None
    last = data.find(b"\r\n", first, end + 2)
    length, body = data[first:last], data[end + 4 :]
    if length != b"%d" % len(body):
        return None
    begins = data.find(_COOKIE, 0, end)
    if begins < 0:
        return data[:first] + data[last:end], None, length, body
    begins += len(_COOKIE)
    ends = data.find(b"\r\n", begins, end + 2)
    value = data[begins:ends]
    if not value.isascii():
        return None
    cookie = value.decode("ascii")
    if not cookie.isprintable() or cookie != cookie.strip(" ") or not cookie:
        return None
    if begins < first:
        shape = data[:begins] + data[ends:first] + data[last:end]
    else:
        shape = data[:first] + data[last:begins] + data[ends:end]
    return shape, cookie, length, body
