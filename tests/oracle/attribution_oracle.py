"""Attribution, slowly and in plain Python, from the definitions in docs/reports.md."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from itertools import pairwise, permutations

from funnel_oracle import persons

DAY = 86_400_000


def order(one):
    return one["ts"], one["seq"], one["arrival"]


def key_of(one, by):
    if by == "channel":
        return one["channel"]
    if by == "campaign":
        return one.get("utm_campaign") or "(not set)"
    if by == "click_id":
        return one.get("click_id_kind") or "(not set)"
    direct = "(direct)" if one["channel"] == "Direct" else "(not set)"
    return one.get("utm_source") or one.get("click_id_kind") or one.get("referrer_host") or direct


def origin(one):
    return [one.get(name, "") for name in ("channel", "utm_source", "utm_campaign", "click_id_kind", "referrer_host")]


def touches(events, start):
    """The touches of one person, in order: the first arrival of every visit."""
    found, seen, before = [], set(), None
    for one in sorted(events, key=order):
        if not one.get("channel") or one.get("bot") or one["ts"] < start:
            continue
        if one["session"]:
            visit = (one["visitor"] or one["user"], one["session"])
            if visit in seen:
                continue
            seen.add(visit)
            new = True
        else:
            near = before is not None and one["ts"] - before["ts"] <= 1_800_000
            new = not near or (one["channel"] != "Direct" and origin(one) != origin(before))
        before = one
        if new:
            found.append(one)
    return found


def paths(events, start, end, lookback, conversion):
    """(touches, conversion or None) of everybody."""
    owners, mine = persons(events), defaultdict(list)
    for one in events:
        if one["ts"] < end:
            mine[one["user"] or owners.get(one["visitor"]) or ("", one["visitor"])].append(one)
    found = []
    for rows in mine.values():
        arrived = touches(rows, start - lookback - DAY)
        bought = [one for one in rows if conversion(one) and not one.get("bot") and one["ts"] >= start]
        found += [
            ([t for t in arrived if order(t) <= order(one) and t["ts"] >= one["ts"] - lookback], one) for one in bought
        ]
        last = max(map(order, bought), default=(0, 0, 0))
        if rest := [t for t in arrived if order(t) > last and t["ts"] >= start]:
            found.append((rest, None))
    return found


def weights(model, path, at, half_life):
    """One share a touch."""
    n = len(path)
    if model in ("first", "last", "last_non_direct"):
        chosen = 0 if model == "first" else n - 1
        if model == "last_non_direct":
            chosen = max((place for place, t in enumerate(path) if t["channel"] != "Direct"), default=chosen)
        return [float(place == chosen) for place in range(n)]
    if model == "linear":
        return [1 / n] * n
    if model == "time_decay":
        raw = [2 ** (-(at - t["ts"]) / half_life) for t in path]
        return [one / sum(raw) for one in raw]
    if n < 3:
        return [1 / n] * n
    return [0.4 if place in (0, n - 1) else 0.2 / (n - 2) for place in range(n)]


def shapley(sets):
    """Key sets of conversions -> worth of each key, by the definition: averaged over all orders of arrival."""
    keys = sorted({key for one in sets for key in one})
    worth, orders = dict.fromkeys(keys, Fraction(0)), list(permutations(keys))
    for one in orders:
        for place, key in enumerate(one):
            now, before = set(one[: place + 1]), set(one[:place])
            worth[key] += sum(keys_ <= now for keys_ in sets) - sum(keys_ <= before for keys_ in sets)
    return {key: float(one / len(orders)) for key, one in worth.items()}


def conversion_rate(counts, without=None):
    """Probability of getting from start to conversion, exactly, by elimination; `without` leads nowhere."""
    states = sorted({s for s, _ in counts} - {without})
    rows = {}
    for state in states:
        total = sum(times for (source, _), times in counts.items() if source == state)
        row = {target: Fraction(times, total) for (source, target), times in counts.items() if source == state}
        rows[state] = row
    for state in sorted(states, key=lambda s: s == "<start>"):
        row = rows[state]
        stay = row.pop(state, Fraction(0))
        row = rows[state] = {target: one / (1 - stay) for target, one in row.items()}
        for other in states:
            if other != state and state in rows[other]:
                share = rows[other].pop(state)
                for target, one in row.items():
                    rows[other][target] = rows[other].get(target, 0) + share * one
    return rows["<start>"].get("<conversion>", Fraction(0))


def markov(found, by):
    """Shares by removal effect."""
    counts = defaultdict(int)
    for path, one in found:
        if path:
            steps = ["<start>", *(key_of(t, by) for t in path), "<conversion>" if one else "<nothing>"]
            for pair in pairwise(steps):
                counts[pair] += 1
    keys = {s for s, _ in counts} - {"<start>"}
    whole = conversion_rate(counts)
    lost = {key: whole - conversion_rate(counts, key) for key in keys}
    return {key: float(one / sum(lost.values())) for key, one in lost.items()} if whole else {}


def report(events, start, end, model, by, *, conversion, amount, lookback=30 * DAY, half_life=7 * DAY):
    """key -> (conversions, value), and (touches, lag) of every conversion."""
    found = paths(events, start, end, lookback, conversion)
    rows = defaultdict(lambda: [0.0, 0.0])
    bought = [(path, one) for path, one in found if one]
    for path, one in bought:
        if not path:
            shares = {"Unassigned" if by == "channel" else "(not set)": 1.0}
        elif model == "markov":
            continue
        elif model == "shapley":
            shares = shapley([{key_of(t, by) for t in path}])
        else:
            shares = defaultdict(float)
            for t, share in zip(path, weights(model, path, one["ts"], half_life), strict=True):
                shares[key_of(t, by)] += share
        for key, share in shares.items():
            if not share:
                continue
            rows[key][0] += share
            rows[key][1] += share * amount(one)
    if model == "markov":
        touched = [one for path, one in bought if path]
        for key, share in markov(found, by).items():
            rows[key][0] += share * len(touched)
            rows[key][1] += share * sum(map(amount, touched))
    lags = [(len(path), (one["ts"] - path[0]["ts"]) / 1000 if path else None) for path, one in bought]
    return rows, lags
