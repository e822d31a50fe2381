"""Random rules over random small histories: the store and a slow plain-Python reading of the contract agree."""

from __future__ import annotations

import random
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from small_history import identities, put

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

from depth import seeds
from rfm_oracle import main_currency, money, scores

from tracker.analytics import rfm
from tracker.audiences import marks, membership, refresh, stored
from tracker.audiences.definition import Definition, define
from tracker.audiences.refresh import Refresher
from tracker.catalog.memberships import Membership
from tracker.core.identity import user_key, visitor_key
from tracker.core.site import Site
from tracker.store.engine import Engine

NOW = 1_795_000_000_000
HOUR, DAY = 3_600_000, 86_400_000
NAMES = ("view", "cart", "purchase", "survey_answered")
SITES = {"opt-in": Site(name="shop", write_key="k"), "opt-out": Site(name="shop", write_key="k", consent="opt-out")}


def history(chance: random.Random) -> list[dict[str, Any]]:
    """Up to 60 events of few visitors and users, so that identities, ties and repeats are common."""
    events = []
    for _ in range(chance.randint(1, 60)):
        visitor = f"v{chance.randint(1, 6)}"
        event: dict[str, Any] = {
            "event": chance.choice(NAMES),
            "visitor": visitor,
            "ts": NOW - chance.randint(0, 40) * DAY // 2 - chance.choice((0, 0, HOUR)),
            "seq": chance.randint(0, 2),
        }
        if chance.random() < 0.15:
            event["user"] = f"u{chance.randint(1, 3)}"
        if chance.random() < 0.1:
            event["visitor"] = ""
            event.setdefault("user", "u1")
        if chance.random() < 0.4:
            event["country"] = chance.choice(("DE", "FR"))
        if chance.random() < 0.3:
            event["props"] = {"n": chance.choice((1, "2", 2.5, "x", None, True))}
        if event["event"] == "survey_answered":
            event["props"] = {
                "survey": chance.choice(("nps", "csat")),
                "score": chance.choice((0, 3, 6, 7, 10, "6", "x")),
            }
        if chance.random() < 0.3:
            event["traits"] = {"plan": chance.choice(("free", "pro", None))}
        if chance.random() < 0.5:
            event["value"] = chance.choice((0.1, 0.2, 10.0, -5.0))
            event["currency"] = chance.choice(("EUR", "EUR", "USD", ""))
        event["ads"] = chance.choice((-1, -1, 0, 1, 1))
        event["gpc"] = int(chance.random() < 0.03)
        if chance.random() < 0.1:
            event["bot"] = "crawler"
        events.append(event)
    return events


def bounds(chance: random.Random, numbers: tuple[float, ...]) -> dict[str, float]:
    words = chance.sample(("gte", "lte", "eq"), chance.choice((1, 1, 2)))
    return {word: chance.choice(numbers) for word in words}


def leaf(chance: random.Random) -> dict[str, Any]:
    if chance.random() < 0.15:
        segments = chance.sample(rfm.NAMES, chance.choice((1, 3, 6)))
        return {"rfm": {"segment": segments[0] if len(segments) == 1 else segments}}
    if chance.random() < 0.12:
        return {"ltv": bounds(chance, (-5, 0, 0.1, 0.3, 10, 20))}
    if chance.random() < 0.2:
        answered: dict[str, Any] = {"survey": chance.choice(("nps", "csat"))}
        if chance.random() < 0.7:
            answered["score"] = bounds(chance, (0, 3, 6, 6.5, 9))
        if chance.random() < 0.3:
            answered["within"] = "10d"
        return {"answered": answered}
    if chance.random() < 0.3:
        name, values = chance.choice((("country", ("DE", "FR")), ("traits.plan", ("free", "pro"))))
        op = chance.choice(("eq", "ne", "in", "not_in", "exists", "not_exists"))
        body: dict[str, Any] = {"property": name, "op": op, "touch": chance.choice(("first", "last"))}
        if op in ("eq", "ne"):
            body["value"] = chance.choice(values)
        elif op in ("in", "not_in"):
            body["value"] = [chance.choice(values)]
        return {"property": body}
    did: dict[str, Any] = {"event": chance.choice((*NAMES, "*"))}
    if chance.random() < 0.5:
        did["count"] = bounds(chance, (0, 1, 2, 3))
    if chance.random() < 0.4:
        did["within"] = chance.choice(("3d", "10d", {"from": "2026-10-25T00:00:00Z", "to": "2026-11-12T12:00:00Z"}))
    if chance.random() < 0.4:
        summed, numbers = chance.choice((("value", (0, 0.3, 5, 10)), ("props.n", (0, 1, 2, 4.5))))
        did["value"] = {"sum": summed, **bounds(chance, numbers)}
    if chance.random() < 0.3:
        did["where"] = [{"property": "country", "op": "eq", "value": "DE"}]
    return {"did": did}


def rule(chance: random.Random, depth: int = 0) -> dict[str, Any]:
    kind = chance.random()
    if depth == 3 or kind < 0.4:
        return leaf(chance)
    if kind < 0.6:
        return {"not": rule(chance, depth + 1)}
    return {chance.choice(("all", "any")): [rule(chance, depth + 1) for _ in range(chance.randint(1, 3))]}


def holds(body: dict[str, Any], events: list[dict[str, Any]], bought: tuple[str, float]) -> bool:
    """The contract, read slowly, over one person's events without bots, RFM segment and money."""
    [(word, inner)] = body.items()
    if word == "all":
        return all(holds(part, events, bought) for part in inner)
    if word == "any":
        return any(holds(part, events, bought) for part in inner)
    if word == "not":
        return not holds(inner, events, bought)
    if word == "rfm":
        return bought[0] in ([inner["segment"]] if isinstance(inner["segment"], str) else inner["segment"])
    if word == "ltv":
        return fits(bought[1], inner)
    if word == "property":
        return property_holds(inner, events)
    if word == "answered":
        return any(answer_fits(inner, event) for event in events)
    matching = [event for event in events if did_match(inner, event)]
    if not fits(len(matching), inner.get("count") or {"gte": 1}):
        return False
    if "value" not in inner:
        return True
    limits = dict(inner["value"])
    summed = limits.pop("sum")
    total = sum(number_of(event, summed) for event in matching)
    return fits(round(total, 6), limits)


def buyers(people: dict[str, list[dict[str, Any]]]) -> dict[str, tuple[str, float]]:
    """RFM segment and money of everybody who bought."""
    theirs = {
        person: bought
        for person, events in people.items()
        if (bought := [one for one in events if one["event"] == "purchase" and not one.get("bot")])
    }
    currency, _ = main_currency([one for bought in theirs.values() for one in bought])
    ranked = scores(theirs, currency)
    return {person: (ranked[person][3], money(bought, currency)) for person, bought in theirs.items()}


def did_match(did: dict[str, Any], event: dict[str, Any]) -> bool:
    if did["event"] not in ("*", event["event"]):
        return False
    if "where" in did and event.get("country") != "DE":
        return False
    within = did.get("within")
    if isinstance(within, str):
        return event["ts"] >= NOW - int(within[:-1]) * DAY
    if within:
        return 1_792_886_400_000 <= event["ts"] < 1_794_484_800_000
    return True


def answer_fits(answered: dict[str, Any], event: dict[str, Any]) -> bool:
    props = event.get("props") or {}
    if event["event"] != "survey_answered" or props.get("survey") != answered["survey"]:
        return False
    if "within" in answered and event["ts"] < NOW - 10 * DAY:
        return False
    if "score" not in answered:
        return True
    return props["score"] != "x" and fits(float(props["score"]), answered["score"])


def number_of(event: dict[str, Any], summed: str) -> float:
    if summed == "value":
        return event.get("value") or 0
    value = (event.get("props") or {}).get("n")
    try:
        return 0 if isinstance(value, bool) or value is None else float(value)
    except ValueError:
        return 0


def fits(number: float, limits: dict[str, float]) -> bool:
    return all(
        {"gte": number >= limit, "lte": number <= limit, "eq": number == limit}[word] for word, limit in limits.items()
    )


def property_holds(body: dict[str, Any], events: list[dict[str, Any]]) -> bool:
    name = body["property"]

    def value_of(event: dict[str, Any]) -> str | None:
        if name == "country":
            return event.get("country") or None
        return (event.get("traits") or {}).get("plan")

    having = sorted((e for e in events if value_of(e) is not None), key=lambda e: (e["ts"], e["seq"], e["arrival"]))
    value = None if not having else value_of(having[-1 if body["touch"] == "last" else 0])
    wanted = body.get("value")
    return {
        "eq": value is not None and value == wanted,
        "ne": value is None or value != wanted,
        "in": value is not None and value in (wanted or []),
        "not_in": value is None or value not in (wanted or []),
        "exists": value is not None,
        "not_exists": value is None,
    }[body["op"]]


def verdict(events: list[dict[str, Any]], consent: str) -> str | None:
    if any(event["gpc"] for event in events):
        return "opted_out"
    decided = [event for event in events if event["ads"] >= 0]
    latest = max(decided, key=lambda event: (event["ts"], event["arrival"]))["ads"] if decided else None
    if consent == "opt-in":
        return None if latest == 1 else "no_consent"
    return "opted_out" if latest == 0 else None


def expected_members(people: dict[str, list[dict[str, Any]]], body: dict[str, Any], consent: str) -> dict[str, Any]:
    """Person -> why they may not leave the house, None where they may."""
    bought, expected = buyers(people), {}
    for person, theirs in people.items():
        real = [event for event in theirs if not event.get("bot")]
        if real and holds(body, real, bought.get(person, ("", 0.0))):
            expected[person] = verdict(theirs, consent)
    return expected


@pytest.mark.parametrize("seed", seeds(4, 8))
def test_members_and_verdicts_equal_the_slow_reading(engine: Engine, seed: int) -> None:
    chance = random.Random(seed)
    events = history(chance)
    put(engine, events)
    blank = {"visitor": "", "user": "", "ads": -1, "gpc": 0}
    rows = [{**blank, **event, "arrival": at + 1} for at, event in enumerate(events)]
    known = identities(rows)
    people: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        person = row["user"] or known.get(row["visitor"]) or row["visitor"]
        people.setdefault(person, []).append(row)
    for number in range(12):
        body, consent = rule(chance), chance.choice(("opt-in", "opt-out"))
        expected = expected_members(people, body, consent)
        definition = define("shop", body, lookup=lambda _id: {}, id=f"aud_{number}")
        answer = membership.members(engine, SITES[consent], definition, NOW, limit=1000, cursor=None)
        assert {one["person"]: one["withheld"] for one in answer["members"]} == expected, (body, consent)
        if number < 2:
            leaving = {person for person, withheld in expected.items() if withheld is None}
            names = {user_key(row["user"]) for row in rows if row["user"] in leaving}
            names |= {
                visitor_key(one) for one in {row["visitor"] for row in rows} if one and known.get(one, one) in leaving
            }
            state = stored_at(engine, SITES[consent], definition, NOW)
            found = [key for part in membership.keys(engine, "shop", definition.id, state.exportable) for key in part]
            assert found == sorted(names), (body, consent)
            page = membership.members(engine, SITES[consent], definition, NOW, limit=1000, cursor=None, state=state)
            assert page == answer, (body, consent)
        preview = membership.preview(engine, SITES[consent], definition, NOW)
        assert preview["size"] == len(expected) == preview["exportable"] + sum(preview["withheld"].values())


def stored_at(engine: Engine, site: Site, definition: Definition, now_ms: int) -> Membership:
    """Judge everybody and store it."""
    blank = Membership(audience=definition.id, site="shop")
    currency = marks.main_currency(engine, "shop", [definition], now_ms)
    return Refresher(engine).whole(site, definition, blank, now_ms, currency).state


@pytest.mark.parametrize("seed", seeds(2, 4))
def test_what_runs_out_is_noticed_without_new_events(
    engine: Engine, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Members as of later times, refreshed by the clock alone, equal the slow reading as of those times."""
    chance = random.Random(100 + seed)
    monkeypatch.setattr(refresh, "WHOLE_EVERY_MS", 10**15)
    events = [*history(chance), {"event": "view", "visitor": "v77", "ts": NOW - 9 * DAY, "ads": 1, "gpc": 0}]
    put(engine, events)
    blank = {"visitor": "", "user": "", "ads": -1, "gpc": 0}
    rows = [{**blank, **event, "arrival": at + 1} for at, event in enumerate(events)]
    known = identities(rows)
    people: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        people.setdefault(row["user"] or known.get(row["visitor"]) or row["visitor"], []).append(row)
    bodies = [body for body in (rule(chance) for _ in range(30)) if "within" in str(body) and "rfm" not in str(body)]
    bodies = [{"did": {"event": "*", "within": "10d"}}, *bodies[:6]]
    definitions = [define("shop", body, lookup=lambda _id: {}, id=f"aud_{at}") for at, body in enumerate(bodies)]
    site, refresher = SITES["opt-out"], Refresher(engine)
    states = {one.id: stored_at(engine, site, one, NOW) for one in definitions}
    bought = buyers(people)
    changes = 0
    for now in sorted([NOW + 2 * DAY, *(NOW + chance.randint(1, 12 * DAY) for _ in range(2))]):
        monkeypatch.setattr(sys.modules[__name__], "NOW", now)
        currency = marks.main_currency(engine, "shop", definitions, now)
        for done in refresher.some(site, definitions, states, now, currency):
            changes += done.changed
            states[done.state.audience] = done.state
        for body, definition in zip(bodies, definitions, strict=True):
            expected = {}
            for person, theirs in people.items():
                real = [event for event in theirs if not event.get("bot")]
                if real and holds(body, real, bought.get(person, ("", 0.0))):
                    key = visitor_key(person) if person[0] == "v" else user_key(person)
                    expected[key] = verdict(theirs, "opt-out") or "exportable"
            state = states[definition.id]
            assert stored.fresh(engine, site, definition, now, state)
            found = membership.judge(engine, site, definition, now, state)
            assert {person: why for person, why, _ in found} == expected, body
    assert changes  # v77 at least


def test_every_segment_and_worth_of_many_buyers(engine: Engine) -> None:
    chance = random.Random(5)
    events = [
        {
            "event": "purchase",
            "visitor": f"v{who}",
            "ts": NOW - chance.randint(-1, 60) * DAY,
            "value": chance.choice((5.0, 10.0, 0.1, 99.9, None)),
            "currency": chance.choice(("EUR", "EUR", "USD")),
        }
        for who in range(300)
        for _ in range(chance.choice((1, 1, 2, 5)))
    ]
    put(engine, events)
    people = defaultdict(list)
    for event in events:
        if event["ts"] < NOW + 120_000:  # what a clock a day ahead told of has not happened yet
            people[event["visitor"]].append(event)
    bought = buyers(people)

    def size(body: dict[str, Any]) -> int:
        return int(
            membership.preview(engine, SITES["opt-in"], define("shop", body, lookup=lambda _id: {}), NOW)["size"]
        )

    sizes = Counter(segment for segment, _ in bought.values())
    assert len(sizes) >= 9
    for name in rfm.NAMES:
        assert size({"rfm": {"segment": name}}) == sizes[name], name
    both = {"all": [{"rfm": {"segment": list(rfm.NAMES[:4])}}, {"ltv": {"gte": 15}}, {"ltv": {"lte": 100}}]}
    wanted = [one for one in bought.values() if one[0] in rfm.NAMES[:4] and 15 <= one[1] <= 100]
    assert size(both) == len(wanted) > 0


def test_the_largest_rule_is_still_a_question(engine: Engine) -> None:
    put(engine, [{"event": "e7", "visitor": "a", "ts": NOW - DAY, "props": {"n": 7}}])
    where = [{"property": "props.n", "op": "eq", "value": 7}, {"property": "country", "op": "in", "value": ["x"] * 500}]
    parts = [{"did": {"event": f"e{at}", "where": where[: at % 2 + 1], "within": "5d"}} for at in range(180)]
    steps = [{"event": f"s{at}"} for at in range(3)]
    parts += [{"dropped": {"funnel": {"steps": steps}, "after_step": 1, "within": f"{at}d"}} for at in range(1, 11)]
    definition = define("shop", {"any": [*parts, {"did": {"event": "e7"}}]}, lookup=lambda _id: {})
    assert membership.preview(engine, SITES["opt-in"], definition, NOW)["size"] == 1


@pytest.mark.parametrize(
    ("ts", "within", "inside"),
    [
        (NOW - 3 * DAY, "3d", True),
        (NOW - 3 * DAY - 1, "3d", False),
        (1_792_886_400_000, {"from": "2026-10-25T00:00:00Z", "to": "2026-11-12T12:00:00Z"}, True),
        (1_792_886_399_999, {"from": "2026-10-25T00:00:00Z", "to": "2026-11-12T12:00:00Z"}, False),
        (1_794_484_799_999, {"from": "2026-10-25T00:00:00Z", "to": "2026-11-12T12:00:00Z"}, True),
        (1_794_484_800_000, {"from": "2026-10-25T00:00:00Z", "to": "2026-11-12T12:00:00Z"}, False),
    ],
)
def test_the_beginning_is_included_and_the_end_is_not(embedded: Engine, ts: int, within: object, inside: bool) -> None:
    put(embedded, [{"event": "view", "visitor": "a", "ts": ts}])
    for body in ({"did": {"event": "view", "within": within}}, {"dropped": dropped_of("view", within)}):
        definition = define("shop", body, lookup=lambda _id: {})
        assert membership.preview(embedded, SITES["opt-in"], definition, NOW)["size"] == int(inside), body


def dropped_of(event: str, within: object) -> dict[str, Any]:
    return {"funnel": {"steps": [{"event": event}, {"event": "never"}]}, "after_step": 1, "within": within}
