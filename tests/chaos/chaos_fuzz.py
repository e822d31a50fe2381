"""Requests that went wrong: what real clients sent, changed by a seed, as bytes on a socket.

Three ways, mixed: the JSON of a body is changed as JSON (values of other kinds, deep or wide ones, keys taken away and
doubled), any bytes are changed as bytes (flipped, cut, repeated, pasted from elsewhere), and the head is changed as HTTP
(lengths, codings, targets, methods, headers, chunks). The same seed makes the same requests.
"""

# ruff: noqa: E501 - tables

from __future__ import annotations

import base64
import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tracker.core.links import Link, sign

CAPTURES = Path(__file__).parents[1] / "protocols" / "captures"


class Said(NamedTuple):
    """One request before it is written out."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes


NATIVE = {
    "type": "track", "name": "purchase", "visitor": "9b2f6a1e-77aa-4c1d-9d7e-000000000001", "session": "s1", "seq": 3,
    "id": "1f30fea0-e776-48d6-8414-fb22bc9cfc5c", "ts": 1795321732829, "url": "https://shop.example/p/1?utm_source=a",
    "referrer": "https://www.google.com/", "title": "A product", "props": {"color": "blue", "size": 42, "deep": {"a": [1]}},
    "items": [{"item_id": "1", "price": 5.5}], "value": 59.9, "currency": "EUR", "traits": {"email": "a@b.example"},
    "consent": {"analytics": True, "ads": True, "tcf": "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA", "gpp": "DBAA"},
    "language": "de-DE", "timezone": "Europe/Berlin", "screen": "1920x1080",
}  # fmt: skip
QUERY = "site=wk&name=a&visitor=v1&props.a=b&value=1&ts=1795321732829&analytics=1&tcf=CPX&sent_at=1"


def seeds() -> list[Said]:
    """Good requests of every dialect: our own, and every one of the captures."""
    one = json.dumps({"site": "wk", "sent_at": 1795321732829, "fresh": True, "events": [NATIVE]}).encode()
    many = json.dumps({"site": "wk", "events": [NATIVE] * 20}).encode()
    link = {"key": "wk", "expires": 4_000_000_000_000, "user": "u7", "props": {"campaign": "autumn"}}
    click = sign(Link(kind="click", url="https://shop.example/?utm_source=news", **link), "11" * 32)
    found = [
        Said("GET", f"/r/{click}", [("User-Agent", "Mozilla/5.0"), ("Sec-Fetch-Site", "none")], b""),
        Said("GET", f"/o/{sign(Link(kind='open', **link), '11' * 32)}.gif", [("User-Agent", "Mozilla/5.0")], b""),
        Said("POST", "/e", [("Content-Type", "text/plain"), ("Origin", "https://shop.example")], one),
        Said("POST", "/e", [("Cookie", "jt_vid=9b2f6a1e-77aa"), ("Sec-GPC", "1")], many),
        Said("POST", "/e", [("Content-Encoding", "gzip")], gzip.compress(one)),
        Said("GET", f"/e.gif?{QUERY}", [("Referer", "https://shop.example/")], b""),
        Said("GET", "/p.js?site=wk", [("Accept-Encoding", "gzip")], b""),
        Said("GET", "/v1/projects/wk/settings", [("Origin", "https://shop.example")], b""),
        Said("OPTIONS", "/e", [("Origin", "https://shop.example"), ("Access-Control-Request-Method", "POST")], b""),
    ]
    for path in sorted(CAPTURES.glob("*.json")):
        for request in json.loads(path.read_text())["requests"][:6]:
            body = request.get("body") or {}
            wire = base64.b64decode(body["wire_base64"]) if "wire_base64" in body else body.get("text", "").encode()
            query = request.get("query_string")
            target = request["path"] + (f"?{query}" if query else "")
            headers = [
                (name, value)
                for name, value in request["headers"]
                if name.lower() not in ("host", "content-length", "connection", "transfer-encoding", "expect")
            ]
            found.append(Said(request["method"], target, headers, wire))
    return found


ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, 2**64, -(2**70), 0.1, -0.0, 1e308, 5e-324, "", " ", "\0", "a" * 300,
    "a" * 40_000, "\ud800", "\u202e", "😀" * 50, "a@b.example", "+49 30 1234567", "%00%ff", "null", "NaN", "2026-13-45T99:99",
    "9999-12-31T23:59:59Z", "0001-01-01", "-1", "1e999", "javascript:alert(1)", "http://[", "//", "../..", "(other)", "__proto__",
    [], {}, [[]], [{}], {"": ""}, {"\0": "\0"}, {"a.b": 1, "a": {"b": 2}}, ["x"] * 500, {f"k{at}": at for at in range(400)},
]  # fmt: skip
RAW = [b"NaN", b"Infinity", b"1e999", b"\xff\xfe", b"\x00", b'"\\', b"[" * 3000, b'{"a":' * 3000, b"]" * 50, b"}" * 50,
       b",", b'"', b"\\ud83d", b"\xef\xbb\xbf", b"\x1f\x8b", b"\r\n\r\n", b"0\r\n\r\n", b"%s%n", b"{}" * 100, b"1" * 400]  # fmt: skip


def twist(chance: random.Random, value: Any, depth: int = 0) -> Any:
    """The same JSON value, changed in one place or two."""
    if depth > 6 or chance.random() < 0.15:
        odd = chance.choice(ODD)
        if chance.random() < 0.05:
            for _ in range(chance.choice((15, 17, 70, 900))):
                odd = [odd] if chance.random() < 0.5 else {"a": odd}
        return odd
    if isinstance(value, dict) and value:
        changed = dict(value)
        key = chance.choice(list(changed))
        what = chance.random()
        if what < 0.15:
            del changed[key]
        elif what < 0.25:
            changed[str(chance.choice(ODD))[:400]] = changed[key]
        else:
            changed[key] = twist(chance, changed[key], depth + 1)
        return changed
    if isinstance(value, list) and value:
        changed_list = list(value)
        at = chance.randrange(len(changed_list))
        if chance.random() < 0.1:
            return changed_list * chance.choice((2, 50))
        changed_list[at] = twist(chance, changed_list[at], depth + 1)
        return changed_list
    return chance.choice(ODD)


def as_json(chance: random.Random, body: bytes) -> bytes:
    """A body changed as JSON; gzipped ones inside their gzip. What is no JSON is changed as bytes."""
    packed = body.startswith(b"\x1f\x8b")
    try:
        value = json.loads(gzip.decompress(body) if packed else body)
    except (ValueError, OSError, EOFError):
        return as_bytes(chance, body)
    for _ in range(chance.choice((1, 1, 2, 5))):
        value = twist(chance, value)
    try:
        plain = json.dumps(value, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    except (RecursionError, ValueError):
        plain = b"[" * 5000
    return gzip.compress(plain, 1) if packed else plain


def as_bytes(chance: random.Random, body: bytes) -> bytes:
    """A body changed as bytes."""
    changed = bytearray(body or b"{}")
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(len(changed) + 1)
        what = chance.randrange(5)
        if what == 0 and at < len(changed):
            changed[at] ^= 1 << chance.randrange(8)
        elif what == 1:
            del changed[at:]
        elif what == 2:
            changed[at:at] = chance.choice(RAW)
        elif what == 3:
            end = min(len(changed), at + chance.choice((1, 10, 200)))
            changed[at:at] = changed[at:end] * chance.choice((1, 3, 20))
        else:
            del changed[at : at + chance.choice((1, 5, 50))]
        if len(changed) > 200_000:
            del changed[200_000:]
    return bytes(changed)


TARGETS = [
    "//",
    "/./",
    "/../",
    "/%2e%2e/",
    "/%00",
    "/%ff",
    "?",
    "??&&==&=",
    "#x",
    "/" * 50,
    "http://evil.example",
    "*",
    "/e/e/e",
]
HEADERS = [
    "X-Forwarded-For: 1.2.3.4, , [::1], unknown", "Forwarded: for=\"[", "Cookie: jt_vid=" + "a" * 300, "Cookie: ;;==;\"",
    "Authorization: Basic \xff", "Authorization: Basic " + "A" * 500, "Origin: null", "Origin: http://[::1", "Origin: \xe9",
    "Content-Type: \x7f", "Content-Encoding: br", "Content-Encoding: gzip, gzip", "Expect: 100-continue", "Expect: tea",
    "Upgrade: h2c", "Upgrade: websocket", "Connection: upgrade, close", "If-None-Match: \"", "Accept-Encoding: *;q=x",
    "Sec-GPC: 1", "Sec-Fetch-Site: none", "User-Agent: " + "\xff" * 900, "Range: bytes=0-0,-1", "X: " + "a" * 9000, "Host: b",
    "Content-Length: 3", "Content-Length: -1", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip", "X-Write-Key: \xfe",
    ": empty", "No colon here", " folded", "X\x00: nul", "Date: x", "Referer: http://\xff/",
]  # fmt: skip


def as_http(chance: random.Random, said: Said) -> bytes:
    """A request whose head is wrong in one way or more."""
    target = said.target
    if chance.random() < 0.5:
        at = chance.randrange(len(target) + 1)
        target = target[:at] + chance.choice(TARGETS) + target[at:]
    method = (
        said.method if chance.random() < 0.7 else chance.choice(("PUT", "HEAD", "CONNECT", "OPTIONS", "get", "G\x00T"))
    )
    version = chance.choice(("HTTP/1.1",) * 8 + ("HTTP/1.0", "HTTP/2.0", "HTTP/1.1 "))
    lines = [f"{method} {target} {version}", "Host: x", *(f"{name}: {value}" for name, value in said.headers)]
    length = len(said.body)
    chunked = chance.random() < 0.25
    body = said.body
    if chunked:
        lines.append("Transfer-Encoding: chunked")
        size = chance.choice((1, 7, 1000, 100_000))
        parts = [body[at : at + size] for at in range(0, min(length, 50 * size), size)]
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        if chance.random() < 0.4:
            body = as_bytes(chance, body)
    else:
        lines.append(f"Content-Length: {length + chance.choice((0, 0, 0, 0, 1, -1, 5))}")
    for _ in range(chance.choice((0, 1, 1, 3))):
        lines.insert(chance.randrange(1, len(lines) + 1), chance.choice(HEADERS))
    end = chance.choice(("\r\n",) * 9 + ("\n",))
    head = end.join(lines).encode("latin-1", "replace") + (end * 2).encode()
    if chance.random() < 0.1:
        head = as_bytes(chance, head)
    return head + body


def requests(seed: int) -> Iterator[bytes]:
    """Requests without end."""
    chance = random.Random(seed)
    good = seeds()
    while True:
        said = chance.choice(good)
        what = chance.random()
        if what < 0.05:
            pass
        elif what < 0.45:
            said = said._replace(body=as_json(chance, said.body))
        elif what < 0.7:
            said = said._replace(body=as_bytes(chance, said.body))
        else:
            yield as_http(chance, said)
            continue
        query = said.target
        if not said.body and "?" in query:
            head, _, rest = query.partition("?")
            plain = as_bytes(chance, rest.encode()).decode("latin-1")
            query = (
                head
                + "?"
                + "".join(letter if letter.isprintable() and letter not in " #" else "%00" for letter in plain)
            )
        lines = [f"{said.method} {query} HTTP/1.1", "Host: x", f"Content-Length: {len(said.body)}"]
        lines += [f"{name}: {value}" for name, value in said.headers]
        yield "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + said.body
