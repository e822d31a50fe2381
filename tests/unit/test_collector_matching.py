"""ID matching: the answers of `/sync` and `/setuid`, to whom an id may go, and what is stored of it."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec
import pytest
from api_client import serve
from collector_http import put_sites
from consent_reference import tc_string
from loading import T0, Road, event

from tracker.analytics import match_rates
from tracker.catalog.suppressions import Deed
from tracker.collector.endpoints import SERVICE
from tracker.collector.matching import PNG
from tracker.core.event import Event
from tracker.core.gate import GateSettings, MatchPartner
from tracker.core.identifiers import keyed, keys_of
from tracker.core.site import Site
from tracker.core.suppression import Reason, person

KEY = "55" * 32
DSP = MatchPartner(name="dsp", vendor=755, hosts=("sync.dsp.example", "dsp.test"), macro="${DSP_UID}")
GOOGLE = MatchPartner(
    name="adx",
    vendor=755,
    hosts=("cm.g.doubleclick.net",),
    macro="${HM}",
    encoding="base64url",
    url="https://cm.g.doubleclick.net/pixel?google_nid=shop&google_cm&google_hm=${HM}&google_push=${GOOGLE_PUSH}",
)
NAMELESS = MatchPartner(name="nameless", hosts=("x.example",))
GATE = GateSettings(partners=(DSP, NAMELESS, GOOGLE))
SHOP = Site(name="shop", write_key="wk", identifier_key=KEY, gate=GATE)
FREE = Site(name="free", write_key="wk-free", consent="opt-out", identifier_key=KEY, gate=GATE)
BROWSER = {"User-Agent": "Mozilla/5.0 (X11)", "Accept-Language": "de", "Sec-Fetch-Site": "cross-site"}
TEMPLATE = "https://eu.sync.dsp.example/in?uid=${DSP_UID}&gdpr=${GDPR}&c=${GDPR_CONSENT_755}&o=${GDPR_CONSENT_10}"
OURS = {"Cookie": "jt_vid=visitor-1"}


@pytest.fixture(scope="module")
def strings() -> dict[str, str]:
    now = int(time.time() * 1000)
    return {
        "yes": tc_string([1, 3, 4], [755], now),
        "other": tc_string([1, 3, 4], [10], now),
        "measure": tc_string([1, 7], [755], now),
    }


@pytest.fixture
async def collector(start, tmp_path):
    put_sites(tmp_path, SHOP, FREE)
    return await start()


async def ask(collector, path: str, headers: dict[str, str] | None = None, **query: Any):
    given = {"site": "wk", "partner": "dsp"} | query
    text = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in given.items())
    heads = BROWSER | (OURS if headers is None else headers)
    return await collector.send(f"{path}?{text}", method="GET", headers=heads, allow_redirects=False)


async def test_a_partners_id_is_stored_where_the_person_allowed_it(collector, strings):
    answer = await ask(collector, "/setuid", uid="p-77", gdpr=1, gdpr_consent=strings["yes"])
    assert (answer.status, answer.headers["Content-Type"], answer.body) == (200, "image/png", PNG)
    empty = await ask(collector, "/setuid", uid="p-78", gdpr=1, gdpr_consent=strings["yes"], f="b")
    assert (empty.status, empty.headers["Content-Type"].partition(";")[0], empty.body) == (200, "text/html", b"")
    gone = await ask(collector, "/setuid", uid="")
    assert gone.status == 200
    first, second, *rest = collector.stored()
    assert (first.name, first.source, first.visitor) == ("id_match", "match", "visitor-1")
    assert [one.props for one in (first, second)] == [
        {"partner": "dsp", "partner_uid": "p-77"},
        {"partner": "dsp", "partner_uid": "p-78"},
    ]
    assert len(rest) == 1


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"gdpr": 1}, 400),
        ({"gdpr": 1, "gdpr_consent": "nonsense"}, 400),
        ({"gdpr": 2}, 400),
        ({}, 400),  # where the person is nobody knows, so GDPR may apply
        ({"gdpr": 0}, 400),
        ({"gdpr": 1, "gdpr_consent": "other"}, 451),
        ({"gdpr": 1, "gdpr_consent": "measure"}, 451),
        ({"partner": "nameless", "gdpr": 1, "gdpr_consent": "yes"}, 451),
        ({"gdpr": 1, "gdpr_consent": "yes", "us_privacy": "1YYN"}, 451),
        ({"analytics": 0, "ads": 1}, 451),
        ({"analytics": 1, "ads": 0}, 451),
        ({"analytics": 1, "ads": 1}, 200),
        ({"site": "wk-free"}, 200),
        ({"site": "wk-free", "us_privacy": "1YYN"}, 451),
        ({"site": "wk-free", "gpp": "DBABTA~1YNN", "gpp_sid": 6}, 200),
        ({"site": "wk-free", "gpp": "DBABTA~1YYN", "gpp_sid": 6}, 451),
        ({"site": "wk-free", "gdpr": 1, "gdpr_consent": "other"}, 451),
        ({"partner": "nobody"}, 400),
        ({"site": "nobody"}, 401),
        ({"site": "wk-free", "uid": "x" * 513}, 400),
        ({"site": "wk-free", "uid": "a\nb"}, 400),
    ],
)
async def test_what_is_answered(collector, strings, given, status):
    given = {"uid": "p-1"} | given
    if "gdpr_consent" in given:
        given["gdpr_consent"] = strings.get(given["gdpr_consent"], given["gdpr_consent"])
    assert (await ask(collector, "/setuid", **given)).status == status
    assert [one for one in collector.stored() if isinstance(one, Event)] == [] or status == 200


async def test_an_opt_out_signal_ends_it(collector):
    assert (await ask(collector, "/setuid", OURS | {"Sec-GPC": "1"}, site="wk-free", uid="p")).status == 451
    assert collector.stored() == []


async def test_nobody_is_made_up_for_a_match(collector):
    answer = await ask(collector, "/setuid", {}, site="wk-free", uid="p")
    assert (answer.status, "Set-Cookie" in answer.headers) == (200, False)
    assert collector.stored() == []
    assert (await ask(collector, "/setuid", {}, site="wk-free", uid="p", visitor="visitor-9")).status == 200
    assert (await ask(collector, "/setuid", {}, site="wk-free", uid="p", visitor="a@b.example")).status == 200
    assert (await ask(collector, "/setuid", {}, site="wk-free", uid="p", visitor="v" * 256)).status == 200
    assert (await ask(collector, "/setuid", {}, site="wk-free", uid="p", visitor="é 1")).status == 200
    assert [one.visitor for one in collector.stored()] == ["visitor-9", "é 1"]


async def test_our_id_goes_to_the_partner(collector, strings):
    answer = await ask(collector, "/sync", redirect=TEMPLATE, gdpr=1, gdpr_consent=strings["yes"])
    where = f"https://eu.sync.dsp.example/in?uid=visitor-1&gdpr=1&c={strings['yes']}&o="
    assert (answer.status, answer.headers["Location"]) == (302, where)
    [record] = collector.stored()
    assert (record.name, record.props) == ("id_shared", {"partner": "dsp"})


async def test_googles_words_are_understood(collector, strings):
    """Our id as web-safe Base64 to its hosted table, its push token back to it, its id from where it leads back to."""
    given = {"partner": "adx", "gdpr": 1, "gdpr_consent": strings["yes"]}
    answer = await ask(collector, "/sync", google_push="opaque/1+2=", **given)
    start = "https://cm.g.doubleclick.net/pixel?google_nid=shop&google_cm&google_hm="
    assert (answer.status, answer.headers["Location"]) == (302, f"{start}dmlzaXRvci0x&google_push=opaque%2F1%2B2%3D")
    nobody = await ask(collector, "/sync", google_push="opaque", partner="adx", gdpr=1)
    assert nobody.headers["Location"] == f"{start}&google_push=opaque"
    assert (await ask(collector, "/setuid", google_gid="CAESE", google_cver=1, **given)).status == 200
    assert (await ask(collector, "/setuid", google_error=3, **given)).status == 200
    shared, matched = collector.stored()
    assert (shared.name, matched.props) == ("id_shared", {"partner": "adx", "partner_uid": "CAESE"})
    body = {"site": "wk", "bidders": ["adx"], "gdpr": 1, "gdpr_consent": strings["yes"]}
    asked = await collector.send("/cookie_sync", json.dumps(body), headers=BROWSER | OURS)
    [found] = json.loads(asked.body)["bidder_status"]
    at = urlsplit(found["usersync"]["url"])
    assert (at.path, dict(parse_qsl(at.query))["partner"]) == ("/sync", "adx")


async def test_without_consent_no_id_goes_along(collector, strings):
    for given in ({}, {"gdpr": 1}, {"gdpr": 1, "gdpr_consent": strings["other"]}, {"analytics": 1, "ads": 0}):
        answer = await ask(collector, "/sync", redirect="https://dsp.test/?u=${DSP_UID}", **given)
        assert (answer.status, answer.headers["Location"]) == (302, "https://dsp.test/?u=")
    assert collector.stored() == []


@pytest.mark.parametrize(
    "template",
    [
        "https://evil.example/?u=${DSP_UID}",
        "http://dsp.test/?u=${DSP_UID}",
        "//dsp.test/",
        "https://dsp.test@evil.example/",
        "https://dsp.test.evil.example/",
        "https://evildsp.test/",
        "https://${DSP_UID}.dsp.test/",
        "https://dsp.test:8443/",
        "https://dsp.test\\@evil.example/",
        "https://dsp.test/\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "",
    ],
)
async def test_it_leads_to_the_partner_and_nowhere_else(collector, template):
    answer = await ask(collector, "/sync", site="wk-free", redirect=template)
    assert answer.status == 400
    assert "Location" not in answer.headers
    assert collector.stored() == []


async def test_a_partner_without_hosts_is_led_nowhere(collector, tmp_path):
    put_sites(tmp_path, Site(name="free", write_key="wk-2", gate=GateSettings(partners=(MatchPartner(name="dsp"),))))
    assert (await ask(collector, "/sync", site="wk-2", redirect="https://dsp.test/")).status == 400


def partners(*more: MatchPartner) -> GateSettings:
    asks = MatchPartner(
        name="asks",
        vendor=755,
        hosts=("dsp.test",),
        macro="$UID",
        url="https://eu.dsp.test/sync?c=${GDPR_CONSENT_755}&o=${GDPR_CONSENT_10}&g=${GDPR}&r=${REDIRECT}",
    )
    framed = MatchPartner(name="framed", vendor=10, hosts=("f.test",), url="https://f.test/?${REDIRECT}", type="iframe")
    return GateSettings(partners=(DSP, asks, framed, *more))


async def cookie_sync(collector, said: dict[str, Any], **headers: str) -> tuple[int, Any]:
    heads = BROWSER | OURS | {"Content-Type": "text/plain", "Origin": "https://shop.example"} | headers
    answer = await collector.send("/cookie_sync", json.dumps(said).encode(), headers=heads)
    return answer.status, json.loads(answer.body)


async def test_a_page_is_told_whom_to_ask(collector, strings, tmp_path):
    gate = partners()
    put_sites(tmp_path, msgspec.structs.replace(SHOP, gate=gate), msgspec.structs.replace(FREE, gate=gate))
    said = {"site": "wk", "bidders": ["asks", "framed", "dsp", "nobody"], "gdpr": 1, "gdpr_consent": strings["yes"]}
    status, answer = await cookie_sync(collector, said)
    [one] = answer["bidder_status"]  # framed is not allowed, dsp has no address, nobody is unknown
    assert (status, answer["status"], one["bidder"], one["no_cookie"]) == (200, "ok", "asks", True)
    assert (one["usersync"]["type"], one["usersync"]["supportCORS"]) == ("redirect", False)
    address = urlsplit(one["usersync"]["url"])
    asked = dict(parse_qsl(address.query, keep_blank_values=True))
    assert (address.scheme, address.hostname, address.path) == ("https", "eu.dsp.test", "/sync")
    assert (asked["c"], asked["o"], asked["g"]) == (strings["yes"], "", "1")
    back = urlsplit(asked["r"].replace("$UID", "p-5"))  # as the partner does it
    assert f"{back.scheme}://{back.netloc}" == collector.url
    answer = await collector.send(f"{back.path}?{back.query}", method="GET", headers=BROWSER | OURS)
    assert answer.status == 200
    [record] = collector.stored()
    assert (record.name, record.props) == ("id_match", {"partner": "asks", "partner_uid": "p-5"})

    async def told(said: dict[str, Any], **headers: str) -> list[str]:
        status, answer = await cookie_sync(collector, said, **headers)
        assert status == 200, answer
        return [one["bidder"] for one in answer["bidder_status"]]

    assert await told({"site": "wk-free"}) == ["asks", "framed"]
    assert await told({"site": "wk-free", "limit": 1}) == ["asks"]
    assert await told({"site": "wk-free", "us_privacy": "1YYN"}) == []
    assert await told({"site": "wk-free", "gpp": "DBABTA~1YYN", "gpp_sid": "6"}) == []
    assert await told({"site": "wk-free"}, **{"Sec-GPC": "1"}) == []
    assert await told({"site": "wk", "gdpr": 0}) == []  # where the person is nobody knows
    assert await told({"site": "wk", "gdpr": 1, "gdpr_consent": "nonsense"}) == []
    assert await told({"site": "wk", "analytics": 1, "ads": 1}) == ["asks", "framed"]
    assert await told({"site": "wk-free", "visitor": "visitor-9"}, Cookie="") == ["asks", "framed"]
    status, answer = await cookie_sync(collector, {"site": "wk-free"}, Cookie="")
    assert (status, answer) == (200, {"status": "no_cookie", "bidder_status": []})
    assert len(collector.stored()) == 1


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"site": "wk", "gdpr": 1}, 400),
        ({"site": "wk", "bidders": "asks"}, 400),
        ({"site": "nobody"}, 401),
        ([], 400),
    ],
)
async def test_what_cookie_sync_refuses(collector, said, status):
    assert (await cookie_sync(collector, said))[0] == status


@pytest.mark.parametrize(
    "url",
    ["https://evil.test/?${REDIRECT}", "http://dsp.test/?${REDIRECT}", "https://dsp.test/", "https://${REDIRECT}"],
)
def test_a_partner_is_asked_on_its_own_hosts_only(url):
    with pytest.raises(ValueError, match="url must be https"):
        MatchPartner(name="x", hosts=("dsp.test",), url=url)


async def test_a_partners_id_on_the_list_is_left_alone(collector):
    from tracker.catalog import Catalog

    catalog = Catalog(f"sqlite:///{collector.data}/list.sqlite", collector.data / "unused.json")
    keys = keys_of("free", "wk-free", KEY)
    named = person(keys, "network", "dsp:p-1")
    assert named.stored == keyed(keys, "dsp:p-1")
    catalog.suppressions.apply([Deed("free", named.hash, "network", Reason.OPTOUT, 1)], "api")
    catalog.suppressions.publish()  # on a slow machine the file rests after it was written (`Suppressions.settle`)
    collector.app[SERVICE].suppressions._next_look = 0
    assert (await ask(collector, "/setuid", site="wk-free", uid="p-1")).status == 451
    assert (await ask(collector, "/setuid", site="wk-free", uid="p-2")).status == 200


async def test_match_rates(engine, data):
    road = Road(data, engine)
    old = T0 - 40 * 86_400_000

    def match(n: int, visitor: str, uid: str, partner: str = "dsp", **more: Any) -> Event:
        props = {"partner": partner, "partner_uid": uid}
        return event(n, name="id_match", visitor=visitor, mode="M4", props=props, **more)

    road.load(
        [
            match(1, "a", "p-1"),
            match(2, "b", "p-2"),
            match(3, "b", ""),  # ended
            match(4, "c", "p-3", ts=old, received=old),  # counts no more
            match(5, "d", "q", "other"),
            event(6, visitor="e", mode="M4"),
            event(7, visitor="f", mode="M3"),
            match(8, "g", "p-4", bot="rate"),
            event(9, name="id_shared", visitor="e", mode="M4", props={"partner": "dsp"}),
        ]
    )
    found = match_rates.run(engine, "shop", {"dsp": 30, "other": 1}, T0 + 60_000)
    assert found == [
        {"partner": "dsp", "days": 30, "visitors": 4, "matched": 1, "shared": 1, "rate": 0.25},
        {"partner": "other", "days": 1, "visitors": 4, "matched": 1, "shared": 0, "rate": 0.25},
    ]
    async with serve(engine, data) as api:
        api.catalog.sites.create("shop", consent="opt-out")
        assert (await api.ask("GET", "/api/v1/partners?site=shop")) == (200, {"partners": []})
        gate = {"partners": [{"name": "dsp", "hosts": ["dsp.test"], "macro": "$UID", "vendor": 755}]}
        assert (await api.ask("PUT", "/api/v1/sites/shop", {"gate": gate}))[0] == 200
        status, answer = await api.ask("GET", "/api/v1/partners?site=shop")
        assert (status, answer["partners"][0]["partner"]) == (200, "dsp")
        for wrong in ({"macro": "${GDPR}"}, {"hosts": ["https://x"]}, {"days": 0}, {"name": "a b"}):
            body = {"gate": {"partners": [gate["partners"][0] | wrong]}}
            assert (await api.ask("PUT", "/api/v1/sites/shop", body))[0] == 400, wrong
