"""A few units' attempts counted in Python; whole reports by it are compared with the slow count in tests/engines."""

from __future__ import annotations

from tracker.analytics import funnel_few


def told(*events, steps=3, limit=100, window=10):
    bits = steps.bit_length()
    return funnel_few.waits([(at << bits) + step for at, step in events], steps=steps, limit=limit, window=window)


def test_the_latest_start_of_those_that_got_furthest_counts():
    assert told((1, 1), (2, 1), (4, 2), (5, 3)) == [2, 1]
    assert told((1, 1), (3, 2), (4, 1), (5, 3)) == [2, 2]
    assert told((1, 1), (3, 2), (4, 1), (5, 2), (20, 3)) == [1]
    assert told((1, 1), (1, 1), (1, 2), (3, 2), (3, 3)) == [0, 2]


def test_windows_and_the_range():
    assert told((1, 1), (11, 2)) == [10]
    assert told((1, 1), (12, 2)) == []
    assert told((1, 2), (2, 3)) is None
    assert told((99, 1), (100, 2)) == [1]
    assert told((100, 1), (101, 2)) is None
    assert told() is None


def test_rows_of_the_whole_and_each_part():
    attempts = [("DE", [5, 1]), ("DE", []), ("US", [7]), ("US", None)]
    whole, german, american = funnel_few.counted(attempts, steps=3, parts=True)
    assert (whole["part"], whole["counts"], whole["sums"]) == (1, [3, 2, 1], [0, 12, 1])
    assert whole["middles"] == [[], [5, 7], [1]]
    assert (german["value"], german["counts"]) == ("DE", [2, 1, 1])
    assert (american["part"], american["value"], american["counts"]) == (0, "US", [1, 1, 0])
    assert funnel_few.counted(attempts, steps=3, parts=False) == [whole]
