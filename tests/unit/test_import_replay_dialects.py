"""A rejected event is read again by the dialect it came in."""

import pytest

from tracker.collector.parsed import Unreadable
from tracker.collector.protocols import matomo, snowplow
from tracker.core.site import Site
from tracker.imports import replay

SITE = Site(name="shop", write_key="wk")


def test_snowplow() -> None:
    [batch] = snowplow.parse_query("e=pv&aid=k&duid=d&dtm=yesterday&page=T")
    [text] = batch.texts
    assert isinstance(batch.read(text), Unreadable)
    [raw] = replay._read(text.replace(b"yesterday", b"1795321700000"), "snowplow", SITE)
    assert (raw.name, raw.title, raw.visitor, raw.ts) == ("page_view", "T", "d", 1795321700000)


@pytest.mark.parametrize("source", ["matomo", "matomo-log"])
def test_matomo(source: str) -> None:
    [hits] = matomo.split("idsite=1&rec=1&_id=v&r=5&cdt=1431857103", b"").hits
    [text] = hits.texts
    assert isinstance(matomo.reader(trusted=False, now=1_795_321_700_000)(text), Unreadable), "older than a day"
    [raw] = replay._read(bytes(text), source, SITE)
    assert (raw.name, raw.visitor, raw.ts) == ("page_view", "v", 1431857103000)
    assert raw.message_id, "the id that it would have had"
