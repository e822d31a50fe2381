"""The collector over HTTP: answers, headers, and what is on disk when they arrive."""

import asyncio
import base64
import errno
import gzip
import json
import time
import uuid
import zlib
from pathlib import Path
from typing import NamedTuple

import maxminddb
import msgspec
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import unused_port
from multidict import CIMultiDictProxy

from tracker.collector.app import make_app
from tracker.collector.door import Runner
from tracker.collector.endpoints import SERVICE
from tracker.collector.settings import CollectorSettings, Limits
from tracker.core.event import Event, Record, Rejected, Suppressed
from tracker.core.site import Site, SitesFile
from tracker.pixel import bundle
from tracker.spool.record import contents

SHOP = Site(name="shop", write_key="wk", domains=("shop.example",), identifier_key="11" * 32)
OPEN = Site(name="open", write_key="wk-open", consent="opt-out")
ORIGIN = {"Origin": "https://www.shop.example"}
YES = {"analytics": True, "ads": True}


def put_sites(data: Path, *sites: Site) -> None:
    path = data / "sites.json.new"
    path.write_bytes(msgspec.json.encode(SitesFile(sites=sites)))
    path.rename(data / "sites.json")


class Answer(NamedTuple):
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)


class Running:
    """A collector on a port of its own, served as in production."""

    def __init__(self, data: Path, port: int, app: web.Application, session: ClientSession) -> None:
        self.data, self.app, self.session = data, app, session
        self.url = f"http://127.0.0.1:{port}"

    async def send(self, path: str, body: object = None, method: str = "POST", **given):
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        async with self.session.request(method, self.url + path, data=data, **given) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def events(self, *events: dict, site: str = "wk", fresh: bool | None = None, **given):
        body = {"site": site, "events": list(events)} | ({} if fresh is None else {"fresh": fresh})
        return await self.send("/e", body, **given)

    def stored(self) -> list[Record]:
        """Everything on disk now, without waiting for anything."""
        bodies = []
        for path in sorted((self.data / "spool" / "c0").glob("0*.*")) + sorted(
            (self.data / "spool" / "c0").glob("1*.*")
        ):
            bodies += contents(path.read_bytes()).bodies
        return [msgspec.json.decode(body, type=Record) for body in bodies]


@pytest.fixture
async def start(tmp_path):
    cleanups = []

    async def start(**settings) -> Running:
        port = unused_port()
        app = make_app(CollectorSettings(data=tmp_path, segment_age=60, **settings))
        runner = Runner(app, most=1000, patience=10.0, auto_decompress=False, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        session = ClientSession(skip_auto_headers=["User-Agent"])
        cleanups.extend([session.close, runner.cleanup])
        return Running(tmp_path, port, app, session)

    put_sites(tmp_path, SHOP, OPEN)
    yield start
    for cleanup in cleanups:
        await cleanup()


@pytest.fixture
async def collector(start):
    return await start()


def event(**given) -> dict:
    return {"type": "track", "name": "x", "visitor": "visitor-1", "consent": YES, **given}


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


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://shop.example", 204),
        ("https://a.b.shop.example:8443", 204),
        ("https://SHOP.example", 204),
        ("https://evilshop.example", 403),
        ("https://shop.example.evil.org", 403),
        ("http://localhost", 403),
        ("null", 403),
        (None, 204),
    ],
)
async def test_origins(collector, origin, status):
    answer = await collector.events(event(), headers={"Origin": origin} if origin else {})
    assert answer.status == status
    if status == 403:
        assert collector.stored() == []
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_preflight(collector):
    asked = {"Access-Control-Request-Headers": "authorization", "Access-Control-Request-Method": "POST"}
    collector.data.joinpath("sites.json").unlink()
    put_sites(collector.data, SHOP)
    collector.app[SERVICE].sites.get("look again")
    answer = await collector.send("/v1/p", method="OPTIONS", headers=ORIGIN | asked)
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
    allowed = answer.headers["Access-Control-Allow-Headers"]
    assert {"authorization", "content-type", "x-write-key", "anonymousid"} <= set(allowed.split(", "))
    assert int(answer.headers["Access-Control-Max-Age"]) > 600
    assert (await collector.send("/e", method="OPTIONS", headers={"Origin": "https://evil.org"} | asked)).status == 403


async def test_a_site_just_added_works_on_the_next_request(collector):
    assert (await collector.events(event(), site="new")).status == 401
    put_sites(collector.data, SHOP, Site(name="new", write_key="new"))
    assert (await collector.events(event(), site="new")).status == 204


async def test_a_broken_sites_file_keeps_the_last_good_one(collector):
    collector.data.joinpath("sites.json").write_text("{")
    assert (await collector.events(event(), site="unknown")).status == 401
    assert (await collector.events(event())).status == 204


async def test_consent_over_http(collector):
    silent = event()
    del silent["consent"]
    assert (await collector.events(silent, headers=ORIGIN)).status == 204
    assert [type(record) for record in collector.stored()] == [Suppressed]
    await collector.events(silent)  # a server's call
    await collector.events(event(), headers=ORIGIN | {"Sec-GPC": "1"})
    await collector.events(event(), headers=ORIGIN | {"Sec-GPC": "yes"})
    _, server, gpc, no_gpc = collector.stored()
    assert (server.mode, server.ads) == ("M2", -1)
    assert (gpc.mode, gpc.ads, gpc.gpc) == ("M2", 0, 1)
    assert (no_gpc.mode, no_gpc.gpc) == ("M4", 0)


async def test_the_cookie_follows_the_visitor(collector):
    first = await collector.events(event(), headers=ORIGIN)
    [cookie] = first.headers.getall("Set-Cookie")
    assert cookie == "jt_vid=visitor-1; Path=/; Max-Age=33696000; HttpOnly; SameSite=Lax"
    again = await collector.events(event(), headers=ORIGIN | {"Cookie": "jt_vid=visitor-1"})
    assert "Set-Cookie" not in again.headers  # never prolonged
    changed = await collector.events(event(visitor="visitor-2"), headers=ORIGIN | {"Cookie": "jt_vid=visitor-1"})
    assert "jt_vid=visitor-2" in changed.headers["Set-Cookie"]
    server = await collector.events(event())
    assert "Set-Cookie" not in server.headers


async def test_a_fresh_visitor_gives_way_to_the_cookie(collector):
    headers = ORIGIN | {"Cookie": "jt_vid=visitor-0"}
    answer = await collector.events(event(), fresh=True, headers=headers)
    assert answer.headers["X-Visitor"] == "visitor-0"
    assert collector.stored()[0].visitor == "visitor-0"


async def test_a_browser_without_a_visitor_gets_one(collector):
    answer = await collector.events(event(visitor=None), event(visitor=None), headers=ORIGIN)
    first, second = collector.stored()
    assert first.visitor == second.visitor == answer.headers["X-Visitor"]
    assert first.visitor in answer.headers["Set-Cookie"]


async def test_before_consent_there_is_no_cookie_and_after_refusal_it_goes(collector):
    refused = event(consent={"analytics": False, "ads": False})
    answer = await collector.events(refused, headers=ORIGIN)
    assert "Set-Cookie" not in answer.headers
    answer = await collector.events(refused, headers=ORIGIN | {"Cookie": "jt_vid=visitor-1"})
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    withdrawn = event(type="consent", name="", consent={"analytics": False, "ads": False})
    answer = await collector.events(withdrawn, headers=ORIGIN | {"Cookie": "jt_vid=visitor-1"})
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert [type(record) for record in collector.stored()] == [Suppressed, Suppressed, Event]


async def test_cookies_over_https(start):
    collector = await start(https=True)
    answer = await collector.events(event(), headers=ORIGIN)
    assert answer.headers["Set-Cookie"].startswith("__Host-jt_vid=visitor-1; Path=/;")
    assert answer.headers["Set-Cookie"].endswith("; Secure")


async def test_the_gif_is_always_a_picture(collector):
    good = await collector.send("/e.gif?site=wk&name=mail+open&visitor=v1&analytics=1&ads=0&props.a=b", method="GET")
    bad = await collector.send("/e.gif?site=unknown", method="GET")
    for answer in (good, bad):
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "image/gif"
        assert (answer.body).startswith(b"GIF89a")
        assert "no-store" in answer.headers["Cache-Control"]
    [record] = collector.stored()
    assert (record.name, record.props, record.ads) == ("mail open", {"a": "b"}, 0)


async def test_a_picture_in_a_browser_needs_consent(collector):
    headers = {"Referer": "https://shop.example/", "User-Agent": "Mozilla/5.0"}
    await collector.send("/e.gif?site=wk&visitor=v1", method="GET", headers=headers)
    await collector.send("/e.gif?site=wk&analytics=1", method="GET", headers=headers)
    suppressed, kept = collector.stored()
    assert isinstance(suppressed, Suppressed)
    assert (kept.name, len(kept.visitor)) == ("page_view", 36)


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


@pytest.mark.parametrize(
    "call",
    ["track", "identify", "page", "screen", "group", "alias", "t", "i", "p", "s", "g", "a", "batch", "b", "import"],
)
async def test_segment_calls(collector, call):
    message = {"userId": "u1", "event": "x", "messageId": "m1"}
    body = {"batch": [{**message, "type": "track"}]} if call in ("batch", "b", "import") else message
    answer = await collector.send(f"/v1/{call}", body, headers=basic("wk"))
    assert (answer.status, answer.body) == (200, b'{"success":true}')
    [record] = collector.stored()
    assert record.user == "u1"
    assert record.type[0] == (call[0] if call not in ("batch", "b", "import") else "t")
    assert record.ua == ""


@pytest.mark.parametrize(
    ("path", "headers", "extra"),
    [
        ("/v1/track", basic("wk"), {}),
        ("/v1/track?writeKey=wk", {}, {}),
        ("/v1/track", {}, {"writeKey": "wk"}),
        ("/v1/track", {"X-Write-Key": "wk"}, {}),
        ("//v1//track/", basic("wk"), {}),
        ("/beacon/v1/batch?writeKey=wk", {}, {"batch": [{"type": "track", "event": "x", "userId": "u"}]}),
    ],
    ids=range(6),
)
async def test_where_segment_libraries_put_the_key(collector, path, headers, extra):
    answer = await collector.send(path, {"event": "x", "userId": "u", **extra}, headers=headers)
    assert answer.status == 200
    assert len(collector.stored()) == 1


async def test_segment_without_a_key(collector):
    for headers in (
        {},
        {"Authorization": "Bearer wk"},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic é"},
        basic("nope"),
    ):
        assert (await collector.send("/v1/track", {"event": "x"}, headers=headers)).status == 401


async def test_an_import_keeps_old_times_and_may_be_large(collector):
    message = {
        "type": "track",
        "event": "x",
        "userId": "u",
        "timestamp": "2011-01-01T00:00:00Z",
        "properties": {"p": "y" * 900},
    }
    body = {"batch": [message] * 4000}
    assert (await collector.send("/v1/batch", body, headers=basic("wk"))).status == 413
    assert (await collector.send("/v1/import", body, headers=basic("wk"))).status == 200
    stored = collector.stored()
    assert len(stored) == 4000
    assert {record.ts for record in stored} == {1293840000000}
    assert {record.source for record in stored} == {"import"}


async def test_settings_for_analytics_js(collector):
    answer = await collector.send("/v1/projects/wk/settings", method="GET", headers=ORIGIN)
    body = answer.json
    destination = body["integrations"]["Segment.io"]
    assert destination["apiHost"] == collector.url.removeprefix("http://") + "/v1"
    assert destination["protocol"] == "http"
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
    assert (await collector.send("/v1/projects/nope/settings", method="GET")).status == 401


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


async def test_the_peers_address_is_cut(collector):
    await collector.events(event())
    [record] = collector.stored()
    assert record.ip == "127.0.0.0"


async def test_a_trusted_proxy_names_the_client(start, monkeypatch):
    class Countries:
        def get(self, address):
            return {"country": {"iso_code": "FR"}} if str(address).startswith("203.0.113.") else None

        def close(self):
            pass

    monkeypatch.setattr(maxminddb, "open_database", lambda path: Countries())
    collector = await start(trusted_proxies=("127.0.0.0/8", "10.0.0.0/8"), geoip=Path("x.mmdb"))
    headers = {"X-Forwarded-For": "1.1.1.1, 203.0.113.77, 10.0.0.3"}
    await collector.events(event(), headers=headers)
    [record] = collector.stored()
    assert (record.ip, record.country) == ("203.0.113.0", "FR")


async def test_without_trust_a_forwarded_address_is_not_believed(collector):
    await collector.events(event(), headers={"X-Forwarded-For": "203.0.113.77"})
    assert collector.stored()[0].ip == "127.0.0.0"


async def test_every_line_of_a_forwarding_header_counts(start):
    """A proxy may add a line of its own under the one that the client made up."""
    collector = await start(trusted_proxies=("127.0.0.0/8",))
    await collector.events(event(), headers=[("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "203.0.113.77")])
    await collector.events(event(), headers=[("Forwarded", "for=6.6.6.6"), ("X-Forwarded-For", "203.0.113.77")])
    assert [record.ip for record in collector.stored()] == ["203.0.113.0", "127.0.0.0"]


@pytest.mark.parametrize(
    ("trusted", "said", "scheme"),
    [
        (("127.0.0.1",), "https", "https"),
        ((), "https", "http"),
        (("10.0.0.1",), "https", "http"),
        (("127.0.0.1",), "javascript", "http"),
    ],
)
async def test_the_scheme_that_a_proxy_names(start, trusted, said, scheme):
    collector = await start(trusted_proxies=trusted)
    answer = await collector.send("/v1/projects/wk/settings", method="GET", headers={"X-Forwarded-Proto": said})
    assert answer.json["integrations"]["Segment.io"]["protocol"] == scheme


async def test_the_time_of_arrival_never_goes_back_when_the_clock_is_set_back(collector, monkeypatch):
    await collector.events(event(id=str(uuid.UUID(int=1))))
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() - 86_400 * 10**9)
    await collector.events(event(id=str(uuid.UUID(int=2))))
    before, after = collector.stored()
    assert before.received <= after.received
    assert before.arrival < after.arrival
