"""What is asked of many histories: a random question for each report, and the check of its answer by an oracle.

A check takes the engine, the site (with the truth about it) and the question, and raises AssertionError.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "engines"))

import funnel_oracle
import paths_oracle
import retention_oracle
import test_attribution_random as attributed
import test_audiences_oracle as audienced
import test_funnel_compare as compared
import test_funnel_over_time as timed
import test_funnel_random as funnelled
import test_funnel_reasons as reasoned
import test_funnel_worth as worthed
import test_lifecycle
import test_ltv
import test_paths_random as walked
import test_predicted
import test_report_segments as segmented
import test_retention_random as retained
import test_rfm
import test_rollups as overviewed
import test_stickiness
from funnel_oracle import instant, unit_of
from many_histories import DAY, NOW, span
from rfm_oracle import factor, left_out

from tracker.analytics import (
    attribution,
    conflicts,
    funnel_compare,
    lifecycle,
    ltv,
    overview,
    paths,
    predicted,
    predicted_people,
    rfm,
    stickiness,
    timeseries,
)
from tracker.analytics.money import Money
from tracker.analytics.priced import price
from tracker.audiences import membership
from tracker.audiences.definition import define
from tracker.core.identity import user_key, visitor_key
from tracker.core.period import rfc3339
from tracker.core.site import Site
from tracker.store.among import Among
from tracker.store.clean import events_source

WINDOWS = ("1s", "1h", "31m", "2d", "20d")


def spoken(body, **names):
    """The question in the histories' names."""
    text = json.dumps(body)
    for old, new in names.items():
        text = text.replace(f'"{old}"', f'"{new}"')
    return json.loads(text)


def at(site, body):
    return {**body, "site": site.name}


def zoned(chance, site):
    return chance.choice((site.zone, site.zone, "UTC", "Asia/Kolkata"))


# Funnels


def a_funnel(chance, site, *, counted=("person", "person", "visitor", "session")):
    body = funnelled.some_funnel(chance)
    if chance.random() < 0.3:
        body = funnelled.timed(chance, body)
        for step in body["steps"]:
            if "within" in step:
                step["within"] = chance.choice(("1ms", "1s", "30m", "1d"))
    elif chance.random() < 0.2:
        body["steps"][0] = {"event": "page_view", "entry": True}
    elif chance.random() < 0.4:
        body["steps"][-1] = {**body["steps"][-1], "event": "purchase"}
        body["steps"][-1].pop("any_of", None)
    body |= {**span(chance, site), "window": chance.choice(WINDOWS), "count_by": chance.choice(counted)}
    return body


def entries(body, events):
    """The events, with the first page view of each session marked; more than a day before `from` none begins."""
    first = {}
    for one in sorted(events, key=lambda one: (one["ts"], one["seq"], one["arrival"])):
        begun = one["ts"] >= instant(body["from"]) - DAY and one["session"] and not one["bot"]
        if one["event"] == "page_view" and begun:
            first.setdefault((one["visitor"] or one["user"], one["session"]), one["id"])
    marked = set(first.values())
    return [{**one, "entry": one["id"] in marked} for one in events]


def check_funnel(engine, site, body, events=None):
    expected = funnel_oracle.report(body, entries(body, events or site.events))
    funnelled.same(funnelled.answer(engine, at(site, body)), expected)


def some_comparison(chance, site):
    body = a_funnel(chance, site, counted=("person", "visitor"))
    body["steps"][0].pop("entry", None)
    body.pop("breakdown", None)
    kind = chance.choice(("previous", "breakdown", "segment"))
    if kind == "segment":
        return {**body, "segment": a_rule(chance)}
    if kind == "breakdown":
        body["breakdown"] = {"property": "country", "touch": chance.choice(("first", "last"))}
    return {**body, "compare": kind}


def check_comparison(engine, site, body):
    whole = compared.counts(body, site.events)
    if "segment" in body:
        rule = body["segment"]
        body = at(site, {name: value for name, value in body.items() if name != "segment"})
        mine = segmented.chosen(rule, site.events)
        kept = {one["id"] for one in mine}
        others = [one for one in site.events if one["id"] not in kept]
        through = among(engine, site, rule)
        said = compared.asked(engine, body, other=through, rest=through.but())["comparison"]
        rows = compared.expected(body, compared.counts(body, mine), compared.counts(body, others))
    elif body["compare"] == "previous":
        said = compared.asked(engine, at(site, body))["comparison"]
        start, end = instant(body["from"]), instant(body["to"])
        before = {**body, "from": rfc3339(start - (end - start)), "to": body["from"]}
        rows = compared.expected(body, whole, compared.counts(before, site.events))
    else:
        answer = compared.asked(engine, at(site, body))
        said, rows = answer["comparison"], []
        parts = funnel_oracle.report(body, site.events)["breakdown"]
        for part in answer["breakdown"]:
            theirs = [step["count"] for step in parts[part["value"]]]
            rest = [one - two for one, two in zip(whole, theirs, strict=True)]
            rows += compared.expected(body, theirs, rest, value=part["value"])
    assert compared.flat(said["tests"]) == rows
    assert [row["q_value"] for row in said["tests"]] == pytest.approx(compared.slow_q(said["tests"]))


def a_plain_funnel(chance, site):
    body = a_funnel(chance, site)
    body["steps"][0].pop("entry", None)
    body.pop("breakdown", None)
    return body


def some_trend(chance, site):
    body = a_plain_funnel(chance, site) | span(chance, site, days=(1, 4))
    return body | {"interval": chance.choice(("day", "day", "week", "month")), "timezone": zoned(chance, site)}


def some_worth(chance, site):
    """Half of them end in a purchase, half of them have rates to convert at; some ask interval by interval."""
    body = a_funnel(chance, site) | {"window": chance.choice(("31m", "2d", "20d"))}
    body["steps"][0].pop("entry", None)
    body |= {"worth": chance.choice((True, {"event": "purchase"}, {"event": "*"})), "timezone": zoned(chance, site)}
    if chance.random() < 0.5:
        body["steps"][-1] = {"event": "purchase"}
    body["rates"] = chance.random() < 0.6
    return body | ({"currency": chance.choice(("EUR", "USD", "JPY"))} if body["rates"] else {})


def check_worth(engine, site, body):
    worthed.check(spec_of(funnel_compare, site, body), engine, body, site.events, rates=rates_of(body))


def some_reasons(chance, site):
    body = a_plain_funnel(chance, site) | {"window": chance.choice(("1h", "2d", "20d"))}
    return body | {"step": chance.randint(1, len(body["steps"]) - 1)}


def check_reasons(engine, site, body):
    plain = {name: value for name, value in body.items() if name != "step"}
    reasoned.check(engine, at(site, plain), body["step"], site.events)


# Ways, coming back


def some_paths(chance, site):
    return walked.some_request(chance) | span(chance, site)


def check_paths(engine, site, body, events=None):
    expected = paths_oracle.report(walked.asked_of_the_oracle(body), events or site.events)
    walked.same(walked.flat(paths.run(engine, paths.parse(at(site, body)))), expected)


def some_retention(chance, site):
    body = retained.some_request(chance)
    days = {"day": (2, 14), "week": (6, 30), "month": (20, 60)}[body["period"]]
    return body | span(chance, site, days=days) | {"timezone": zoned(chance, site)}


def check_retention(engine, site, body, events=None):
    assert retained.answer(engine, at(site, body)) == retention_oracle.report(body, events or site.events)


def some_calendar(chance, site, **more):
    body = {**span(chance, site, days=(1, 40)), **more, "timezone": zoned(chance, site)}
    body["week_start"] = chance.choice(("monday", "sunday"))
    return body | ({"event": {"event": chance.choice("ab")}} if chance.random() < 0.5 else {})


def some_lifecycle(chance, site):
    return some_calendar(chance, site, period=chance.choice(("day", "day", "week", "month")))


def check_lifecycle(engine, site, body):
    said = lifecycle.run(engine, lifecycle.parse(at(site, body)))["periods"]
    assert said == test_lifecycle.slowly(site.events, body)


def some_stickiness(chance, site):
    period, unit = chance.choice((("week", "day"), ("month", "day"), ("month", "week")))
    return some_calendar(chance, site, period=period, unit=unit)


def check_stickiness(engine, site, body):
    said = stickiness.run(engine, stickiness.parse(at(site, body)))["periods"]
    assert said == test_stickiness.slowly(site.events, body)


# Money


RATES = {"USD": [("2026-09-20", 0.8), ("2026-10-20", 0.4), ("2026-10-25", 0.5)], "JPY": [("2026-10-26", 0.005)]}
"""What one is worth in EUR from a day on: until the 25th of October no rate is known for JPY, and never one for ''."""


def some_money(chance, site, *, days=(3, 40)):
    """Half of them have rates to convert at."""
    body = {**span(chance, site, days=days), "timezone": zoned(chance, site), "rates": chance.random() < 0.5}
    currency = chance.choice(("EUR", "USD", "JPY"))
    return body | ({"currency": currency} if body["rates"] or chance.random() < 0.3 else {})


def spec_of(question, site, body):
    """The checked question, with the rates that the API would give it."""
    spec = question.parse(at(site, {name: value for name, value in body.items() if name != "rates"}))
    return replace(spec, money=Money(spec.money.currency, {"EUR": RATES})) if body["rates"] else spec


def rates_of(body):
    return (body["timezone"], RATES) if body["rates"] else None


def some_attribution(chance, site):
    body = some_money(chance, site, days=(4, 20))
    body |= {"model": chance.choice(tuple(attribution.MODELS)), "by": chance.choice(tuple(attribution.KEYS))}
    body |= {"lookback": chance.choice(("1h", "1d", "7d", "30d")), "half_life": chance.choice(("1h", "36h"))}
    return body | {"conversion": {"event": chance.choice(("purchase", "purchase", "a"))}}


def check_attribution(engine, site, body):
    wanted, currency, rates = body["conversion"]["event"], body.get("currency"), rates_of(body)

    def amount(one):
        return (one["value"] or 0.0) * ((factor(one, currency, rates) or 0.0) if currency else 1.0)

    said = attribution.run(engine, spec_of(attribution, site, body))
    attributed.check(said, body, site.events, conversion=lambda one: one["event"] == wanted, amount=amount)
    if currency:
        start, end = instant(body["from"]), instant(body["to"])
        bought = [one for one in site.events if one["event"] == wanted and not one["bot"] and start <= one["ts"] < end]
        assert said["currency"] == currency
        assert said["unconverted"] == left_out(bought, currency, rates)["unconverted"]


def check_rfm(engine, site, body):
    start, end = instant(body["from"]), instant(body["to"])
    said = rfm.run(engine, spec_of(rfm, site, body))
    assert said == test_rfm.slowly(site.events, start, end, currency=body.get("currency"), rates=rates_of(body))


def ltv_by_hand(site, body, currency):
    start, end, zone = instant(body["from"]), instant(body["to"]), ZoneInfo(body["timezone"])
    return test_ltv.slowly(site.events, start, end, zone, currency=currency, rates=rates_of(body))


def check_ltv(engine, site, body):
    assert ltv.run(engine, spec_of(ltv, site, body)) == ltv_by_hand(site, body, body.get("currency"))


def check_predicted(engine, site, body):
    """What the models are told of each buyer, and what is said of each so far."""
    spec = spec_of(predicted_people, site, {"currency": "EUR", **body})
    currency, zone = spec.money.currency, ZoneInfo(body["timezone"])
    start, end = spec.range.start, spec.range.end
    wanted = test_predicted.slowly(site.events, start, end, zone, currency=currency, rates=rates_of(body))
    events = events_source(engine)
    priced = price(engine, spec, spec.event, events)
    found = predicted.summaries(engine, spec, events, priced.amount)
    near = [pytest.approx(row, abs=1e-5) for row in wanted]
    assert sorted((*row[:4], round(row[4], 6)) for row in found.tolist()) == near
    rows = predicted_people.buyers(engine, spec, events, priced.amount)
    told = ("again", "active", "observed", "paid")
    assert sorted((*(row[name] for name in told), round(row["mean"], 6)) for row in rows) == near
    theirs = defaultdict(lambda: [0, 0, 0.0])
    for row in rows:
        for place, amount in enumerate((1, row["purchases"], row["money"])):
            theirs[row["touched"]][place] += amount
    so_far = ltv_by_hand(site, body, currency)["channels"]
    assert theirs == {row["channel"]: [row["buyers"], row["purchases"], row["value"]] for row in so_far}


# Figures


def as_was_sent(site):
    """The site as the oracle of the overview reads it."""
    owners = funnel_oracle.persons(site.events)
    people = {one["id"]: unit_of(one, {}, owners) for one in site.events}
    return SimpleNamespace(
        events={id_: one for id_, one in site.sent.items() if id_ in people},
        enriched=site.enriched,
        people=lambda: lambda one: people[one.id],
    )


def more_than_nothing(answer):
    """The answer without currencies whose amounts add up to nothing: they may be left out."""
    if isinstance(answer, list):
        return [more_than_nothing(one) for one in answer]
    if not isinstance(answer, dict):
        return answer
    return {
        name: {key: amount for key, amount in one.items() if amount != 0.0}
        if name == "revenue"
        else more_than_nothing(one)
        for name, one in answer.items()
    }


def some_overview(chance, site):
    zone = site.zone if site.rolled or site.opened else zoned(chance, site)
    return span(chance, site) | {"timezone": zone}


def check_overview(engine, site, body):
    expected = overviewed.slowly(
        as_was_sent(site), instant(body["from"]), instant(body["to"]), ZoneInfo(body["timezone"])
    )
    said = overview.run(engine, overview.parse(at(site, body)))
    assert more_than_nothing({name: said[name] for name in expected}) == more_than_nothing(expected)


def some_series(chance, site):
    body = some_overview(chance, site)
    body |= {"interval": chance.choice(("hour", "day", "day", "week", "month"))}
    body |= {"measure": chance.choice(("events", "people", "value"))}
    return body | ({"event": {"event": chance.choice(("page_view", "purchase"))}} if chance.random() < 0.6 else {})


def check_series(engine, site, body):
    said = timeseries.run(engine, timeseries.parse(at(site, body)))["series"]
    assert said, "no interval"
    owners, found = funnel_oracle.persons(site.events), defaultdict(list)
    starts = [instant(point["start"]) for point in said]
    for one in site.events:
        wanted = "event" not in body or one["event"] == body["event"]["event"]
        if wanted and not one["bot"] and instant(body["from"]) <= one["ts"] < instant(body["to"]):
            found[max(start for start in starts if start <= one["ts"])].append(one)
    for start, point in zip(starts, said, strict=True):
        rows = found[start]
        if body["measure"] == "value":
            amounts = defaultdict(float)
            for one in rows:
                if one["value"] is not None:
                    amounts[one["currency"] or "XXX"] += one["value"]
            kept = {name: amount for name, amount in amounts.items() if abs(amount) > 1e-9}
            assert {name: amount for name, amount in point["values"].items() if amount} == pytest.approx(kept, abs=1e-3)
            assert point["value"] == pytest.approx(sum(amounts.values()), abs=1e-3)
        else:
            people = len({unit_of(one, {}, owners) for one in rows})
            assert point["value"] == {"events": len(rows), "people": people}[body["measure"]], point


# People


def a_rule(chance):
    before, after = "2026-09-25T00:00:00Z", "2026-11-17T00:00:00Z"
    return spoken(segmented.some_rule(chance), **{segmented.WHEN["from"]: before, segmented.WHEN["to"]: after})


def among(engine, site, rule):
    return Among(engine, membership.matching(engine, define(site.name, rule, lookup=lambda _id: {}), NOW))


def some_segment(chance, site):
    report = chance.choice(("funnel", "paths", "retention"))
    return {"rule": a_rule(chance), "report": report, "body": REPORTS[report][0](chance, site)}


def check_segment(engine, site, asked):
    theirs = segmented.chosen(asked["rule"], site.events)
    nobody = [{**site.events[0], "ts": 0, "bot": "crawler"}] if site.events else []
    REPORTS[asked["report"]][1](among(engine, site, asked["rule"]), site, asked["body"], theirs or nobody)


def check_conflicts(engine, site, _body):
    """A visitor with users of two persons; users who were merged have one name in the truth. What is known of whoever
    used a browser goes with an erased person's browser.
    """
    kept = {one["id"] for one in site.events}
    gone = {name for id_, one in site.sent.items() if id_ not in kept for name in (one.visitor, one.previous)}
    found, first = defaultdict(set), {}
    for one in site.events:
        raw = site.sent[one["id"]]
        names = {one["visitor"], raw.previous if raw.previous != raw.user else ""} - {"", *gone}
        for visitor in names if raw.user else ():
            found[visitor].add(one["user"])
            moment = (one["ts"], one["arrival"], raw.user)
            first[visitor] = min(first.get(visitor, moment), moment)
    said = conflicts.run(engine, conflicts.parse({"site": site.name, "limit": 1000}))
    expected = {visitor: first[visitor][2] for visitor, users in found.items() if len(users) > 1}
    assert {one["visitor"]: one["kept"] for one in said["conflicts"]} == expected
    assert said["total"] == len(expected)


def some_audience(chance, _site):
    rule = spoken(audienced.rule(chance), view="a", cart="b")
    return {"rule": rule, "consent": chance.choice(("opt-in", "opt-out"))}


def check_audience(engine, site, body):
    owners, people = funnel_oracle.persons(site.events), defaultdict(list)
    for one in site.events:
        people[unit_of(one, {}, owners)].append(one)
    expected = {
        (user_key if kind == "user" else visitor_key)(name): why or "exportable"
        for (kind, name), why in audienced.expected_members(people, body["rule"], body["consent"]).items()
    }
    where = Site(name=site.name, write_key="k", consent=body["consent"])
    definition = define(site.name, body["rule"], lookup=lambda _id: {}, id="aud_1")
    assert {person: why for person, why, _ in membership.judge(engine, where, definition, NOW)} == expected


REPORTS = {
    "funnel": (a_funnel, check_funnel),
    "funnel/compare": (some_comparison, check_comparison),
    "funnel/trend": (some_trend, lambda engine, site, body: timed.check_trend(engine, at(site, body), site.events)),
    "funnel/time": (
        lambda chance, site: timed.some_steps(chance, a_plain_funnel(chance, site)),
        lambda engine, site, body: timed.check_time(engine, at(site, body), site.events),
    ),
    "funnel/worth": (some_worth, check_worth),
    "funnel/reasons": (some_reasons, check_reasons),
    "paths": (some_paths, check_paths),
    "retention": (some_retention, check_retention),
    "lifecycle": (some_lifecycle, check_lifecycle),
    "stickiness": (some_stickiness, check_stickiness),
    "attribution": (some_attribution, check_attribution),
    "rfm": (some_money, check_rfm),
    "ltv": (some_money, check_ltv),
    "ltv/people": (some_money, check_predicted),
    "overview": (some_overview, check_overview),
    "timeseries": (some_series, check_series),
    "identity conflicts": (lambda _chance, _site: {}, check_conflicts),
    "audiences": (some_audience, check_audience),
    "segments": (some_segment, check_segment),
}
