"""Significance of differences: textbook tables, and exact sums over all tables."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import reasons_oracle

from tracker.analytics.significance import p_value, q_values


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ((3, 4, 1, 4), 0.485714),  # Fisher's lady tasting tea: 34 / 70
        ((8, 10, 1, 6), 0.034965),  # Fisher, as SciPy 1.17 has it
        ((1, 12, 9, 12), 0.000925),  # chi-square 10.9714: expected counts of 5 are enough
        ((30, 100, 15, 100), 0.011085),  # chi-square 6.4516
        ((0, 10, 0, 10), 1.0),
        ((5, 5, 0, 0), 1.0),
        ((900_000, 1_000_000, 0, 3), 0.001000),
    ],
)
def test_known_tables(table, expected):
    assert p_value(*table) == pytest.approx(expected, abs=2e-6)


@given(st.integers(0, 60), st.integers(0, 60), st.data())
def test_any_table_equals_the_exact_sum(size, other, data):
    left, right = data.draw(st.integers(0, size)), data.draw(st.integers(0, other))
    assert p_value(left, size, right, other) == pytest.approx(
        reasons_oracle.p_value(left, size, right, other), rel=1e-6
    )


def test_the_correction_of_the_original_paper():
    chances = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    found = q_values(chances)
    assert sum(one <= 0.05 for one in found) == 4  # Benjamini and Hochberg 1995, table 1: four hypotheses are rejected
    assert found[:3] == pytest.approx([0.0015, 0.003, 0.0095])
    assert q_values(chances[::-1]) == found[::-1]
    assert q_values([]) == []
