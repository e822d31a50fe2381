"""Attribution of 600 random histories equals the oracle: every model, by everything, on both engines."""

from __future__ import annotations

import random
import statistics
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import attribution_oracle as oracle
from funnel_oracle import instant, milliseconds
from world import event, load, load_hard

from tracker.analytics import attribution, attribution_facts, attribution_keys, attribution_query
from tracker.analytics.attribution_models import removal_effects
from tracker.core.errors import BadRequest

START = instant("2026-02-01T00:00:00Z")
BODY = {"site": "shop", "from": "2026-02-01T00:00:00Z", "to": "2026-02-15T00:00:00Z"}
HOUR = 3_600_000


def arrival(chance):
    """What a page says of where it was reached from; half the pages are steps inside the site."""
    return chance.choice(
        [{"channel": ""}] * 4
        + [
            {"channel": "Direct"},
            {"channel": "Direct"},
            {"channel": "Organic Search", "referrer_host": "google.com"},
            {"channel": "Email", "utm_source": "news", "utm_campaign": chance.choice(["spring", "sale"])},
            {"channel": "Paid Search", "click_id_kind": "gclid", "utm_campaign": chance.choice(["", "brand"])},
        ]
    )


def history(chance, people):
    """Visits with and without sessions, close to each other, at equal times; some buy, also before and after."""
    events = []
    for person in range(people):
        at = START + chance.randint(-30 * 24, 14 * 24) * HOUR
        for _ in range(chance.randint(1, 9)):
            at += chance.choice([0, 60_000, 1_800_000, 1_800_001, 2 * HOUR, 50 * HOUR])
            name = chance.choice(["page_view"] * 5 + ["purchase"])
            events.append(
                event(
                    name,
                    at,
                    f"v{person}" if chance.random() < 0.9 else "",
                    user=f"u{chance.randint(0, people // 3)}" if chance.random() < 0.15 else "",
                    session=chance.choice(["", "", "s1", "s2", f"s{at}"]),
                    seq=chance.randint(0, 2),
                    value=chance.choice([None, 10.0, 25.5]) if name == "purchase" else None,
                    props={"margin": chance.choice([1, "2.5", "x"])} if chance.random() < 0.7 else {},
                    bot="crawler" if chance.random() < 0.04 else "",
                    **arrival(chance),
                )
            )
            if not events[-1]["visitor"] and not events[-1]["user"]:
                events[-1]["user"] = "u0"
    chance.shuffle(events)
    for place, one in enumerate(events):  # late: a sender's order need not be the order of arrival
        one["arrival"] = 1_000_000 + 16 * place
    return events


def margin(one):
    value = one["props"].get("margin")
    return 0.0 if value in (None, "x") else float(value)


def check(said, body, events, *, conversion, amount):
    """The answer to `body`; gives the number of conversions."""
    rows, lags = oracle.report(
        events,
        instant(body["from"]),
        instant(body["to"]),
        body["model"],
        body["by"],
        conversion=conversion,
        amount=amount,
        lookback=milliseconds(body["lookback"]),
        half_life=milliseconds(body["half_life"]),
    )
    where = f"{body['model']} by {body['by']} {body['lookback']}"
    got = {row["key"]: [row["conversions"], row["value"]] for row in said["rows"]}
    assert got.keys() == rows.keys(), where
    for key, pair in rows.items():
        assert got[key] == pytest.approx(pair, abs=1e-6), (where, key)
    assert sum(row["conversions"] for row in said["rows"]) == pytest.approx(said["conversions"], abs=1e-6)
    assert said["conversions"] == len(lags)
    assert sum(row["value"] for row in said["rows"]) == pytest.approx(said["value"], abs=1e-6)
    lengths = Counter(length for length, _ in lags)
    assert {row["touches"]: row["conversions"] for row in said["path_length"]} == lengths, where
    seconds = [lag for _, lag in lags if lag is not None]
    assert said["lag_seconds"]["average"] == (pytest.approx(statistics.mean(seconds)) if seconds else None), where
    assert said["lag_seconds"]["median"] == (pytest.approx(statistics.median(seconds)) if seconds else None), where
    return len(lags)


def test_every_model_equals_the_oracle(unmerged):
    chance = random.Random(11)
    events = load_hard(unmerged, chance, history(chance, 600))
    load(unmerged, [event("purchase", START, "x", value=1.0, channel="Email")], site="other")
    for at, model in enumerate(attribution.MODELS):
        for by in attribution.KEYS if model == "markov" else (tuple(attribution.KEYS)[at % 4], "channel"):
            money = at % 2 == 0
            body = {**BODY, "model": model, "by": by, "lookback": chance.choice(["1d", "7d", "30d"])}
            body |= {"half_life": "36h", "conversion": {"event": "purchase"}}
            if not money:
                body |= {"value": "props.margin"}
                body["conversion"]["where"] = [{"property": "props.margin", "op": "exists"}]
            conversions = check(
                attribution.run(unmerged, attribution.parse(body)),
                body,
                events,
                conversion=lambda one, money=money: one["event"] == "purchase" and (money or "margin" in one["props"]),
                amount=(lambda one: one["value"] or 0.0) if money else margin,
            )
            assert conversions > 50


def told_of(world, monkeypatch, events):
    """The questions that some models asked; their answers equal the oracle's."""
    asked, query = [], attribution_query.query

    def spy(one):
        asked.append(one)
        return query(one)

    monkeypatch.setattr(attribution_query, "query", spy)
    for model in ("first", "linear", "markov"):
        body = {**BODY, "model": model, "by": "channel", "lookback": "30d", "half_life": "36h"}
        conversions = check(
            attribution.run(world, attribution.parse(body)),
            body,
            events,
            conversion=lambda one: one["event"] == "purchase",
            amount=lambda one: one["value"] or 0.0,
        )
        assert conversions > 20
    return asked


def test_where_all_have_sessions_and_a_time_of_their_own_one_question_is_enough(unmerged, monkeypatch):
    chance = random.Random(12)
    events = [one | {"session": one["session"] or f"s{at % 40}"} for at, one in enumerate(history(chance, 200))]
    for at, one in enumerate(events):
        one["ts"] += at
        one["channel"] = "" if one["event"] == "purchase" else one["channel"]
    events = load_hard(unmerged, chance, events)
    assert [one.codes is not None for one in told_of(unmerged, monkeypatch, events)] == [True] * 3


def test_those_with_ties_or_without_sessions_are_asked_about_apart(unmerged, monkeypatch):
    chance = random.Random(13)
    events = load_hard(unmerged, chance, history(chance, 300))
    asked = told_of(unmerged, monkeypatch, events)
    assert [one.only is not None for one in asked] == [False, True] * 3
    assert all(20 < len(one.only) < 250 for one in asked[1::2])  # most, but not all


def test_where_they_are_many_or_keys_are_everybody_is_asked_about(unmerged, monkeypatch):
    chance = random.Random(14)
    events = load_hard(unmerged, chance, history(chance, 200))
    monkeypatch.setattr(attribution_facts, "MAX_APART", 5)
    asked = told_of(unmerged, monkeypatch, events)
    assert [(one.codes is None, one.only, one.loose) for one in asked] == [(False, None, False), (True, None, True)] * 3
    monkeypatch.undo()
    monkeypatch.setattr(attribution_keys, "MAX_STATES", 2)
    asked = told_of(unmerged, monkeypatch, events)
    assert [(one.codes is None, one.only, one.loose) for one in asked] == [(True, None, False), (True, None, True)] * 3


def test_a_channel_without_a_code_counts(unmerged, monkeypatch):
    chance = random.Random(15)
    events = load_hard(unmerged, chance, history(chance, 200))
    monkeypatch.setattr(attribution_keys, "CHANNELS", ("Direct", "Paid Search"))
    codes = [one.codes for one in told_of(unmerged, monkeypatch, events) if one.codes is not None]
    assert [len(one) for one in codes] == [2, 2, 2, 4]  # those with conversions are all asked about apart


def test_shapley_is_that_of_the_whole_game(engine):
    sets = [{"Email"}, {"Email", "Direct"}, {"Email", "Direct", "Display"}, {"Display", "SMS"}, {"Email", "Direct"}]
    events = []
    for person, channels in enumerate(sets):
        for place, channel in enumerate([*sorted(channels), *sorted(channels)]):
            events.append(event("page_view", START + place * 5 * HOUR, f"v{person}", channel=channel))
        events.append(event("purchase", START + 100 * HOUR, f"v{person}"))
    load(engine, events)
    said = attribution.run(engine, attribution.parse({**BODY, "model": "shapley"}))
    assert {row["key"]: row["conversions"] for row in said["rows"]} == pytest.approx(oracle.shapley(sets))


def test_what_a_property_has_beyond_all_numbers_is_no_amount(engine):
    amounts = [1e308, 1e308, "inf", "-Infinity", "nan", "1e400", "7.5", 2]
    load(engine, [event("purchase", START + at, f"v{at}", props={"margin": one}) for at, one in enumerate(amounts)])
    for model in ("last", "linear", "shapley", "markov"):
        answer = attribution.run(engine, attribution.parse({**BODY, "model": model, "value": "props.margin"}))
        assert (answer["conversions"], answer["value"]) == (8, 9.5)
        assert [(row["conversions"], row["value"]) for row in answer["rows"]] == [(8, 9.5)]


def test_nothing_is_an_empty_answer(engine):
    for model in attribution.MODELS:
        said = attribution.run(engine, attribution.parse({**BODY, "model": model}))
        assert said["rows"] == []
        assert said["conversions"] == 0
        assert said["lag_seconds"] == {"average": None, "median": None}


def test_removal_effects_of_a_known_table():
    # start -> a -> b -> conversion; start -> a -> nothing; start -> b -> nothing. b converts with 1/2: the whole is
    # 2/3 * 1/2 * 1/2 + 1/3 * 1/2 = 1/3; without a 1/3 * 1/2 = 1/6 is left, without b nothing
    table = {(0, 5): 2, (0, 6): 1, (5, 6): 1, (5, 2): 1, (6, 1): 1, (6, 2): 1}
    assert removal_effects(table) == pytest.approx({5: (1 / 6) / (1 / 6 + 1 / 3), 6: (1 / 3) / (1 / 6 + 1 / 3)})
    assert removal_effects({(0, 5): 2, (5, 2): 2}) == {}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"model": "best"}, "model"),
        ({"by": "colour"}, "by"),
        ({"lookback": "never"}, "lookback"),
        ({"value": "colour"}, "value"),
        ({"conversion": {"event": ""}}, "conversion.event"),
        ({"half_life": 3}, "half_life"),
    ],
)
def test_a_wrong_request_names_the_field(change, field):
    with pytest.raises(BadRequest) as caught:
        attribution.parse({**BODY, **change})
    assert caught.value.field == field
