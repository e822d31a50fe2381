"""The rule language: what is read, and what is said about mistakes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.audiences import rules
from tracker.audiences.definition import define
from tracker.core.errors import BadRequest

DID = {"did": {"event": "purchase"}}
STEPS = [{"event": "a"}, {"event": "b"}, {"event": "c"}]


def dropped(**more):
    return {"dropped": {"funnel": {"steps": STEPS}, "after_step": 1, "within": "14d", **more}}


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (None, "rule"),
        ([], "rule"),
        ({}, "rule"),
        ({"all": [], "any": []}, "rule"),
        ({"all": []}, "rule.all"),
        ({"any": "x"}, "rule.any"),
        ({"nope": {}}, "rule.nope"),
        ({"all": [DID, {"not": {"did": {}}}]}, "rule.all[1].not.did.event"),
        ({"did": {"event": ""}}, "rule.did.event"),
        ({"did": {"event": "a", "wher": []}}, "rule.did.wher"),
        (
            {"did": {"event": "a", "where": [{"property": "nope", "op": "eq", "value": 1}]}},
            "rule.did.where[0].property",
        ),
        ({"did": {"event": "a", "count": {}}}, "rule.did.count"),
        ({"did": {"event": "a", "count": {"gt": 1}}}, "rule.did.count.gt"),
        ({"did": {"event": "a", "count": {"gte": 1.5}}}, "rule.did.count.gte"),
        ({"did": {"event": "a", "count": {"gte": -1}}}, "rule.did.count.gte"),
        ({"did": {"event": "a", "count": {"gte": True}}}, "rule.did.count.gte"),
        ({"did": {"event": "a", "within": "14"}}, "rule.did.within"),
        ({"did": {"event": "a", "within": {"from": "2026-01-01"}}}, "rule.did.within.from"),
        (
            {"did": {"event": "a", "within": {"from": "2026-01-02T00:00:00Z", "to": "2026-01-02T00:00:00Z"}}},
            "rule.did.within.to",
        ),
        ({"did": {"event": "a", "value": {"gte": 1}}}, "rule.did.value.sum"),
        ({"did": {"event": "a", "value": {"sum": "country", "gte": 1}}}, "rule.did.value.sum"),
        ({"did": {"event": "a", "value": {"sum": "value", "gte": float("nan")}}}, "rule.did.value.gte"),
        ({"dropped": {"funnel": {"steps": STEPS}, "within": "14d"}}, "rule.dropped.after_step"),
        (dropped(after_step=3), "rule.dropped.after_step"),
        (dropped(after_step=0), "rule.dropped.after_step"),
        (dropped(wait="soon"), "rule.dropped.wait"),
        ({"dropped": {"funnel": {"steps": STEPS, "from": "x"}, "after_step": 1}}, "rule.dropped.funnel.from"),
        ({"dropped": {"funnel": {"steps": STEPS[:1]}, "after_step": 1}}, "rule.dropped.funnel.steps"),
        (
            {"dropped": {"funnel": {"steps": [{"event": 1}, DID]}, "after_step": 1}},
            "rule.dropped.funnel.steps[0].event",
        ),
        ({"dropped": {"funnel": {"steps": STEPS, "mode": "odd"}, "after_step": 1}}, "rule.dropped.funnel.mode"),
        ({"sequence": {"steps": [], "within": "1d"}}, "rule.sequence.steps"),
        ({"property": {"property": "event", "op": "eq", "value": "x"}}, "rule.property.property"),
        ({"property": {"property": "country", "op": "eq", "value": "DE", "touch": "both"}}, "rule.property.touch"),
        ({"rfm": {"segment": "royal"}}, "rule.rfm.segment"),
        ({"rfm": {"segment": []}}, "rule.rfm.segment"),
        ({"rfm": {"segment": ["loyal", ["lost"]]}}, "rule.rfm.segment"),
        ({"rfm": {}}, "rule.rfm.segment"),
        ({"rfm": {"segment": "loyal", "within": "5d"}}, "rule.rfm.within"),
        ({"ltv": {}}, "rule.ltv"),
        ({"ltv": {"above": 5}}, "rule.ltv.above"),
        ({"ltv": {"gte": "5"}}, "rule.ltv.gte"),
        ({"answered": {"score": {"lte": 6}}}, "rule.answered.survey"),
        ({"answered": {"survey": "nps", "score": {"below": 6}}}, "rule.answered.score.below"),
        ({"answered": {"survey": "nps", "score": {}}}, "rule.answered.score"),
        ({"answered": {"survey": "nps", "within": "soon"}}, "rule.answered.within"),
        ({"in": 5}, "rule.in"),
    ],
)
def test_a_mistake_is_named_by_its_path(rule, field):
    with pytest.raises(BadRequest) as caught:
        define("shop", rule, lookup=lambda _id: DID)
    assert caught.value.field == field


def test_a_segment_may_stand_alone_or_in_a_list():
    assert rules.parse({"rfm": {"segment": "loyal"}}) == rules.Rfm(("loyal",))
    assert rules.parse({"rfm": {"segment": ["lost", "loyal"]}}) == rules.Rfm(("lost", "loyal"))


def test_deep_and_large_rules_are_refused():
    deep = DID
    for _ in range(50):
        deep = {"not": deep}
    for rule in (deep, {"all": [DID] * 500}, {"any": [{"rfm": {"segment": "lost"}}] * 11}):
        with pytest.raises(BadRequest) as caught:
            rules.parse(rule)
        assert caught.value.code == "rule_too_large"


def test_audiences_in_audiences_are_put_in_place():
    known = {"aud_1": {"not": {"in": "aud_2"}}, "aud_2": DID}
    resolved = rules.resolve(rules.parse({"all": [{"in": "aud_1"}, DID]}), known.__getitem__)
    did = rules.parse(DID)
    assert resolved == rules.All((rules.Not(did), did))


def test_a_circle_of_audiences_is_refused():
    known = {"aud_1": {"in": "aud_2"}, "aud_2": {"any": [DID, {"in": "aud_1"}]}}
    with pytest.raises(BadRequest) as caught:
        define("shop", known["aud_1"], lookup=known.__getitem__, id="aud_1")
    assert caught.value.code == "circular"


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("holdout", {"holdout": 1}),
        ("holdout", {"holdout": -0.1}),
        ("holdout", {"holdout": float("nan")}),
        ("duration", {"duration": "541d"}),
        ("duration", {"duration": "soon"}),
        ("refresh", {"refresh": "5s"}),
    ],
)
def test_an_audience_has_bounds(field, given):
    with pytest.raises(BadRequest) as caught:
        define("shop", DID, lookup=lambda _id: DID, **given)
    assert caught.value.field == field


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "all",
                    "any",
                    "not",
                    "did",
                    "dropped",
                    "property",
                    "in",
                    "sequence",
                    "event",
                    "where",
                    "count",
                    "within",
                    "value",
                    "funnel",
                    "steps",
                    "after_step",
                    "op",
                    "sum",
                    "gte",
                    "from",
                    "to",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(rule=json_values)
def test_nothing_but_badrequest_comes_of_nonsense(rule):
    try:
        define("shop", rule, lookup=lambda _id: DID)
    except BadRequest as error:
        assert error.field is None or error.field.startswith("rule")
