"""Counts of a few persons: hidden, and not to be found by subtracting."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracker.audiences.small import FEWEST, cell, parts


def test_a_few_are_hidden_and_nobody_is_not() -> None:
    assert [cell(n) for n in (0, 1, 9, 10, 500)] == [0, None, None, 10, 500]


def test_a_part_that_would_give_a_small_one_away_is_hidden_too() -> None:
    assert parts({"exportable": 300, "no_consent": 74, "holdout": 3, "suppressed": 0}) == {
        "exportable": 300, "no_consent": None, "holdout": None, "suppressed": 0,
    }  # fmt: skip
    assert parts({"a": 8, "b": 7, "c": 50}) == {"a": None, "b": None, "c": 50}
    assert parts({"a": 50, "b": 70}) == {"a": 50, "b": 70}


@given(whole=st.dictionaries(st.sampled_from("abcde"), st.integers(0, 40), min_size=1))
def test_whoever_knows_the_sum_knows_no_small_part(whole: dict[str, int]) -> None:
    shown = parts(whole)
    hidden = [people for name, people in whole.items() if shown[name] is None]
    assert all(shown[name] in (None, people) for name, people in whole.items())
    assert all(people == 0 or people >= FEWEST for name, people in whole.items() if shown[name] is not None)
    assert not hidden or sum(hidden) >= FEWEST or sum(whole.values()) < FEWEST  # then the sum is hidden as well
    assert not hidden or len(hidden) > 1 or len([one for one in whole.values() if one]) == 1
