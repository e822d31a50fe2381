"""Persons, audiences and what is sent, of the dashboard's API of the tests."""

from __future__ import annotations

from dashboard_samples import HAPPENED, HOSTILE, KINDS, LISTS, NAMES, VISITOR, card, iso


class People:
    """Answers of `people/...` and `identity/...`."""

    def of_people(self, method, parts, query, body):
        match parts:
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
        return None


class Sending:
    """Answers about audiences and all that is sent."""

    def of_sending(self, method, parts, query, body):
        match parts:
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
            case ["exports", id, "manifest"]:
                return {"export": id, "rule_sha256": "ab" * 32, "files": [{"name": "audience.csv", "rows": 241}]}
            case ["exports", _, "file"]:
                return self.list_file or b"visitor\n0001\n"
        return None
