"""Why people drop equals the oracle on random histories: all of them are persons of one data set."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import reasons_oracle
from funnel_oracle import instant
from journeys_world import histories
from world import event, load, load_hard

from tracker.analytics import funnel_reasons, funnel_time, funnel_trend
from tracker.core.errors import BadRequest

BODY = {
    "site": "shop",
    "from": "2026-03-26T10:00:00Z",
    "to": "2026-03-31T10:00:00Z",
    "steps": [{"event": "a"}, {"event": "b"}],
    "window": "2d",
}
T = instant(BODY["from"])
KINDS = ("next_events", "next_pages", "exit_pages", "errors", "answers")
FUNNELS = (
    BODY,
    {**BODY, "steps": [{"event": "page_view"}, {"event": "a"}, {"event": "page_view"}], "window": "40m"},
    {**BODY, "mode": "unordered", "window": "40m", "steps": [{"event": "b"}, {"event": "c"}, {"event": "a"}]},
    {**BODY, "mode": "strict", "count_by": "visitor", "steps": [{"event": "page_view"}, {"event": "*"}]},
    {**BODY, "count_by": "session", "steps": [{"event": "page_view"}, {"event": "c"}]},
    {
        **BODY,
        "steps": [{"event": "*"}, {"event": "a", "optional": True}, {"event": "page_view"}, {"event": "c"}],
        "exclude": [{"event": "b", "from_step": 3}],
    },
)


def world(chance):
    """Random histories with what reasons look at: visits, campaigns, trouble and opinions."""
    events = histories(chance, 330, instant("2026-03-25T00:00:00Z"), 7 * 86_400_000)
    for one in events:
        one["session"] = chance.choice(["", "s1", "s2"])
        for name, values in {
            "device": ("", "mobile", "desktop"),
            "browser": ("", "Firefox", "Safari"),
            "os": ("", "iOS", "Android"),
            "channel": ("Direct", "Email", "Paid Search"),
            "referrer_host": ("", "blog.example", "news.example"),
            "utm_source": ("", "mail", "ads"),
            "utm_medium": ("", "cpc", "email"),
            "utm_campaign": ("", "spring", "fall"),
        }.items():
            one[name] = chance.choice(values)
    for near in chance.sample(events, 300):
        name = chance.choice(["js_error", "page_not_found", "web_vital", "survey_answered", "feedback_sent"])
        props = {
            "message": chance.choice(["x is null", "x" * 5]),
            "metric": "LCP",
            "rating": chance.choice(["poor", "good"]),
        }
        props |= {"survey": "nps", "score": chance.choice([3, 9, 9.5])} if name == "survey_answered" else {}
        props |= {"topic": chance.choice(["idea", "problem"]), "rating": 2} if name == "feedback_sent" else {}
        more = {key: near[key] for key in ("visitor", "user", "session", "seq")}
        moment = near["ts"] + chance.choice([0, 1, 90_000])
        events.append(event(name, moment, path=chance.choice(["/a/", "/b"]), props=props, **more))
    for place, one in enumerate(events):
        one["arrival"] = 1_000_000 + 16 * place
    return events


def check(engine, body, step, events):
    """Gives the lists that had something to compare."""
    said = funnel_reasons.run(engine, funnel_reasons.parse({**body, "step": step, "limit": 2000}))
    expected, filled = reasons_oracle.report(body, step, events), set()
    sizes = (expected["dropped"], expected["went_on"])
    assert (said["dropped"], said["went_on"]) == sizes
    for name in funnel_reasons.LISTS:
        due = expected.get(name, {})
        assert said[name]["total"] == said[name]["compared"] == len(due), (body, step, name)
        if name == "properties":  # only what the dropped have more often
            of, beside = (max(1, size) for size in sizes)  # of nobody, nobody has it
            due = {key: one for key, one in due.items() if one[0] * beside > one[1] * of}
        found = {(row["name"], row["value"]): row for row in said[name]["rows"]}
        assert found.keys() == due.keys(), (body, step, name)
        for key, (dropped, went_on, p_value, q_value) in due.items():
            row = found[key]
            assert (row["dropped"], row["went_on"]) == (dropped, went_on), (body, step, name, key)
            assert (row["p_value"], row["q_value"]) == pytest.approx((p_value, q_value), rel=1e-6)
        filled |= {name} if due and all(sizes) else set()
    return filled


def test_random_histories_equal_the_oracle(unmerged):
    events = load_hard(unmerged, random.Random(42), world(random.Random(41)))
    filled = set()
    for body in FUNNELS:
        for step in range(1, len(body["steps"])):
            filled |= check(unmerged, body, step, events)
    assert filled == set(funnel_reasons.LISTS)


def test_who_is_lost_on_one_browser_and_why(engine):
    events = []
    for number in range(20):
        who, lost = f"v{number}", number < 8
        told = {"browser": "Safari" if lost else "Firefox", "session": "s"}
        events.append(event("page_view", T - 5000, who, path="/land/", **told))
        events.append(event("a", T, who, **told))
        if lost:
            events.append(event("js_error", T + 10, who, props={"message": "pay is null"}, **told))
            events.append(event("page_view", T + 20, who, path="/help", **told))
        else:
            events.append(event("b", T + 20, who, **told))
    load(engine, events)
    said = funnel_reasons.run(engine, funnel_reasons.parse({"funnel": BODY, "step": 1, "limit": 1}))
    assert (said["dropped"], said["went_on"]) == (8, 12)
    row = {"name": "browser", "value": "Safari", "dropped": 8, "went_on": 0, "dropped_share": 1.0, "went_on_share": 0.0}
    [safari] = said["properties"]["rows"]
    assert {name: safari[name] for name in row} == row
    assert safari["lift"] is None
    assert safari["p_value"] == pytest.approx(1 / 125_970)  # one of C(20, 8) ways
    assert (said["properties"]["total"], safari["q_value"]) == (11, pytest.approx(safari["p_value"] * 11 / 2))
    tops = {
        name: (part["total"], [one["value"] for one in part["rows"]]) for name, part in said.items() if name in KINDS
    }
    assert tops == {
        "next_events": (2, ["js_error"]),
        "next_pages": (2, ["/help"]),
        "exit_pages": (2, ["/help"]),
        "errors": (1, ["pay is null"]),
        "answers": (0, []),
    }


def test_an_empty_store_has_empty_lists(engine):
    said = funnel_reasons.run(engine, funnel_reasons.parse({**BODY, "step": 1}))
    assert (said["dropped"], said["went_on"], said["errors"]) == (0, 0, {"total": 0, "compared": 0, "rows": []})


@pytest.mark.parametrize("question", [funnel_trend, funnel_time, funnel_reasons])
def test_a_funnel_may_be_flat_or_inside(question):
    more = {"step": 1} if question is funnel_reasons else {}
    assert question.parse({**BODY, **more}) == question.parse({"funnel": BODY, **more})
    for mixed, field in (
        ({"funnel": BODY, **more, "site": "shop"}, "site"),
        ({"funnel": {**BODY, "window": "x"}, **more}, "funnel.window"),
        ({"funnel": None, **more}, "funnel"),
    ):
        with pytest.raises(BadRequest) as caught:
            question.parse(mixed)
        assert caught.value.field == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({}, "step"),
        ({"step": 2}, "step"),
        ({"step": 1, "limit": 0}, "limit"),
        ({"step": 1, "breakdown": {"property": "country"}}, "breakdown"),
        ({"step": 1, "stepz": 1}, "stepz"),
    ],
)
def test_mistakes_are_named(change, field):
    with pytest.raises(BadRequest) as caught:
        funnel_reasons.parse({**BODY, **change})
    assert caught.value.field == field
