"""Instants as the API writes them: a bound between two milliseconds parts the events as it says."""

from __future__ import annotations

import pytest

from tracker.core.errors import BadRequest
from tracker.core.period import instant_ms

NOON = 1_764_590_400_000  # 2025-12-01T12:00:00Z


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-12-01T12:00:00Z", NOON),
        ("2025-12-01T13:00:00+01:00", NOON),
        ("2025-12-01t12:00:00z", NOON),
        ("2025-12-01T12:00:00.001Z", NOON + 1),
        ("2025-12-01T12:00:00.000001Z", NOON + 1),
        ("2025-12-01T12:00:00.499999Z", NOON + 500),
        ("2025-12-01T12:00:00.999Z", NOON + 999),
        ("2025-12-01T12:00:00.999400Z", NOON + 1000),
        ("1970-01-01T00:00:00+01:00", 0),
    ],
)
def test_the_first_millisecond_that_is_not_before(text: str, expected: int) -> None:
    assert instant_ms(text, field="from") == expected


@pytest.mark.parametrize("text", ["2025-12-01T12:00:00", "2025-12-01", "noon", "", None, NOON, "0001-01-01T00:00:00Z"])
def test_what_is_no_instant(text: object) -> None:
    with pytest.raises(BadRequest) as refused:
        instant_ms(text, field="to")
    assert refused.value.code == "bad_time"
    assert refused.value.field == "to"
