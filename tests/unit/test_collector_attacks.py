"""What a stranger may say to a collector's port: over raw sockets, to a process of its own."""

import gzip
import json
import time
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import web
from raw_http import event, hear, post, statuses, worker

from tracker.collector.door import Door

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
CLOSE = b"Connection: close\r\n\r\n"
HIDDEN = event("smuggled")
INNER = post(HIDDEN)
LENGTH = b"Content-Length: %d\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
POST = b"POST /e HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    with worker(tmp_path_factory.mktemp("attacks"), head_timeout=0.5, read_timeout=0.5) as made:
        yield made


@pytest.fixture(autouse=True)
def _still_well(collector):
    yield
    assert collector.alive
    assert statuses(collector.say(GET + CLOSE)) == [200]


NOT_HTTP = {
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xaa" * 200,
    "binary": bytes(range(256)) * 4,
    "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http9": b"GET /healthz HTTP/9.9\r\n\r\n",
    "odd method": b"G<script>ET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "space before colon": GET + b"X-A : b\r\n" + CLOSE,
    "folded header": GET + b"X-A: b\r\n c\r\n" + CLOSE,
    "nul in a header": GET + b"X-A: a\x00b\r\n" + CLOSE,
    "no colon": GET + b"secret-of-mine\r\n" + CLOSE,
    "empty name": GET + b": b\r\n" + CLOSE,
    "control in the path": b"GET /e.gif\x01?site=wk HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space in the path": b"GET /e .gif HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("said", NOT_HTTP.values(), ids=NOT_HTTP)
def test_what_is_not_http_is_refused_and_hung_up_on(collector, said):
    heard = collector.say(said)
    assert statuses(heard) in ([400], [431])
    assert b"Server: tracker\r\n" in heard
    assert b"script" not in heard and b"secret" not in heard
    assert json.loads(heard.partition(b"\r\n\r\n")[2])["error"]["code"] == "bad_http"


TWO_WAYS_TO_READ = {
    "length and chunked": LENGTH % 5 + CHUNKED,
    "chunked and length": CHUNKED + LENGTH % 5,
    "two lengths": LENGTH % 5 + LENGTH % 6,
    "two equal lengths": LENGTH % 5 + LENGTH % 5,
    "a list of lengths": b"Content-Length: 5, 6\r\n",
    "plus": b"Content-Length: +5\r\n",
    "minus": b"Content-Length: -5\r\n",
    "hexadecimal": b"Content-Length: 0x5\r\n",
    "a gap": b"Content-Length: 5 5\r\n",
    "not a number": b"Content-Length: five\r\n",
    "enormous": b"Content-Length: 99999999999999999999999\r\n",
    "unknown coding": b"Transfer-Encoding: xchunked\r\n",
    "chunked first": b"Transfer-Encoding: chunked, identity\r\n",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "vertical tab": b"Transfer-Encoding:\x0bchunked\r\n" + LENGTH % 5,
    "bare line feed": b"X-A: b\nContent-Length: 5\r\n" + CHUNKED,
    "bare carriage return": b"X-A: b\rContent-Length: 5\r\n" + CHUNKED,
}


@pytest.mark.parametrize("head", TWO_WAYS_TO_READ.values(), ids=TWO_WAYS_TO_READ)
def test_a_request_with_two_ends_has_none(collector, head):
    before = len(collector.stored())
    heard = collector.say(POST + head + b"\r\n0\r\n\r\n" + INNER)
    assert statuses(heard)[0] in (400, 413)
    assert set(statuses(heard)) <= {400, 413}
    assert len(collector.stored()) == before


@pytest.mark.parametrize(
    "chunks",
    [
        b"zz\r\n{}\r\n0\r\n\r\n",
        b"5\r\n{}\r\n0\r\n\r\n",
        b"-2\r\n{}\r\n0\r\n\r\n",
        b"ffffffffffffffffff\r\n{}",
        b"2;" + b"a" * 70_000,
    ],
    ids=range(5),
)
def test_broken_chunks(collector, chunks):
    heard = collector.say(POST + CHUNKED + b"\r\n" + chunks)
    assert set(statuses(heard)) <= {400, 408, 413, 431}
    assert statuses(heard)


def test_chunks_that_are_whole(collector):
    body = event("chunks")
    halves = b"".join(b"%x\r\n%b\r\n" % (len(half), half) for half in (body[:20], body[20:]))
    assert statuses(collector.say(POST + CHUNKED + CLOSE + halves + b"0\r\n\r\n")) == [204]
    assert collector.stored()[-1]["name"] == "chunks"


TARGETS = {
    b"http://x/healthz": 200,
    b"https://evil.example/healthz": 200,  # a proxy's form: the path counts, the host is nobody we know
    b"//healthz": 200,
    b"///healthz//": 200,
    b"/healthz?": 200,
    b"/healthz#fragment": 200,
    b"/%68ealthz": 200,
    b"/../healthz": 404,
    b"/./healthz": 404,
    b"/healthz/..": 404,
    b"/%2e%2e/%2e%2e/sites.json": 404,
    b"/..%2f..%2fsites.json": 404,
    b"/m/..%2f..%2fsites.json": 404,
    b"/p.js%00.map": 404,
    b"/\xff\xfe": 404,
    b"/%ff%fe%00": 404,
    b"/%": 404,
    b"*": 404,
    b"/" + b"a" * 8000: 404,
    b"/" + b"a" * 40_000: 431,
    b"/e.gif?" + b"&".join(b"k%d=v" % at for at in range(900)): 200,
    b"/e.gif?site=%ff%00%zz&name=%ed%a0%80": 200,
    b"/v1/projects/%00/settings": 401,
}


@pytest.mark.parametrize(("target", "status"), TARGETS.items(), ids=range(len(TARGETS)))
def test_odd_targets(collector, target, status):
    heard = collector.say(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n" + CLOSE)
    found = statuses(heard)
    assert len(found) == 1
    assert found[0] in (status, 400, 404) if status == 404 else found[0] == status
    assert b"identifier_key" not in heard


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "OPTIONS", "HEAD", "PURGE", "POST"])
@pytest.mark.parametrize("path", ["/e", "/healthz", "/nope", "/e.gif?site=wk&name=never"])
def test_methods(collector, method, path):
    before = len(collector.stored())
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nX-Echo: mirror\r\nContent-Length: 0\r\n".encode()
    heard = collector.say(head + CLOSE)
    assert len(statuses(heard)) == 1
    assert statuses(heard)[0] < 500
    assert b"mirror" not in heard
    assert len(collector.stored()) == before


@pytest.mark.parametrize(
    "head",
    [b"Expect: secret-word\r\n", b"Upgrade: websocket\r\nConnection: Upgrade\r\n", b"Host: a\r\nHost: b\r\n"],
    ids=["expect", "upgrade", "two hosts"],
)
def test_odd_headers(collector, head):
    heard = collector.say(GET + head + b"\r\n" + GET + CLOSE)
    assert statuses(heard) and max(statuses(heard)) < 500
    assert b"Server: tracker\r\n" in heard
    assert b"aiohttp" not in heard and b"Python" not in heard


def test_headers_are_bounded_in_number_and_size(collector):
    many = b"".join(b"X-%d: y\r\n" % at for at in range(200))
    assert statuses(collector.say(GET + many + CLOSE)) in ([400], [431])
    assert statuses(collector.say(GET + b"X-A: " + b"a" * 9000 + b"\r\n" + CLOSE)) == [431]
    drip = [b"X-%d: %b\r\n" % (at, b"a" * 4000) for at in range(60)]
    assert statuses(collector.say(GET, *drip, CLOSE, pause=0.002)) in ([431], [400])
    usual = b"".join(b"X-%d: %b\r\n" % (at, b"a" * 400) for at in range(60))
    assert statuses(collector.say(GET + usual + CLOSE)) == [200]


def test_a_head_that_comes_slowly_is_given_up(collector):
    with collector.connect() as connection:
        connection.sendall(GET)
        heard = hear(connection)  # until it hangs up; the time-out of the socket is far longer than its patience
    assert heard == b""


def test_a_head_in_two_pieces_is_a_head(collector):
    assert statuses(collector.say(GET[:20], GET[20:] + CLOSE, pause=0.05)) == [200]


def test_a_body_that_drips_is_given_up(collector):
    drips = [b"a"] * 40
    heard = collector.say(POST + LENGTH % 40_000 + b"\r\n", *drips, pause=0.05)
    assert statuses(heard) == [408]


def test_pipelined_requests_are_all_answered_in_order(collector):
    before = len(collector.stored())
    requests = [post(event(f"pipe-{at}"), close=at == 99) for at in range(100)]
    assert statuses(collector.say(b"".join(requests))) == [204] * 100
    names = [record["name"] for record in collector.stored()[before:]]
    assert names == [f"pipe-{at}" for at in range(100)]


def test_garbage_after_a_request_costs_only_the_garbage(collector):
    with collector.connect() as connection:
        connection.sendall(post(event("before"), close=False))
        assert statuses(connection.recv(4096)) == [204]
        connection.sendall(b"\x00\x01garbage\r\n\r\n")
        assert statuses(hear(connection)) == [400]


M = 1_000_000
LONG = b'{"type":"track","name":7,"visitor":"v","title":"' + b"a" * 31_000 + b'@"}'
BODIES = {
    "events that are all unreadable, long, and end in an at-sign": (
        b'{"site":"wk","events":[' + b",".join([LONG] * 30) + b"]}",
        204,
    ),
    "nested arrays": (b'{"site":"wk","events":' + b"[" * 900_000, 400),
    "nested and closed": (b'{"site":"wk","events":[' + b"[" * 400_000 + b"]" * 400_000 + b"]}", 204),
    "nested objects": (b'{"a":' * 180_000, 400),
    "a string that never ends, full of quotes": (b'{"site":"wk","events":[' + b'"\\' * 450_000, 400),
    "half a million numbers": (b'{"site":"wk","events":[' + b"1," * 450_000 + b"NaN]}", 413),
    "keys without end": (b'{"site":"wk","events":[{' + b'"a":1,' * 150_000 + b"}]}", 204),
    "the same key again and again": (b'{"site":"wk","site":"nobody","events":[]}', 401),
    "nul": (
        b'{"site":"wk","events":[{"type":"track","name":"a\\u0000b","visitor":"\\u0000","props":{"\\u0000":1}}]}',
        204,
    ),
    "raw nul": (b'{"site":"wk","events":[{"type":"track","name":"a\x00b","visitor":"v"}]}', 204),
    "an e-mail address in 900 kB of letters": (event(title="a" * 900_000 + "@"), 204),
}
BOMBS = {
    "a bomb": (lambda: gzip.compress(b" " * 200 * M), 413),
    "a bomb in a bomb": (lambda: gzip.compress(gzip.compress(b" " * 200 * M)), 400),
    "a bomb that is an event": (lambda: gzip.compress(event(title="a" * 50 * M)), 413),
}
"""Made where they go off: each worker reads this file."""


@pytest.mark.parametrize(("body", "status"), BODIES.values(), ids=BODIES)
def test_bodies_made_to_hurt(collector, body, status):
    assert statuses(collector.say(post(body))) == [status]


@pytest.mark.parametrize(("bomb", "status"), BOMBS.values(), ids=BOMBS)
def test_bombs(collector, bomb, status):
    assert statuses(collector.say(post(bomb()))) == [status]


def test_memory_is_bounded_while_bombs_go_off(collector):
    bomb = post(gzip.compress(b"[" * 100 * M), close=False)
    for _ in range(10):
        collector.say(bomb + GET + CLOSE)
    with Path(f"/proc/{collector.process.pid}/status").open() as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    assert peak < 600_000  # kB; one of them inflated would be 100 MB, all of them 1 GB more than it has


def test_a_full_house_makes_room(tmp_path):
    with worker(tmp_path, connections=20) as made:
        held = [made.connect() for _ in range(60)]
        for connection in held:
            connection.sendall(b"GET /healthz")
        assert statuses(made.say(GET + CLOSE)) == [200]
        hung_up = 0
        for connection in held:
            connection.settimeout(0.2)
            try:
                hung_up += connection.recv(1) == b""
            except ConnectionError:
                hung_up += 1
            except TimeoutError:
                pass
            connection.close()
        assert hung_up >= 40


def test_a_block_has_its_share_of_connections_and_gets_it_back(tmp_path):
    def answered(connection) -> bool:
        connection.settimeout(5)
        try:
            connection.sendall(GET + b"\r\n")
            return connection.recv(100).startswith(b"HTTP/1.1 200")
        except ConnectionError:
            return False

    with worker(tmp_path, connections_per_address=8) as made:
        held = [made.connect() for _ in range(7)]  # one is the worker's own, which asks how it is
        assert all(map(answered, held))
        late = [made.connect() for _ in range(4)]
        assert sum(map(answered, late)) <= 1
        for connection in (*held, *late):
            connection.close()
        for _ in range(100):  # it sees that they are gone before it answers a hundred others
            if statuses(made.say(GET + CLOSE)) == [200]:
                break
        else:
            raise AssertionError("the block never got its share back")


async def test_a_trusted_proxy_may_have_any_number_of_connections():
    async def nobody(_request):
        raise AssertionError

    proxies = (ip_network("10.0.0.0/8"),)
    door = Door(web.Server(nobody), most=99, patience=1.0, per_block=2, proxies=proxies)

    def admitted(address: str, visitors: range) -> list[bool]:
        return [door.admits(visitor, (address, 1)) for visitor in visitors]

    assert admitted("10.1.2.3", range(5)) == [True] * 5
    assert admitted("203.0.113.7", range(10, 14)) == [True, True, False, False]
    assert admitted("203.0.113.200", range(20, 21)) == [False]  # the same /24
    assert admitted("203.0.114.7", range(30, 31)) == [True]
    assert admitted("2001:db8::1", range(40, 43)) == [True, True, False]
    for visitor in (*range(5), *range(10, 50)):
        door.left(visitor)
    assert not door._homes and not door._at_home


def test_ten_thousand_bad_requests_write_few_lines_and_no_address(tmp_path):
    with worker(tmp_path) as made:
        for _ in range(100):
            with made.connect() as connection:
                connection.sendall(post(b"{", close=False) * 99 + b"\x00garbage\r\n\r\n")
                assert statuses(hear(connection))[-1] == 400
        for _ in range(100):
            made.say(b"\x16\x03\x01 /\r\n\r\n")
        assert made.stop() == 0
        log = made.log.read_text()
        assert 1 <= len(log.splitlines()) < 30
        assert "127.0.0.1" not in log.replace('"host": "127.0.0.1"', "")


def test_the_clock_of_a_request_runs_on_when_it_is_answered(collector):
    """A connection that stays open between requests is not taken for one whose head is late."""
    with collector.connect() as connection:
        for _ in range(3):
            connection.sendall(GET + b"\r\n")
            assert b"alive" in connection.recv(4096)
            time.sleep(0.7)
