"""A small real HTTP server with the API's shapes and steady numbers, for the dashboard.

It remembers what it is told (audiences, funnels, sites, exports), refuses unknown tokens,
and can be told to answer badly.
"""

from __future__ import annotations

import itertools
import json
import threading
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

HOSTILE = "<img src=x onerror=alert(1)> **bold** [link](javascript:alert(1))"
TOKEN = "test-token"
VISITOR = "bc5aff9d-b40b-5dc2-b22f-5cc516ad77b7"


def iso(ago=0):
    return (datetime.now(UTC) - timedelta(seconds=ago)).isoformat()


def keyed(rows, field="people"):
    return [{"key": k, field: n, "purchases": n // 12, "revenue": {"EUR": n * 4.0}} for k, n in rows]


HAPPENED = {
    "session": "s1",
    "url": f"https://shop.example/cart?q={HOSTILE}",
    "title": HOSTILE,
    "channel": "Email",
    "country": "DE",
    "device": "mobile",
    "value": 59.0,
    "currency": "EUR",
    "items": [{"item_id": "1", "item_name": HOSTILE, "quantity": 2.0}],
    "props": {"plan": HOSTILE},
}


WAYS = {
    "nodes": [
        {"step": 1, "node": "/", "people": 400, "dropped": 120},
        {"step": 1, "node": HOSTILE, "people": 9, "dropped": 2},
        {"step": 2, "node": "/deals", "people": 200, "dropped": 50},
    ],
    "edges": [
        {"step": 1, "source": "/", "target": "/deals", "people": 200, "seconds_average": 328.9},
        {"step": 1, "source": HOSTILE, "target": "/deals", "people": 7, "seconds_average": 12.0},
    ],
}


def ltv(buyers):
    """Two months of buyers, two channels, one of them with costs."""
    worth = {"buyers": buyers, "purchases": 2 * buyers, "value": 80.0 * buyers, "ltv": 80.0 if buyers else None}
    cohorts = [
        {"start": start, **worth, "cumulative": cumulative if buyers else []}
        for start, cumulative in (("2026-10-01", [50.0, 80.0]), ("2026-11-01", [70.0]))
    ]
    channels = [{"channel": "Email", **worth, "cost": 2400.0, "cac": 20.0, "ltv_to_cac": 4.0}]
    channels.append({"channel": HOSTILE, **worth})
    return {"currency": "EUR", "other_currencies": 3, **worth, "cohorts": cohorts, "channels": channels}


def about(middle):
    return {"expected": middle, "low": middle * 0.9, "high": middle * 1.1}


LIKELY = {
    "currency": "EUR",
    "other_currencies": 3,
    "buyers": 30_000,
    "fitted": 20_000,
    "alive": about(20_000.0),
    "churned": about(0.3333),
    "purchases": about(5000.0),
    "value": about(600_000.0),
    "ltv": about(20.0),
}


def likely_people(body):
    more = {"purchases_so_far": 4, "value_so_far": 320.0, "churn": 0.25, "purchases": 2.5, "value": 210.0}
    rows = [{**card(user), "channel": HOSTILE, **more} for user in ("user_0248", HOSTILE)]
    rows[1]["churn"] = None
    some = {"buyers": 120, "value_so_far": 9600.0, "ltv_so_far": 80.0, "ltv": about(20.0)}
    channels = [{"channel": "Email", **some, "ltv_to_cac": 5.0}, {"channel": HOSTILE, **some, "ltv": None}]
    whole = {name: LIKELY[name] for name in ("currency", "other_currencies", "buyers", "fitted")}
    return {**whole, "people": rows[:1] if body.get("person") else rows, "channels": channels}


def reasons(step):
    """Something in two lists, nothing in the others."""
    row = {"dropped": 90, "went_on": 10, "dropped_share": 0.3, "went_on_share": 0.1, "p_value": 1e-6, "q_value": 1e-5}
    many = [
        {**row, "name": "device", "value": "mobile", "lift": 3.0},
        {**row, "name": "country", "value": HOSTILE, "lift": None, "q_value": 0.7},
    ]
    errors = [{**row, "name": "js_error", "value": HOSTILE, "lift": 3.0}]
    names = ("next_events", "next_pages", "exit_pages", "slow_pages", "answers", "feedback")
    lists = {"properties": many, "errors": errors, **{name: [] for name in names}}
    found = {name: {"total": len(rows), "compared": len(rows), "rows": rows} for name, rows in lists.items()}
    return {"step": step, "dropped": 300, "went_on": 100, **found}


def arm(persons, converted):
    rate = converted / persons if persons else None
    money = {"revenue": converted * 50.0, "revenue_per_person": rate * 50 if persons else None}
    return {"persons": persons, "converted": converted, "rate": rate, "conversions": converted, **money}


def lift(exposed=(2810, 421), holdout=(310, 31), low=0.01, high=0.083, p=0.018):
    """Two sides, and what their difference says."""
    sides = {"exposed": arm(*exposed), "holdout": arm(*holdout)}
    known = all(one["persons"] for one in sides.values())
    difference = sides["exposed"]["rate"] - sides["holdout"]["rate"] if known else None
    shares = {"difference": difference, "low": low, "high": high, "relative": 0.5, "p": p, "incremental": 140.5}
    shares |= {"needed": {"exposed": 3911, "holdout": 432}}
    money = {"difference": 2.5, "low": -0.4, "high": 6.0, "relative": 0.5, "p": 0.2, "incremental": 7025.0}
    if not known:
        shares, money = (dict.fromkeys(one) for one in (shares, money))
    return {"currency": "EUR", "other_currencies": 3, "crossed": 2, **sides, "conversion": shares, "revenue": money}


TELLABLE = [
    {"id": "dst_8", "name": "Office", "kind": "email"}, {"id": "dst_9", "name": HOSTILE, "kind": "webhook"},
]  # fmt: skip
RUN = {
    "id": "run_1", "kind": "due", "at": "2026-11-23T07:00:00.000Z", "state": "done", "tries": 1, "next_try": None,
    "from": "2026-11-15T23:00:00.000Z", "to": "2026-11-22T23:00:00.000Z", "rows": 24, "error": None, "told": [],
    "ended": "2026-11-23T07:00:02.000Z",
}  # fmt: skip


def card(user):
    props = {"country": "ES", "device": "desktop", "channel": "Email", "visits": 5}
    return {
        "person": user or VISITOR,
        "visitor": VISITOR,
        "user": user,
        "last_seen": iso(60),
        "last_event": "view_item",
        "props": props,
    }


def cohorts(weeks):
    """200 began in each week; half came back in the next, a quarter in the one after ..."""
    first = date(2026, 10, 5)
    return [
        {
            "start": (first + timedelta(weeks=week)).isoformat(),
            "size": 200,
            "returned": [200 >> later for later in range(weeks - week)],
        }
        for week in range(weeks)
    ]


KINDS = {
    "kinds": [
        {"kind": "folder", "title": "Folder", "options": ["path"], "optional": [], "secrets": [[]]},
        {
            "kind": "sftp",
            "title": "SFTP",
            "options": ["host", "user"],
            "optional": ["port"],
            "secrets": [["password"], ["private_key"]],
        },
        {"kind": "email", "title": "Mail", "options": ["to"], "optional": ["security"], "secrets": [[], ["password"]]},
        {
            "kind": "network",
            "title": "API of an ad network",
            "options": ["network", "ids"],
            "optional": ["base_url"],
            "secrets": [[]],
        },
    ],
    "networks": [
        {
            "network": "tiktok",
            "ids": ["ADVERTISER_ID", "AUDIENCE_ID"],
            "optional": [],
            "secrets": [["access_token"]],
            "note": HOSTILE,
        },
        {"network": "acme", "ids": ["SEGMENT_ID"], "optional": ["MAID"], "secrets": [["a_key"]], "note": ""},
    ],
}
NAMES = {"purchase": "Purchase"}
LISTS = [
    {"name": "calls", "title": "Whom to call", "columns": ["rank"], "coupons": False, "note": "the first is first"},
    {"name": "winback", "title": "Win back", "columns": ["coupon"], "coupons": True, "note": HOSTILE},
    {"name": "hubspot", "title": "HubSpot contacts", "columns": ["Email"], "coupons": False, "note": ""},
]
PINNED = (
    '<script async src="http://127.0.0.1:8080/p.0123456789abcdef.js" data-site="wk_shop" '
    'integrity="sha384-AAAA"></script>'
)


class State:
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
        name = f"{method} {'/'.join(parts)}"
        match parts:
            case ["sites"] if method == "GET":
                return {"sites": self.sites}
            case ["sites"]:
                self.sites.append({"site": body["name"], **body})
                return {"site": body["name"], "write_key": "wk_new"}
            case ["sites", changed] if method == "PUT":
                if body["pixel"].get("banner") is not None and body["pixel"].get("cmp"):
                    return 400, {"error": {"code": "bad_request", "message": "banner: a site must not have two"}}
                [site] = [site for site in self.sites if site["name"] == changed]
                site.update(body)
                return site
            case ["sites", _, "install"]:
                last = {"ts": iso(40), "event": "page_view"} if self.heard else None
                snippet = '<script async src="http://127.0.0.1:8080/p.js?site=wk_shop"></script>'
                pinned = {"path": "/p.0123456789abcdef.js", "integrity": "sha384-AAAA", "snippet": PINNED}
                return {
                    "write_key": "wk_shop",
                    "snippet": snippet,
                    "pinned": pinned,
                    "modules": ["engagement"],
                    "heard": self.heard,
                    "last_event": last,
                }
            case ["ledger"]:
                return self.ledger
            case ["status"]:
                return {"version": "0.1.0", "lag_seconds": 0.4}
            case ["rejected"]:
                return {
                    "rejected": [
                        {
                            "id": "1",
                            "site": "shop",
                            "reason": "bad_time",
                            "message": "ts is not a time",
                            "received": iso(900),
                            "source": "native",
                            "raw": '{"ts":"<b>x"}',
                        }
                    ]
                }
            case ["rejected", "replay"]:
                return {"replayed": 11, "rejected": 2, "unreadable": 1}
            case ["events", "names"]:
                return {
                    "events": []
                    if self.empty
                    else [{"event": e, "count": n, "last_seen": iso(60)} for e, n in self.names]
                }
            case ["properties"]:
                return {
                    "properties": [
                        {"property": "country", "values": ["DE", "AT", "CH"]},
                        {"property": "device", "values": ["desktop", "mobile"]},
                        {"property": "props.plan", "values": ["pro"]},
                        {"property": "currency", "values": self.currencies},
                    ]
                }
            case ["reports", "overview"]:
                return self.overview(body)
            case ["reports", "timeseries"] if body["interval"] != "hour":
                return series_of(body, self.sites[0].get("currency"))
            case ["reports", "anomalies"]:
                return self.anomalies
            case ["reports", "timeseries"]:
                first = datetime.fromisoformat(body["from"])
                hours = (datetime.fromisoformat(body["to"]) - first) // timedelta(hours=1)
                return {
                    "series": [
                        {"start": (first + timedelta(hours=n)).isoformat(), "value": n * 7 % 11} for n in range(hours)
                    ]
                }
            case ["reports", "live"]:
                rows = [
                    {
                        "ts": iso(i * 37),
                        "event": e,
                        "person": f"p{i}7af3c2d91",
                        "url": f"https://shop.example/{e}?q=1",
                        "country": "DE",
                        "device": "mobile",
                        "channel": "organic search",
                        "value": 89.0 if e == "purchase" else None,
                        "currency": "EUR",
                    }
                    for i, (e, _) in enumerate(self.names)
                ]
                return {"active_5m": 14, "events": [] if self.empty else rows}
            case ["reports", "funnel"]:
                return self.funnel(body)
            case ["reports", "funnel", "trend"]:
                rows = [(row["start"], 100 * place) for place, row in enumerate(cohorts(5))]
                return {
                    "series": [
                        {
                            "start": start,
                            "entered": entered,
                            "converted": entered // 5,
                            "conversion": 0.2 if entered else 0,
                            "steps": [],
                        }
                        for start, entered in rows
                    ]
                }
            case ["reports", "funnel", "time"]:
                bins = [
                    {"from": 0, "to": 1, "count": 0},
                    {"from": 1, "to": 60, "count": 12},
                    {"from": 60, "to": None, "count": 40},
                ]
                seconds = {"average": 5400.0, "median": 640.0}
                return {"from_step": body["from_step"], "to_step": body["to_step"], "count": 52} | {
                    "seconds": seconds,
                    "bins": bins,
                }
            case ["reports", "funnel", "people"]:
                total = 312
                rows = [
                    {
                        "person": f"{i:016x}",
                        "visitor": f"{i * 7919:08x}-aa",
                        "user": HOSTILE if i == 0 else (f"user_{i:04d}" if i % 3 == 0 else ""),
                        "last_seen": iso(3600 * (i + 1)),
                        "last_event": "view_item",
                        "props": {"country": "DE", "device": "mobile", "channel": "email"},
                    }
                    for i in range(min(body["limit"], total))
                ]
                return {"total": total, "people": rows, "cursor": None}
            case ["reports", "funnel", "reasons"]:
                return reasons(body["step"])
            case ["reports", "attribution"]:
                return self.attribution()
            case ["reports", "paths"]:
                return {"nodes": [], "edges": []} if self.empty else WAYS
            case ["reports", "rfm"]:
                return self.rfm()
            case ["reports", "ltv"]:
                return ltv(0 if self.empty else 120)
            case ["reports", "ltv", kind]:
                if self.too_few:
                    return 400, {"error": {"code": "too_few", "message": "3 buyers bought again", "field": "from"}}
                return likely_people(body) if kind == "people" else LIKELY
            case ["people"]:
                nobody = self.empty or query.get("q") == ["nobody"]
                return {"people": [] if nobody else [card("user_0248"), card(HOSTILE), card("")]}
            case ["people", _, "timeline"] if self.empty:
                return 404, {"error": {"code": "not_found", "message": "nobody on this site goes by that id"}}
            case ["people", id, "timeline"]:
                names = [name for name, _ in self.names] * 5
                events = [{"ts": iso(n * 60), "event": name, **HAPPENED} for n, name in enumerate(names)]
                shown = events[: int(query["limit"][0])]
                return {
                    "person": card("" if id == VISITOR else id),
                    "events": shown,
                    "cursor": "more" if len(shown) < len(events) else None,
                }
            case ["identity", "conflicts"]:
                return {"total": len(self.conflicts), "conflicts": self.conflicts[: int(query["limit"][0])]}
            case ["people", _, "history"]:
                return {"history": self.history}
            case ["people", _, "audiences"]:
                return {"person": card("user_0248"), "audiences": self.explained}
            case ["people", id, "export"]:
                return {"site": query["site"][0], "users": [id], "events": []}
            case ["people", id] if method == "DELETE":
                self.erased.append((id, query["site"][0], query["kind"][0]))
                return 202 if self.slow else 200, {"state": "running" if self.slow else "done", "events": 39}
            case ["reports", "retention"]:
                parts = [{"value": value, "cohorts": cohorts(5)} for value in ("DE", HOSTILE, "")]
                more = {"breakdown": parts} if "breakdown" in body else {}
                return {"cohorts": [] if self.empty else cohorts(5), **more}
            case ["reports", "stickiness"]:
                month = {"units": 30, "people": 300, "active": [200, 80, 20] + [0] * 27, "average": 1.4}
                month |= {"per_unit": 14.0, "ratio": 0.0467}
                starts = [] if self.empty else ["2026-10-01", "2026-11-01"]
                return {"periods": [{"start": start, **month} for start in starts]}
            case ["reports", "lifecycle"]:
                states = {"new": 40, "returning": 21, "resurrecting": 3, "dormant": 17}
                return {"periods": [{"start": row["start"], **states} for row in cohorts(5)]}
            case ["annotations"] if method == "GET":
                return {"annotations": list(self.annotations.values())}
            case ["annotations"]:
                return self.keep(self.annotations, body)
            case ["annotations", id]:
                return self.annotations.pop(id, {})
            case ["funnels"] if method == "GET":
                return {"funnels": list(self.funnels.values())}
            case ["funnels"]:
                return self.keep(self.funnels, body)
            case ["funnels", id]:
                return (
                    self.funnels.pop(id, {})
                    if method == "DELETE"
                    else self.funnels.setdefault(id, {}).update(body) or self.funnels[id]
                )
            case ["audiences", "preview"]:
                return {
                    "size": 312,
                    "exportable": 241,
                    "withheld": {"no_consent": 52, "opted_out": 12, "suppressed": 7, "holdout": 0},
                }
            case ["audiences"] if method == "GET":
                return {"audiences": list(self.audiences.values())}
            case ["audiences"]:
                return self.keep(self.audiences, body | {"size": 312, "created": iso(50)})
            case ["audiences", "overlap"]:
                named = [
                    {"id": i, "name": one["name"], "members": 200 - 100 * n}
                    for n, (i, one) in enumerate(self.audiences.items())
                ]
                both = [[50 + row + column for column in range(len(named))] for row in range(len(named))]
                return {"audiences": named, "overlap": both}
            case ["audiences", _, "history"]:
                return {"sizes": self.sizes}
            case ["audiences", id] if method == "PUT":
                self.audiences[id] = self.audiences[id] | body
                return self.audiences[id]
            case ["audiences", id]:
                return self.audiences.pop(id, {}) if method == "DELETE" else self.audiences.get(id)
            case ["audiences", _, "members"]:
                rows = [
                    {
                        "person": f"{i:016x}",
                        "visitor": f"{i * 7919:08x}",
                        "user": "",
                        "last_seen": iso(60 * i),
                        "last_event": "add_to_cart",
                    }
                    for i in range(25)
                ]
                return {"total": 312, "members": rows}
            case ["networks"]:
                shown = {"max_days": None, "replaces": False, "note": "values as they are", "shapes": ["file", "api"]}
                csv = {"name": "csv", "title": "CSV", "minimum": 0, **shown}
                ramp = {**csv, "name": "liveramp", "title": "LiveRamp", "options": ["delimiter", "compression"]}
                openrtb = {**csv, "name": "openrtb", "title": "OpenRTB", "options": ["segments"]}
                return {"networks": [csv, {**csv, "name": "tiktok", "title": "TikTok", "minimum": 1000}, ramp, openrtb]}
            case ["alerts"] if method == "GET":
                return {"alerts": list(self.alerts.values())}
            case ["alerts"]:
                if body["alert"]["when"] == {"above": 666.0}:
                    return 400, {"error": {"code": "bad_request", "message": f"when is {HOSTILE}", "field": "when"}}
                return self.keep(self.alerts, body | {"looked_at": iso(7200)})
            case ["alerts", id] if method == "PUT":
                self.alerts[id] = self.alerts[id] | body
                return self.alerts[id]
            case ["alerts", id]:
                return self.alerts.pop(id, {})
            case ["schedules"] if method == "GET":
                reports = [{"name": "funnel", "title": HOSTILE}]
                return {"schedules": list(self.schedules.values()), "destinations": self.tellable, "reports": reports}
            case ["schedules"]:
                if body["name"] == "Refused":
                    return 400, {"error": {"code": "bad_request", "message": f"question is {HOSTILE}"}}
                return self.keep(self.schedules, body | {"last": None, "next": iso(-7200), "paused": False})
            case ["schedules", id] if method == "PUT":
                self.schedules[id] |= body | {"next": None if body["paused"] else iso(-7200)}
                return self.schedules[id]
            case ["schedules", _, "run"]:
                if self.runs is None:
                    return 409, {"error": {"code": "on_its_way", "message": "it is on its way already"}}
                self.runs.insert(0, RUN | {"id": "run_now", "kind": "now", "at": iso(1)})
                return RUN | {"id": "run_now", "state": "waiting"}
            case ["schedules", _, "runs"]:
                return {"runs": self.runs or []}
            case ["schedules", id]:
                return self.schedules.pop(id, {})
            case ["firings"]:
                return {"firings": self.firings}
            case ["destinations"] if method == "POST":
                if body["name"] == "Refused":
                    return 400, {"error": {"code": "bad_request", "message": "secrets must hold access_token"}}
                shown = body | {"secrets": list(body["secrets"]), "waiting": 0, "id": f"dst_{len(self.connected) + 2}"}
                self.connected[shown["id"]] = shown
                return shown
            case ["destinations", "kinds"]:
                return KINDS
            case ["destinations", id, "check"]:
                return self.checked
            case ["destinations", id]:
                return self.connected.pop(id, {})
            case ["destinations"]:
                place = {"name": "Meta of the shop", "kind": "network", "options": {"network": "tiktok"}, "waiting": 3}
                first = [{"id": "dst_1", **place}] if self.places else []
                return {"destinations": [*first, *self.connected.values()]}
            case ["audiences", id, "deliveries"]:
                if method == "POST":
                    ended = {"state": "failed", "error": {"message": "the network does not take these credentials"}}
                    return self.keep(self.deliveries, body | {"audience": id, "failures": 2, "last": ended})
                return {"deliveries": list(self.deliveries.values())}
            case ["deliveries", id]:
                return self.deliveries.pop(id, {})
            case ["outreach", "lists"]:
                return {"lists": LISTS}
            case ["audiences", id, "outreach", "plans"]:
                if body["every"] == "1h":
                    return 400, {"error": {"code": "bad_request", "message": "it stays in the house"}}
                planned = {"audience": id, "network": f"list.{body['list']}", "failures": 0, "last": None}
                return self.keep(self.deliveries, planned | body)
            case ["audiences", _, "outreach"]:
                if body["destination"] != "download":
                    return 400, {"error": {"code": "bad_request", "message": "it stays in the house"}}
                return self.keep(self.exports, {"state": "running", "network": f"list.{body['list']}"})
            case ["coupons"] if method == "GET":
                return {"pools": self.pools}
            case ["coupons"]:
                self.pools = [{"pool": body["pool"], "codes": 9, "given": 0, "free": 9}]
                return {"pool": body["pool"], "added": len(body["codes"]) - 1}
            case ["conversions", "networks"]:
                meta = {"name": "meta_conversions", "title": "Meta", "tests": True, "names": NAMES, "days": 7}
                numbers = {"numbers": True, "names": {}, "note": f"`send_as` {HOSTILE}", "days": 90}
                return {"networks": [meta, {"name": "google_conversions", "title": "Google", "tests": True, **numbers}]}
            case ["conversions"] if method == "POST":
                if body["name"] == "Refused":
                    return 400, {"error": {"code": "bad_request", "message": f"send_as is {HOSTILE}"}}
                self.conversions.append(body | {"id": "cnv_9", "network": "meta_conversions", "failures": 0})
                return self.conversions[-1]
            case ["conversions"]:
                return {"conversions": self.conversions}
            case ["conversions", id]:
                [one] = [one for one in self.conversions if one["id"] == id]
                if method == "DELETE":
                    self.conversions.remove(one)
                one.update(body if method == "PUT" else {})
                return one
            case ["conversions", id, "run"]:
                if self.conversion_refusal:
                    return 400, {"error": {"code": "bad_request", "message": self.conversion_refusal}}
                return self.keep(self.exports, {"state": "running", "network": "meta_conversions", **body})
            case ["recalls"]:
                return {"recalls": self.recalls}
            case ["sites", _, "frequency"]:
                if method == "PUT":
                    if body["most"] == 13:
                        return 403, {"error": {"code": "forbidden", "message": "this needs a token of an admin"}}
                    self.frequency = body
                return self.frequency
            case ["sensitive"]:
                return {"sensitive": self.sensitive}
            case ["sensitive", id]:
                [one] = [one for one in self.sensitive if one["id"] == id]
                one["ground"] = body.get("ground")
                return one
            case ["audiences", _, "export"]:
                return self.keep(self.exports, {"state": "running", "network": body["network"]})
            case ["exports"]:
                given = [
                    {"id": f"exp_{n}", "audience": "1", "state": "done", "network": n} for n in self.networks_given
                ]
                return {
                    "exports": [
                        *self.more_exports,
                        *given,
                        {"id": "exp_9", "audience": "9", "state": "done", "network": "csv"},
                    ]
                }
            case ["reports", "lift"]:
                return self.lift
            case ["exports", id]:
                if self.minimum:
                    return self.exports[id] | {
                        "state": "failed",
                        "error": "Only 12 people may be exported; the site's minimum is 100.",
                    }
                if self.list_counts:
                    return self.exports[id] | {"state": "done", "counts": self.list_counts}
                return self.exports[id] | {
                    "state": "done",
                    "counts": {"written": 241, "withheld": {"no_consent": 52}},
                    "files": [{"name": "audience.csv", "rows": 241, "sha256": "x"}],
                }
            case ["exports", _, "file"]:
                return self.list_file or b"visitor\n0001\n"
        return None if name else {}

    def keep(self, shelf, body):
        id = str(len(shelf) + 1)
        shelf[id] = {"id": id, **body}
        return shelf[id]

    def overview(self, body):
        if self.empty:
            zero = {
                "people": 0,
                "sessions": 0,
                "events": 0,
                "page_views": 0,
                "purchases": 0,
                "revenue": {},
                "conversion_rate": 0,
            }
            return {
                "totals": zero,
                "previous": zero,
                "series": [],
                "previous_series": [],
                "channels": [],
                "pages": [],
                "countries": [],
                "devices": [],
                "events": [],
            }
        first, last = date.fromisoformat(body["from"][:10]), date.fromisoformat(body["to"][:10])
        series = []
        for i in range((last - first).days):
            day = first + timedelta(days=i)
            people = 118 + (i * 37) % 41 - (40 if day.weekday() > 4 else 0) + i
            series.append(
                {
                    "date": day.isoformat(),
                    "people": people,
                    "events": people * 7,
                    "page_views": people * 5,
                    "purchases": people // 12,
                    "revenue": {"EUR": (people // 12) * 87.5, "USD": 3},
                }
            )
        revenue = {"EUR": sum(p["revenue"]["EUR"] for p in series), "USD": 90.0}
        totals = {
            "people": 2841,
            "sessions": 3605,
            "events": 31106,
            "page_views": 18211,
            "purchases": 470,
            "revenue": revenue,
            "conversion_rate": 0.0812,
        }
        before = {
            "people": 2610,
            "sessions": 3402,
            "events": 29000,
            "page_views": 18950,
            "purchases": 431,
            "revenue": {"EUR": revenue["EUR"] * 0.9},
            "conversion_rate": 0.0832,
        }
        return {
            "totals": totals,
            "previous": before,
            "series": series,
            "previous_series": [{**day, "people": day["people"] - 9} for day in series],
            "channels": keyed(
                [
                    ("organic_search", 1102),
                    ("paid_search", 641),
                    ("email", 522),
                    ("direct", 371),
                    ("organic_social", 154),
                    ("referral", 51),
                ]
            ),
            "pages": [
                {"key": p, "views": n, "people": n // 2}
                for p, n in [
                    ("/", 2762),
                    ("/catalog", 2521),
                    ("/product/noise-cancelling-headphones-xm5-limited-edition", 1851),
                    ("/search", 1411),
                    ("/cart", 1204),
                    ("/checkout", 958),
                    (f"/{HOSTILE}", 5),
                ]
            ],
            "countries": keyed([("DE", 1502), ("AT", 411), ("CH", 303), ("NL", 201), ("FR", 122), ("", 90)]),
            "devices": keyed([("mobile", 1501), ("desktop", 1190), ("tablet", 150)]),
            "events": [{"event": e, "count": n, "people": n // 3} for e, n in self.names],
        }

    def attribution(self):
        rows = (
            [] if self.empty else [("Paid Search", 133.0000000001, 33518.0), ("Email", 57.3, 16763.0), (HOSTILE, 1, 9)]
        )
        answer = {
            "rows": [{"key": key, "conversions": count, "value": value} for key, count, value in rows],
            "conversions": 0 if self.empty else 191,
            "value": sum(value for _, _, value in rows),
            "path_length": [{"touches": touches, "conversions": 90 - touches * 10} for touches in range(9)],
            "lag_seconds": {"average": 90_000.0, "median": 5400.0},
        }
        if self.costs and rows:
            answer["rows"][0] |= {"cost": 6703.6, "cac": 50.4, "roas": 5.0}
            answer |= {"cost_currency": "EUR", "other_cost_currencies": ["USD"]}
        own = self.sites[0].get("currency")
        return answer | ({"currency": own, "unconverted": {"SEK": 1200.0}} if own else {})

    def rfm(self):
        rows = [] if self.empty else [("champions", 53), ("at_risk", 36), ("unheard_of", 1)]
        return {
            "currency": "EUR",
            "buyers": sum(people for _, people in rows),
            "other_currencies": 4,
            "segments": [
                {
                    "segment": name,
                    "people": people,
                    "purchases": people * 2,
                    "value": people * 300.0,
                    "share": people / 90,
                    "days_since_purchase": 11.9,
                }
                for name, people in rows
            ],
            "cells": [],
        }

    def funnel(self, body):
        def steps(start):
            rows, before = [], start
            for place, step in enumerate(body["steps"]):
                count = int(start * [1, 0.46, 0.31, 0.17, 0.09, 0.05][min(place, 5)])
                rows.append(
                    {
                        "step": place + 1,
                        "name": step.get("name") or step.get("event"),
                        "event": step.get("event"),
                        "count": count,
                        "dropped": 0,
                        "from_previous": count / before if before else 0,
                        "from_first": count / start if start else 0,
                        "seconds_from_previous": {"average": 5400.0 * place, "median": 640.0 * place},
                        "optional": bool(step.get("optional")),
                    }
                )
                before = count
            for row, after in itertools.pairwise(rows):
                row["dropped"] = row["count"] - after["count"]
            for row in rows if "worth" in body else []:
                row["worth"] = worth_of(row, rows[-1]["count"])
            return rows

        said = {"worth": {"currency": "EUR", "unconverted": {"SEK": 1200.0}}} if "worth" in body else {}
        answer = {"steps": steps(0 if self.empty else 2503)} | said
        if "breakdown" in body:
            answer["breakdown"] = [
                {"value": v, "steps": steps(n)} for v, n in (("DE", 1502), ("AT", 411), ("CH", 303), (HOSTILE, 20))
            ]
        if "compare" in body:
            test = {"step": 2, "of": 1, "count": 1151, "size": 2503, "share": 0.46, "other_count": 900}
            test |= {"other_size": 2400, "other_share": 0.375, "difference": 0.085, "p_value": 1e-9, "q_value": 2e-9}
            tests = [test, {**test, "step": 3, "difference": -0.01, "q_value": 0.4}]
            if body["compare"] == "breakdown":
                tests = [{**test, "value": HOSTILE}]
            kind = "previous" if body["compare"] == "previous" else "rest"
            answer["comparison"] = {"with": kind, "tests": tests}
            answer["comparison"] |= {"steps": steps(2400)} if body["compare"] != "breakdown" else {}
        return answer


def series_of(body, currency):
    """Three days of a figure; the value of it in two currencies, of which the site converts one."""
    first = datetime.fromisoformat(body["from"])
    days = [(first + timedelta(days=day)).isoformat() for day in range(3)]
    points = [{"start": start, "value": 10 * place} for place, start in enumerate(days, 1)]
    if body["measure"] == "value":
        points = [{**point, "values": {"EUR": 5.0, "SEK": 9.0}} for point in points]
        points = [{**point, "unconverted": {"SEK": 9.0}} for point in points] if currency else points
    answer = {"series": points, **({"currency": currency} if body["measure"] == "value" else {})}
    return answer | ({"previous": [{**point, "value": 10} for point in points]} if body.get("compare") else {})


def worth_of(row, orders):
    """A step of a funnel whose buyers pay 40 each; those who dropped would have, as often as those who went on."""
    expected = row["dropped"] * orders / max(1, row["count"] - row["dropped"]) * 40.0
    return {
        "value": orders * 40.0,
        "orders": orders,
        "unknown": 3,
        "average_order": 40.0,
        "per_unit": orders * 40.0 / row["count"] if row["count"] else None,
        "lost": {"expected": expected, "low": expected * 0.9, "high": expected * 1.1},
    }


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
