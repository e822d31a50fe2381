"""A small real HTTP server with the API's shapes and steady numbers, for the dashboard.

It remembers what it is told (audiences, funnels, sites, exports), refuses unknown tokens,
and can be told to answer badly.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from dashboard_kept import Kept
from dashboard_reports import Reports
from dashboard_samples import HOSTILE, TELLABLE, TOKEN, iso, lift
from dashboard_sending import People, Sending

SENDING = "audiences networks destinations deliveries outreach coupons conversions exports recalls sensitive".split()


class State(Kept, People, Reports, Sending):
    def __init__(self):
        self.sites = [
            {
                "name": "shop",
                "site": "shop",
                "domains": ["shop.example"],
                "consent": "opt-in",
                "timezone": "Europe/Berlin",
            }
        ]
        self.names = [
            ("page_view", 18211),
            ("view_item", 6851),
            ("search", 4011),
            ("add_to_cart", 1346),
            ("begin_checkout", 1204),
            ("add_payment_info", 709),
            ("purchase", 470),
            (HOSTILE, 3),
        ]
        self.funnels, self.audiences, self.exports, self.asked = {}, {}, {}, []
        self.annotations = {}
        self.deliveries, self.places = {}, True
        self.connected, self.checked = {}, {"ok": True, "notes": [f"seen as {HOSTILE}"]}
        self.history, self.conflicts, self.anomalies = [], [], {"series": []}
        self.explained, self.alerts, self.firings = [], {}, []
        self.schedules, self.runs, self.tellable = {}, [], TELLABLE
        moved = [(49 * 3600, 300, 300, 0), (25 * 3600, 318, 20, 2), (600, 311, 0, 7), (300, 311, 0, 0)]
        names = ("members", "entered", "gone")
        self.sizes = [{"at": iso(ago), "exportable": 240, **dict(zip(names, row, strict=True))} for ago, *row in moved]
        self.lift, self.networks_given = lift(), ["tiktok"]
        self.erased, self.slow, self.too_few = [], False, False
        self.currencies, self.costs = ["EUR"], True
        self.conversion_refusal = None
        self.pools, self.list_file, self.list_counts = [], b"", {}
        self.conversions, self.recalls, self.sensitive, self.more_exports = [], [], [], []
        self.frequency = {"most": 0, "days": 7, "priority": []}
        self.heard, self.empty, self.fail, self.minimum = True, False, None, False
        self.ledger = {
            "received": 31214,
            "stored": 31106,
            "duplicates": 41,
            "rejected": {"bad_time": 7, "no_person": 4},
            "suppressed": 50,
            "waiting": 6,
            "unexplained": 0,
        }

    def answer(self, method, path, query, body):
        parts = path.strip("/").split("/")[2:]
        of = {"people": self.of_people, "identity": self.of_people, "reports": self.of_reports}
        of |= dict.fromkeys(SENDING, self.of_sending)
        return of.get(parts[0], self.of_kept)(method, parts, query, body) if parts else {}

    def keep(self, shelf, body):
        id = str(len(shelf) + 1)
        shelf[id] = {"id": id, **body}
        return shelf[id]


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port=0):
        self.state = State()
        super().__init__(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        url, state = urlsplit(self.path), self.server.state
        blob = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(blob) if blob else {}
        state.asked.append((self.command, url.path, body))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.send(401, {"error": {"code": "unauthorized", "message": "unknown token"}})
        if state.fail:
            return self.send(*state.fail)
        found = state.answer(self.command, url.path, parse_qs(url.query), body)
        if found is None:
            return self.send(404, {"error": {"code": "not_found", "message": f"there is no {url.path}"}})
        if isinstance(found, tuple):
            return self.send(*found)
        return self.send(200, found)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def send(self, status, body):
        blob = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/csv" if isinstance(body, bytes) else "application/json")
        if isinstance(body, bytes):
            self.send_header("Content-Disposition", 'attachment; filename="audience.csv"')
        self.send_header("Content-Length", str(len(blob)))
        self.end_headers()
        self.wfile.write(blob)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    import sys
    import time

    server = Server(int(sys.argv[1]))
    while True:
        time.sleep(3600)
