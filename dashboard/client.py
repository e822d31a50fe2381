"""The API as Python: this file, `client_acting.py` and `client_reaching.py` alone know its addresses.

Every method returns the decoded JSON of the answer, or raises as `dashboard.wire` says.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from dashboard.client_acting import Acting
from dashboard.client_reaching import Reaching
from dashboard.wire import ApiAway, ApiError, Json, SignedOut, rows_of

__all__ = ["Api", "ApiAway", "ApiError", "Json", "SignedOut"]


class Api(Acting, Reaching):
    """All that the dashboard asks the API."""

    # Sites

    def sites(self) -> list[Json]:
        """All sites this token may see."""
        return rows_of(self.json("GET", "/api/v1/sites"), "sites")

    def create_site(self, name: str, domains: list[str], consent: str, timezone: str) -> Json:
        """A new site: `{"site", "write_key"}`."""
        body = {"name": name, "domains": domains, "consent": consent, "timezone": timezone}
        return self.json("POST", "/api/v1/sites", json=body)

    def change_site(self, name: str, **change: Any) -> Json:
        """Change what is named; `pixel` is replaced as a whole."""
        return self.json("PUT", f"/api/v1/sites/{quote(name, safe='')}", json=change)

    def install(self, site: str) -> Json:
        """Key, snippet and whether anything was heard of the site."""
        return self.json("GET", f"/api/v1/sites/{quote(site, safe='')}/install")

    # Data health

    def ledger(self, site: str) -> Json:
        """What became of every event received."""
        return self.json("GET", "/api/v1/ledger", params={"site": site})

    def status(self) -> Json:
        """Versions, lag and disk."""
        return self.json("GET", "/api/v1/status")

    def rejected(self, site: str, limit: int = 100) -> list[Json]:
        """The latest events that were not accepted, with the reason."""
        return rows_of(self.json("GET", "/api/v1/rejected", params={"site": site, "limit": limit}), "rejected")

    def replay(self, site: str) -> Json:
        """Send the rejected events down the road again."""
        return self.json("POST", "/api/v1/rejected/replay", json={"site": site})

    # What there is to choose from

    def event_names(self, site: str) -> list[Json]:
        """Event names with counts, the most frequent first."""
        return rows_of(self.json("GET", "/api/v1/events/names", params={"site": site}), "events")

    def properties(self, site: str, event: str | None = None) -> list[Json]:
        """Properties one may filter by, with their most frequent values."""
        params = {"site": site} | ({"event": event} if event else {})
        return rows_of(self.json("GET", "/api/v1/properties", params=params), "properties")

    # Reports

    def overview(self, site: str, start: str, end: str, timezone: str) -> Json:
        """Totals with the period before, series by days of `timezone`, and top lists."""
        return self.report("overview", {"site": site, "from": start, "to": end, "timezone": timezone})

    def hourly(self, site: str, start: str, end: str, measure: str, event: str = "*") -> Json:
        """One number an hour: `{"series": [{"start", "value"}]}`."""
        body = {"site": site, "from": start, "to": end, "interval": "hour", "measure": measure}
        return self.report("timeseries", body | {"event": {"event": event}})

    def timeseries(self, spec: Json) -> Json:
        """One number an interval, and those of the time before where `compare` asks for them."""
        return self.report("timeseries", spec)

    def anomalies(self, spec: Json) -> Json:
        """The same by day or hour, each beside what is usual."""
        return self.report("anomalies", spec)

    def live(self, site: str, limit: int = 20) -> Json:
        """Who is here now, and the latest events."""
        return self.report("live", {"site": site, "limit": limit})

    def funnel(self, spec: Json) -> Json:
        """Counts, conversions and times of each step."""
        return self.report("funnel", spec)

    def funnel_people(self, spec: Json, step: int, state: str, limit: int = 50, cursor: str | None = None) -> Json:
        """Who reached or dropped at a step."""
        body: Json = {"funnel": spec, "step": step, "state": state, "limit": limit}
        return self.report("funnel/people", body | ({"cursor": cursor} if cursor else {}))

    def funnel_trend(self, spec: Json) -> Json:
        """The funnel of every `interval` of the range: `{"series": [...]}`."""
        return self.report("funnel/trend", spec)

    def funnel_time(self, spec: Json) -> Json:
        """How long it took from `from_step` to `to_step`, in bins."""
        return self.report("funnel/time", spec)

    def funnel_reasons(self, spec: Json) -> Json:
        """What those who dropped at `step` did, met and are, beside those who went on."""
        return self.report("funnel/reasons", spec)

    def retention(self, spec: Json) -> Json:
        """Cohorts, and how many of each came back in every period."""
        return self.report("retention", spec)

    def lifecycle(self, spec: Json) -> Json:
        """New, returning, resurrecting and dormant people of every period."""
        return self.report("lifecycle", spec)

    def stickiness(self, spec: Json) -> Json:
        """On how many days of a week or month people were active."""
        return self.report("stickiness", spec)

    def attribution(self, spec: Json) -> Json:
        """What each channel, source or campaign is credited with, and what it cost."""
        return self.report("attribution", spec)

    def rfm(self, spec: Json) -> Json:
        """Buyers in segments by how lately, how often and for how much they bought."""
        return self.report("rfm", spec)

    def ltv(self, spec: Json) -> Json:
        """What buyers have been worth, by month of the first purchase and by channel."""
        return self.report("ltv", spec)

    def ltv_predicted(self, spec: Json) -> Json:
        """What those buyers will do, all together, with intervals."""
        return self.report("ltv/predicted", spec)

    def ltv_people(self, spec: Json) -> Json:
        """The same by person and by channel."""
        return self.report("ltv/people", spec)

    def paths(self, spec: Json) -> Json:
        """Nodes and edges of the ways people take, step by step."""
        return self.report("paths", spec)

    # People

    def people(self, site: str, q: str, limit: int) -> list[Json]:
        """Whose user or visitor id contains `q`; without it who was seen last."""
        return rows_of(self.json("GET", "/api/v1/people", params={"site": site, "q": q, "limit": limit}), "people")

    def timeline(self, site: str, person: str, limit: int) -> Json:
        """A person's card and latest events."""
        return self.json("GET", f"{_person(person)}/timeline", params={"site": site, "limit": limit})

    def conflicts(self, site: str, limit: int) -> Json:
        """Browsers that were seen with several persons."""
        return self.json("GET", "/api/v1/identity/conflicts", params={"site": site, "limit": limit})

    def person_history(self, site: str, person: str) -> list[Json]:
        """What happened to a person beside their events, the newest first."""
        return rows_of(self.json("GET", f"{_person(person)}/history", params={"site": site}), "history")

    def person_audiences(self, site: str, person: str) -> list[Json]:
        """Every audience: whether the person is in it, why, since when, and why they are not exported."""
        return rows_of(self.json("GET", f"{_person(person)}/audiences", params={"site": site}), "audiences")

    def person_export(self, site: str, person: str, kind: str) -> bytes:
        """All that is kept on a person, as JSON. `kind` of the id: user or visitor."""
        return self.send("GET", f"{_person(person)}/export", params={"site": site, "kind": kind}).content

    def erase(self, site: str, person: str, kind: str) -> Json:
        """Erase a person: `{"state": "done" | "running", "events", ...}`."""
        return self.json("DELETE", _person(person), params={"site": site, "kind": kind})

    # Saved funnels

    def funnels(self, site: str) -> list[Json]:
        """The saved funnels of a site."""
        return rows_of(self.json("GET", "/api/v1/funnels", params={"site": site}), "funnels")

    def save_funnel(self, name: str, spec: Json, id: str | None = None) -> Json:
        """Save a new funnel, or a new version of one."""
        body = {"name": name, "site": spec.get("site"), "funnel": spec}
        if id is None:
            return self.json("POST", "/api/v1/funnels", json=body)
        return self.json("PUT", f"/api/v1/funnels/{quote(id, safe='')}", json=body)

    def delete_funnel(self, id: str) -> None:
        """Forget a saved funnel."""
        self.json("DELETE", f"/api/v1/funnels/{quote(id, safe='')}")

    # Notes on days

    def annotations(self, site: str, first: str, last: str) -> list[Json]:
        """The notes from one day to another, both included."""
        params = {"site": site, "first": first, "last": last}
        return rows_of(self.json("GET", "/api/v1/annotations", params=params), "annotations")

    def annotate(self, site: str, day: str, text: str) -> Json:
        """Note what happened on a day."""
        return self.json("POST", "/api/v1/annotations", json={"site": site, "date": day, "text": text})

    def delete_annotation(self, id: str) -> None:
        """Delete a note."""
        self.json("DELETE", f"/api/v1/annotations/{quote(id, safe='')}")


def _person(id: str) -> str:
    return f"/api/v1/people/{quote(id, safe='')}"
