"""A head that is recognised says what aiohttp reads in it; what aiohttp refuses is never recognised."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import hdrs
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tracker.collector.heads import Heads, taken_apart

LINES = (
    "Host: shop.example",
    "Origin: https://shop.example",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/156",
    "X-Content-Length: 7",
    "content-type: text/plain",
    "Sec-GPC: 1",
    "X-Odd: \u00e4\u00f6",
    "X-Empty:",
)
OTHERS = (
    "Content-Length: 2",
    "content-length: 3",
    "Cookie: a=b",
    "cookie: jt_vid=somebody-else",
    "Transfer-Encoding: chunked",
    "Connection: close",
    " folded",
)
COOKIES = st.one_of(
    st.none(),
    st.sampled_from(
        ("jt_vid=visitor-0001", "a=1; jt_vid=visitor-0002", "", " ", "a=b ", "\ta", "a\x01", "\u00e4", 'q="x,y"')
    ),
    st.text(st.characters(codec="latin-1"), max_size=30),
)
BODIES = st.sampled_from((b'{"site":"wk"}', b"{}", b"", b'{"a":"\r\n\r\nCookie: x"}'))


def request(lines: list[str], cookie: str | None, body: bytes, *, said: str | None = None) -> bytes:
    """`said`: the digits of the length, where they shall not be right."""
    head = ["POST /e HTTP/1.1", *lines[:1], f"Content-Length: {len(body) if said is None else said}", *lines[1:3]]
    if cookie is not None:
        head.append(f"Cookie: {cookie}")
    return "\r\n".join([*head, *lines[3:], "", ""]).encode("latin-1") + body


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def read(data: bytes, loop: asyncio.AbstractEventLoop) -> tuple[Any, bytes] | None:
    """The message and the body, if aiohttp finds one whole request in `data` and nothing else."""
    parser = HttpRequestParser(BaseProtocol(loop), loop, 65_536, auto_decompress=False)
    try:
        messages, _, _ = parser.feed_data(data)
        if len(messages) != 1:
            return None
        (message, payload), *_ = messages
        if not payload.is_eof() or parser.feed_data(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")[0][0][0].method != "GET":
            return None
    except (HttpProcessingError, IndexError):
        return None
    return message, b"".join(getattr(payload, "_buffer", ()))


def learn(heads: Heads, data: bytes, message: Any) -> None:
    """As a connection does: only what comes a second time is kept."""
    for _ in range(2):
        parts = taken_apart(data)
        assert parts is None or heads.find(parts) is None
        if parts is not None:
            heads.learn(parts, message)


def agrees(heads: Heads, data: bytes, loop: asyncio.AbstractEventLoop) -> bool:
    """Whether a request was recognised; it then says what aiohttp says."""
    parts = taken_apart(data)
    found = None if parts is None else heads.find(parts)
    if found is None:
        return False
    head, cookie, body = found
    seen = read(data, loop)
    assert seen is not None
    message, whole = seen
    assert (message.method, message.path, tuple(message.version)) == ("POST", "/e", (1, 1))
    assert body == whole
    assert cookie == message.headers.get(hdrs.COOKIE)
    assert head.origin == message.headers.get(hdrs.ORIGIN)
    given = [(name, value) for name, value in message.headers.items() if name.lower() != "content-length"]
    assert sorted(head.with_cookie(cookie).items()) == sorted(given)
    assert not message.should_close
    return True


@settings(max_examples=300, deadline=None)
@given(
    lines=st.lists(st.sampled_from(LINES), min_size=1, max_size=6, unique=True),
    more=st.lists(st.sampled_from(OTHERS), max_size=1),
    cookies=st.tuples(COOKIES, COOKIES),
    bodies=st.tuples(BODIES, BODIES),
    at=st.integers(0, 400),
    change=st.one_of(st.none(), st.binary(max_size=3)),
    said=st.sampled_from((None, None, None, "2", "02", "+2", "2 ", "1_0", "2;", "9" * 30)),
)
@example(
    lines=["Host: x"],
    more=[],
    cookies=("jt_vid=visitor-0001", "jt_vid=visitor-0002"),
    bodies=(b"{}", b'{"a":1}'),
    at=0,
    change=None,
    said=None,
)
def test_what_is_recognised_is_what_aiohttp_reads(loop, *, lines, more, cookies, bodies, at, change, said):
    heads = Heads()
    first = request(lines + more, cookies[0], bodies[0])
    seen = read(first, loop)
    if seen is not None and not seen[0].should_close:  # what is taken into the lane and learned from there
        learn(heads, first, seen[0])
    agrees(heads, first, loop)
    second = request(lines + more, cookies[1], bodies[1], said=said)
    if change is not None:
        second = second[:at] + change + second[at + 1 :]
    agrees(heads, second, loop)
    for odd in (second[:-1], second + b"x", second + second, b"\r\n" + second):
        agrees(heads, odd, loop)


def test_the_same_head_is_recognised_with_another_cookie_and_another_body(loop):
    heads = Heads()
    lines = [line for line in LINES if line.isascii()]
    first = request(lines, "jt_vid=visitor-0001", b"{}")
    learn(heads, first, read(first, loop)[0])
    assert agrees(heads, first, loop)
    assert agrees(heads, request(lines, "a=1; jt_vid=visitor-0002; b=2", b'{"site":"wk"}'), loop)
    assert not agrees(heads, request(lines, None, b"{}"), loop)
    assert not agrees(heads, request([*lines, "X-More: 1"], "jt_vid=visitor-0001", b"{}"), loop)


def test_too_many_heads_are_forgotten(loop):
    heads = Heads()
    made = [request([f"Host: h{n}"], None, b"{}") for n in range(2_500)]
    for data in made:
        learn(heads, data, read(data, loop)[0])
    assert agrees(heads, made[-1], loop)
    assert not agrees(heads, made[0], loop)
    long = request(["Host: x", "X: " + "x" * 3_000], None, b"{}")
    learn(heads, long, read(long, loop)[0])
    assert not agrees(heads, long, loop)
