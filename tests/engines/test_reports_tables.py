"""Reports as CSV and Arrow."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tracker.analytics import tables
from tracker.core.errors import BadRequest

STEP = {
    "step": 1,
    "name": "=1+1",
    "event": "a",
    "count": 3,
    "dropped": 1,
    "from_previous": 1.0,
    "from_first": 1.0,
    "seconds_from_previous": {"average": None, "median": 2.5},
}
FUNNEL = {"steps": [STEP], "breakdown": [{"value": "DE", "steps": [STEP]}]}


def test_a_funnel_as_csv_guards_formulas():
    assert tables.to_csv("funnel", FUNNEL).decode().split("\r\n") == [
        "part,value,step,name,event,count,dropped,from_previous,from_first,seconds_average,seconds_median",
        "total,,1,'=1+1,a,3,1,1.0,1.0,,2.5",
        "breakdown,DE,1,'=1+1,a,3,1,1.0,1.0,,2.5",
        "",
    ]


def test_a_funnel_as_arrow_keeps_types_and_texts():
    made = pa.ipc.open_stream(tables.to_arrow("funnel", FUNNEL)).read_all()
    assert made.schema.field("count").type == pa.int64()
    assert made.column("name").to_pylist() == ["=1+1", "=1+1"]
    assert made.column("seconds_average").to_pylist() == [None, None]


def test_an_empty_report_has_its_columns():
    made = pa.ipc.open_stream(tables.to_arrow("live", {"events": []})).read_all()
    assert made.num_rows == 0
    assert made.schema.field("value").type == pa.float64()


def test_revenue_has_a_column_a_currency():
    day = {"date": "2026-01-01", "people": 1, "events": 2, "page_views": 1, "purchases": 1, "revenue": {"EUR": 9.5}}
    csv = tables.to_csv("overview", {"series": [day, {**day, "revenue": {}}]}).decode().splitlines()
    assert csv[0].endswith(",revenue_EUR")
    assert [line.rsplit(",", 1)[1] for line in csv[1:]] == ["9.5", "0.0"]


def test_a_report_without_a_table_says_so():
    with pytest.raises(BadRequest):
        tables.to_csv("nothing", {})
