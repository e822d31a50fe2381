"""RFM scores and segments by a slow reading of `docs/reports.md`."""

from __future__ import annotations

from collections import Counter


def main_currency(bought):
    """The currency of most purchases that have a value, and how many purchases have which."""
    units = Counter(one.get("currency", "") for one in bought if one.get("value") is not None)
    return min(units, key=lambda unit: (-units[unit], unit), default=""), units


def money(rows, currency):
    return round(sum(one.get("value") or 0 for one in rows if one.get("currency", "") == currency), 6)


def scores(theirs, currency):
    """Person -> purchases in; person -> (r, f, m, segment) out."""
    last = {who: max(one["ts"] for one in rows) for who, rows in theirs.items()}
    spent = {who: money(rows, currency) for who, rows in theirs.items()}
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
