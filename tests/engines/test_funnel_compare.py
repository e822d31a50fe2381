"""Differences between periods, segments and values of a breakdown: counts by the oracle, chances by the slow sum."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from api_client import serve

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import funnel_oracle
import reasons_oracle
from funnel_oracle import instant
from journeys_world import histories
from test_report_segments import among, chosen, some_rule
from world import load

from tracker.analytics import funnel_compare
from tracker.api import funnel_answers
from tracker.core.errors import BadRequest
from tracker.core.period import rfc3339

START = instant("2026-02-20T00:00:00Z")
DAY = 86_400_000
WHEN = {"site": "shop", "from": "2026-03-15T00:00:00Z", "to": "2026-04-12T00:00:00Z"}
STEPS = [{"event": "a"}, {"event": "page_view"}, {"event": "b", "optional": True}, {"event": "c"}]


def counts(body, events):
    return [step["count"] for step in funnel_oracle.report(body, events)["steps"]]


def expected(body, one, two, **more):
    rows = []
    for step in range(2, len(one) + 1):
        before = step - 1 if body.get("mode") == "unordered" else funnel_oracle.required_before(body, step)
        for base in [1] if before == 1 else [1, before]:
            chance = reasons_oracle.p_value(one[step - 1], one[base - 1], two[step - 1], two[base - 1])
            pairs = (one[step - 1], one[base - 1], two[step - 1], two[base - 1])
            rows.append((more.get("value"), step, base, *pairs, chance))
    return rows


def flat(said):
    names = ("step", "of", "count", "size", "other_count", "other_size")
    return [(row.get("value"), *(row[name] for name in names), pytest.approx(row["p_value"], rel=1e-6)) for row in said]


def slow_q(rows):
    """Benjamini and Hochberg from the definition: the least rate at which a row would be kept."""
    chances = sorted(row["p_value"] for row in rows)
    return [
        min(chances[at] * len(chances) / (at + 1) for at in range(len(chances)) if chances[at] >= row["p_value"])
        for row in rows
    ]


def asked(engine, body, **more):
    return funnel_compare.run(engine, replace(funnel_compare.parse(body), **more))


def test_periods_values_and_segments_equal_the_oracle(engine):
    chance = random.Random(21)
    events = load(engine, histories(chance, 320, START, 50 * DAY))
    for number in range(12):
        unit, mode = chance.choice(("person", "visitor")), chance.choice(("ordered", "strict", "unordered"))
        steps = [{**step, "optional": mode != "unordered" and "optional" in step} for step in STEPS]
        body = {**WHEN, "steps": steps, "window": chance.choice(("1h", "3d")), "count_by": unit, "mode": mode}
        whole = counts(body, events)

        said = asked(engine, {**body, "compare": "previous"})["comparison"]
        span = instant(body["to"]) - instant(body["from"])
        before = {**body, "from": rfc3339(instant(body["from"]) - span), "to": body["from"]}
        assert (said["from"], said["to"]) == (before["from"], rfc3339(instant(before["to"])))
        assert flat(said["tests"]) == expected(body, whole, counts(before, events)), number
        assert [row["q_value"] for row in said["tests"]] == pytest.approx(slow_q(said["tests"]))

        body["breakdown"] = {"property": "country", "touch": chance.choice(("first", "last"))}
        said = asked(engine, {**body, "compare": "breakdown"})
        parts = funnel_oracle.report(body, events)["breakdown"]
        rows = []
        for part in said["breakdown"]:
            theirs = [step["count"] for step in parts[part["value"]]]
            rest = [one - two for one, two in zip(whole, theirs, strict=True)]
            rows += expected(body, theirs, rest, value=part["value"])
        assert flat(said["comparison"]["tests"]) == rows, number
        del body["breakdown"]

        through = among(engine, rule := some_rule(chance))
        mine = chosen(rule, events)
        kept = {id(one) for one in mine}
        others = [one for one in events if id(one) not in kept]
        said = asked(engine, body, other=through, rest=through.but())["comparison"]
        assert flat(said["tests"]) == expected(body, counts(body, mine), counts(body, others)), (number, rule)
        second = some_rule(chance)
        said = asked(among(engine, second), body, other=through)
        assert flat(said["comparison"]["tests"]) == expected(
            body, counts(body, mine), counts(body, chosen(second, events))
        )


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"compare": "next"}, "compare"),
        ({"compare": "breakdown"}, "compare"),
        ({"compare": "breakdown", "breakdown": {"property": "country", "touch": "all"}}, "compare"),
    ],
)
def test_what_cannot_be_compared(more, field):
    with pytest.raises(BadRequest) as caught:
        funnel_compare.parse({**WHEN, "steps": STEPS, **more})
    assert caught.value.field == field


async def test_comparisons_through_the_api(embedded, data):
    async with serve(embedded, data) as api:
        api.catalog.sites.create("shop")
        load(embedded, histories(random.Random(4), 120, START, 50 * DAY))
        rule = {"property": {"property": "country", "op": "eq", "value": "DE"}}
        body = {**WHEN, "steps": STEPS[:2]}
        for compare, more, kind in (
            ("previous", {}, "previous"),
            ("breakdown", {"breakdown": {"property": "country"}}, "rest"),
            ({"segment": rule}, {}, "rest"),
            ({"segment": rule}, {"segment": {"did": {"event": "c"}}}, "segment"),
        ):
            _, said = await api.ask("POST", "/api/v1/reports/funnel", {**body, **more, "compare": compare})
            assert msgspec.to_builtins(msgspec.convert(said, funnel_answers.FunnelReport, strict=True)) == said
            assert said["comparison"]["with"] == kind
            csv = {"Accept": "text/csv"}
            _, blob = await api.ask("POST", "/api/v1/reports/funnel", {**body, **more, "compare": compare}, headers=csv)
            parts = {line.split(",")[0] for line in blob.decode().splitlines()[1:]}
            assert parts == {"total", "breakdown" if compare == "breakdown" else kind}
            saved = {"name": "x", "funnel": {**body, **more, "compare": compare}}
            status, _ = await api.ask("POST", "/api/v1/funnels", saved)
            assert status == 201
        for compare in ({"segment": None}, {"audience": "x"}, 5):
            status, said = await api.ask("POST", "/api/v1/reports/funnel", {**body, "compare": compare})
            assert (status, said["error"]["field"]) == (400, "compare")
