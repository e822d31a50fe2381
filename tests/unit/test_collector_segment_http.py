"""The collector over HTTP: the calls of Segment's libraries."""

import base64

import pytest
from collector_http import ORIGIN


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


@pytest.mark.parametrize(
    "call",
    ["track", "identify", "page", "screen", "group", "alias", "t", "i", "p", "s", "g", "a", "batch", "b", "import"],
)
async def test_segment_calls(collector, call):
    message = {"userId": "u1", "event": "x", "messageId": "m1"}
    body = {"batch": [{**message, "type": "track"}]} if call in ("batch", "b", "import") else message
    answer = await collector.send(f"/v1/{call}", body, headers=basic("wk"))
    assert (answer.status, answer.body) == (200, b'{"success":true}')
    [record] = collector.stored()
    assert record.user == "u1"
    assert record.type[0] == (call[0] if call not in ("batch", "b", "import") else "t")
    assert record.ua == ""


@pytest.mark.parametrize(
    ("path", "headers", "extra"),
    [
        ("/v1/track", basic("wk"), {}),
        ("/v1/track?writeKey=wk", {}, {}),
        ("/v1/track", {}, {"writeKey": "wk"}),
        ("/v1/track", {"X-Write-Key": "wk"}, {}),
        ("/api/s/track", {"X-Write-Key": "wk:secret"}, {"writeKey": "wk:***"}),
        ("//v1//track/", basic("wk"), {}),
        ("/beacon/v1/batch?writeKey=wk", {}, {"batch": [{"type": "track", "event": "x", "userId": "u"}]}),
    ],
    ids=range(7),
)
async def test_where_segment_libraries_put_the_key(collector, path, headers, extra):
    answer = await collector.send(path, {"event": "x", "userId": "u", **extra}, headers=headers)
    assert answer.status == 200
    assert len(collector.stored()) == 1


async def test_segment_without_a_key(collector):
    for headers in (
        {},
        {"Authorization": "Bearer wk"},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic é"},
        basic("nope"),
    ):
        assert (await collector.send("/v1/track", {"event": "x"}, headers=headers)).status == 401


async def test_an_import_keeps_old_times_and_may_be_large(collector):
    message = {
        "type": "track",
        "event": "x",
        "userId": "u",
        "timestamp": "2011-01-01T00:00:00Z",
        "properties": {"p": "y" * 900},
    }
    body = {"batch": [message] * 4000}
    assert (await collector.send("/v1/batch", body, headers=basic("wk"))).status == 413
    assert (await collector.send("/v1/import", body, headers=basic("wk"))).status == 200
    stored = collector.stored()
    assert len(stored) == 4000
    assert {record.ts for record in stored} == {1293840000000}
    assert {record.source for record in stored} == {"import"}


async def test_settings_for_analytics_js(collector):
    answer = await collector.send("/v1/projects/wk/settings", method="GET", headers=ORIGIN)
    body = answer.json
    destination = body["integrations"]["Segment.io"]
    assert destination["apiHost"] == collector.url.removeprefix("http://") + "/v1"
    assert destination["protocol"] == "http"
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
    assert (await collector.send("/v1/projects/nope/settings", method="GET")).status == 401
