"""The clients of other products, unmodified, and a way to be in their way: a proxy that refuses and forgets."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import ga4mp
import posthog
import rudderstack.analytics
import umami

NODE = Path(__file__).with_name("node")
BUNDLER = Path(__file__).parents[2] / "pixel" / "node_modules" / ".bin" / "esbuild"
RETRYING = ("rudder-python", "rudder-node", "posthog-python", "posthog-node")
ONCE = ("ga4mp", "umami-python", "umami-node")  # never try again
BROWSER = ("segment", "segment-batching", "rudder", "rudder-beacon", "posthog", "plausible", "plausible-old")
BROWSER_RETRYING = ("segment", "rudder", "posthog")

Sent = Mapping[str, Any]  # {"event", "user", "ts" in ms, "props"}


class Hurdle:
    """In front of the collector: refuses the first POST with 503; takes the second, and answers 503 all the same."""

    def __init__(self, target: int, *, refuse: int = 1, forget: int = 1) -> None:
        self.posts: list[int] = []  # the status of each answer
        hurdle = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _handle(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                counts = self.command == "POST" and not self.path.startswith("/flags")
                number = len(hurdle.posts) if counts else refuse + forget
                if counts:
                    hurdle.posts.append(0)
                status, headers, answer = 503, [], b'{"code":"try_later","message":"not now"}'
                if number >= refuse:
                    status, headers, answer = self._forward(target, body)
                if refuse <= number < refuse + forget:
                    assert 200 <= status < 300, answer
                    status = 503
                if counts:
                    hurdle.posts[number] = status
                origin = self.headers.get("Origin")
                if origin and not any(name.lower() == "access-control-allow-origin" for name, _ in headers):
                    headers = [*headers, ("Access-Control-Allow-Origin", origin)]
                    headers.append(("Access-Control-Allow-Credentials", "true"))
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_OPTIONS = _handle

            def _forward(self, port: int, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
                request = urllib.request.Request(
                    f"http://127.0.0.1:{port}{self.path}", body or None, method=self.command
                )
                for name, value in self.headers.items():
                    if name.lower() not in ("connection", "content-length"):
                        request.add_header(name, value)
                try:
                    with urllib.request.urlopen(request, timeout=30) as answer:
                        return answer.status, _kept(answer.headers.items()), answer.read()
                except urllib.error.HTTPError as answer:
                    return answer.code, _kept(answer.headers.items()), answer.read()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _kept(headers: Any) -> list[tuple[str, str]]:
    gone = ("connection", "content-length", "transfer-encoding", "retry-after")  # ours is 5 s and more
    return [(name, value) for name, value in headers if name.lower() not in gone]


def send(client: str, port: int, key: str, events: Sequence[Sent]) -> None:
    """Returns once the client says that everything is delivered; fails if it gives anything up."""
    _CLIENTS[client](f"http://127.0.0.1:{port}", key, events)


def _rudder_python(host: str, key: str, events: Sequence[Sent]) -> None:
    errors: list[str] = []
    client = rudderstack.analytics.Client(
        key, host=host, gzip=True, upload_interval=0.1, on_error=lambda error, _: errors.append(str(error))
    )
    for one in events:
        at = datetime.fromtimestamp(one["ts"] / 1000, UTC)
        client.track(user_id=one["user"], event=one["event"], properties=one["props"], timestamp=at)
    _wait(lambda: not client.queue.unfinished_tasks)
    client.shutdown()
    assert not errors


def _posthog_python(host: str, key: str, events: Sequence[Sent]) -> None:
    errors: list[str] = []
    client = posthog.Posthog(
        key, host=host, gzip=True, flush_interval=0.1, on_error=lambda error, _: errors.append(str(error))
    )
    for one in events:
        at = datetime.fromtimestamp(one["ts"] / 1000, UTC)
        client.capture(one["event"], distinct_id=one["user"], properties=one["props"], timestamp=at)
    client.flush()
    client.shutdown()
    assert not errors


def _ga4mp(host: str, key: str, events: Sequence[Sent]) -> None:
    for one in events:
        client = ga4mp.GtagMP(api_secret=key, measurement_id="G-TEST", client_id=f"c-{one['user']}")
        client._base_domain = f"{host}/mp/collect"  # as its documentation has no setting for it
        event = client.create_new_event(one["event"])
        for name, value in one["props"].items():
            event.set_event_param(name=name, value=value)
        client.send(events=[event], date=datetime.fromtimestamp(one["ts"] / 1000))  # noqa: DTZ006 - it wants local time


def _umami_python(host: str, key: str, events: Sequence[Sent]) -> None:
    umami.set_url_base(host)
    for one in events:
        answer = umami.new_event(
            one["event"],
            hostname="shop.test",
            url="/order",
            website_id=key,
            custom_data=dict(one["props"]),
            distinct_id=one["user"],
        )
        assert answer == {"cache": "", "sessionId": "", "visitId": ""}, "a server that names its users has no visitor"


def _node(client: str) -> Callable[[str, str, Sequence[Sent]], None]:
    def run(host: str, key: str, events: Sequence[Sent]) -> None:
        done = subprocess.run(
            ["node", "newcomers.mjs"],
            cwd=NODE,
            input=json.dumps({"client": client, "key": key, "host": host, "events": list(map(dict, events))}),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]

    return run


_CLIENTS: dict[str, Callable[[str, str, Sequence[Sent]], None]] = {
    "rudder-python": _rudder_python,
    "posthog-python": _posthog_python,
    "ga4mp": _ga4mp,
    "umami-python": _umami_python,
    **{name: _node(name) for name in ("rudder-node", "posthog-node", "umami-node")},
}


def _wait(done: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert done()


def bundle(folder: Path) -> Path:
    """The browser clients as one script."""
    made = folder / "clients.js"
    subprocess.run(
        [BUNDLER, NODE / "browser.mjs", "--bundle", "--format=iife", "--log-level=error", f"--outfile={made}"],
        check=True,
        timeout=60,
    )
    return made
