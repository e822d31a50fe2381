"""Keys and names that no sane sender uses go the whole road and are stored; none of them holds up its neighbours."""

from __future__ import annotations

import json

import pytest
from running import request, tracker

pytestmark = pytest.mark.timeout(180)
ODD = [
    "\0",
    "",
    " ",
    "a.b",
    "a b",
    "`",
    "'",
    '"',
    "\\",
    "😀",
    "é\u0301",
    "\u202e",
    "__proto__",
    "%s",
    "(other)",
    "a" * 5000,
    "null",
]


def test_odd_keys_and_names_are_stored(tmp_path):
    with tracker(tmp_path) as it:
        key = it.site("shop")
        it.collector().start()
        it.role("engine").start()
        it.ready()
        events = [
            {"type": "track", "name": f"n{odd[:100]}", "visitor": "v", "props": {odd: {odd: [odd[:50]]}, "a": 1}}
            for odd in ODD
        ]
        events.append({"type": "track", "name": "clash", "visitor": "v", "props": {"a.b": 1, "a": {"b": 2}}})
        assert request(it.port, "POST", "/e", json.dumps({"site": key, "events": events}).encode())[0] == 204
        ledger = it.drained("shop")
        assert (ledger["stored"], ledger["rejected"], ledger["unexplained"]) == (len(events), {}, 0)
        names = it.api("GET", "/api/v1/events/names?site=shop")
        assert len(names["events"]) == len(events)
