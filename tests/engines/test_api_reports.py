"""Reports through the API: formats, the site's calendar, time limits. Their numbers have tests of their own."""

from __future__ import annotations

import csv
import io

import msgspec
import pyarrow as pa
import pytest
from api_client import ADMIN, serve
from small_history import put

from tracker.api import answers_people, buyer_answers, funnel_answers, journey_answers
from tracker.api import report_answers as answers
from tracker.api.bounded import Bounded, Gone, TooBig, TooSlow
from tracker.core.errors import Broken
from tracker.core.identifiers import keys_of, person_id
from tracker.store.engine import Query

NOW = 1_795_000_000_000  # 2026-11-18T11:06:40Z
HOUR = 3_600_000
WHEN = {"site": "shop", "from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"}
MANY = """
insert into events (site, event, key, ts, id, arrival, visitor)
select 'shop', 'view', intDiv(number, 600000), toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + number / 1000,
    reinterpretAsUUID(toUInt128(number)), number, 'somebody'
from numbers(1200000)
"""
FUNNEL = {**WHEN, "steps": [{"event": "view"}, {"event": "purchase"}], "window": "7d"}


def shape(kind, body):
    """Strict, both ways: a field of the wrong type, one too few or one that the document does not have, raises."""
    assert msgspec.to_builtins(msgspec.convert(body, kind, strict=True)) == body
    return body


@pytest.fixture
async def api(embedded, data):
    async with serve(embedded, data) as running:
        running.catalog.sites.create("shop", timezone="Asia/Tokyo")
        put(
            embedded,
            [
                {"event": "view", "visitor": "a", "ts": NOW - HOUR, "country": "DE", "props": {"plan": "=pro"}},
                {"event": "purchase", "visitor": "a", "ts": NOW, "value": 10.0, "currency": "EUR"},
                {"event": "view", "visitor": "b/c", "ts": NOW + 5 * HOUR},
            ],
        )
        yield running


async def test_a_funnel_and_who_dropped(api):
    status, report = await api.ask("POST", "/api/v1/reports/funnel", FUNNEL)
    assert status == 200
    assert [step["count"] for step in shape(funnel_answers.FunnelReport, report)["steps"]] == [2, 1]
    parts = {**FUNNEL, "breakdown": {"property": "country", "touch": "first"}}
    _, report = await api.ask("POST", "/api/v1/reports/funnel", parts)
    assert {part["value"] for part in shape(funnel_answers.FunnelReport, report)["breakdown"]} == {"DE", ""}
    body = {"funnel": FUNNEL, "step": 1, "state": "dropped"}
    _, people = await api.ask("POST", "/api/v1/reports/funnel/people", body)
    assert (shape(funnel_answers.FunnelPeople, people)["total"], [one["visitor"] for one in people["people"]]) == (
        1,
        ["b/c"],
    )


@pytest.mark.parametrize(
    ("start", "end"),
    [("2008-01-01t00:00:00z", "2027-12-31T23:00:00+14:00"), ("2026-11-01T00:00:00Z", "2046-01-01T00:00:00Z")],
)
@pytest.mark.parametrize(
    ("name", "more"), [("people", {"step": 1, "state": "dropped"}), ("time", {}), ("reasons", {"step": 1})]
)
async def test_twenty_years_are_one_question(api, name, more, start, end):
    """What a month says, the longest time says too: moments and longest windows fit into their bits."""
    body = {**FUNNEL, "window": "366d"}
    status, expected = await api.ask("POST", f"/api/v1/reports/funnel/{name}", {"funnel": body, **more})
    assert status == 200
    longer = {"funnel": {**body, "from": start, "to": end}, **more}
    assert await api.ask("POST", f"/api/v1/reports/funnel/{name}", longer) == (200, expected)


@pytest.mark.parametrize("end", ["1975-01-01T00:00:00Z", "1989-12-31T00:00:00-05:00"])
async def test_time_begins_in_1970(api, embedded, end):
    """Nothing of what looks back before `from` finds a day that the store cannot write."""
    put(embedded, [{"event": "view", "visitor": "old", "ts": 5 * HOUR}])
    body = {**FUNNEL, "from": "1970-01-01T00:00:00+05:00", "to": end}
    status, found = await api.ask("POST", "/api/v1/reports/funnel/reasons", {**body, "step": 1})
    assert (status, found["dropped"], found["exit_pages"]["total"]) == (200, 1, 1)
    status, found = await api.ask("POST", "/api/v1/reports/funnel", body)
    assert [step["count"] for step in found["steps"]] == [1, 0]


async def test_the_same_report_as_csv_and_as_arrow(api):
    _, blob = await api.ask("POST", "/api/v1/reports/funnel", FUNNEL, headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(blob.decode(), newline="")))
    assert [row["count"] for row in rows] == ["2", "1"]
    headers = {"Authorization": f"Bearer {ADMIN}", "Accept": "text/csv"}
    async with api.session.post(f"{api.url}/api/v1/reports/funnel", json=FUNNEL, headers=headers) as answer:
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    accept = {"Accept": "application/vnd.apache.arrow.stream"}
    _, blob = await api.ask("POST", "/api/v1/reports/funnel", FUNNEL, headers=accept)
    assert pa.ipc.open_stream(blob).read_all().column("count").to_pylist() == [2, 1]
    status, error = await api.ask("POST", "/api/v1/reports/funnel", {**FUNNEL, "mode": "odd"}, headers=accept)
    assert (status, error["error"]["field"]) == (400, "mode")


async def test_days_are_those_of_the_site_unless_asked_otherwise(api):
    body = {**WHEN, "interval": "day", "measure": "events"}

    async def busy(**more) -> list[str]:
        _, report = await api.ask("POST", "/api/v1/reports/timeseries", {**body, **more})
        return [row["start"][:10] for row in shape(answers.Timeseries, report)["series"] if row["value"]]

    assert await busy() == ["2026-11-18", "2026-11-19"]  # 16:06 UTC is past midnight in Tokyo
    assert await busy(timezone="UTC") == ["2026-11-18"]
    _, overview = await api.ask("POST", "/api/v1/reports/overview", WHEN)
    assert (shape(answers.Overview, overview)["totals"]["people"], overview["totals"]["revenue"]) == (2, {"EUR": 10.0})


async def test_the_funnel_day_by_day_and_how_long_it_takes(api):
    days = {**FUNNEL, "from": "2026-11-17T15:00:00Z", "to": "2026-11-19T15:00:00Z"}
    _, report = await api.ask("POST", "/api/v1/reports/funnel/trend", days)
    series = shape(funnel_answers.FunnelTrend, report)["series"]
    assert [(one["start"], one["entered"], one["converted"]) for one in series] == [
        ("2026-11-18", 1, 1),
        ("2026-11-19", 1, 0),
    ]
    _, report = await api.ask("POST", "/api/v1/reports/funnel/time", FUNNEL)
    assert shape(funnel_answers.FunnelTime, report)["bins"][-1] == {"from": 3600, "to": 7200, "count": 1}
    for name, line in (("trend", "2026-11-18,total,,1,view,view,1,0,1.0,1.0,,"), ("time", "0,1,0")):
        _, blob = await api.ask("POST", f"/api/v1/reports/funnel/{name}", days, headers={"Accept": "text/csv"})
        assert blob.decode().splitlines()[1] == line


async def test_why_they_dropped(api):
    for body in ({**FUNNEL, "step": 1}, {"funnel": FUNNEL, "step": 1}):
        _, report = await api.ask("POST", "/api/v1/reports/funnel/reasons", body)
        assert (shape(funnel_answers.FunnelReasons, report)["dropped"], report["went_on"]) == (1, 1)
    _, blob = await api.ask("POST", "/api/v1/reports/funnel/reasons", body, headers={"Accept": "text/csv"})
    assert blob.decode().splitlines()[1] == "next_events,event,,1,0,1.0,0.0,,1.0,1.0"


async def test_retention_and_paths(api):
    body = {
        **WHEN,
        "from": "2026-11-17T15:00:00Z",
        "to": "2026-11-19T15:00:00Z",
        "period": "day",
        "start": {"event": "view"},
    }
    _, report = await api.ask("POST", "/api/v1/reports/retention", {**body, "breakdown": {"property": "country"}})
    cohorts = shape(journey_answers.Retention, report)["cohorts"]
    assert [(one["start"], one["returned"]) for one in cohorts] == [("2026-11-18", [1, 0]), ("2026-11-19", [1])]
    assert {part["value"] for part in report["breakdown"]} == {"DE", ""}
    _, blob = await api.ask("POST", "/api/v1/reports/retention", body, headers={"Accept": "text/csv"})
    assert blob.decode().splitlines()[:2] == ["part,value,cohort,size,period,people", "total,,2026-11-18,1,0,1"]
    body = {**WHEN, "by": "event", "session_gap": "2h"}
    _, report = await api.ask("POST", "/api/v1/reports/paths", body)
    assert shape(journey_answers.Paths, report)["edges"] == [
        {"step": 1, "source": "view", "target": "purchase", "people": 1, "seconds_average": 3600.0}
    ]
    _, blob = await api.ask("POST", "/api/v1/reports/paths", body, headers={"Accept": "text/csv"})
    assert blob.decode().splitlines()[1] == "1,view,purchase,1,3600.0"


async def test_live_people_names_properties(api):
    status, live = await api.ask("POST", "/api/v1/reports/live", {"site": "shop", "limit": 2})
    assert (status, len(shape(answers.Live, live)["events"])) == (200, 2)
    _, names = await api.ask("GET", "/api/v1/events/names?site=shop")
    assert {row["event"]: row["count"] for row in shape(answers.EventNames, names)["events"]} == {
        "view": 2,
        "purchase": 1,
    }
    _, properties = await api.ask("GET", "/api/v1/properties?site=shop&event=view")
    assert "props.plan" in {row["property"] for row in shape(answers.Properties, properties)["properties"]}
    _, people = await api.ask("GET", "/api/v1/people?site=shop&q=b")
    assert [one["visitor"] for one in shape(answers_people.People, people)["people"]] == ["b/c"]
    status, timeline = await api.ask("GET", "/api/v1/people/a/timeline?site=shop&limit=1")
    assert [event["event"] for event in shape(answers_people.Timeline, timeline)["events"]] == ["purchase"]
    _, rest = await api.ask("GET", f"/api/v1/people/a/timeline?site=shop&cursor={timeline['cursor']}")
    assert [event["event"] for event in rest["events"]] == ["view"]
    status, _ = await api.ask("GET", "/api/v1/people/nobody/timeline?site=shop")
    assert status == 404


async def test_who_signs_in_with_an_address_is_found_by_it_though_only_its_hash_is_stored(api):
    site = api.catalog.sites.get("shop")
    stored = person_id(keys_of(site.name, site.write_key, site.identifier_key), "Ann@shop.example")
    put(api.services.engine, [{"event": "view", "visitor": "c", "user": stored, "ts": NOW}])
    _, people = await api.ask("GET", "/api/v1/people?site=shop&q=ann%40shop.example")
    assert [one["user"] for one in people["people"]] == [stored]
    _, timeline = await api.ask("GET", "/api/v1/people/ann%40shop.example/timeline?site=shop")
    assert [event["visitor"] for event in timeline["events"]] == ["c"]


async def test_an_id_may_hold_a_slash(api):
    url = f"{api.url}/api/v1/people/b%2Fc/timeline?site=shop"
    import yarl

    async with api.session.get(yarl.URL(url, encoded=True), headers={"Authorization": f"Bearer {ADMIN}"}) as answer:
        assert [event["visitor"] for event in (await answer.json())["events"]] == ["b/c"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("funnel", {**FUNNEL, "site": 5}, "site"),
        ("funnel", {**FUNNEL, "stepz": []}, "stepz"),
        ("funnel/people", {"funnel": {**FUNNEL, "steps": []}, "step": 1}, "funnel.steps"),
        ("funnel/people", {"funnel": FUNNEL, "step": 3}, "step"),
        ("timeseries", {**WHEN, "interval": "year"}, "interval"),
        ("overview", {**WHEN, "timezone": "Mars"}, "timezone"),
        ("overview", {"site": "shop"}, "from"),
    ],
)
async def test_mistakes_are_named(api, path, body, field):
    status, answer = await api.ask("POST", f"/api/v1/reports/{path}", body)
    assert (status, answer["error"]["field"]) == (400, field)


def test_a_question_is_stopped_at_the_time_limit(engine):
    settings = {"max_block_size": 1, "function_sleep_max_microseconds_per_block": 0}
    slow = Query(text="select count(sleepEachRow(0.2)) from numbers(200)", settings=settings)
    with pytest.raises(TooSlow):
        Bounded(engine, 1.0).ask(slow)


def test_a_question_is_stopped_at_the_memory_limit_and_told_what_to_narrow(engine):
    bounded = Bounded(engine, 30, 60_000_000)
    big = "select length(groupArray(toString(number))) from numbers(3000000)"
    assert Bounded(engine, 30, 600_000_000).ask(Query(text=big)).rows == [(3_000_000,)]
    with pytest.raises(TooBig) as caught:
        bounded.ask(Query(text=big))
    assert (caught.value.status, caught.value.code) == (422, "too_big")
    for word in ("60 MB", "shorter period", "fewer steps", "breakdown"):
        assert word in caught.value.message
    assert bounded.ask(Query(text="select 1")).rows == [(1,)]


def test_many_groups_go_on_on_the_disk(engine):
    many = (
        "select count(), sum(n) from (select number % 1500000 as one, count() as n from numbers(3000000) group by one)"
    )
    assert Bounded(engine, 60, 120_000_000).ask(Query(text=many)).rows == [(1_500_000, 3_000_000)]


async def test_a_report_over_its_memory_says_how_to_narrow_it(embedded, data):
    embedded.command(Query(text=MANY))
    steps = [{"event": "*"}, {"event": "*"}]
    body = {"site": "shop", "from": "2026-01-01T00:00:00Z", "to": "2026-01-31T00:00:00Z", "steps": steps}
    async with serve(embedded, data, report_memory=50_000_000) as api:
        api.catalog.sites.create("shop")
        status, answer = await api.ask("POST", "/api/v1/reports/funnel", body)
        assert (status, answer["error"]["code"]) == (422, "too_big")
        assert "shorter period, fewer steps" in answer["error"]["message"]


def test_the_time_is_that_of_the_whole_request(engine):
    bounded = Bounded(engine, 0.05)
    one = Query(text="select sleep(0.1)")
    with pytest.raises(TooSlow):
        for _ in range(2):
            bounded.ask(one)


def test_after_a_hang_up_nothing_more_is_asked(engine):
    bounded = Bounded(engine, 10)
    assert bounded.ask(Query(text="select 1")).rows == [(1,)]
    bounded.hung_up.set()
    with pytest.raises(Gone):
        bounded.ask(Query(text="select 1"))


def test_the_api_cannot_write(engine):
    bounded = Bounded(engine, 10)
    session, away = bounded.session(), Query(text="truncate table events")
    try:
        for write in (
            lambda: bounded.command(away),
            lambda: session.command(away),
            lambda: session.put("seen", away),
            bounded.prepare,
        ):
            with pytest.raises(Broken):
                write()
    finally:
        session.close()


def test_a_question_may_make_temporary_tables_within_its_limits(engine):
    bounded = Bounded(engine, 30, 60_000_000)
    session = bounded.session()
    try:
        session.command(Query(text="create temporary table few engine = Memory as select 7 as n"))
        assert session.ask(Query(text="select n from few")).rows == [(7,)]
        big = "create temporary table big engine = Memory as select groupArray(toString(number)) from numbers(3000000)"
        with pytest.raises(TooBig):
            session.command(Query(text=big))
        bounded.hung_up.set()
        with pytest.raises(Gone):
            session.ask(Query(text="select 1"))
    finally:
        session.close()


async def test_ready_means_that_the_store_answers(api, embedded):
    async with api.session.get(api.url + "/readyz") as answer:
        assert answer.status == 200
    embedded.close()
    async with api.session.get(api.url + "/readyz") as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"]
    async with api.session.get(api.url + "/healthz") as answer:
        assert answer.status == 200
    status, _ = await api.ask("POST", "/api/v1/reports/funnel", FUNNEL)
    assert status == 503


async def test_attribution_as_json_and_csv(api):
    body = {**WHEN, "conversion": {"event": "purchase"}, "model": "markov"}
    _, report = await api.ask("POST", "/api/v1/reports/attribution", body)
    assert shape(journey_answers.Attribution, report)["rows"] == [
        {"key": "Unassigned", "conversions": 1.0, "value": 10.0}
    ]
    assert report["path_length"] == [{"touches": 0, "conversions": 1}]
    _, blob = await api.ask("POST", "/api/v1/reports/attribution", body, headers={"Accept": "text/csv"})
    assert blob.decode().splitlines() == ["key,conversions,value,cost,cac,roas", "Unassigned,1.0,10.0,,,"]


async def test_costs_stand_beside_what_they_brought(api):
    row = {"date": "2026-11-18", "channel": "Unassigned", "cost": 4.0, "currency": "EUR"}
    rows = [row, {**row, "channel": "Email", "cost": 3}, {**row, "cost": 1, "currency": "USD"}]
    rows.append({**row, "date": "2026-12-02"})  # after the report's last day in Tokyo
    for changed in (4, 0):  # the same again changes nothing
        _, said = await api.ask("POST", "/api/v1/costs", {"site": "shop", "rows": rows})
        assert said == {"site": "shop", "rows": 4, "changed": changed}
    _, said = await api.ask("POST", "/api/v1/costs", {"site": "shop", "rows": [{**row, "cost": 5}]})
    assert said["changed"] == 1
    body = {**WHEN, "conversion": {"event": "purchase"}}
    _, report = await api.ask("POST", "/api/v1/reports/attribution", body)
    assert shape(journey_answers.Attribution, report)["rows"] == [
        {"key": "Unassigned", "conversions": 1.0, "value": 10.0, "cost": 5.0, "cac": 5.0, "roas": 2.0},
        {"key": "Email", "conversions": 0.0, "value": 0.0, "cost": 3.0, "cac": None, "roas": 0.0},
    ]
    assert (report["cost_currency"], report["other_cost_currencies"]) == ("EUR", ["USD"])
    _, report = await api.ask("POST", "/api/v1/reports/attribution", {**body, "by": "campaign"})
    assert report["rows"] == [{"key": "(not set)", "conversions": 1.0, "value": 10.0}]
    _, report = await api.ask("POST", "/api/v1/reports/ltv", {**WHEN, "currency": "EUR"})
    assert shape(buyer_answers.Ltv, report)["other_cost_currencies"] == ["USD"]
    won = {row["channel"]: (row["buyers"], row["cost"], row["cac"]) for row in report["channels"]}
    assert won == {"Unassigned": (1, 5.0, 5.0), "Email": (0, 3.0, None)}
    _, blob = await api.ask("POST", "/api/v1/reports/ltv", WHEN, headers={"Accept": "text/csv"})
    assert blob.decode().splitlines()[0] == "part,key,buyers,purchases,value,ltv,cost,cac,ltv_to_cac"
    status, error = await api.ask("POST", "/api/v1/reports/ltv/predicted", {**WHEN, "horizon": "90d"})
    assert (status, error["error"]["code"]) == (400, "too_few")
    status, error = await api.ask("POST", "/api/v1/costs", {"site": "shop", "rows": [row, {**row, "cost": "much"}]})
    assert (status, error["error"]["field"]) == (400, "rows[1].cost")
