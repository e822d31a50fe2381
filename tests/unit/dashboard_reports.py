"""Reports of the dashboard's API of the tests."""

from __future__ import annotations

import itertools
from datetime import date, datetime, timedelta

from dashboard_samples import (
    HOSTILE,
    LIKELY,
    WAYS,
    cohorts,
    iso,
    keyed,
    likely_people,
    ltv,
    reasons,
    series_of,
    worth_of,
)


class Reports:
    """Answers of `reports/...`."""

    def of_reports(self, method, parts, query, body):
        match parts:
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
            case ["reports", "lift"]:
                return self.lift
        return None

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
