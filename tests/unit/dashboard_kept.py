"""Sites, health and what is kept, of the dashboard's API of the tests."""

from __future__ import annotations

from dashboard_samples import HOSTILE, PINNED, RUN, iso


class Kept:
    """Answers about sites, health, and what is kept: funnels, annotations, alerts, schedules."""

    def of_kept(self, method, parts, query, body):
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
            case ["sites", _, "frequency"]:
                if method == "PUT":
                    if body["most"] == 13:
                        return 403, {"error": {"code": "forbidden", "message": "this needs a token of an admin"}}
                    self.frequency = body
                return self.frequency
        return None
