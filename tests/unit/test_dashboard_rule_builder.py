"""The builder of rules: every rule of the language can be edited and comes back as it was."""

from __future__ import annotations

import json

import pytest
from dashboard_run import html, run, seen
from dashboard_samples import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import rule_draft, rules
from tracker.audiences.rules import parse

EVENTS = st.sampled_from(["view_item", "purchase", "*", "search"])
TIMES = st.sampled_from(
    ["14d", "36h", "30m", "2w", "90s", {"from": "2026-11-01T07:00:00Z", "to": "2026-11-03T00:00:00Z"}]
)
NUMBERS = st.one_of(st.integers(0, 500), st.sampled_from([0.5, 99.9]))
FILTERS = st.one_of(
    st.fixed_dictionaries({
        "property": st.sampled_from(["country", "props.plan", "traits.vip", "value"]),
        "op": st.sampled_from(["eq", "ne", "gt", "lte"]),
        "value": st.one_of(st.sampled_from(["DE", "5", ""]), NUMBERS, st.booleans()),
    }),
    st.fixed_dictionaries({
        "property": st.just("device"), "op": st.sampled_from(["in", "not_in"]),
        "value": st.lists(st.sampled_from(["mobile", "desktop", 7]), min_size=1, max_size=3),
    }),
    st.fixed_dictionaries({"property": st.just("props.size"), "op": st.sampled_from(["exists", "not_exists"])}),
)  # fmt: skip
WHERE = {"where": st.lists(FILTERS, max_size=2)}


def bounds(numbers):
    words = st.lists(st.sampled_from(["gte", "lte", "eq"]), min_size=1, max_size=3, unique=True)
    return words.flatmap(lambda some: st.fixed_dictionaries(dict.fromkeys(some, numbers)))


CONDITION = st.fixed_dictionaries({"event": EVENTS}, optional=WHERE)
STEP = st.one_of(
    st.fixed_dictionaries({"event": EVENTS}, optional={**WHERE, "name": st.sampled_from(["Looked", ""])}),
    st.fixed_dictionaries({"any_of": st.lists(CONDITION, min_size=1, max_size=3)}),
)
STEPS = st.lists(STEP, min_size=2, max_size=4)
EXCLUDE = st.lists(
    st.fixed_dictionaries({"event": EVENTS, "from_step": st.just(1), "to_step": st.just(2)}, optional=WHERE), max_size=2
)
FUNNEL = st.fixed_dictionaries(
    {"steps": STEPS},
    optional={"window": st.just("36h"), "mode": st.sampled_from(["ordered", "unordered"]), "exclude": EXCLUDE},
)
LEAVES = st.one_of(
    st.fixed_dictionaries({"did": st.fixed_dictionaries({"event": EVENTS}, optional={
        **WHERE, "count": bounds(st.integers(0, 9)), "within": TIMES,
        "value": st.builds(lambda limits: {"sum": "props.worth", **limits}, bounds(NUMBERS)),
    })}),
    st.fixed_dictionaries({"sequence": st.fixed_dictionaries({"steps": STEPS, "within": TIMES},
                                                             optional={"window": st.just("3d")})}),
    st.fixed_dictionaries({"dropped": st.fixed_dictionaries(
        {"funnel": FUNNEL, "after_step": st.just(1), "within": TIMES}, optional={"wait": st.just("90m")})}),
    st.fixed_dictionaries({"property": st.builds(lambda row, touch: row | touch, FILTERS,
                                                 st.sampled_from([{}, {"touch": "first"}, {"touch": "last"}]))}),
    st.fixed_dictionaries({"answered": st.fixed_dictionaries({"survey": st.just("nps")}, optional={
        "score": bounds(NUMBERS), "within": TIMES})}),
    st.fixed_dictionaries({"rfm": st.fixed_dictionaries({"segment": st.one_of(
        st.just("champions"), st.lists(st.sampled_from(["loyal", "lost"]), min_size=1, max_size=2, unique=True))})}),
    st.fixed_dictionaries({"ltv": bounds(NUMBERS)}),
    st.fixed_dictionaries({"in": st.just("aud_1")}),
)  # fmt: skip
RULES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(rule=RULES)
def test_a_rule_that_nobody_touched_comes_back_as_it_was(rule):
    kept = json.loads(json.dumps(rule))
    assert rule_draft.rule_of(rule_draft.draft_of(rule)) == kept == rule
    assert rules.lines(rule) and "does not know" not in str(rules.lines(rule))


@settings(max_examples=150, deadline=None)
@given(rule=LEAVES)
def test_a_rule_written_anew_means_the_same(rule):
    """As if everything had been touched."""
    written = json.loads(json.dumps(rule), object_hook=plain)
    group = rule_draft.draft_of(written)
    forget(group)
    assert meant(rule_draft.rule_of(group)) == meant(written)


def plain(value):
    """Without what is kept only where nobody touches it: numbers that filters compare as such, filters on "" and none
    at all written as an empty list.
    """
    if "op" in value and value["op"] in ("eq", "ne"):
        return value | {"value": f"v{value['value']}"}
    if "op" in value and value["op"] in ("gt", "lte"):
        return value | {"value": 7}
    if "op" in value and "value" in value:
        return value | {"value": [str(one) for one in value["value"]]}
    if "any_of" in value:
        return {"any_of": [{key: inner for key, inner in one.items() if inner} for one in value["any_of"]]}
    return value


def forget(node):
    if isinstance(node, dict):
        node.pop("given", None)
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        forget(inner)


def meant(rule):
    """As the service understands it; names of steps are for readers, and what is left out has its default."""
    found = parse(rule)
    if not hasattr(found, "funnel"):
        return found
    steps = [dict(step) for step in found.funnel["steps"]]
    for at, step in enumerate(steps):
        step.pop("name", None)
        steps[at] = step["any_of"][0] if len(step.get("any_of", [])) == 1 else step
    excluded = [{"where": [], **row} for row in found.funnel.get("exclude", [])]
    steps = [step if "any_of" in step else {"where": [], **step} for step in steps]
    body = {"mode": "ordered", "window": "7d", **found.funnel, "steps": steps, "exclude": excluded}
    return body, found.step, found.within, found.wait_ms, found.dropped


EVERY = {"all": [
    {"did": {"event": "view_item", "where": [{"property": "country", "op": "eq", "value": "DE"}],
             "count": {"gte": 2, "lte": 5}, "within": "14d", "value": {"sum": "value", "gte": 50}}},
    {"not": {"did": {"event": HOSTILE, "within": {"from": "2026-11-01T07:00:00Z", "to": "2026-11-03T00:00:00Z"}}}},
    {"any": [{"property": {"property": "country", "op": "in", "value": ["DE", "AT"], "touch": "first"}},
             {"answered": {"survey": "nps", "score": {"lte": 6}}}]},
    {"sequence": {"steps": [{"event": "view_item"}, {"any_of": [
        {"event": "search", "where": [{"property": "device", "op": "eq", "value": "mobile"}]}, {"event": "purchase"}]}],
        "window": "2w", "within": "30d"}},
    {"dropped": {"funnel": {"steps": [{"event": "add_to_cart"}, {"event": "purchase"}], "window": "7d",
                            "mode": "ordered", "exclude": [{"event": "search", "from_step": 1, "to_step": 2}]},
                 "after_step": 1, "within": "14d", "wait": "1h"}},
    {"rfm": {"segment": ["champions", "loyal"]}}, {"ltv": {"gte": 99.5}}, {"in": "2"},
]}  # fmt: skip


@pytest.fixture
def audience(fake):
    one = {"site": "shop", "name": "Lookers", "rule": EVERY, "duration": "45d", "holdout": 0.15, "refresh": "5m"}
    id = fake.state.keep(fake.state.audiences, one)["id"]
    fake.state.keep(fake.state.audiences, {"site": "shop", "name": "Other", "rule": {"did": {"event": "x"}}})
    return id


def saved(fake):
    return [body for method, path, body in fake.state.asked if method == "PUT" and "/audiences/" in path][-1]


def test_every_kind_of_condition_has_its_form_and_saving_changes_nothing(fake, audience):
    at = run("audience_edit", id=audience)
    text = seen(at) + " ".join(one.value for one in at.markdown)
    for title in rule_draft.KINDS.values():
        assert title in text or title.startswith(("All of", "At least")), title
    assert "Lifetime value" in text and "<img" not in html(at)
    at.button(key="edit-save").click().run()
    assert saved(fake) == {"name": "Lookers", "rule": EVERY, "duration": "45d", "refresh": "5m", "holdout": 0.15}


def test_what_is_changed_is_saved_and_the_rest_is_not_touched(fake, audience):
    at = run("audience_edit", id=audience)
    parts = at.session_state["rule-draft"]["group"]["parts"]
    did, ltv, dropped = (f"rule-{parts[n]['id']}" for n in (0, 6, 4))
    at.selectbox(key=f"{did}-event").select("purchase")
    at.number_input(key=f"{ltv}-gte").set_value(250.0)
    at.toggle(key=f"{did}-not").set_value(True)
    at.toggle(key=f"{dropped}-waits").set_value(False)
    at.run()
    assert not at.exception
    at.button(key="edit-save").click().run()
    want = json.loads(json.dumps(EVERY))
    want["all"][0]["did"]["event"] = "purchase"
    want["all"][0] = {"not": want["all"][0]}
    want["all"][6] = {"ltv": {"gte": 250}}
    del want["all"][4]["dropped"]["wait"]
    rule = saved(fake)["rule"]
    for step in rule["all"][4]["dropped"]["funnel"]["steps"]:
        step.pop("name", None)
    assert rule == want


def test_events_of_one_step_have_filters_of_their_own(fake):
    dear = {"property": "props.plan", "op": "eq", "value": "pro"}
    steps = [{"event": "view_item"}, {"any_of": [{"event": "add_to_cart", "where": [dear]}, {"event": "search"}]}]
    rule = {"sequence": {"steps": steps, "window": "7d", "within": "30d"}}
    kept = fake.state.keep(fake.state.audiences, {"site": "shop", "name": "Twins", "rule": rule})
    at = run("audience_edit", id=kept["id"])
    assert any("where plan is pro or “Search”" in one.value for one in at.markdown)
    step = at.session_state["rule-draft"]["group"]["parts"][0]["steps"][1]
    at.selectbox(key=f"step-{step['id']}-of-{step['mixed'][1]['id']}-event").select("purchase").run()
    at.button(key=f"step-{step['id']}-more").click().run()
    assert not at.exception
    at.button(key="edit-save").click().run()
    found = saved(fake)["rule"]["sequence"]["steps"]
    assert found[0] == steps[0]
    assert found[1]["any_of"] == [{"event": "add_to_cart", "where": [dear]}, {"event": "purchase"}]


def test_a_step_of_two_events_is_split_and_means_the_same(fake):
    size = {"property": "props.size", "op": "exists"}
    steps = [{"any_of": [{"event": "a", "where": [size]}, {"event": "b", "where": [size]}]}, {"event": "c"}]
    rule = {"sequence": {"steps": steps, "window": "7d", "within": "30d"}}
    kept = fake.state.keep(fake.state.audiences, {"site": "shop", "name": "Twins", "rule": rule})
    at = run("audience_edit", id=kept["id"])
    step = at.session_state["rule-draft"]["group"]["parts"][0]["steps"][0]
    at.button(key=f"step-{step['id']}-split").click().run()
    assert not at.exception
    at.button(key="edit-save").click().run()
    assert saved(fake)["rule"]["sequence"]["steps"][0]["any_of"] == steps[0]["any_of"]


@pytest.mark.parametrize("kind", list(rule_draft.KINDS))
def test_a_condition_of_each_kind_can_be_added_and_taken_out(fake, kind):
    at = run("audience_edit")
    assert "Add a condition" in " ".join(str(one.value) for one in at.caption)
    group = at.session_state["rule-draft"]["group"]["id"]
    at.button(key=f"rule-{group}-add-{kind}").click().run()
    assert not at.exception
    [part] = at.session_state["rule-draft"]["group"]["parts"]
    assert part["kind"] == kind
    if kind == "ltv":
        at.text_input(key="edit-name").input("Rich").run()
        at.button(key="edit-save").click().run()
        [body] = [body for method, path, body in fake.state.asked if method == "POST" and path == "/api/v1/audiences"]
        assert (body["name"], body["rule"]) == ("Rich", {"ltv": {"gte": 100}})
        return
    at.button(key=f"icon-rule-{part['id']}-remove").click().run()
    assert not at.exception and at.session_state["rule-draft"]["group"]["parts"] == []


def test_a_rule_that_the_service_refuses_says_why_and_cannot_be_saved(fake, audience, monkeypatch):
    answer = fake.state.answer

    def refuse(method, path, *more):
        if path.endswith("/preview"):
            return 400, {"error": {"code": "bad_request", "message": f"rule.all[2] is {HOSTILE}", "field": "rule"}}
        return answer(method, path, *more)

    monkeypatch.setattr(fake.state, "answer", refuse)
    at = run("audience_edit", id=audience)
    assert "This cannot be counted." in seen(at) and "<img" not in html(at)
    assert at.button(key="edit-save").disabled
