"""Requests per second of one collector worker, as a ratio to a bare aiohttp "hello" on the same core in the same run.

    python tests/bench/bench_collector.py [--pairs 5] [--seconds 2] [--json]

Both servers run on uvloop and are pinned to core 0, wrk (one thread, 64 connections) to core 1. Short rounds of the two
alternate, and who begins alternates too, because a shared machine drifts; a pair is one round of each. A ratio by wall
time is of requests per second, one by processor time of what a request costs the server; the kernel's work for the
disk is in the first and mostly not in the second. Every answer of the collector comes after its events are on the
device. A browser writes the same head with every request of a page, and so does wrk here; one more round has another
head in each request, which no real crowd has. Prints figures and asserts nothing: time is a property of the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import open_loop

from tracker.core.site import Site, SitesFile

Round = dict[str, float]

HELLO = """
import sys, uvloop
from aiohttp import web
async def hello(request):
    return web.Response(text="hello")
app = web.Application()
app.router.add_get("/", hello)
app.router.add_get("/healthz", hello)
async def main():
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(sys.argv[1])).start()
    import asyncio
    await asyncio.Event().wait()
uvloop.run(main())
"""

COLLECTOR = """
import sys
from pathlib import Path
from tracker.collector import serve
from tracker.collector.settings import CollectorSettings
serve.run(CollectorSettings(data=Path(sys.argv[2]), port=int(sys.argv[1]), spool_max_bytes=20_000_000_000))
"""

# The loop is asked for a look every 2 ms; by how much it was late, where that was more than 1 ms, is written to a file.
WATCHED = """
import asyncio, sys, time
from pathlib import Path
from tracker.collector import serve
from tracker.collector.settings import CollectorSettings
data = Path(sys.argv[2])
worker = serve.serve
async def watched(settings):
    with (data / "stalls").open("w", buffering=1) as stalls:
        loop = asyncio.get_running_loop()
        def look(due):
            now = time.perf_counter()
            if stalls.closed:
                return
            if now - due > 0.001:
                print(now, now - due, file=stalls)
            loop.call_later(0.002, look, now + 0.002)
        look(time.perf_counter())
        await worker(settings)
serve.serve = watched
serve.run(CollectorSettings(data=data, port=int(sys.argv[1]), spool_max_bytes=20_000_000_000))
"""

# Events as the pixel sends them, each request of another visitor whose browser has its cookie from before. They are
# made before the load starts: the two cores may be threads of one, and the server would pay for what the sender burns.
# To be filled in: how many events a request has, and more headers.
LUA = """
local n = %d
local count = 0
local random = math.random
math.randomseed(os.time())
local function event(visitor)
  count = count + 1
  return string.format('{"id":"%%08x-0000-4000-8000-%%012x","type":"track","name":"view_item","ts":%%d,'
    .. '"visitor":"%%s","session":"5c1e6a1e-77aa-4c1d","seq":%%d,'
    .. '"url":"https://shop.example/p/%%d?utm_source=news&utm_medium=email&utm_campaign=autumn",'
    .. '"referrer":"https://www.google.com/","title":"A product of the shop",'
    .. '"props":{"category":"shoes","color":"blue","size":42,"in_stock":true,"list":"search results"},'
    .. '"items":[{"item_id":"%%d","item_name":"Shoe","price":59.9,"quantity":1}],"value":59.9,"currency":"EUR",'
    .. '"consent":{"analytics":true,"ads":true},"language":"de-DE","timezone":"Europe/Berlin","screen":"1920x1080"}',
    random(0, 0x7fffffff), count, os.time() * 1000, visitor, count, random(1, 500), random(1, 500))
end
local function made()
  local visitor = string.format("9b2f6a1e-77aa-4c1d-9d7e-%%012x", random(0, 300000))
  local events = {}
  for i = 1, n do events[i] = event(visitor) end
  local body = '{"site":"wk_bench","sent_at":' .. os.time() * 1000 .. ',"events":[' .. table.concat(events, ",") .. ']}'
  return wrk.format("POST", "/e", {["Content-Type"] = "text/plain", ["Origin"] = "https://shop.example",
    ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156 Safari/537.36",
    ["Cookie"] = "jt_vid=" .. visitor, %s}, body)
end
local requests = {}
local last = 0
init = function()
  for i = 1, math.floor(20000 / n) do requests[i] = made() end
end
request = function()
  last = last %% #requests + 1
  return requests[last]
end
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def server(source: str, *args: str) -> Iterator[tuple[int, int]]:
    """Port and process id of a server that answers."""
    port = free_port()
    pin = ["taskset", "-c", "0"] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else []
    process = subprocess.Popen([*pin, sys.executable, "-c", source, str(port), *args], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1).read()
                break
            time.sleep(0.05)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far; 0 where there is no /proc. On a shared machine the steadier measure."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def wrk(url: str, pid: int, seconds: int, script: Path | None = None) -> Round:
    before = cpu_seconds(pid)
    pin = ["taskset", "-c", "1"] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else []
    command = [
        *pin,
        "wrk",
        "-t1",
        "-c64",
        f"-d{seconds}s",
        "--latency",
        *(["-s", str(script)] if script else []),
        url,
    ]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
    spent = cpu_seconds(pid) - before
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return {
        "cpu_us": spent * 1e6 / float(re.search(r"(\d+) requests in", text)[1]),  # type: ignore[index]
        "per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),  # type: ignore[index]
        "p50_ms": _ms(re.search(r"50%\s+([\d.]+)(us|ms|s)", text)),
        "p99_ms": _ms(re.search(r"99%\s+([\d.]+)(us|ms|s)", text)),
        "failed": float(failed[1]) if failed else 0.0,
    }


def _ms(found: re.Match[str] | None) -> float:
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]] if found else 0.0


def crowd(port: int, rate: float, seconds: float) -> dict[str, float]:
    """One event a request, sent when it is due (`open_loop`), from core 1."""
    chance = random.Random(1)
    made = open_loop.requests(int(rate * seconds), "wk_bench", chance)
    cores = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, cores - {0} or cores)
        gc.collect()
        gc.freeze()
        return open_loop.run(port, made, rate, chance)
    finally:
        os.sched_setaffinity(0, cores)


def longest_stall(file: Path, began: float, ended: float) -> float:
    """Seconds that the loop was late at the most, between two moments of the clock that all processes share."""
    lines = [line.split() for line in file.read_text().splitlines()]
    return max((float(late) for now, late in lines if began <= float(now) <= ended), default=0.0)


def bench(pairs: int, seconds: int) -> dict[str, Any]:
    """`pairs`: rounds of hello and of one event a request, in turns; then an open loop, and fifty events a request."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        site = Site(name="shop", write_key="wk_bench", domains=("shop.example",), identifier_key="00" * 32)
        (data / "sites.json").write_bytes(msgspec.json.encode(SitesFile(sites=(site,))))
        one, strangers, fifty = data / "one.lua", data / "strangers.lua", data / "fifty.lua"
        one.write_text(LUA % (1, ""))
        strangers.write_text(LUA % (1, '["X-Request"] = "" .. count'))
        fifty.write_text(LUA % (50, ""))
        with server(HELLO) as (hello_port, hello_pid), server(COLLECTOR, str(data)) as (port, pid):

            def hello(length: int) -> Round:
                return wrk(f"http://127.0.0.1:{hello_port}/", hello_pid, length)

            def collector(length: int, script: Path = one) -> Round:
                try:
                    return wrk(f"http://127.0.0.1:{port}", pid, length, script)
                finally:
                    for old in (data / "spool").glob("*/*.seg"):
                        old.unlink()

            hello(1), collector(1)
            rounds = [_pair(hello, collector, seconds, hello_first=n % 2 == 0) for n in range(pairs)]
            unknown = _pair(hello, lambda length: collector(length, strangers), seconds, hello_first=False)
        os.sync()  # what the rounds left to the disk is not to be paid for by what comes next
        rate = 0.6 * statistics.median(mine["per_second"] for _, mine in rounds)
        with server(WATCHED, str(data)) as (watched, _):
            due = crowd(watched, rate, max(seconds, 3) + 1)
            due["stall_ms"] = longest_stall(data / "stalls", due["began"], due["ended"]) * 1000
        with server(COLLECTOR, str(data)) as (last, last_pid):
            large = wrk(f"http://127.0.0.1:{last}", last_pid, seconds, fifty)
    return {"pairs": rounds, "strangers": unknown, "fifty": large, "open": due}


def _pair(
    hello: Callable[[int], Round], collector: Callable[[int], Round], seconds: int, *, hello_first: bool
) -> tuple[Round, Round]:
    if hello_first:
        bare = hello(seconds)
        return bare, collector(seconds)
    mine = collector(seconds)
    return hello(seconds), mine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of a round; wrk knows whole ones only")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = bench(options.pairs, options.seconds)
    if options.json:
        print(json.dumps(results))
        return
    print("one event a request   hello/s  collector/s  ratio | processor us: hello  collector  ratio | p50 ms  p99 ms")
    walls, processors = [], []
    for bare, mine in results["pairs"]:
        walls.append(mine["per_second"] / bare["per_second"])
        processors.append(bare["cpu_us"] / mine["cpu_us"] if mine["cpu_us"] else 0.0)
        print(
            f"{bare['per_second']:29.0f} {mine['per_second']:12.0f}  {walls[-1]:5.2f} | {bare['cpu_us']:19.1f} "
            f"{mine['cpu_us']:10.1f}  {processors[-1]:5.2f} | {mine['p50_ms']:6.1f}  {mine['p99_ms']:6.1f}"
        )
    failed = sum(round_["failed"] for pair in results["pairs"] for round_ in pair)
    print(
        f"median of the pairs   {statistics.median(walls):.2f} of hello by wall time, "
        f"{statistics.median(processors):.2f} by processor time; failed {failed:.0f}"
    )
    bare, mine = results["strangers"]
    wall, processor = mine["per_second"] / bare["per_second"], bare["cpu_us"] / max(mine["cpu_us"], 1e-9)
    print(
        f"another head each   {mine['per_second']:10.0f} requests/s, {wall:.2f} of hello by wall, {processor:.2f} "
        f"by processor time; {mine['cpu_us']:.0f} us of processor each, failed {mine['failed']:.0f}"
    )
    fifty, due = results["fifty"], results["open"]
    print(
        f"fifty events          {fifty['per_second'] * 50:10.0f} events/s; p50 {fifty['p50_ms']:.1f} ms, "
        f"p99 {fifty['p99_ms']:.1f} ms, failed {fifty['failed']:.0f}; {fifty['cpu_us'] / 50:.1f} us of processor each"
    )
    print(
        f"one, at 60 % of peak  {due['per_second']:10.0f} requests/s when they are due; p50 {due['p50_ms']:.1f} ms, "
        f"p99 {due['p99_ms']:.1f} ms, longest {due['longest_ms']:.1f} ms, failed {due['failed']:.0f}; longest stall of "
        f"the loop {due['stall_ms']:.1f} ms; sender late by {due['behind_ms']:.1f} ms at most; "
        f"while connections are opened {due['longest_first_ms']:.1f} ms"
    )


if __name__ == "__main__":
    main()
