"""Events that say they are about a child are counts, whatever else they say."""

from __future__ import annotations

from typing import Any

import pytest
from collector_http import YES, event

from tracker.collector.children import speaks_of_child
from tracker.collector.consent import Region
from tracker.core.event import Event, RawEvent, Suppressed

NOW = 1_795_000_000_000  # 18 November 2026
SAID = [
    # traits, props, in the opt-in regions, elsewhere
    ({}, {}, False, False),
    ({"age": 12}, {}, True, True),
    ({"age": 13}, {}, True, False),
    ({"age": 15.5}, {}, True, False),
    ({"age": 16}, {}, False, False),
    ({"Age": "9"}, {}, True, True),
    ({"age": -1}, {}, False, False),
    ({"age": 0}, {}, False, False),
    ({"age": True}, {}, False, False),
    ({"age": "young"}, {}, False, False),
    ({"age": None}, {}, False, False),
    ({"birthday": "2016-05-01"}, {}, True, True),
    ({"birthday": "20131119"}, {}, True, True),  # 13 tomorrow
    ({"birthday": "2013-11-18"}, {}, True, False),  # 13 today
    ({"date_of_birth": "1990-01-01T00:00:00Z"}, {}, False, False),
    ({"dob": "2999-01-01"}, {}, False, False),
    ({"dob": "yesterday"}, {}, False, False),
    ({"dob": ["2016-05-01"]}, {}, False, False),
    ({"age": 40, "birthday": "2016-05-01"}, {}, True, True),
    ({}, {"child_directed": True}, True, True),
    ({}, {"child_directed": "true"}, False, False),
    ({}, {"age": 5}, False, False),  # of a toy, perhaps
]


@pytest.mark.parametrize(("traits", "props", "strict", "elsewhere"), SAID, ids=str)
def test_what_speaks_of_a_child(traits: dict[str, Any], props: dict[str, Any], strict: bool, elsewhere: bool) -> None:
    raw = RawEvent(type="identify", name="", traits=traits, props=props)
    for region in Region:
        wanted = strict if region in (Region.OPT_IN, Region.UNKNOWN) else elsewhere
        assert speaks_of_child(raw, region, NOW) is wanted, region


async def test_nothing_of_a_child_is_kept(collector):
    await collector.events(
        event(type="identify", user="u1", traits={"age": 9, "email": "kid@example.org"}, consent=YES),
        event(props={"child_directed": True}),
        event(props={"child_directed": False}),
        event(type="identify", user="u2", traits={"age": 30}),
    )
    first, page, kept, grown = collector.stored()
    assert [type(one) for one in (first, page, kept, grown)] == [Suppressed, Suppressed, Event, Event]
    assert (first.reason, page.reason) == ("child", "child")
    spool = b"".join(path.read_bytes() for path in (collector.data / "spool").rglob("*.*"))
    assert b"u1" not in spool
