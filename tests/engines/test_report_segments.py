"""A report about a segment is the report over its people's events alone: by the oracles, and for every report."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from api_client import serve

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import funnel_oracle
import retention_oracle
from funnel_oracle import instant, passes
from journeys_world import histories
from test_funnel_random import answer as funnel_answer
from test_funnel_random import same
from test_retention_random import answer as retention_answer
from test_retention_random import some_request, where
from world import load

from tracker.api.reports import REPORTS
from tracker.audiences import membership
from tracker.audiences.definition import define
from tracker.core.errors import BadRequest
from tracker.store.among import Among
from tracker.store.engine import Query

START = instant("2026-02-20T00:00:00Z")
DAY = 86_400_000
NOW = START + 60 * DAY
WHEN = {"site": "shop", "from": "2026-02-20T00:00:00Z", "to": "2026-04-20T00:00:00Z"}
STEPS = [{"event": "a"}, {"event": "page_view"}, {"event": "b"}]


def some_rule(chance, depth=0):
    kind = chance.random()
    if depth < 2 and kind < 0.3:
        return {chance.choice(("all", "any")): [some_rule(chance, depth + 1) for _ in range(2)]}
    if depth < 2 and kind < 0.4:
        return {"not": some_rule(chance, depth + 1)}
    if kind < 0.55:
        return {
            "property": {"property": "country", "op": "eq", "value": "DE", "touch": chance.choice(("first", "last"))}
        }
    if kind < 0.7:
        within = {"from": WHEN["from"], "to": WHEN["to"]}
        return {"dropped": {"funnel": {"steps": STEPS, "window": "2d"}, "after_step": 2, "within": within}}
    return {"did": {"event": chance.choice("abc"), "where": where(chance), "count": {"gte": chance.randint(1, 3)}}}


def holds(rule, rows):
    """The rule, read slowly, over a person's events in their order."""
    [(word, inner)] = rule.items()
    if word in ("all", "any"):
        return {"all": all, "any": any}[word](holds(part, rows) for part in inner)
    if word == "not":
        return not holds(inner, rows)
    if word == "property":
        having = [one for one in rows if one["country"]]
        return bool(having) and passes(having[0 if inner.get("touch") == "first" else -1], inner)
    if word == "dropped":
        attempt = funnel_oracle.best_attempt({**inner["funnel"], **inner["within"]}, rows)
        return bool(attempt) and max(attempt) == inner["after_step"]
    found = [
        one
        for one in rows
        if one["event"] == inner["event"] and all(passes(one, each) for each in inner.get("where", ()))
    ]
    return len(found) >= inner["count"]["gte"]


def chosen(rule, events):
    """The events of those who fulfil the rule."""
    owners = funnel_oracle.persons(events)
    people = {unit for unit, rows in funnel_oracle.journeys({}, events).items() if holds(rule, rows)}
    return [one for one in events if funnel_oracle.unit_of(one, {}, owners) in people]


def among(engine, rule):
    definition = define("shop", rule, lookup=lambda _id: {})
    return Among(engine, membership.matching(engine, definition, NOW))


def test_funnels_and_retention_of_a_segment_equal_the_oracle(engine):
    chance = random.Random(8)
    events = load(engine, histories(chance, 320, START, 50 * DAY))
    sizes = []
    for number in range(16):
        rule = some_rule(chance)
        theirs, through = chosen(rule, events), among(engine, rule)
        sizes.append(len(theirs))
        mode, unit = chance.choice(("ordered", "strict", "unordered")), chance.choice(("person", "visitor"))
        body = {**WHEN, "steps": STEPS, "mode": mode, "window": "2d", "count_by": unit}
        body["breakdown"] = {"property": "country", "touch": chance.choice(("first", "all"))}
        same(funnel_answer(through, body), funnel_oracle.report(body, theirs))
        body = some_request(chance)
        expected = retention_oracle.report(body, theirs)
        assert retention_answer(through, body) == expected, (number, rule, body)
    assert sum(100 < size < len(events) - 100 for size in sizes) > 8


BODIES = {
    "funnel": {"steps": STEPS, "window": "2d"},
    "funnel/people": {"funnel": {**WHEN, "steps": STEPS}, "step": 1, "state": "dropped", "limit": 20},
    "funnel/trend": {"steps": STEPS, "interval": "week"},
    "funnel/time": {"steps": STEPS},
    "funnel/reasons": {"steps": STEPS, "step": 1},
    "overview": {"timezone": "Europe/Berlin"},
    "attribution": {"conversion": {"event": "b"}, "model": "markov"},
    "live": {},
    "timeseries": {"interval": "week", "measure": "people"},
    "anomalies": {},
    "rfm": {"event": {"event": "b"}},
    "ltv": {"event": {"event": "b"}},
    "ltv/predicted": {"event": {"event": "b"}},
    "ltv/people": {"event": {"event": "b"}},
    "lifecycle": {"period": "week"},
    "stickiness": {},
    "retention": {"period": "week", "breakdown": {"property": "country"}},
    "paths": {"by": "page"},
}


def asked(report, engine, site):
    body = dict(BODIES[report.name])
    if "funnel" in body:
        body["funnel"] = {**body["funnel"], "site": site}
    else:
        body = {**({} if report.name == "live" else WHEN), **body, "site": site}
    try:
        return report.question.run(engine, report.question.parse(body))
    except BadRequest as error:
        return error.message


def test_every_report_of_a_segment_is_that_of_a_site_with_only_its_people(engine):
    chance = random.Random(3)
    events = load(engine, histories(chance, 320, START, 50 * DAY))
    rule = {
        "any": [
            {"property": {"property": "country", "op": "eq", "value": "DE"}},
            {"did": {"event": "c", "count": {"gte": 3}}},
        ]
    }
    theirs = chosen(rule, events)
    assert len(theirs) < len(events)
    load(engine, [dict(one) for one in theirs], site="twin")
    through = among(engine, rule)
    for report in REPORTS:
        assert asked(report, through, "shop") == asked(report, engine, "twin"), report.name
        assert asked(report, through, "shop") != asked(report, engine, "shop") or report.name in (
            "ltv/predicted",
            "ltv/people",
        )


def test_nobody_is_a_segment_too_and_doubtful_partitions_are_read_with_final(engine):
    load(engine, histories(random.Random(1), 20, START, 50 * DAY))
    nobody = among(engine, {"did": {"event": "never"}})
    assert [step["count"] for step in asked(REPORTS[0], nobody, "shop")["steps"]] == [0, 0, 0]
    engine.command(Query(text="insert into doubts (month, open, version) values (202602, 1, 1)"))
    everybody = among(engine, {"did": {"event": "*"}})
    assert asked(REPORTS[0], everybody, "shop") == asked(REPORTS[0], engine, "shop")


@pytest.fixture
async def api(embedded, data):
    async with serve(embedded, data) as running:
        running.catalog.sites.create("shop")
        running.catalog.sites.create("other")
        load(embedded, histories(random.Random(4), 60, START, 50 * DAY))
        yield running


async def test_a_segment_is_an_audience_a_rule_or_filters(api):
    rule = {"property": {"property": "country", "op": "eq", "value": "DE"}}
    audience = api.catalog.audiences.create("shop", "Germans", rule, duration="30d", holdout=0.0, refresh="5m")
    body = {**WHEN, "steps": STEPS}
    answers = []
    for segment in (audience.id, rule, [rule["property"]]):
        _, one = await api.ask("POST", "/api/v1/reports/funnel", {**body, "segment": segment})
        _, two = await api.ask(
            "POST", "/api/v1/reports/funnel/people", {"funnel": {**body, "segment": segment}, "step": 1}
        )
        answers.append((one, two["total"]))
    assert answers[0] == answers[1] == answers[2]
    _, whole = await api.ask("POST", "/api/v1/reports/funnel", {**body, "segment": None})
    assert 0 < answers[0][1] == answers[0][0]["steps"][0]["count"] < whole["steps"][0]["count"]
    _, blob = await api.ask("POST", "/api/v1/reports/funnel", {**body, "segment": rule}, headers={"Accept": "text/csv"})
    assert f",{answers[0][1]}," in blob.decode().splitlines()[1]
    saved = {"name": "of Germans", "funnel": {**body, "segment": audience.id}}
    status, kept = await api.ask("POST", "/api/v1/funnels", saved)
    assert (status, kept["funnel"]["segment"]) == (201, audience.id)


@pytest.mark.parametrize(
    ("segment", "field"),
    [
        ("aud_nobody", "segment"),
        (5, "segment"),
        ([], "segment"),
        ({"did": {}}, "segment.did.event"),
        ([{"property": "country", "op": "odd"}], "segment.all[0].property.op"),
    ],
)
async def test_a_wrong_segment_is_named(api, segment, field):
    for path, body in (
        ("/api/v1/reports/funnel", {**WHEN, "steps": STEPS, "segment": segment}),
        ("/api/v1/funnels", {"name": "x", "funnel": {**WHEN, "steps": STEPS, "segment": segment}}),
    ):
        status, answer = await api.ask("POST", path, body)
        assert (status, answer["error"]["field"]) == (400, field)


async def test_an_audience_of_another_site_is_no_segment(api):
    rule = {"did": {"event": "a"}}
    other = api.catalog.audiences.create("other", "x", rule, duration="30d", holdout=0.0, refresh="5m")
    status, answer = await api.ask("POST", "/api/v1/reports/overview", {**WHEN, "segment": other.id})
    assert (status, answer["error"]["field"]) == (400, "segment")
    twice = {"funnel": {**WHEN, "steps": STEPS, "segment": rule}, "step": 1, "segment": rule}
    status, answer = await api.ask("POST", "/api/v1/reports/funnel/people", twice)
    assert (status, answer["error"]["field"]) == (400, "segment")


async def test_costs_are_everybodys_and_stay_out_of_a_segment(api):
    row = {"date": "2026-03-01", "channel": "Email", "cost": 4.0, "currency": "EUR"}
    await api.ask("POST", "/api/v1/costs", {"site": "shop", "rows": [row]})
    _, whole = await api.ask("POST", "/api/v1/reports/attribution", {**WHEN, "conversion": {"event": "a"}})
    _, part = await api.ask(
        "POST",
        "/api/v1/reports/attribution",
        {**WHEN, "conversion": {"event": "a"}, "segment": {"did": {"event": "a"}}},
    )
    assert any("cost" in one for one in whole["rows"])
    assert not any("cost" in one for one in part["rows"])
