import json

import pytest

from dashboard import examples, formats, people, questions, recipes, rules
from tracker.audiences.definition import define


def draft(*events, **more):
    made = questions.new_draft([])
    made["steps"] = [questions.new_step(event) for event in events]
    return made | more


def test_a_draft_becomes_the_contracts_question():
    made = draft("view_item", "purchase", window="3d", breakdown="country", touch="last", count_by="visitor")
    made["steps"][0]["where"] = [
        {"id": 1, "property": "country", "op": "in", "value": ["DE", "AT"]},
        {"id": 2, "property": "props.price", "op": "gte", "value": "10.5"},
        {"id": 3, "property": "device", "op": "eq", "value": ""},  # says nothing yet: left out
        {"id": 4, "property": "channel", "op": "exists", "value": ""},
    ]
    made["steps"][1]["events"] = ["purchase", "call"]
    made["steps"][1]["optional"] = True
    made["exclude"] = [{"id": 5, "event": "refund", "from_step": 1, "to_step": 2, "where": []}]
    assert questions.funnel_spec(made, "shop", "A", "B") == {
        "site": "shop",
        "from": "A",
        "to": "B",
        "steps": [
            {
                "event": "view_item",
                "name": "View item",
                "where": [
                    {"property": "country", "op": "in", "value": ["DE", "AT"]},
                    {"property": "props.price", "op": "gte", "value": 10.5},
                    {"property": "channel", "op": "exists"},
                ],
            },
            {"any_of": [{"event": "purchase"}, {"event": "call"}], "name": "Purchase or Call", "optional": True},
        ],
        "mode": "ordered",
        "window": "3d",
        "count_by": "visitor",
        "exclude": [{"event": "refund", "from_step": 1, "to_step": 2}],
        "breakdown": {"property": "country", "touch": "last"},
    }


def test_a_saved_funnel_opens_as_it_was_saved():
    made = draft("page_view", "purchase", mode="strict", count_by="session", breakdown="device")
    made["steps"][0]["name"] = "Came"
    made["steps"][0]["where"] = [{"id": 1, "property": "value", "op": "lt", "value": "5"}]
    made["exclude"] = [{"id": 2, "event": "error", "from_step": 1, "to_step": 2, "where": []}]
    saved = questions.funnel_spec(made, "shop", "A", "B")
    assert questions.funnel_spec(questions.draft_of(saved), "shop", "A", "B") == saved


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (draft("a"), "second step"),
        (draft("a", "b") | {"steps": [questions.new_step("a"), questions.new_step()]}, "step 2"),
        (
            draft("a", "b") | {"steps": [questions.new_step("a") | {"optional": True}, questions.new_step("b")]},
            "optional",
        ),
    ],
)
def test_what_is_missing_is_said(made, says):
    assert says in questions.problem(made)
    assert questions.problem(draft("a", "b")) == ""


def test_the_first_funnel_is_the_shops_road():
    names = ["page_view", "search", "purchase", "add_to_cart", "view_item"]
    assert [step["events"] for step in questions.new_draft(names)["steps"]] == [
        ["view_item"],
        ["add_to_cart"],
        ["purchase"],
    ]
    assert [step["events"] for step in questions.new_draft(["b", "a", "c"])["steps"]] == [["b"], ["a"]]


DEAR = {"property": "value", "op": "gte", "value": 50}
RULES = [
    (
        {
            "all": [
                {"did": {"event": "view_item", "count": {"gte": 3}, "within": "14d"}},
                {"not": {"did": {"event": "purchase"}}},
            ]
        },
        [
            (0, "All of these:"),
            (1, "Did “View item”, at least 3 times in the last 14 days"),
            (1, "Did not do “Purchase”"),
        ],
    ),
    (
        {"any": [{"property": {"property": "country", "op": "in", "value": ["DE", "AT"]}}]},
        [(0, "Country is one of DE or AT")],
    ),
    (
        {
            "dropped": {
                "funnel": {"steps": [{"event": "a", "name": "Cart"}, {"event": "b"}], "window": "7d"},
                "after_step": 1,
                "within": "30d",
                "wait": "1h",
            }
        },
        [
            (0, "Reached “Cart” but not “B” in the last 30 days; counted after 1 hour without going on"),
            (1, "Funnel: Cart → B, within 7 days"),
        ],
    ),
    (
        {
            "did": {
                "event": "purchase",
                "value": {"sum": "value", "gte": 100},
                "where": [{"property": "props.plan", "op": "eq", "value": "pro"}],
            }
        },
        [(0, "Did “Purchase” where plan is pro, with a sum of value of at least 100")],
    ),
    (
        {
            "sequence": {
                "steps": [{"event": "a"}, {"any_of": [{"event": "b"}, {"event": "c"}]}],
                "window": "1d",
                "within": "7d",
            }
        },
        [(0, "Did these in order in the last 7 days, within 1 day of the first:"), (1, "“A”"), (1, "“B” or “C”")],
    ),
    (
        {
            "dropped": {
                "funnel": {
                    "steps": [
                        {"any_of": [{"event": "a", "where": [DEAR]}, {"event": "b"}], "name": "Began"},
                        {"any_of": [{"event": "c", "where": [DEAR]}, {"event": "d", "where": [DEAR]}]},
                    ],
                    "mode": "strict",
                    "exclude": [{"event": "x", "where": [DEAR]}],
                },
                "after_step": 1,
            }
        },
        [
            (0, "Reached “Began” but not “C or D”"),
            (1, "Funnel: Began → C or D, in this order, nothing between"),
            (1, "“Began” is “A” where value is at least 50 or “B”"),
            (1, "“C or D” is “C” or “D” where value is at least 50"),
            (1, "Not with “X” where value is at least 50 between step 1 and step 2"),
        ],
    ),
    ({"property": DEAR | {"touch": "first"}}, [(0, "Value is at least 50, as known first")]),
    ({"rfm": {"segment": ["loyal", "at_risk"]}}, [(0, "Is in the customer group Loyal or At risk")]),
    ({"new_kind": 1}, [(0, "A rule this page does not know how to read")]),
]


@pytest.mark.parametrize(("rule", "expected"), RULES)
def test_a_rule_in_words(rule, expected):
    assert rules.lines(rule) == expected


def test_a_rule_in_one_line():
    both = {"all": [{"did": {"event": "search"}}, {"property": {"property": "device", "op": "eq", "value": "mobile"}}]}
    assert rules.summary(both) == "Did “Search” and device is mobile"
    assert rules.summary({"not": {"did": {"event": "search"}}}) == "Did not do “Search”"
    assert (
        rules.summary({"any": [{"in": "aud_1"}, {"in": "aud_2"}]})
        == "Is in the audience aud_1 or is in the audience aud_2"
    )
    assert rules.summary({"all": [{"any": [{"in": "aud_1"}, both]}, {"not": both}]}) == (
        "(Is in the audience aud_1 or (did “Search” and device is mobile)) and not (did “Search” and device is mobile)"
    )
    steps = {"sequence": {"steps": [{"event": "a"}, {"event": "b"}], "window": "1d", "within": "7d"}}
    assert rules.summary(steps) == "Did these in order in the last 7 days, within 1 day of the first: “A” → “B”"
    named = rules.named({"all": [{"not": {"in": "aud_1"}}, {"any": [{"in": "aud_2"}, both]}]}, {"aud_1": "Twins"})
    assert named == {"all": [{"not": {"in": "“Twins”"}}, {"any": [{"in": "aud_2"}, both]}]}
    answered = {"answered": {"survey": "nps", "score": {"lte": 6}, "within": "30d"}}
    assert rules.summary(answered) == "Answered the survey “nps” with a score of at most 6 in the last 30 days"


@pytest.mark.parametrize("recipe", recipes.RECIPES, ids=lambda recipe: recipe.key)
@pytest.mark.parametrize("within", ["7d", "365d"])
def test_every_recipe_is_a_rule_that_the_api_takes_and_the_page_can_read(recipe, within):
    rule = recipe.rule(within)
    define("shop", rule, lookup=lambda _id: {})
    said = [line for _, line in rules.lines(rule)]
    assert not any("does not know" in line for line in said)
    wanted = {event for event in recipe.needs if event != "survey_answered"}
    assert "rfm" in rule or all(f'"{event}"' in json.dumps(rule) for event in wanted)


def test_recipes_are_offered_where_they_can_find_somebody():
    assert recipes.offered([]) == []
    assert [one.key for one in recipes.offered(["view_item", "email_open"])] == ["viewed", "readers"]


def test_examples_hold_the_sites_own_key_and_address():
    address = examples.collector('<script async src="https://t.shop.example/p.js" data-site="wk"></script>')
    assert address == "https://t.shop.example"
    server_side = [code for title, _, code in examples.all_of(address, "wk_1") if title != "On the page"]
    assert len(server_side) == 3
    assert all("wk_1" in code and address in code for code in server_side)
    assert examples.collector("nothing") == examples.FALLBACK


def test_the_snippet_has_a_queue_and_says_what_the_sites_policy_is():
    given = '<script async src="https://t.example/p.js" data-site="wk"></script>'
    opt_out = examples.snippet(given, "opt-out")
    assert opt_out.endswith('data-site="wk" data-consent="opt-out"></script>')
    assert "data-consent" not in examples.snippet(given, "opt-in")
    assert examples.snippet(opt_out, "opt-out") == opt_out  # what has it already stays as it is


def test_a_person_in_the_live_list():
    assert people.named("9d36c59d-ee9d-425b-8687-38184d9f8701") == "Visitor 9d36c59d"
    assert people.named("user_0248") == "user_0248"


def test_what_is_known_of_a_person_is_said_in_words():
    said = people.known({"props": {"country": "ES", "device": "desktop", "channel": "paid_search", "visits": 5}})
    assert said == "Spain · desktop · paid search"
    assert people.known({"country": "ZZ"}) == "ZZ" and people.known({}) == formats.NONE
