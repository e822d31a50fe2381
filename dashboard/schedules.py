"""Scheduled reports in words, and the one of a form. Pure."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

from dashboard import formats
from dashboard.client import Json

REPORTS = {
    "overview": "Overview: people, visits, purchases, revenue",
    "funnel": "Funnel",
    "funnel/trend": "Funnel over time",
    "timeseries": "One figure over time",
    "attribution": "Channels: what led to purchases",
    "retention": "Retention: who came back",
    "paths": "Paths: the ways through a visit",
    "lifecycle": "New, returning and lost people",
    "stickiness": "On how many days people are active",
    "rfm": "Customers by recency, frequency and money",
    "ltv": "Lifetime value so far",
    "ltv/predicted": "Lifetime value to be expected",
}
"""What the form offers; the API takes more."""
OF_FUNNEL = ("funnel", "funnel/trend")
QUESTIONS: dict[str, Json] = {
    "funnel/trend": {"interval": "day"},
    "attribution": {"conversion": {"event": "purchase"}},
    "retention": {"period": "week"},
    "lifecycle": {"period": "week"},
}
MEASURES = {"events": "How often it happens", "people": "How many people do it", "value": "The value of it"}
PERIODS = {
    "yesterday": "yesterday",
    "last_7_days": "the last 7 days",
    "last_28_days": "the last 28 days",
    "last_90_days": "the last 90 days",
    "last_week": "last week",
    "last_8_weeks": "the last 8 weeks",
    "last_month": "last month",
    "last_12_months": "the last 12 months",
    "last_quarter": "last quarter",
    "this_month": "this month so far",
}
EVERY = {"day": "every day", "week": "every week", "month": "every month"}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ADDRESS = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+")


class Sent(NamedTuple):
    """How a run is shown: the kind of a notice, a sentence, and what more there is to say."""

    kind: str
    text: str
    detail: str = ""


def addresses(text: str) -> tuple[list[str], list[str]]:
    """What was typed, by commas, semicolons or spaces: addresses, and what is none."""
    given = [one for one in re.split(r"[\s,;]+", text) if one]
    good = [one for one in given if _ADDRESS.fullmatch(one)]
    return list(dict.fromkeys(good)), [one for one in given if one not in good]


def rhythm(every: str, weekday: str, day: int, hour: int) -> Json:
    """As the API takes it."""
    more: dict[str, Json] = {"day": {}, "week": {"weekday": weekday}, "month": {"day": day}}
    return {"every": every, **more[every], "hour": hour}


def summary(row: Json, names: dict[str, str]) -> str:
    """`Funnel · the last 7 days · every Monday at 08:00 · to Office and Hook`."""
    report = REPORTS.get(str(row["report"]), str(row["report"])).partition(":")[0]
    some = " · only a segment" if (row.get("question") or {}).get("segment") else ""
    return f"{report} · {period(str(row['period']))} · {when(row['rhythm'])} · to {goes_to(row, names)}{some}"


def period(text: str) -> str:
    """`last_3_weeks` in words."""
    many = re.fullmatch(r"last_(\d+)_(\w+)", text)
    return PERIODS.get(text) or (f"the last {many[1]} {many[2]}" if many else text.replace("_", " "))


def when(said: Json) -> str:
    """`every Monday at 08:00`, `on day 31 of every month at 08:00`."""
    hour = f"at {int(said['hour']):02}:00"
    if said["every"] == "week":
        return f"every {str(said['weekday']).capitalize()} {hour}"
    if said["every"] == "month":
        return f"on day {said['day']} of every month {hour}"
    return f"every day {hour}"


def goes_to(row: Json, names: dict[str, str]) -> str:
    """Destinations by name, with the addresses that are written to in place of their own."""
    said = []
    for one in row.get("to") or []:
        name = names.get(str(one["destination"]), "a destination")
        own = [str(address) for address in one.get("addresses") or []]
        said.append(f"{name} ({', '.join(own)})" if own else name)
    return formats.listing(said, "and")


def last_day(end: datetime) -> date:
    """The last day that ends at or holds `end`, which is not included."""
    return (end - timedelta(seconds=1)).date()


def ended(run: Json | None, zone: tzinfo) -> Sent:
    """How a run ended, or where it is."""
    if not run:
        return Sent("info", "It was not sent yet.")
    at = formats.when(formats.moment(str(run["at"]), zone))
    error = str((run.get("error") or {}).get("message") or "")
    if run["state"] == "done":
        rows = int(run.get("rows") or 0)
        return Sent("good", f"Sent for {at}.", f"{formats.number(rows)} {'row' if rows == 1 else 'rows'}.")
    if run["state"] == "failed":
        return Sent("bad", f"Failed for {at}.", error)
    if run.get("next_try"):
        again = formats.when(formats.moment(str(run["next_try"]), zone))
        tried = "once" if run["tries"] == 1 else f"{run['tries']} times"
        return Sent("warn", f"Not sent yet for {at}: tried {tried}, again {again}.", error)
    return Sent("info", f"On its way for {at}.")
