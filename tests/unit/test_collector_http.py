"""The collector over HTTP: answers, and what is on disk when they arrive."""

import asyncio
import errno
import gzip
import json
import time
import uuid
import zlib

import pytest
from collector_http import ORIGIN, event

from tracker.collector.endpoints import SERVICE
from tracker.collector.settings import Limits
from tracker.core.event import Event, Rejected
from tracker.pixel import bundle


async def test_a_native_batch_is_on_disk_when_204_arrives(collector):
    answer = await collector.events(event(id="1F30FEA0-e776-48d6-8414-fb22bc9cfc5c"), event(name="y"), headers=ORIGIN)
    assert answer.status == 204
    first, second = collector.stored()
    assert (first.id, first.name, first.mode, first.source) == (
        "1f30fea0-e776-48d6-8414-fb22bc9cfc5c",
        "x",
        "M4",
        "native",
    )
    assert second.name == "y"
    assert second.arrival > first.arrival
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "X-Visitor" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    ("content_type", "pack"),
    [
        ("text/plain", bytes),
        ("application/json", bytes),
        ("text/plain", gzip.compress),
        ("application/x-www-form-urlencoded", gzip.compress),
        ("application/json", gzip.compress),
    ],
)
async def test_headers_say_little_about_a_body(collector, content_type, pack):
    body = pack(json.dumps({"site": "wk", "events": [event()]}).encode())
    answer = await collector.send("/e", body, headers={"Content-Type": content_type})
    assert answer.status == 204
    assert len(collector.stored()) == 1


async def test_content_encodings(collector):
    body = json.dumps({"site": "wk", "events": [event()]}).encode()
    for encoding, packed in (("gzip", gzip.compress(body)), ("gzip", body), ("deflate", zlib.compress(body))):
        answer = await collector.send("/e", packed, headers={"Content-Encoding": encoding})
        assert answer.status == 204
    assert len(collector.stored()) == 3


async def test_a_bad_event_is_rejected_alone(collector):
    body = b'{"site":"wk","events":[%b,{"type":"track","name":"x","visitor":"v","value":NaN},7,%b]}'
    answer = await collector.send("/e", body % ((json.dumps(event()).encode(),) * 2))
    assert answer.status == 204
    kinds = [type(record) for record in collector.stored()]
    assert kinds == [Event, Rejected, Rejected, Event]
    metrics = (await collector.send("/metrics", method="GET")).body.decode()
    assert 'tracker_collector_events_total{ending="accepted",source="native"} 2.0' in metrics
    assert 'tracker_collector_events_total{ending="rejected",source="native"} 2.0' in metrics


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_json"),
        (b"{", 400, "bad_json"),
        (b"[]", 400, "bad_envelope"),
        (b'{"events":[]}', 400, "bad_envelope"),
        (b'{"site":"wk"}', 400, "bad_envelope"),
        (b"\x1f\x8b broken", 400, "bad_compression"),
        (gzip.compress(b"{}" * 100)[:-12], 400, "bad_compression"),
        (b'{"site":"nobody","events":[]}', 401, "unknown_key"),
        (b" " * 1_000_001, 413, "too_large"),
        (gzip.compress(b" " * 50_000_000), 413, "too_large"),
    ],
    ids=range(10),
)
async def test_a_request_that_is_refused_leaves_nothing(collector, body, status, code):
    answer = await collector.send("/e", body)
    assert answer.status == status
    assert answer.json["error"]["code"] == code
    assert answer.headers["Server"] == "tracker"
    assert collector.stored() == []


async def test_the_field_that_is_wrong_is_named(collector):
    answer = await collector.send("/e", {"site": 7, "events": []})
    assert answer.json["error"]["field"] == "site"


async def test_more_events_than_allowed(start):
    collector = await start(limits=Limits(events=3))
    assert (await collector.events(*[event()] * 4)).status == 413
    assert (await collector.events(*[event()] * 3)).status == 204


async def test_a_body_without_a_length_is_bounded_too(start):
    collector = await start(limits=Limits(body=20_000))

    async def endless():
        for _ in range(100):
            yield b" " * 1000

    answer = await collector.send("/e", endless())
    assert answer.status == 413


async def test_bodies_that_are_still_arriving_are_bounded_together(start):
    collector = await start(pending_max_bytes=30_000)
    gate = asyncio.Event()

    async def held():
        yield b" " * 20_000
        await gate.wait()
        yield b"{}"

    async def second():
        yield b" " * 20_000
        await asyncio.sleep(0.3)
        yield b"{}"

    first = asyncio.create_task(collector.send("/e", held()))
    while collector.app[SERVICE].arriving.used < 20_000:  # noqa: ASYNC110 - a plain counter
        await asyncio.sleep(0.01)
    answer = await collector.send("/e", second())
    assert answer.status == 503
    assert "Retry-After" in answer.headers
    gate.set()
    assert (await first).status == 400
    assert collector.app[SERVICE].arriving.used == 0
    assert (await collector.events(event())).status == 204


async def test_a_slow_body_is_given_up(start):
    collector = await start(read_timeout=0.2)

    async def slow():
        yield b'{"site":'
        await asyncio.sleep(5)
        yield b'"wk"}'

    started = time.monotonic()
    answer = await collector.send("/e", slow())
    assert answer.status == 408
    assert time.monotonic() - started < 4


async def test_the_script(collector, tmp_path, monkeypatch):
    built = tmp_path / "p.js"
    monkeypatch.setattr(bundle, "FILES", bundle.Built(tmp_path))
    assert (await collector.send("/p.js?site=wk", method="GET")).status == 503
    built.write_text("let pixel = 1;")
    answer = await collector.send("/p.js?site=nope", method="GET")
    assert (answer.status, answer.body.decode()) == (200, "\nlet pixel = 1;")  # a line is kept for the site's settings
    assert "max-age" in answer.headers["Cache-Control"]
    same = await collector.send("/p.js", method="GET", headers={"If-None-Match": answer.headers["ETag"]})
    assert same.status == 304


@pytest.mark.parametrize("path", ["/", "/nope", "/v1/nope", "/e/x", "/../etc/passwd"])
async def test_what_is_not_there(collector, path):
    answer = await collector.send(path, {})
    assert answer.status == 404
    assert answer.json["error"]["code"] == "not_found"


async def test_health(collector):
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await collector.send(path, method="GET")).status == 200


async def test_without_a_file_of_sites_it_is_alive_but_not_ready(start, tmp_path):
    (tmp_path / "sites.json").unlink()
    collector = await start()
    assert (await collector.send("/healthz", method="GET")).status == 200
    assert (await collector.send("/readyz", method="GET")).status == 503


async def test_a_full_disk_is_503_with_a_pause_and_nothing_is_stored(collector):
    disk = collector.app[SERVICE].spool._disk
    await collector.events(event())
    write, disk.one_call = disk.write, False
    disk.write = lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full"))
    answers = [await collector.events(event(), headers=ORIGIN) for _ in range(3)]
    disk.write = write
    for answer in answers:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) >= 5
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
    assert (await collector.events(event())).status == 204
    assert len(collector.stored()) == 2


async def test_a_mistake_of_ours_shows_nothing_of_it(collector, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("secret /path")

    monkeypatch.setattr("tracker.collector.protocols.native.parse", fail)
    answer = await collector.events(event())
    assert answer.status == 500
    assert "secret" not in answer.body.decode()


async def test_the_time_of_arrival_never_goes_back_when_the_clock_is_set_back(collector, monkeypatch):
    await collector.events(event(id=str(uuid.UUID(int=1))))
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() - 86_400 * 10**9)
    await collector.events(event(id=str(uuid.UUID(int=2))))
    before, after = collector.stored()
    assert before.received <= after.received
    assert before.arrival < after.arrival
