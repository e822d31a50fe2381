"""Funnels of many kinds on a real shop's sessions (OTTO) and on the sample shop's click-stream equal the slow count."""

from __future__ import annotations

import csv
import gzip
import json
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import funnel_oracle
from world import event, flat, load

from tracker.analytics import funnel

DATA = Path(__file__).parent.parent / "data"


def clickstream():
    """The sample shop's file as it is: its own event names and dates."""
    text = gzip.decompress(files("tracker.demo").joinpath("data/ecom.csv.gz").read_bytes()).decode()
    for row in csv.DictReader(text.splitlines()):
        at = datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC)
        yield event(
            row["event"],
            round(at.timestamp() * 1000),
            row["user_id"],
            session=row["session_id"],
            device=row["platform"],
            channel=row["acquisition_channel"],
            props={"cohort": row["user_cohort"], "lifecycle": row["user_lifecycle"]},
        )


def sessions():
    """OTTO's sessions: a visitor each, items as a property."""
    for line in (DATA / "otto" / "train.jsonl").read_text().splitlines():
        session = json.loads(line)
        for one in session["events"]:
            who = f"s{session['session']}"
            yield event(one["type"], one["ts"], who, session=who, props={"aid": one["aid"]})


SHOP = {"site": "shop", "from": "2024-01-01T00:00:00Z", "to": "2024-09-01T00:00:00Z"}
VIEW, CART, BUY = ({"event": name} for name in ("product_view", "add_to_cart", "purchase"))
CHECKOUT = [{"event": "shipping_details"}, {"event": "payment_details"}]
SHOP_FUNNELS = {
    "ordered": {"steps": [VIEW, CART, *CHECKOUT, BUY], "window": "7d"},
    "short window": {"steps": [{"event": "home"}, VIEW, CART], "window": "10m", "to": "2024-03-01T00:00:00Z"},
    "repeated": {"steps": [VIEW, VIEW, VIEW, CART], "window": "1h"},
    "any of": {"steps": [{"any_of": [{"event": "search"}, {"event": "catalog"}]}, VIEW, BUY], "window": "1d"},
    "filters": {
        "steps": [
            {"event": "*", "where": [{"property": "channel", "op": "eq", "value": "email"}]},
            CART,
            {"event": "*"},
        ],
        "window": "2h",
    },
    "exclusion": {
        "steps": [CART, *CHECKOUT, BUY],
        "exclude": [{"event": "payment_error", "from_step": 2}],
        "window": "3d",
    },
    "exclusions": {
        "steps": [VIEW, CART, BUY],
        "exclude": [{"event": "support_chat"}, {"event": "cart", "from_step": 2, "to_step": 3}],
        "window": "7d",
    },
    "optional": {"steps": [VIEW, {"event": "search", "optional": True}, CART, {**CHECKOUT[0], "optional": True}, BUY]},
    "strict": {"steps": [VIEW, CART, {"event": "cart"}], "mode": "strict", "window": "1h"},
    "unordered": {"steps": [CART, VIEW, {"event": "search"}, BUY], "mode": "unordered", "window": "6h"},
    "unordered, overlapping": {"steps": [VIEW, VIEW, {"event": "*"}, BUY], "mode": "unordered", "window": "3m"},
    "by session": {"steps": [VIEW, CART, BUY], "count_by": "session", "window": "1d"},
    "first touch": {"steps": [VIEW, CART, BUY], "breakdown": {"property": "channel", "touch": "first"}},
    "last touch": {"steps": [VIEW, CART, BUY], "breakdown": {"property": "props.cohort", "touch": "last"}},
    "every touch": {"steps": [VIEW, CART, BUY], "breakdown": {"property": "device", "touch": "all"}},
}

OTTO = {"site": "shop", "from": "2022-07-31T00:00:00Z", "to": "2022-09-30T00:00:00Z"}
CLICK, PUT, ORDER = ({"event": name} for name in ("clicks", "carts", "orders"))
OTTO_FUNNELS = {
    "ordered": {"steps": [CLICK, PUT, ORDER], "window": "7d"},
    "repeated": {"steps": [CLICK, CLICK, PUT, PUT, ORDER, ORDER], "window": "14d"},
    "strict": {"steps": [CLICK, CLICK, PUT], "mode": "strict", "window": "1h"},
    "unordered": {"steps": [ORDER, PUT, CLICK], "mode": "unordered", "window": "1h"},
    "exclusion": {
        "steps": [CLICK, PUT, ORDER],
        "exclude": [{"event": "carts", "from_step": 2, "to_step": 3}],
        "window": "2d",
    },
    "optional": {"steps": [CLICK, {**PUT, "optional": True}, ORDER], "window": "1d"},
    "filters": {
        "steps": [{"event": "clicks", "where": [{"property": "props.aid", "op": "gt", "value": 900_000}]}, PUT],
        "window": "30m",
    },
    "any of": {"steps": [CLICK, {"any_of": [PUT, ORDER]}, {"event": "*"}], "window": "5m"},
}


@cache
def counted_slowly(body, size):
    """Once for both engines. `size` tells the two worlds apart."""
    events = list(clickstream() if size > 10_000 else sessions())
    for number, one in enumerate(events):
        one["arrival"] = number
    return funnel_oracle.report(json.loads(body), events)


def check(engine, events, body):
    said = funnel.run(engine, funnel.parse(body))
    expected = counted_slowly(json.dumps(body), len(events))
    assert [pytest.approx(step) for step in flat(said["steps"])] == expected["steps"]
    assert said["steps"][0]["count"] > 0
    parts = {part["value"]: [pytest.approx(step) for step in flat(part["steps"])] for part in said.get("breakdown", [])}
    assert parts == expected.get("breakdown", {})
    return said["steps"]


def test_the_sample_shop(engine):
    events = load(engine, list(clickstream()))
    assert len(events) == 31_106
    ends = {name: check(engine, events, {**SHOP, **body})[-1]["count"] for name, body in SHOP_FUNNELS.items()}
    assert all(ends.values()), ends


def test_real_sessions(engine):
    events = load(engine, list(sessions()))
    for body in OTTO_FUNNELS.values():
        check(engine, events, {**OTTO, **body})
