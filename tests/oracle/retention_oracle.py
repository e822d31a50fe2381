"""Retention counted slowly, person by person, from the contract's text alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from funnel_oracle import as_text, fits, instant, journeys, read

DAY = 86_400_000
SPAN = {"day": DAY, "week": 7 * DAY, "month": 30 * DAY}


def period_of(ms, body):
    """The first day of the period that a moment lies in."""
    day = datetime.fromtimestamp(ms / 1000, ZoneInfo(body.get("timezone", "UTC"))).date()
    if body["period"] == "month":
        return day.replace(day=1)
    if body["period"] == "week":
        first = 6 if body.get("week_start") == "sunday" else 0
        while day.weekday() != first:
            day -= timedelta(days=1)
    return day


def periods(body):
    """Every period that the range touches, found by walking through it hour by hour."""
    found, at, end = [], instant(body["from"]), instant(body["to"])
    while at < end:
        found.append(period_of(at, body))
        at += 900_000  # zones are quarters of an hour apart
    return sorted({*found, period_of(end - 1, body)})


def cohorts_of(rows, body):
    """[(period, start event)] of one person."""
    start, end = instant(body["from"]), instant(body["to"])
    begun = [one for one in rows if fits(one, body["start"]) and one["ts"] < end]
    if body.get("kind", "first_time") == "first_time":
        begun = begun[:1]
    first = {}
    for one in begun:
        if one["ts"] >= start:
            first.setdefault(period_of(one["ts"], body), one)
    return list(first.items())


def report(body, events):
    """{value: {period: [people a column]}}; the value None is the whole."""
    names, answer = periods(body), {}
    start, end = instant(body["from"]), instant(body["to"])
    for rows in journeys({}, events).values():
        back = [one["ts"] for one in rows if fits(one, body["return"]) and start <= one["ts"] < end]
        for cohort, opened in cohorts_of(rows, body):
            if body.get("rolling"):
                columns = {(at - opened["ts"]) // SPAN[body["period"]] for at in back if at > opened["ts"]}
            else:
                columns = {names.index(period_of(at, body)) - names.index(cohort) for at in back}
            values = [None]
            if "breakdown" in body:
                value = read(opened, body["breakdown"]["property"])
                values.append("" if value is None else as_text(value))
            for value in values:
                table = answer.setdefault(value, empty(names))
                for column in {0, *(column for column in columns if column > 0)}:
                    if column < len(table[cohort.isoformat()]):
                        table[cohort.isoformat()][column] += 1
    answer.setdefault(None, empty(names))
    return answer


def empty(names):
    return {name.isoformat(): [0] * (len(names) - at) for at, name in enumerate(names)}
