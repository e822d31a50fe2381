"""The ledger is exact, whatever is repeated and in whatever order it comes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracker.catalog import Catalog


@pytest.fixture
def ledger(tmp_path: Path):
    catalog = Catalog(f"sqlite:///{tmp_path}/catalog.sqlite", tmp_path / "sites.json")
    yield catalog.ledger
    catalog.close()


def stored(n: int):
    return {("shop", "stored", ""): n}


def test_endings_add_up_by_site(ledger):
    ledger.commit("c0/000000000001", "c0", 0, 5, {("a", "stored", ""): 3, ("a", "rejected", "bad_time"): 2})
    ledger.commit("c0/000000000002", "c0", 5, 3, {("b", "duplicate", ""): 1, ("a", "suppressed", "refused"): 4})
    assert ledger.totals("a") == {"stored": 3, "duplicates": 0, "rejected": {"bad_time": 2}, "suppressed": 4}
    assert ledger.totals() == {"stored": 3, "duplicates": 1, "rejected": {"bad_time": 2}, "suppressed": 4}
    assert ledger.suppressed("a") == {"refused": 4}
    assert ledger.gaps() == 0


def test_a_segment_counts_once(ledger):
    assert ledger.commit("c0/000000000001", "c0", 0, 5, stored(5)) is True
    assert ledger.commit("c0/000000000001", "c0", 0, 5, stored(5)) is False
    assert ledger.totals()["stored"] == 5


def test_a_lost_segment_is_a_gap_until_it_comes(ledger):
    ledger.commit("c0/000000000001", "c0", 0, 5, stored(5))
    ledger.commit("c0/000000000003", "c0", 12, 4, stored(4))
    ledger.commit("c0/000000000005", "c0", 20, 1, stored(1))
    assert ledger.gaps() == 7 + 4
    assert not ledger.known("c0/000000000002")
    ledger.commit("c0/000000000002", "c0", 5, 7, stored(7))
    assert ledger.gaps() == 4
    assert ledger.known("c0/000000000002")


def test_a_lineage_that_begins_late_misses_its_beginning(ledger):
    ledger.commit("c1/000000000004", "c1", 9, 1, stored(1))
    assert ledger.gaps() == 9


def test_an_unknown_ending_enters_nothing(ledger):
    with pytest.raises(ValueError, match="ending"):
        ledger.commit("c0/000000000001", "c0", 0, 1, {("a", "vanished", ""): 1})
    assert not ledger.known("c0/000000000001")


def test_when_the_transaction_fails_nothing_is_entered(ledger):
    with pytest.raises(Exception, match="NOT NULL"):
        ledger.commit("c0/000000000001", "c0", 0, 2, {("a", "stored", ""): 1, ("b", "stored", ""): None})
    assert not ledger.known("c0/000000000001")
    assert ledger.totals()["stored"] == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    counts=st.lists(st.integers(0, 5), min_size=1, max_size=8),
    order=st.randoms(use_true_random=False),
    lost=st.sets(st.integers(0, 7)),
)
def test_gaps_equal_what_a_slow_count_of_missing_records_says(tmp_path_factory, counts, order, lost):
    folder = tmp_path_factory.mktemp("ledger")
    catalog = Catalog(f"sqlite:///{folder}/catalog.sqlite", folder / "sites.json")
    starts = [sum(counts[:at]) for at in range(len(counts))]
    came = [at for at in range(len(counts)) if at not in lost]
    entries = came * 2
    order.shuffle(entries)
    for at in entries:
        catalog.ledger.commit(f"c0/{at:012d}", "c0", starts[at], counts[at], stored(counts[at]))
    seen = {record for at in came for record in range(starts[at], starts[at] + counts[at])}
    end = max((starts[at] + counts[at] for at in came), default=0)
    assert catalog.ledger.gaps() == len(set(range(end)) - seen)
    assert catalog.ledger.totals()["stored"] == len(seen)
    assert all(catalog.ledger.known(f"c0/{at:012d}") for at in came)
    totals, known = catalog.ledger.picture()
    assert totals == catalog.ledger.totals()
    names = [f"c{lineage}/{at:012d}" for lineage in (0, 1) for at in range(len(counts) + 2)]
    assert [known(name) for name in names] == [catalog.ledger.known(name) for name in names]
    assert not any(catalog.ledger.known(f"c0/{at:012d}") for at in range(len(counts)) if at in lost and counts[at])
    catalog.close()
