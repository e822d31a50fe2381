"""The API as Python: the only file that knows its addresses.

Every method returns the decoded JSON of the answer and raises one of

    ApiError      the API said no; `sentence` says what to do, in words for a person
    ├── SignedOut   no or unknown token (401)
    └── ApiAway     nobody answers, or not in time; trying again may help
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

Json = dict[str, Any]


class ApiError(Exception):
    """The API refused; `sentence` is for the reader of the page."""

    def __init__(self, sentence: str, *, code: str = "error", status: int = 0, field: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
        self.status = status
        self.field = field


class SignedOut(ApiError):
    """The token is missing, unknown or withdrawn."""


class ApiAway(ApiError):
    """Nobody answers at the API's address, or not in time."""


class Api:
    """One API with one token. Cheap to make; connections are shared through `transport`."""

    def __init__(self, url: str, token: str, transport: httpx.Client, segment: str = "") -> None:
        """`segment`: the id of the audience that reports are about; empty for everybody."""
        self.url = url.rstrip("/")
        self.segment = segment
        self._token = token
        self._http = transport

    # Sites

    def sites(self) -> list[Json]:
        """All sites this token may see."""
        return _rows(self._json("GET", "/api/v1/sites"), "sites")

    def create_site(self, name: str, domains: list[str], consent: str, timezone: str) -> Json:
        """A new site: `{"site", "write_key"}`."""
        body = {"name": name, "domains": domains, "consent": consent, "timezone": timezone}
        return self._json("POST", "/api/v1/sites", json=body)

    def change_site(self, name: str, **change: Any) -> Json:
        """Change what is named; `pixel` is replaced as a whole."""
        return self._json("PUT", f"/api/v1/sites/{quote(name, safe='')}", json=change)

    def install(self, site: str) -> Json:
        """Key, snippet and whether anything was heard of the site."""
        return self._json("GET", f"/api/v1/sites/{quote(site, safe='')}/install")

    # Data health

    def ledger(self, site: str) -> Json:
        """What became of every event received."""
        return self._json("GET", "/api/v1/ledger", params={"site": site})

    def status(self) -> Json:
        """Versions, lag and disk."""
        return self._json("GET", "/api/v1/status")

    def rejected(self, site: str, limit: int = 100) -> list[Json]:
        """The latest events that were not accepted, with the reason."""
        return _rows(self._json("GET", "/api/v1/rejected", params={"site": site, "limit": limit}), "rejected")

    def replay(self, site: str) -> Json:
        """Send the rejected events down the road again."""
        return self._json("POST", "/api/v1/rejected/replay", json={"site": site})

    # What there is to choose from

    def event_names(self, site: str) -> list[Json]:
        """Event names with counts, the most frequent first."""
        return _rows(self._json("GET", "/api/v1/events/names", params={"site": site}), "events")

    def properties(self, site: str, event: str | None = None) -> list[Json]:
        """Properties one may filter by, with their most frequent values."""
        params = {"site": site} | ({"event": event} if event else {})
        return _rows(self._json("GET", "/api/v1/properties", params=params), "properties")

    # Reports

    def overview(self, site: str, start: str, end: str, timezone: str) -> Json:
        """Totals with the period before, series by days of `timezone`, and top lists."""
        return self._report("overview", {"site": site, "from": start, "to": end, "timezone": timezone})

    def hourly(self, site: str, start: str, end: str, measure: str, event: str = "*") -> Json:
        """One number an hour: `{"series": [{"start", "value"}]}`."""
        body = {"site": site, "from": start, "to": end, "interval": "hour", "measure": measure}
        return self._report("timeseries", body | {"event": {"event": event}})

    def live(self, site: str, limit: int = 20) -> Json:
        """Who is here now, and the latest events."""
        return self._report("live", {"site": site, "limit": limit})

    def funnel(self, spec: Json) -> Json:
        """Counts, conversions and times of each step."""
        return self._report("funnel", spec)

    def funnel_people(self, spec: Json, step: int, state: str, limit: int = 50, cursor: str | None = None) -> Json:
        """Who reached or dropped at a step."""
        body: Json = {"funnel": spec, "step": step, "state": state, "limit": limit}
        return self._report("funnel/people", body | ({"cursor": cursor} if cursor else {}))

    def funnel_trend(self, spec: Json) -> Json:
        """The funnel of every `interval` of the range: `{"series": [...]}`."""
        return self._report("funnel/trend", spec)

    def funnel_time(self, spec: Json) -> Json:
        """How long it took from `from_step` to `to_step`, in bins."""
        return self._report("funnel/time", spec)

    def funnel_reasons(self, spec: Json) -> Json:
        """What those who dropped at `step` did, met and are, beside those who went on."""
        return self._report("funnel/reasons", spec)

    def retention(self, spec: Json) -> Json:
        """Cohorts, and how many of each came back in every period."""
        return self._report("retention", spec)

    def lifecycle(self, spec: Json) -> Json:
        """New, returning, resurrecting and dormant people of every period."""
        return self._report("lifecycle", spec)

    def stickiness(self, spec: Json) -> Json:
        """On how many days of a week or month people were active."""
        return self._report("stickiness", spec)

    def attribution(self, spec: Json) -> Json:
        """What each channel, source or campaign is credited with, and what it cost."""
        return self._report("attribution", spec)

    def rfm(self, spec: Json) -> Json:
        """Buyers in segments by how lately, how often and for how much they bought."""
        return self._report("rfm", spec)

    def ltv(self, spec: Json) -> Json:
        """What buyers have been worth, by month of the first purchase and by channel."""
        return self._report("ltv", spec)

    def ltv_predicted(self, spec: Json) -> Json:
        """What those buyers will do, all together, with intervals."""
        return self._report("ltv/predicted", spec)

    def ltv_people(self, spec: Json) -> Json:
        """The same by person and by channel."""
        return self._report("ltv/people", spec)

    def paths(self, spec: Json) -> Json:
        """Nodes and edges of the ways people take, step by step."""
        return self._report("paths", spec)

    # People

    def people(self, site: str, q: str, limit: int) -> list[Json]:
        """Whose user or visitor id contains `q`; without it who was seen last."""
        return _rows(self._json("GET", "/api/v1/people", params={"site": site, "q": q, "limit": limit}), "people")

    def timeline(self, site: str, person: str, limit: int) -> Json:
        """A person's card and latest events."""
        return self._json("GET", f"{_person(person)}/timeline", params={"site": site, "limit": limit})

    def person_export(self, site: str, person: str, kind: str) -> bytes:
        """All that is kept on a person, as JSON. `kind` of the id: user or visitor."""
        return self._send("GET", f"{_person(person)}/export", params={"site": site, "kind": kind}).content

    def erase(self, site: str, person: str, kind: str) -> Json:
        """Erase a person: `{"state": "done" | "running", "events", ...}`."""
        return self._json("DELETE", _person(person), params={"site": site, "kind": kind})

    # Saved funnels

    def funnels(self, site: str) -> list[Json]:
        """The saved funnels of a site."""
        return _rows(self._json("GET", "/api/v1/funnels", params={"site": site}), "funnels")

    def save_funnel(self, name: str, spec: Json, id: str | None = None) -> Json:
        """Save a new funnel, or a new version of one."""
        body = {"name": name, "site": spec.get("site"), "funnel": spec}
        if id is None:
            return self._json("POST", "/api/v1/funnels", json=body)
        return self._json("PUT", f"/api/v1/funnels/{quote(id, safe='')}", json=body)

    def delete_funnel(self, id: str) -> None:
        """Forget a saved funnel."""
        self._json("DELETE", f"/api/v1/funnels/{quote(id, safe='')}")

    # Notes on days

    def annotations(self, site: str, first: str, last: str) -> list[Json]:
        """The notes from one day to another, both included."""
        params = {"site": site, "first": first, "last": last}
        return _rows(self._json("GET", "/api/v1/annotations", params=params), "annotations")

    def annotate(self, site: str, day: str, text: str) -> Json:
        """Note what happened on a day."""
        return self._json("POST", "/api/v1/annotations", json={"site": site, "date": day, "text": text})

    def delete_annotation(self, id: str) -> None:
        """Delete a note."""
        self._json("DELETE", f"/api/v1/annotations/{quote(id, safe='')}")

    # Audiences

    def audiences(self, site: str) -> list[Json]:
        """The audiences of a site."""
        return _rows(self._json("GET", "/api/v1/audiences", params={"site": site}), "audiences")

    def audience(self, id: str) -> Json:
        """One audience with its rule."""
        return self._json("GET", f"/api/v1/audiences/{quote(id, safe='')}")

    def preview(self, site: str, rule: Json, holdout: float = 0.0, id: str | None = None) -> Json:
        """How many people a rule finds, and how many of them may leave the house; `id` where it is saved."""
        body = {"site": site, "rule": rule, "holdout": holdout} | ({"id": id} if id else {})
        return self._json("POST", "/api/v1/audiences/preview", json=body)

    def create_audience(self, audience: Json) -> Json:
        """Create an audience; the answer has its id."""
        return self._json("POST", "/api/v1/audiences", json=audience)

    def delete_audience(self, id: str) -> None:
        """Delete an audience and its membership."""
        self._json("DELETE", f"/api/v1/audiences/{quote(id, safe='')}")

    def members(self, id: str, limit: int = 50, cursor: str | None = None) -> Json:
        """Who is in an audience."""
        params = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        return self._json("GET", f"/api/v1/audiences/{quote(id, safe='')}/members", params=params)

    def networks(self) -> list[Json]:
        """Networks that take audiences: name, title, shapes, minimum, note."""
        return _rows(self._json("GET", "/api/v1/networks"), "networks")

    def start_export(self, id: str, network: str, mode: str = "full", shape: str = "file") -> Json:
        """Start making a download: `{"id", "state"}`."""
        body = {"network": network, "mode": mode, "shape": shape, "destination": "download"}
        return self._json("POST", f"/api/v1/audiences/{quote(id, safe='')}/export", json=body)

    def destinations(self, site: str) -> list[Json]:
        """Where exports of a site can go; of secrets only the names."""
        return _rows(self._json("GET", "/api/v1/destinations", params={"site": site}), "destinations")

    def deliveries(self, audience: str) -> list[Json]:
        """The repeated deliveries of an audience, each with how the last one ended."""
        return _rows(self._json("GET", f"/api/v1/audiences/{quote(audience, safe='')}/deliveries"), "deliveries")

    def add_delivery(self, audience: str, body: Json) -> Json:
        """Deliver an audience again and again."""
        return self._json("POST", f"/api/v1/audiences/{quote(audience, safe='')}/deliveries", json=body)

    def end_delivery(self, id: str) -> None:
        """Deliver no more."""
        self._json("DELETE", f"/api/v1/deliveries/{quote(id, safe='')}")

    def export(self, id: str) -> Json:
        """State, counts and files of an export."""
        return self._json("GET", f"/api/v1/exports/{quote(id, safe='')}")

    def export_file(self, id: str) -> tuple[str, str, bytes]:
        """The file of a finished export: (name, media type, content)."""
        answer = self._send("GET", f"/api/v1/exports/{quote(id, safe='')}/file")
        found = re.search(r'filename="?([^";]+)', answer.headers.get("content-disposition", ""))
        kind = answer.headers.get("content-type", "application/octet-stream").split(";")[0]
        return (found.group(1) if found else f"audience-{id}", kind, answer.content)

    # Wire

    def _report(self, name: str, body: Json) -> Json:
        some = {"segment": self.segment} if self.segment and name != "live" else {}
        return self._json("POST", f"/api/v1/reports/{name}", json=body | some)

    def _json(self, method: str, path: str, **more: Any) -> Json:
        answer = self._send(method, path, **more)
        if not answer.content:
            return {}
        try:
            decoded = answer.json()
        except ValueError:
            raise ApiAway("The address of the API answers, but not as the API does. Check TRACKER_API_URL.") from None
        return decoded if isinstance(decoded, dict) else {"rows": decoded}

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json, */*"}
        try:
            answer = self._http.request(method, self.url + path, headers=headers, **more)
        except httpx.TimeoutException:
            raise ApiAway("The answer takes too long. Choose a shorter period, or try again in a moment.") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise ApiAway("The tracking service does not answer at the moment.") from None
        if answer.is_success:
            return answer
        raise _refusal(answer)


def _person(id: str) -> str:
    return f"/api/v1/people/{quote(id, safe='')}"


def _rows(answer: Json, key: str) -> list[Json]:
    rows = answer.get(key) or answer.get("rows") or []
    return [row for row in rows if isinstance(row, dict)]


def _refusal(answer: httpx.Response) -> ApiError:
    try:
        body = answer.json()
    except ValueError:
        body = {}
    error: Mapping[str, Any] = (body.get("error") if isinstance(body, dict) else None) or {}
    message = str(error.get("message") or "").strip()
    field = error.get("field")
    code, status = str(error.get("code") or "error"), answer.status_code
    if status == 401:
        return SignedOut("This token is not known. Ask your administrator for a new one.", code=code, status=status)
    if status in (429, 502, 503, 504):
        busy = "The tracking service is busy. Try again in a moment."
        return ApiAway(_sentence(message) or busy, code=code, status=status)
    if status >= 500:
        return ApiError("The service could not answer this. The reason is in its log.", code=code, status=status)
    if status == 403 and not message:
        message = "Your token does not allow this; ask for one with a wider role"
    field = error.get("field")
    sentence = _sentence(message) or "The service did not accept this."
    return ApiError(sentence, code=code, status=status, field=str(field) if field else None)


def _sentence(message: str) -> str:
    if not message:
        return ""
    message = message[0].upper() + message[1:]
    return message if message[-1] in ".!?" else message + "."
