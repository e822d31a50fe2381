"""The fast lane answers and stores just what the whole way does, in the order of the requests, and to the end."""

import asyncio
import gzip
import json
import threading

import msgspec
import pytest
from collector_http import ORIGIN, SHOP, event, put_sites

from tracker.collector.door import Visitor
from tracker.collector.endpoints import SERVICE
from tracker.collector.lane import Lane

ID = "1f30fea0-e776-48d6-8414-fb22bc9cfc5c"
COOKIE = {"Cookie": "jt_vid=visitor-0001"}


@pytest.fixture
def entered(monkeypatch):
    """Bodies of requests that went through the lane."""
    seen = []
    enter = Lane.enter

    def note(self, message, payload, remote, send):
        seen.append(b"".join(payload._buffer))
        enter(self, message, payload, remote, send)

    monkeypatch.setattr(Lane, "enter", note)
    return seen


@pytest.fixture
def recalled(monkeypatch):
    """Bodies of requests that went through the lane because their heads were read before."""
    seen = []
    enter_again = Lane.enter_again

    def note(self, known, remote, send):
        seen.append(known[2])
        enter_again(self, known, remote, send)

    monkeypatch.setattr(Lane, "enter_again", note)
    return seen


def body(*events: dict, site: str = "wk", **given) -> bytes:
    return json.dumps({"site": site, "events": list(events)} | given).encode()


def post(said: bytes, *headers: str, version: str = "1.1", path: str = "/e") -> bytes:
    lines = [f"POST {path} HTTP/{version}", "Host: x", f"Content-Length: {len(said)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + said


async def connect(collector):
    return await asyncio.open_connection("127.0.0.1", int(collector.url.rpartition(":")[2]))


async def answer(reader) -> tuple[int, dict[str, str], bytes]:
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    return int(head[0].split()[1]), headers, await reader.readexactly(int(headers.get("content-length", 0)))


CASES = {
    "common": (body(event(id=ID, visitor="visitor-0001")), ORIGIN | COOKIE),
    "no origin": (body(event(id=ID)), {}),
    "two": (body(event(), event(name="y")), ORIGIN),
    "none": (body(), ORIGIN),
    "a bad one": (body(event(name=""), event()), ORIGIN),
    "no JSON inside": (b'{"site":"wk","events":[{"name":"x"},{"value":1e999}]}', ORIGIN),
    "half of JSON": (b'{"site":"wk","events":[{"name":"x"}', ORIGIN),
    "no envelope": (b'{"site":1}', ORIGIN),
    "unknown key": (body(event(), site="nope"), ORIGIN),
    "wrong origin": (body(event()), {"Origin": "https://elsewhere.example"}),
    "odd origin": (body(event()), {"Origin": "https://shop.example/\u00e4"}),
    "new visitor": (body(event(visitor="visitor-0002")), ORIGIN | COOKIE),
    "fresh visitor": (body(event(visitor="visitor-0002"), fresh=True), ORIGIN | COOKIE),
    "an address for a visitor": (body(event(visitor="jo@example.org")), ORIGIN),
    "refused": (body(event(consent={"analytics": False})), ORIGIN | COOKIE),
    "gpc": (body(event()), ORIGIN | {"Sec-GPC": "1"}),
    "very many": (
        body(*[{"visitor": "visitor-0001", "name": "x", "seq": n} for n in range(600)], site="wk-open"),
        ORIGIN | COOKIE,
    ),
    "too many": (body(*[{}] * 5_001), ORIGIN),
}


@pytest.mark.parametrize("case", CASES)
async def test_the_lane_is_no_other_way(collector, monkeypatch, entered, recalled, case):
    said, headers = CASES[case]
    fast = await collector.send("/e", said, headers=headers)
    assert entered == ([] if case == "odd origin" else [said])
    await collector.send("/e", said, headers=headers)
    assert recalled == []  # most heads never come again, and are not kept
    again = await collector.send("/e", said, headers=headers)
    assert recalled == entered[:1]
    monkeypatch.setattr(Lane, "recalls", lambda *_: None)
    monkeypatch.setattr(Lane, "takes", lambda *_: False)
    slow = await collector.send("/e", said, headers=headers)
    assert (fast.status, fast.body) == (again.status, again.body) == (slow.status, slow.body)
    assert _dateless(fast.headers) == _dateless(again.headers) == _dateless(slow.headers)
    stored = [_timeless(record) for record in collector.stored()]
    ways = [stored[at :: len(stored) // 4] for at in range(len(stored) // 4)]
    assert all(one == way[0] for way in ways for one in way)
    service = collector.app[SERVICE]
    assert service.in_flight == 0
    assert service.metrics.answers["native", fast.status] == 4


def _dateless(headers) -> list[tuple[str, str]]:
    return sorted((name, value) for name, value in headers.items() if name != "Date")


def _timeless(record) -> dict:
    kept = msgspec.to_builtins(record)
    return {name: value for name, value in kept.items() if name not in ("arrival", "received", "ts", "id")}


@pytest.mark.parametrize(
    ("said", "path"),
    [
        (post(gzip.compress(body(event()))), "packed"),
        (post(body(event()), "Content-Encoding: deflate"), "said to be packed"),
        (post(b" " + body(event())), "space before it"),
        (post(body(event()), "Connection: close"), "the last one"),
        (post(body(event()), version="1.0"), "old"),
        (post(body(event()), path="//e"), "another path"),
        (post(body(event(title="x" * 70_000))), "long"),
        (post(body(event()), "Expect: 100-continue"), "asks first"),
    ],
)
async def test_what_is_not_common_goes_the_whole_way(collector, entered, said, path):
    reader, writer = await connect(collector)
    writer.write(said)
    await reader.read(12)
    assert not entered, path
    writer.close()


@pytest.fixture
def late(monkeypatch):
    """Connections whose tasks come to their first step only when the first request is already here."""
    start = Visitor.start

    async def wait(self):
        await asyncio.sleep(0.05)
        await start(self)

    monkeypatch.setattr(Visitor, "start", wait)


@pytest.mark.parametrize("begins", ["at once", "late"])
async def test_answers_come_in_the_order_of_the_requests(collector, entered, request, begins):
    if begins == "late":
        request.getfixturevalue("late")
    reader, writer = await connect(collector)
    refused = post(body(event(), site="nope"))
    get = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    said = [post(body(event(seq=1))), get, post(body(event(seq=2))), refused, refused, get, post(body(event(seq=3)))]
    writer.write(b"".join(said * 5))
    found = [(await answer(reader))[0] for _ in range(35)]
    assert found == [204, 200, 204, 401, 401, 200, 204] * 5
    assert [record.seq for record in collector.stored()] == [1, 2, 3] * 5
    assert entered
    writer.close()


async def test_a_head_in_two_pieces_after_a_request_in_the_lane(collector, entered):
    reader, writer = await connect(collector)
    said = post(body(event()))
    for cut in (10, len(said) - 5):
        writer.write(said + said[:cut])
        assert (await answer(reader))[0] == 204
        writer.write(said[cut:])
        assert (await answer(reader))[0] == 204
    assert len(collector.stored()) == 4
    writer.close()


@pytest.fixture
async def held(collector):
    """A collector whose disk waits until `go` is set."""
    disk = collector.app[SERVICE].spool._disk
    append, collector.go, collector.asked = disk.append, threading.Event(), threading.Event()

    def wait(*given):
        collector.asked.set()
        assert collector.go.wait(60)
        append(*given)

    disk.append = wait
    yield collector
    collector.go.set()


async def until_asked(collector) -> None:
    assert await asyncio.get_running_loop().run_in_executor(None, collector.asked.wait, 20)


async def test_whoever_is_in_the_lane_is_answered_before_the_collector_leaves(held, entered):
    reader, writer = await connect(held)
    writer.write(post(body(event())))
    await until_asked(held)
    service = held.app[SERVICE]
    assert service.in_flight == 1
    service.leaving = True
    held.go.set()
    status, headers, _ = await answer(reader)
    assert (status, headers["connection"]) == (204, "close")
    assert await reader.read() == b""
    assert len(held.stored()) == 1 and len(entered) == 1


async def test_the_first_request_is_in_the_lane_before_its_connection_has_begun(held, entered, late):
    reader, writer = await connect(held)
    writer.write(post(body(event())) + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    await until_asked(held)
    assert len(entered) == 1
    first = asyncio.ensure_future(answer(reader))
    await asyncio.sleep(0.2)  # the connection begins meanwhile, and must not answer the second request first
    assert not first.done()
    held.go.set()
    assert ((await first)[0], (await answer(reader))[0]) == (204, 200)


async def test_what_is_not_common_waits_for_its_connection_to_begin(collector, entered, late):
    reader, writer = await connect(collector)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + post(body(event())))
    assert ((await answer(reader))[0], (await answer(reader))[0]) == (200, 204)
    writer.close()


async def test_whoever_hangs_up_in_the_lane_is_stored_all_the_same(held, entered):
    _, writer = await connect(held)
    writer.write(post(body(event())))
    await until_asked(held)
    writer.close()
    await writer.wait_closed()
    held.go.set()
    assert (await held.events(event())).status == 204
    assert len(held.stored()) == 2 and len(entered) == 2
    assert held.app[SERVICE].in_flight == 0


async def test_an_idle_connection_is_closed_after_the_lane_as_before(start, entered):
    collector = await start(keepalive=0.2)
    reader, writer = await connect(collector)
    writer.write(post(body(event())))
    assert (await answer(reader))[0] == 204
    assert await asyncio.wait_for(reader.read(), 60) == b""
    assert entered
    writer.close()


def browser(visitor: str, cookie: str, **headers: str) -> bytes:
    lines = [f"{name}: {value}" for name, value in (ORIGIN | headers).items()]
    return post(body(event(visitor=visitor)), *lines, f"Cookie: jt_vid={cookie}")


async def test_a_known_head_comes_with_the_cookie_of_each_request(collector, recalled):
    reader, writer = await connect(collector)
    cookies = []
    for visitor, cookie in (("0", "0"), ("1", "1"), ("2", "2"), ("3", "2"), ("4", "4")):
        writer.write(browser(f"visitor-000{visitor}", f"visitor-000{cookie}"))
        status, headers, _ = await answer(reader)
        assert status == 204
        cookies.append(headers.get("set-cookie", "").partition(";")[0])
    assert cookies == ["", "", "", "jt_vid=visitor-0003", ""]
    assert len(recalled) == 3
    assert [record.visitor for record in collector.stored()] == [f"visitor-000{n}" for n in range(5)]
    writer.close()


async def test_another_head_is_read_anew(collector, recalled):
    reader, writer = await connect(collector)
    gpc = {"Sec-GPC": "1"}
    for more in ({}, gpc, {}, gpc, {}, gpc, {"Sec-GPC": "0"}):
        writer.write(browser("visitor-0001", "visitor-0001", **more))
        assert ("tracker-optout" in (await answer(reader))[1]) == (more.get("Sec-GPC") == "1")
    assert len(recalled) == 2
    writer.close()


async def test_a_known_head_follows_what_the_site_has_become(collector, recalled):
    reader, writer = await connect(collector)

    async def status() -> int:
        writer.write(browser("visitor-0001", "visitor-0001"))
        return (await answer(reader))[0]

    assert [await status(), await status(), await status()] == [204, 204, 204]
    put_sites(collector.data, msgspec.structs.replace(SHOP, consent="opt-out", name="other"))
    collector.app[SERVICE].sites._look()
    assert await status() == 204
    put_sites(collector.data, msgspec.structs.replace(SHOP, domains=("elsewhere.example",)))
    collector.app[SERVICE].sites._look()
    assert await status() == 403
    assert len(recalled) == 3
    assert [record.site for record in collector.stored()] == [SHOP.name] * 3 + ["other"]
    writer.close()


@pytest.mark.parametrize("cut", [10, 60, -5])
async def test_after_half_a_request_nothing_is_taken_for_a_whole_one(collector, recalled, cut):
    """Whoever could make us take the inside of a body for a request could speak for others behind the same proxy."""
    reader, writer = await connect(collector)
    whole = browser("visitor-0001", "visitor-0001")
    for data in (whole, whole, whole):
        writer.write(data)
        assert (await answer(reader))[0] == 204
    outer = post(whole, *[f"{name}: {value}" for name, value in ORIGIN.items()])  # a request in a body
    writer.write(outer[: -len(whole)])
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.write(whole)
    assert (await answer(reader))[0] == 400
    writer.write(whole[:cut])
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.write(whole[cut:] + whole)
    assert [(await answer(reader))[0] for _ in range(2)] == [204, 204]
    assert recalled == [body(event(visitor="visitor-0001"))]
    writer.close()


async def test_heads_are_not_looked_for_where_none_comes_twice(collector, recalled):
    reader, writer = await connect(collector)
    for n in [*range(8), 8, 8, 8, 8]:
        writer.write(browser("visitor-0001", "visitor-0001", **{"X-Request": str(n)}))
        assert (await answer(reader))[0] == 204
    assert recalled == []
    writer.close()
