"""Requests per second of one collector worker, as a ratio to a bare aiohttp "hello" on the same core in the same run.

    python tests/bench/bench_collector.py [--seconds 5] [--json]

Server pinned to core 0, wrk (one thread, 64 connections) to core 1. Every answer of the collector comes after
fdatasync. Prints figures and asserts nothing: time is a property of the machine.
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
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import open_loop
import uvloop

from tracker.core.site import Site, SitesFile

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

# The loop is asked for a look every 2 ms; by how much it was late, where that was more than 1 ms, is written to a file.
COLLECTOR = """
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
    ["Cookie"] = "jt_vid=" .. visitor}, body)
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


def wrk(url: str, pid: int, seconds: float, script: Path | None = None) -> dict[str, float]:
    before = cpu_seconds(pid)
    pin = ["taskset", "-c", "1"] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else []
    command = [
        *pin,
        "wrk",
        "-t1",
        "-c64",
        f"-d{seconds:g}s",
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
        return uvloop.run(open_loop.run(port, made, rate, chance))
    finally:
        os.sched_setaffinity(0, cores)


def longest_stall(file: Path, began: float, ended: float) -> float:
    """Seconds that the loop was late at the most, between two moments of the clock that all processes share."""
    lines = [line.split() for line in file.read_text().splitlines()]
    return max((float(late) for now, late in lines if began <= float(now) <= ended), default=0.0)


def bench(seconds: float) -> dict[str, dict[str, float]]:
    """Hello, one event a request, fifty events a request; hello again, because a shared machine drifts."""
    results: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        site = Site(name="shop", write_key="wk_bench", domains=("shop.example",), identifier_key="00" * 32)
        (data / "sites.json").write_bytes(msgspec.json.encode(SitesFile(sites=(site,))))
        one, fifty = data / "one.lua", data / "fifty.lua"
        one.write_text(LUA % 1)
        fifty.write_text(LUA % 50)
        with server(HELLO) as (port, pid):
            results["hello"] = wrk(f"http://127.0.0.1:{port}/", pid, seconds)
        with server(COLLECTOR, str(data)) as (port, pid):
            results["one"] = wrk(f"http://127.0.0.1:{port}", pid, seconds, one)
            for old in (data / "spool").glob("*/*.seg"):
                old.unlink()
            results["fifty"] = wrk(f"http://127.0.0.1:{port}", pid, seconds, fifty)
            for old in (data / "spool").glob("*/*.seg"):
                old.unlink()
            rate = 0.6 * results["one"]["per_second"]
            due = results["open"] = crowd(port, rate, seconds + 1)
            due["stall_ms"] = longest_stall(data / "stalls", due["began"], due["ended"]) * 1000
        with server(HELLO) as (port, pid):
            results["hello_again"] = wrk(f"http://127.0.0.1:{port}/", pid, seconds)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = bench(options.seconds)
    if options.json:
        print(json.dumps(results))
        return
    hello = (results["hello"]["per_second"] + results["hello_again"]["per_second"]) / 2
    one, fifty = results["one"], results["fifty"]
    hello_cpu = (results["hello"]["cpu_us"] + results["hello_again"]["cpu_us"]) / 2
    print(f"hello                 {hello:10.0f} requests/s, {hello_cpu:.0f} us of processor each (mean of two runs)")
    print(
        f"collector, 1 event    {one['per_second']:10.0f} requests/s = {one['per_second'] / hello:.2f} of hello; "
        f"p50 {one['p50_ms']:.1f} ms, p99 {one['p99_ms']:.1f} ms, failed {one['failed']:.0f}; "
        f"{one['cpu_us']:.0f} us of processor each = {hello_cpu / one['cpu_us']:.2f} of hello"
    )
    due = results["open"]
    print(
        f"the same, 60 % of that {due['per_second']:9.0f} requests/s when they are due; p50 {due['p50_ms']:.1f} ms, "
        f"p99 {due['p99_ms']:.1f} ms, longest {due['longest_ms']:.1f} ms, failed {due['failed']:.0f}; longest stall of "
        f"the loop {due['stall_ms']:.1f} ms; while connections are opened {due['longest_first_ms']:.1f} ms"
    )
    print(
        f"collector, 50 events  {fifty['per_second'] * 50:10.0f} events/s; p50 {fifty['p50_ms']:.1f} ms, "
        f"p99 {fifty['p99_ms']:.1f} ms, failed {fifty['failed']:.0f}; {fifty['cpu_us'] / 50:.1f} us of processor each"
    )


if __name__ == "__main__":
    main()
