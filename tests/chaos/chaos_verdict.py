"""What the store holds against what the oracle knows: through the public API, and row by row by SQL."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chaos_oracle import Oracle
from chaos_table import Proof
from running import Tracker

FUNNELS = (("view_item", "purchase"), ("ping",) * 5, ("view_item", "ping", "purchase"), ("purchase", "view_item"))

ROWS = """
select if(message_id = '', toString(id), message_id) as key, count(), any(event), any(visitor),
    any(toUnixTimestamp64Milli(ts)), any(ifNull(value, 0))
from {source} where site = '{site}' group by key
"""
RAW = "select count() from events where site = '{site}'"
DOUBTS = """
select (select countIf(last) from (select argMax(open, version) as last from doubts group by month)),
    (select uniqExactIf(version, open = 1) from doubts)
"""


@dataclass(frozen=True)
class Verdict:
    """Counts of ids; all from `missing` on must be 0. `replays`: how often events were inserted again after a doubt."""

    acknowledged: int
    stored: int
    replays: int
    raw_duplicates: int  # rows that a merge or FINAL takes away; no report may count them
    missing: int
    twice: int
    invented: int
    changed: int
    unexplained: int

    @property
    def faultless(self) -> bool:
        faults = (self.missing, self.twice, self.invented, self.changed, self.unexplained)
        return not any(faults) and self.stored == self.acknowledged > 0


def judge(tracker: Tracker, oracle: Oracle, site: str, *, stop: tuple[str, ...] = ()) -> Verdict:
    """Drain, ask every report that has one right answer, then read the rows. `stop`: roles that hold the store open."""
    tracker.ready(collector=False)
    ledger = tracker.drained(site, seconds=120)
    total = ledger["stored"] + ledger["duplicates"] + sum(ledger["rejected"].values()) + ledger["suppressed"]
    assert ledger["received"] == total, ledger
    assert ledger["stored"] == len(oracle.issued), (ledger, len(oracle.issued), oracle.outcomes)
    assert ledger["duplicates"] >= sum(oracle.acked.values()) - len(oracle.acked), ledger
    assert oracle.bad_acked <= sum(ledger["rejected"].values()) <= oracle.bad_sent, (ledger, oracle.bad_sent)
    _reports(tracker, oracle, site)
    for role in tracker.roles:
        if role.name in stop:
            assert role.stop() == 0, tracker.tails()
    [[(in_doubt, replays)]] = tracker.sql(DOUBTS)
    source = "events final" if in_doubt else "events"  # the same choice as every report's
    rows, [(raw,)] = tracker.sql(ROWS.format(source=source, site=site), RAW.format(site=site))
    held = {key: rest for key, *rest in rows}
    acknowledged = oracle.acknowledged()
    return Verdict(
        acknowledged=len(acknowledged),
        stored=len(held),
        replays=replays,
        raw_duplicates=raw - len(held),
        missing=len(acknowledged.keys() - held.keys()),
        twice=sum(count > 1 for count, *_ in held.values()),
        invented=len(held.keys() - oracle.issued.keys()),
        changed=sum(_changed(oracle, key, rest) for key, (_, *rest) in held.items()),
        unexplained=ledger["unexplained"],
    )


def _changed(oracle: Oracle, key: str, rest: list[Any]) -> bool:
    sent = oracle.issued.get(key)
    return sent is not None and rest != [sent.name, sent.visitor, sent.ts, sent.value]


def _reports(tracker: Tracker, oracle: Oracle, site: str) -> None:
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    span = {"site": site, "from": _rfc(day - timedelta(days=40)), "to": _rfc(day + timedelta(days=1))}
    for steps in FUNNELS:
        body = span | {"steps": [{"event": name} for name in steps], "mode": "ordered", "window": "24h"}
        report = tracker.api("POST", "/api/v1/reports/funnel", body)
        counts = [step["count"] for step in report["steps"]]
        assert counts == oracle.funnel(*steps), (steps, counts, oracle.funnel(*steps))
    names = tracker.api("GET", f"/api/v1/events/names?site={site}")["events"]
    assert {one["event"]: one["count"] for one in names} == Counter(event.name for event in oracle.issued.values())
    totals = tracker.api("POST", "/api/v1/reports/overview", span)["totals"]
    assert totals["events"] == len(oracle.issued), totals
    assert totals["revenue"]["EUR"] == oracle.revenue(), totals


def _rfc(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def enter(row: Proof, verdict: Verdict, oracle: Oracle, note: str) -> None:
    """A row of the table from a verdict; fails unless it is faultless."""
    answers = ", ".join(f"{n:,} {outcome}" for outcome, n in oracle.outcomes.most_common())
    row.found(
        acked=verdict.acknowledged,
        stored=verdict.stored,
        missing=verdict.missing,
        double=verdict.twice,
        unexplained=verdict.unexplained,
        replays=verdict.replays,
        note=f"{note}; answers: {answers}",
    )
    assert verdict.faultless, verdict
