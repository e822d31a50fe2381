"""Why people drop, read slowly from the definitions in `docs/reports.md`; p-values as exact fractions."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from math import comb
from statistics import NormalDist

from funnel_oracle import BOOKKEEPING, as_text, best_attempt, journeys, milliseconds, read

DAY = 86_400_000
LAST = ("country", "device", "browser", "os")
FIRST = ("channel", "referrer_host", "utm_source", "utm_medium", "utm_campaign")


def page(event):
    path = event.get("path") or ""
    return path[:-1] if len(path) > 1 and path.endswith("/") else path


def prop(event, name):
    value = read(event, f"props.{name}")
    return "" if value is None else as_text(value)


def occurrence(event):
    match event["event"]:
        case "js_error":
            return "errors", "js_error", prop(event, "message")
        case "page_not_found":
            return "errors", "page_not_found", page(event)
        case "web_vital" if prop(event, "rating") == "poor":
            return "slow_pages", prop(event, "metric"), page(event)
        case "survey_answered":
            return "answers", prop(event, "survey"), prop(event, "score")
        case "feedback_sent":
            return "feedback", prop(event, "topic"), prop(event, "rating")
    return None


def facts(rows, attempt, step, window):
    """Everything known of one unit's attempt as {(list, name, value)}."""
    known = [one for one in rows if attempt[1] - DAY <= one["ts"] <= attempt[1] + window]
    before = [one for one in known if one["ts"] <= attempt[step]]
    after = [one for one in known if one["ts"] > attempt[step]]

    def pages(events):
        return [one for one in events if one["event"] == "page_view" and page(one)]

    found = {fact for one in after if (fact := occurrence(one))}
    did = [
        one for one in after if one["type"] not in BOOKKEEPING and one["event"] not in ("web_vital", "user_engagement")
    ]
    found.add(("next_events", "event", did[0]["event"] if did else ""))
    found.add(("next_pages", "page", page(pages(after)[0]) if pages(after) else ""))
    seen = pages([one for one in known if one["ts"] >= attempt[1]])
    found.add(("exit_pages", "page", page(seen[-1]) if seen else ""))
    visits = [one["session"] for one in before if one.get("session")]
    landed = [one for one in pages(before) if not visits or one["session"] == visits[-1]]
    found.add(("properties", "landing_page", page(landed[0]) if landed else ""))
    for name in (*LAST, *FIRST):
        values = [one[name] for one in before if one.get(name)] or [""]
        found.add(("properties", name, values[-1 if name in LAST else 0]))
    return found


def p_value(a, size, b, other):
    """The 2 x 2 table (a, size - a, b, other - b), two-sided."""
    whole, marked = size + other, a + b
    if 0 in (size, other, marked, whole - marked):
        return 1.0
    expected = [Fraction(row * column, whole) for row in (size, other) for column in (marked, whole - marked)]
    if min(expected) >= 5:
        seen = [a, size - a, b, other - b]
        chi = sum((one - due) ** 2 / due for one, due in zip(seen, expected, strict=True))
        return 2 * NormalDist().cdf(-(float(chi) ** 0.5))
    ways = [comb(size, x) * comb(other, marked - x) for x in range(max(0, marked - other), min(size, marked) + 1)]
    limit = comb(size, a) * comb(other, b)
    return float(Fraction(sum(way for way in ways if way <= limit), sum(ways)))


def report(body, step, events):
    """{"dropped", "went_on", list: {(name, value): (dropped, went_on, p, q)}}."""
    groups, counts = Counter(), defaultdict(Counter)
    for rows in journeys(body, events).values():
        attempt = best_attempt(body, rows)
        if not attempt or step not in attempt:
            continue
        group = "dropped" if max(attempt) == step else "went_on"
        groups[group] += 1
        for fact in facts(rows, attempt, step, milliseconds(body["window"])):
            counts[fact][group] += 1
    answer = {group: groups[group] for group in ("dropped", "went_on")}
    for kind in {kind for kind, _, _ in counts}:
        rows = {fact[1:]: count for fact, count in counts.items() if fact[0] == kind}
        chances = {
            key: p_value(one["dropped"], groups["dropped"], one["went_on"], groups["went_on"])
            for key, one in rows.items()
        }
        answer[kind] = {
            key: (one["dropped"], one["went_on"], chances[key], corrected(chances[key], list(chances.values())))
            for key, one in rows.items()
        }
    return answer


def corrected(chance, chances):
    """The smallest p x m / rank among those at least as large."""
    near = 1 + 1e-12
    return min(
        other * len(chances) / sum(each <= other * near for each in chances)
        for other in chances
        if other * near >= chance
    )
