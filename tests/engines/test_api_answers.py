"""What the API answers: sites, saved funnels, data health, audiences, exports. Shapes are held against the document."""

from __future__ import annotations

import csv
import hashlib
import io
import json

import msgspec
import pytest
from api_client import LEDGER, serve
from small_history import put

from tracker.api import answers, answers_audiences, answers_exports, answers_told
from tracker.store.engine import Query, Rows

NOW = 1_795_000_000_000
DAY = 86_400_000
BUYERS = {"did": {"event": "purchase"}}


@pytest.fixture
async def api(embedded, data):
    async with serve(embedded, data, now_ms=lambda: NOW) as running:
        running.catalog.sites.create("shop", min_size=2)
        yield running


def shape(kind, body):
    """Strict: a field of the wrong type, or one too few, raises."""
    msgspec.convert(body, kind, strict=True)
    return body


def buyers(n: int, **more):
    return [{"event": "purchase", "visitor": f"v{at}", "ts": NOW - DAY, **more} for at in range(n)]


async def audience(api, rule=BUYERS, **more) -> str:
    status, made = await api.ask("POST", "/api/v1/audiences", {"site": "shop", "name": "Buyers", "rule": rule, **more})
    assert status == 201, made
    return shape(answers_audiences.Audience, made)["id"]


async def test_sites_live_and_die(api):
    sent = {"name": "new", "domains": ["Shop.Example"], "consent": "opt-out", "timezone": "Europe/Berlin"}
    status, made = await api.ask("POST", "/api/v1/sites", sent)
    assert status == 201
    assert set(shape(answers.SiteCreated, made)) == {"site", "write_key"}
    status, site = await api.ask("PUT", "/api/v1/sites/new", {"timezone": "Asia/Tokyo"})
    assert status == 200
    assert shape(answers.Site, site) == {
        "site": "new",
        "write_key": made["write_key"],
        "domains": ["shop.example"],
        "consent": "opt-out",
        "timezone": "Asia/Tokyo",
        "currency": "",
        "min_size": 100,
        "pixel": {},
        "privacy": {},
        "gate": {},
    }
    _, listed = await api.ask("GET", "/api/v1/sites")
    assert [one["site"] for one in shape(answers.Sites, listed)["sites"]] == ["new", "shop"]
    _, gone = await api.ask("DELETE", "/api/v1/sites/new")
    shape(answers.SiteDeleted, gone)
    status, _ = await api.ask("GET", "/api/v1/sites/new")
    assert status == 404
    _, log = await api.ask("GET", "/api/v1/audit?site=shop")
    shape(answers.Audit, log)


async def test_install_hears_the_first_event(api, embedded):
    _, quiet = await api.ask("GET", "/api/v1/sites/shop/install")
    key = api.catalog.sites.get("shop").write_key
    assert shape(answers.Install, quiet)["heard"] is False
    assert f'data-site="{key}"' in quiet["snippet"] and f'src="https://t.example/p.js?site={key}"' in quiet["snippet"]
    assert "data-consent" not in quiet["snippet"]
    api.catalog.sites.create("legal-ground", consent="opt-out")
    _, other = await api.ask("GET", "/api/v1/sites/legal-ground/install")
    assert 'data-consent="opt-out"' in other["snippet"]
    put(embedded, [{"event": "page_view", "visitor": "v", "ts": NOW, "url": "https://shop.example/"}])
    _, heard = await api.ask("GET", "/api/v1/sites/shop/install")
    assert shape(answers.Install, heard)["last_event"]["event"] == "page_view"
    assert heard["last_event"]["ts"] == "2026-11-18T11:06:40.000Z"


async def test_what_a_site_asks_of_the_pixel(api):
    _, before = await api.ask("GET", "/api/v1/sites/shop/install")
    assert before["modules"] == []
    pixel = {"autocapture": ["outbound", "rage"], "engagement": True, "cmp": ["tcf"], "vendor": 755}
    status, site = await api.ask("PUT", "/api/v1/sites/shop", {"pixel": pixel})
    assert (status, shape(answers.Site, site)["pixel"]) == (200, pixel)
    _, site = await api.ask("PUT", "/api/v1/sites/shop", {"timezone": "Europe/Berlin"})
    assert site["pixel"] == pixel  # what is left out stays
    assert api.catalog.sites.get("shop").pixel.vendor == 755
    _, after = await api.ask("GET", "/api/v1/sites/shop/install")
    assert after["modules"] == ["cmp", "autocapture", "engagement"]
    pinned = shape(answers.Install, after)["pinned"]
    assert pinned["path"] != before["pinned"]["path"]  # another content, another name
    assert f'src="https://t.example{pinned["path"]}"' in pinned["snippet"]
    assert f'integrity="{pinned["integrity"]}" crossorigin="anonymous"' in pinned["snippet"]
    assert pinned["integrity"].startswith("sha384-")


BAD_PIXEL = [
    {"autocapture": ["keystrokes"]},
    {"nonsense": True},
    {"datalayer": "a b"},
    {"link_domains": ["https://shop.example/"]},
    {"partners": [{"name": "x", "url": "javascript:alert(1)"}]},
    {"partners": [{"name": "x", "url": "https:///path"}]},
    {"vendor": 0},
    {"currency": "euro"},
    {"calling_code": "+49"},
]


@pytest.mark.parametrize("pixel", BAD_PIXEL, ids=str)
async def test_nonsense_is_not_stored(api, pixel):
    status, answer = await api.ask("PUT", "/api/v1/sites/shop", {"pixel": pixel})
    assert (status, "error" in answer) == (400, True)
    _, site = await api.ask("GET", "/api/v1/sites/shop")
    assert site["pixel"] == {}


async def test_health(api, embedded):
    _, ledger = await api.ask("GET", "/api/v1/ledger?site=shop")
    assert shape(answers.Ledger, ledger) == LEDGER
    _, status = await api.ask("GET", "/api/v1/status")
    assert shape(answers.Status, status)["version"] == "1.2.3"
    columns = [
        ("site", "String"),
        ("arrival", "UInt64"),
        ("received", "Int64"),
        ("reason", "String"),
        ("raw", "String"),
    ]
    text = "insert into rejected (site, arrival, received, reason, raw) select site, arrival,"
    text += " fromUnixTimestamp64Milli(received, 'UTC'), reason, raw from /*table:rows*/"
    import time

    now = time.time_ns() // 1_000_000
    data = [["shop", at, now, "bad_time", "{}"] for at in (2**60 + 1, 2**60 + 2)] + [["other", 5, now, "no_name", ""]]
    for _ in range(2):  # a repeated segment
        embedded.command(Query(text=text, tables={"rows": Rows(columns=columns, data=data)}))
    _, rejected = await api.ask("GET", "/api/v1/rejected?site=shop&limit=5")
    assert [row["id"] for row in shape(answers.RejectedEvents, rejected)["rejected"]] == [
        str(2**60 + 2),
        str(2**60 + 1),
    ]
    _, again = await api.ask("POST", "/api/v1/rejected/replay", {"site": "shop", "ids": [str(2**60 + 1)]})
    assert shape(answers.Replayed, again) == {"replayed": 1}
    assert api.replayed == [("shop", [str(2**60 + 1)])]


async def test_saved_funnels(api):
    steps = [{"event": "view_item"}, {"event": "purchase"}]
    funnel = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-08T00:00:00Z", "steps": steps}
    status, made = await api.ask("POST", "/api/v1/funnels", {"name": "Buy", "site": "shop", "funnel": funnel})
    assert status == 201
    assert shape(answers_told.SavedFunnel, made)["funnel"] == {**funnel, "site": "shop"}
    changed = {"name": "Buy it", "site": "shop", "funnel": {**funnel, "mode": "strict"}}
    _, after = await api.ask("PUT", f"/api/v1/funnels/{made['id']}", changed)
    assert (after["name"], after["funnel"]["mode"]) == ("Buy it", "strict")
    status, wrong = await api.ask("POST", "/api/v1/funnels", {"name": "x", "site": "shop", "funnel": {"steps": 1}})
    assert (status, wrong["error"]["field"][:7]) == (400, "funnel.")
    _, listed = await api.ask("GET", "/api/v1/funnels?site=shop")
    assert len(shape(answers_told.SavedFunnels, listed)["funnels"]) == 1
    _, gone = await api.ask("DELETE", f"/api/v1/funnels/{made['id']}")
    assert gone["deleted"]


async def test_an_audience_from_preview_to_file(api, embedded):
    history = [
        {"event": "purchase", "visitor": "yes", "ts": NOW - DAY, "ads": 1, "country": "DE"},
        {"event": "purchase", "visitor": "=cmd|x", "user": "+alice", "ts": NOW - DAY, "ads": 1},
        {"event": "purchase", "visitor": "silent", "ts": NOW - DAY},
        {"event": "purchase", "visitor": "gpc", "ts": NOW - DAY, "ads": 1},
        {"event": "view", "visitor": "gpc", "ts": NOW - 9 * DAY, "gpc": 1},
        {"event": "purchase", "visitor": "phone", "ts": NOW - 5 * DAY, "ads": 1},
        {"event": "login", "visitor": "phone", "user": "bob", "ts": NOW - 4 * DAY},
        {"event": "consent", "visitor": "laptop", "user": "bob", "ts": NOW - 3 * DAY, "ads": 0},
        {"event": "view", "visitor": "looker", "ts": NOW - DAY, "ads": 1},
    ]
    put(embedded, history)
    _, preview = await api.ask("POST", "/api/v1/audiences/preview", {"site": "shop", "rule": BUYERS})
    assert shape(answers_audiences.Preview, preview) == {
        "size": 5,
        "exportable": 2,
        "withheld": {"no_consent": 2, "opted_out": 1, "suppressed": 0, "holdout": 0},
    }
    made = await audience(api)
    _, members = await api.ask("GET", f"/api/v1/audiences/{made}/members?limit=3")
    _, rest = await api.ask("GET", f"/api/v1/audiences/{made}/members?limit=3&cursor={members['cursor']}")
    assert shape(answers_audiences.Members, members)["total"] == rest["total"] == 5
    people = {one["person"]: one for one in members["members"] + rest["members"]}
    assert (len(people), rest["cursor"]) == (5, None)
    assert people["bob"]["withheld"] == "no_consent"

    status, started = await api.ask("POST", f"/api/v1/audiences/{made}/export", {"network": "csv"})
    assert (status, shape(answers_exports.ExportStarted, started)["state"]) == (202, "running")
    export = shape(answers_exports.Export, await api.exported(started["id"]))
    assert (export["state"], export["counts"]["written"]) == ("done", 2)
    assert export["counts"]["withheld"] == preview["withheld"]
    status, blob = await api.ask("GET", f"/api/v1/exports/{started['id']}/file")
    assert (export["files"][0]["sha256"], export["files"][0]["bytes"]) == (hashlib.sha256(blob).hexdigest(), len(blob))
    rows = {row["visitor"]: row for row in csv.DictReader(io.StringIO(blob.decode(), newline=""))}
    assert set(rows) == {"yes", "'=cmd|x"}
    assert (rows["yes"]["country"], rows["'=cmd|x"]["user"]) == ("DE", "'+alice")
    assert [path.name for path in api.services.exports.iterdir()] == [export["files"][0]["name"]]
    _, log = await api.ask("GET", "/api/v1/audit?site=shop")
    assert {"export", "export.download"} <= {entry["action"] for entry in log["audit"]}


async def test_jsonl_keeps_values_as_they_are(api, embedded):
    put(embedded, buyers(3, ads=1, user=""))
    _, started = await api.ask("POST", f"/api/v1/audiences/{await audience(api)}/export", {"network": "jsonl"})
    assert (await api.exported(started["id"]))["state"] == "done"
    _, blob = await api.ask("GET", f"/api/v1/exports/{started['id']}/file")
    assert {json.loads(line)["visitor"] for line in blob.splitlines()} == {"v0", "v1", "v2"}


async def test_a_small_audience_stays_in_the_house(api, embedded):
    put(embedded, buyers(1, ads=1))
    made = await audience(api)
    _, started = await api.ask("POST", f"/api/v1/audiences/{made}/export", {"network": "csv"})
    export = shape(answers_exports.Export, await api.exported(started["id"]))
    assert (export["state"], export["error"]["code"], export["counts"]["written"]) == ("failed", "too_small", 0)
    assert list(api.services.exports.iterdir()) == []
    status, body = await api.ask("GET", f"/api/v1/exports/{started['id']}/file")
    assert (status, body["error"]["code"]) == (409, "no_file")

    exporter = api.catalog.tokens.create("export")
    wanted = {"network": "csv", "min_size": 1}
    status, _ = await api.ask("POST", f"/api/v1/audiences/{made}/export", wanted, token=exporter)
    assert status == 403
    _, started = await api.ask("POST", f"/api/v1/audiences/{made}/export", wanted)
    assert (await api.exported(started["id"]))["state"] == "done"
    _, log = await api.ask("GET", "/api/v1/audit?site=shop")
    assert log["audit"][0]["details"]["min_size"] == "1"


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("network", {"network": "friends"}),
        ("mode", {"network": "csv", "mode": "some"}),
        ("shape", {"network": "liveramp", "shape": "api"}),
    ],
)
async def test_what_is_not_there_yet_says_what_is(api, field, sent):
    status, body = await api.ask("POST", f"/api/v1/audiences/{await audience(api)}/export", sent)
    assert (status, body["error"]["code"], body["error"]["field"]) == (400, "not_available", field)
    assert "available: " in body["error"]["message"]


async def test_a_holdout_is_the_same_every_time_and_about_its_share(api, embedded):
    put(embedded, buyers(400, ads=1))
    made = await audience(api, holdout=0.25)
    seen = []
    for _ in range(2):
        _, members = await api.ask("GET", f"/api/v1/audiences/{made}/members?limit=1000")
        seen.append({one["person"] for one in members["members"] if one["withheld"] == "holdout"})
    assert seen[0] == seen[1]
    assert 60 <= len(seen[0]) <= 140  # 100 expected, sigma 8.7; the ids are random, so 4.6 sigma
    other = await audience(api, holdout=0.25)
    _, members = await api.ask("GET", f"/api/v1/audiences/{other}/members?limit=1000")
    assert {one["person"] for one in members["members"] if one["withheld"] == "holdout"} != seen[0]


async def test_dropped_waits_before_it_counts(api, embedded):
    funnel = {"steps": [{"event": "cart"}, {"event": "purchase"}], "window": "7d"}
    minutes = 60_000
    history = [
        {"event": "cart", "visitor": "long-gone", "ts": NOW - 2 * DAY},
        {"event": "cart", "visitor": "just-now", "ts": NOW - 10 * minutes},
        {"event": "cart", "visitor": "bought", "ts": NOW - 2 * DAY},
        {"event": "purchase", "visitor": "bought", "ts": NOW - DAY},
        {"event": "cart", "visitor": "old", "ts": NOW - 30 * DAY},
        {"event": "purchase", "visitor": "skipped", "ts": NOW - DAY},
    ]
    put(embedded, history)

    async def who(rule) -> set[str]:
        _, members = await api.ask("GET", f"/api/v1/audiences/{await audience(api, rule)}/members")
        return {one["visitor"] for one in members["members"]}

    dropped = {"funnel": funnel, "after_step": 1, "within": "14d"}
    assert await who({"dropped": dropped}) == {"long-gone", "just-now"}
    assert await who({"dropped": {**dropped, "wait": "1h"}}) == {"long-gone"}
    assert await who({"not": {"dropped": dropped}}) == {"bought", "old", "skipped"}
    both = [{"dropped": dropped}, {"dropped": {**dropped, "within": "60d", "wait": "1h"}}]
    assert await who({"any": both}) == {"long-gone", "just-now", "old"}
    assert await who({"sequence": {"steps": funnel["steps"], "within": "14d"}}) == {"bought"}
    first = await audience(api, {"dropped": dropped})
    assert await who({"all": [{"in": first}, {"did": {"event": "cart", "within": "1h"}}]}) == {"just-now"}
    status, body = await api.ask("DELETE", f"/api/v1/audiences/{first}")
    assert (status, body["error"]["code"]) == (409, "in_use")


async def test_segments_of_a_visitor_follow_the_person(api, embedded):
    put(
        embedded,
        [
            {"event": "purchase", "visitor": "phone", "ts": NOW - 2 * DAY},
            {"event": "login", "visitor": "phone", "user": "bob", "ts": NOW - DAY},
            {"event": "login", "visitor": "laptop", "user": "bob", "ts": NOW - DAY},
        ],
    )
    buys, looks = await audience(api), await audience(api, {"did": {"event": "view"}})
    _, found = await api.ask("GET", "/api/v1/segments?site=shop&visitor=laptop")
    assert shape(answers_audiences.Segments, found) == {"segments": [buys]}
    _, nobody = await api.ask("GET", "/api/v1/segments?site=shop&visitor=stranger")
    assert nobody == {"segments": []}
    assert looks not in found["segments"]


async def test_a_deleted_audience_leaves_its_exports(api, embedded):
    put(embedded, buyers(2, ads=1))
    made = await audience(api)
    _, started = await api.ask("POST", f"/api/v1/audiences/{made}/export", {"network": "csv"})
    await api.exported(started["id"])
    _, gone = await api.ask("DELETE", f"/api/v1/audiences/{made}")
    assert shape(answers.Deleted, gone)["deleted"]
    _, exports = await api.ask("GET", "/api/v1/exports?site=shop")
    assert [one["id"] for one in shape(answers_exports.Exports, exports)["exports"]] == [started["id"]]
    status, _ = await api.ask("GET", f"/api/v1/exports/{started['id']}/file")
    assert status == 200


async def test_changing_an_audience_keeps_what_is_not_given(api):
    made = await audience(api, holdout=0.2)
    status, after = await api.ask("PUT", f"/api/v1/audiences/{made}", {"name": "New name"})
    assert (status, after["name"], after["rule"], after["holdout"]) == (200, "New name", BUYERS, 0.2)
    status, body = await api.ask("PUT", f"/api/v1/audiences/{made}", {"rule": {"did": {}}})
    assert (status, body["error"]["field"]) == (400, "rule.did.event")
    status, body = await api.ask("PUT", f"/api/v1/audiences/{made}", {"rule": {"in": made}})
    assert (status, body["error"]["code"]) == (400, "circular")
    status, _ = await api.ask("PUT", f"/api/v1/audiences/{made}", {"site": "other"})
    assert status == 400


async def test_what_a_stopped_service_left_is_cleared_up(embedded, data):
    async with serve(embedded, data) as api:
        api.catalog.sites.create("shop")
        left = api.catalog.exports.create("shop", "aud_1", network="csv", mode="full", actor="x", min_size=1)
    (data / "exports").mkdir(exist_ok=True)
    (data / "exports" / "aud_1-exp_1.csv.part").write_text("half")
    async with serve(embedded, data) as api:
        _, export = await api.ask("GET", f"/api/v1/exports/{left.id}")
        assert (export["state"], export["error"]["code"]) == ("failed", "interrupted")
    assert list((data / "exports").iterdir()) == []


async def test_the_audit_log_of_all_sites_is_the_unbound_admins(api):
    await api.ask("POST", "/api/v1/tokens", {"role": "viewer"})
    bound = api.catalog.tokens.create("admin", "shop")
    _, everything = await api.ask("GET", "/api/v1/audit")
    _, own = await api.ask("GET", "/api/v1/audit", token=bound)
    assert [entry["action"] for entry in shape(answers.Audit, everything)["audit"]] == ["token.create"]
    assert own == {"audit": []}
