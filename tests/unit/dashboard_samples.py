"""What the dashboard's API of the tests answers with: steady numbers, and text that strangers wrote."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

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
        {"step": 2, "node": "other", "people": 30, "dropped": 30},
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
