"""Audiences, where they are sent, scheduled reports and alerts: the part of `client.Api` that is about acting."""

from __future__ import annotations

import re
from urllib.parse import quote

from dashboard.wire import Json, Wire, rows_of


class Acting(Wire):
    """Every method returns the decoded answer, or raises as `dashboard.wire` says."""

    # Audiences

    def audiences(self, site: str) -> list[Json]:
        """The audiences of a site."""
        return rows_of(self.json("GET", "/api/v1/audiences", params={"site": site}), "audiences")

    def audience(self, id: str) -> Json:
        """One audience with its rule."""
        return self.json("GET", f"/api/v1/audiences/{quote(id, safe='')}")

    def preview(self, site: str, rule: Json, holdout: float = 0.0, id: str | None = None) -> Json:
        """How many people a rule finds, and how many of them may leave the house; None for a few. `id`: if saved."""
        body = {"site": site, "rule": rule, "holdout": holdout, "hide_small": True} | ({"id": id} if id else {})
        return self.json("POST", "/api/v1/audiences/preview", json=body)

    def create_audience(self, audience: Json) -> Json:
        """Create an audience; the answer has its id."""
        return self.json("POST", "/api/v1/audiences", json=audience)

    def change_audience(self, id: str, audience: Json) -> Json:
        """Change its name, rule, duration, hold-out or refresh; whoever no longer fits leaves with the next refresh."""
        return self.json("PUT", f"/api/v1/audiences/{quote(id, safe='')}", json=audience)

    def delete_audience(self, id: str) -> None:
        """Delete an audience and its membership."""
        self.json("DELETE", f"/api/v1/audiences/{quote(id, safe='')}")

    def members(self, id: str, limit: int = 50, cursor: str | None = None) -> Json:
        """Who is in an audience."""
        params = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        return self.json("GET", f"/api/v1/audiences/{quote(id, safe='')}/members", params=params)

    def history(self, id: str, start: str, end: str) -> list[Json]:
        """How large an audience was after every refresh that changed it; None for a few."""
        path = f"/api/v1/audiences/{quote(id, safe='')}/history"
        return rows_of(self.json("GET", path, params={"from": start, "to": end, "hide_small": "true"}), "sizes")

    def overlap(self, site: str) -> Json:
        """How many persons are in two audiences: `{"audiences": [...], "overlap": [[n]]}`."""
        return self.json("GET", "/api/v1/audiences/overlap", params={"site": site})

    def lift(self, spec: Json) -> Json:
        """The members who may be shown advertising beside the hold-out; never only those of a segment."""
        return self.json("POST", "/api/v1/reports/lift", json=spec)

    def networks(self) -> list[Json]:
        """Networks that take audiences: name, title, shapes, minimum, note."""
        return rows_of(self.json("GET", "/api/v1/networks"), "networks")

    def start_export(
        self, id: str, network: str, mode: str = "full", shape: str = "file", options: Json | None = None
    ) -> Json:
        """Start making a download: `{"id", "state"}`."""
        body: Json = {"network": network, "mode": mode, "shape": shape, "destination": "download"}
        body |= {"options": options} if options else {}
        return self.json("POST", f"/api/v1/audiences/{quote(id, safe='')}/export", json=body)

    def dry_run(self, id: str, delivery: Json) -> Json:
        """Start writing down what such a delivery would send now, as a download: `{"id", "state"}`."""
        body = {name: value for name, value in delivery.items() if name != "every"} | {"dry_run": True}
        return self.json("POST", f"/api/v1/audiences/{quote(id, safe='')}/export", json=body)

    def exports(self, site: str, limit: int = 1000) -> list[Json]:
        """The exports of a site, the newest first."""
        return rows_of(self.json("GET", "/api/v1/exports", params={"site": site, "limit": limit}), "exports")

    def destinations(self, site: str) -> list[Json]:
        """Where exports of a site can go; of secrets only the names."""
        return rows_of(self.json("GET", "/api/v1/destinations", params={"site": site}), "destinations")

    def deliveries(self, audience: str) -> list[Json]:
        """The repeated deliveries of an audience, each with how the last one ended."""
        return rows_of(self.json("GET", f"/api/v1/audiences/{quote(audience, safe='')}/deliveries"), "deliveries")

    def add_delivery(self, audience: str, body: Json) -> Json:
        """Deliver an audience again and again."""
        return self.json("POST", f"/api/v1/audiences/{quote(audience, safe='')}/deliveries", json=body)

    def end_delivery(self, id: str) -> None:
        """Deliver no more."""
        self.json("DELETE", f"/api/v1/deliveries/{quote(id, safe='')}")

    def export(self, id: str) -> Json:
        """State, counts and files of an export."""
        return self.json("GET", f"/api/v1/exports/{quote(id, safe='')}")

    def export_file(self, id: str) -> tuple[str, str, bytes]:
        """The file of a finished export: (name, media type, content)."""
        answer = self.send("GET", f"/api/v1/exports/{quote(id, safe='')}/file")
        found = re.search(r'filename="?([^";]+)', answer.headers.get("content-disposition", ""))
        kind = answer.headers.get("content-type", "application/octet-stream").split(";")[0]
        return (found.group(1) if found else f"audience-{id}", kind, answer.content)

    def export_manifest(self, id: str) -> Json:
        """What is in the file of a finished export, and by which rule."""
        return self.json("GET", f"/api/v1/exports/{quote(id, safe='')}/manifest")

    # Destinations

    def destination_kinds(self) -> Json:
        """What each kind of destination and each network must be told: `{"kinds", "networks"}`."""
        return self.json("GET", "/api/v1/destinations/kinds")

    def add_destination(self, body: Json) -> Json:
        """Connect one; its secrets never come back."""
        return self.json("POST", "/api/v1/destinations", json=body)

    def check_destination(self, id: str) -> Json:
        """Try one without sending anything about anybody: `{"ok", "notes"}`."""
        return self.json("POST", f"/api/v1/destinations/{quote(id, safe='')}/check")

    def delete_destination(self, id: str) -> None:
        """Forget one with its secrets."""
        self.json("DELETE", f"/api/v1/destinations/{quote(id, safe='')}")

    # Scheduled reports

    def schedules(self, site: str) -> Json:
        """Scheduled reports and what a new one can choose from: `{"schedules", "destinations", "reports"}`."""
        return self.json("GET", "/api/v1/schedules", params={"site": site})

    def add_schedule(self, body: Json) -> Json:
        """Send a report again and again."""
        return self.json("POST", "/api/v1/schedules", json=body)

    def change_schedule(self, id: str, body: Json) -> Json:
        """Replace one, pause it, go on with it: all of it as `add_schedule` sends it."""
        return self.json("PUT", f"/api/v1/schedules/{quote(id, safe='')}", json=body)

    def delete_schedule(self, id: str) -> None:
        """Send it no more; its history goes with it."""
        self.json("DELETE", f"/api/v1/schedules/{quote(id, safe='')}")

    def run_schedule(self, id: str) -> Json:
        """Make and send it now: the run, which goes on."""
        return self.json("POST", f"/api/v1/schedules/{quote(id, safe='')}/run")

    def schedule_runs(self, id: str, limit: int = 20) -> list[Json]:
        """How its runs ended, the newest first."""
        path = f"/api/v1/schedules/{quote(id, safe='')}/runs"
        return rows_of(self.json("GET", path, params={"limit": limit}), "runs")

    # Alerts

    def alerts(self, site: str) -> list[Json]:
        """The figures of a site that are watched."""
        return rows_of(self.json("GET", "/api/v1/alerts", params={"site": site}), "alerts")

    def add_alert(self, site: str, name: str, alert: Json, destination: str = "") -> Json:
        """Watch a figure; `destination`: the mail destination or webhook that is told what it finds."""
        body = {"site": site, "name": name, "alert": alert, "destination": destination}
        return self.json("POST", "/api/v1/alerts", json=body)

    def change_alert(self, id: str, body: Json) -> Json:
        """Another name, figure, limit or destination: the whole alert as `add_alert` sends it."""
        return self.json("PUT", f"/api/v1/alerts/{quote(id, safe='')}", json=body)

    def delete_alert(self, id: str) -> None:
        """Watch it no more; what it found goes with it."""
        self.json("DELETE", f"/api/v1/alerts/{quote(id, safe='')}")

    def firings(self, site: str, limit: int = 100) -> list[Json]:
        """What alerts found, the newest first."""
        return rows_of(self.json("GET", "/api/v1/firings", params={"site": site, "limit": limit}), "firings")
