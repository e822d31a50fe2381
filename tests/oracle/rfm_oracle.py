"""RFM scores and segments by a slow reading of `docs/reports.md`."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from zoneinfo import ZoneInfo


def main_currency(bought):
    """The currency of most purchases that have a value, and how many purchases have which."""
    units = Counter(one.get("currency", "") for one in bought if one.get("value") is not None)
    return min(units, key=lambda unit: (-units[unit], unit), default=""), units


def factor(one, currency, rates=None):
    """What a unit of its currency is worth in `currency` on its day; None where that is not known.

    `rates`: (time zone, currency -> [(day, worth in EUR)]).
    """
    mine = one.get("currency", "")
    if mine == currency:
        return 1.0
    if rates is None:
        return None
    day = datetime.fromtimestamp(one["ts"] / 1000, ZoneInfo(rates[0])).date().isoformat()

    def in_euro(name):
        known = [rate for since, rate in sorted(rates[1].get(name, [])) if since <= day]
        return 1.0 if name == "EUR" else known[-1] if known else None

    over, under = in_euro(mine), in_euro(currency)
    return over / under if over and under else None


def money(rows, currency, rates=None):
    return round(sum((one.get("value") or 0) * (factor(one, currency, rates) or 0) for one in rows), 6)


def left_out(rows, currency, rates=None):
    """What an answer says of values that are not known in the currency: how many, and how much of each."""
    lost = [one for one in rows if one.get("value") is not None and factor(one, currency, rates) is None]
    amounts = defaultdict(float)
    for one in lost:
        amounts[one.get("currency") or "XXX"] += one["value"]
    return {"other_currencies": len(lost), "unconverted": {name: round(one, 4) for name, one in amounts.items()}}


def scores(theirs, currency, rates=None):
    """Person -> purchases in; person -> (r, f, m, segment) out."""
    last = {who: max(one["ts"] for one in rows) for who, rows in theirs.items()}
    spent = {who: money(rows, currency, rates) for who, rows in theirs.items()}
    n, found = len(theirs), {}
    for who, rows in theirs.items():
        r = -(-5 * sum(other <= last[who] for other in last.values()) // n)
        f = 1 + 5 * sum(len(other) < len(rows) for other in theirs.values()) // n
        m = 1 + 5 * sum(other < spent[who] for other in spent.values()) // n
        found[who] = (r, f, m, named(r, (f + m + 1) // 2))
    return found


def named(r, fm):
    if r >= 4:
        return (
            "champions" if fm >= 4 else "potential_loyalists" if fm >= 2 else "new_customers" if r == 5 else "promising"
        )
    if r == 3:
        return "loyal" if fm >= 4 else "need_attention" if fm == 3 else "about_to_sleep"
    return "cannot_lose" if fm == 5 else "at_risk" if fm >= 3 else "hibernating" if r == 2 else "lost"
