"""Every route is listed in docs/security.md, and does what the list says. A new one fails here until it is listed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tracker.api.app import make_app as make_api
from tracker.api.routes import ROUTES
from tracker.api.site_pages import PUBLIC
from tracker.collector.app import make_app
from tracker.collector.settings import CollectorSettings

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
ROWS = re.findall(r"^\| `([A-Z*]+) (\S+)` \| ([^|]+) \| ([^|]*) \|$", PAGE, re.MULTILINE)
LISTED = {(method, path): (who.strip(), body.strip()) for method, path, who, body in ROWS}
# What nothing but white space is answered where that is no unreadable body.
WHITE = {
    **{"/g/collect": 401, "/flags": 200, "/decide": 200, "/debug/mp/collect": 200},
    "/f/nobody": 401,
    **{"/matomo.php": 401, "/piwik.php": 401, "/": 404, "/index.php": 404},
}
SIZES = {"": 0, "16 kB": 16_384, "32 kB": 32_768, "1 MB": 1_000_000, "5 MB": 5_000_000}


def served(app) -> set[tuple[str, str]]:
    return {(route.method, route.resource.canonical) for route in app.router.routes()}


def test_every_route_of_the_collector_is_listed(tmp_path):
    routes = served(make_app(CollectorSettings(data=tmp_path)))
    preflights = {(method, path) for method, path in routes if method == "OPTIONS"}
    posts = {path for method, path in routes if method == "POST"}
    asked = {"/sourceConfig", "/array/{key}/config", "/array/{key}/config.js"}  # with a header of its own, by GET
    assert {path for _, path in preflights} == posts | asked
    assert routes - preflights == set(LISTED)


def test_every_route_of_the_api_has_a_role_or_is_one_of_the_public_pages(tmp_path):
    class Services:
        report_threads = 1
        version = "1"

    routes = {route for route in served(make_api(Services())) if route[0] != "HEAD"}
    assert routes == {(route.method, route.path) for route in ROUTES} | {("GET", path) for path in PUBLIC}
    assert {route.role for route in ROUTES} <= {"viewer", "analyst", "export", "admin"}
    assert all(f"`{path}`" in PAGE for path in PUBLIC)


async def test_another_method_is_405_and_says_which_would_do(start):
    collector = await start()
    paths: dict[str, set[str]] = {}
    for method, path in served(collector.app):
        if path != "/{rest}":
            paths.setdefault(path, set()).add(method)
    for path, methods in paths.items():
        filled = path.replace("{version}", "0" * 16).replace("{name}", "kit." + "0" * 16 + ".js")
        filled = re.sub(r"\{[^}]*\}", "nobody", filled)
        for wrong in {"DELETE", "PUT", "GET", "POST", "OPTIONS"} - methods:
            answer = await collector.send(filled, method=wrong)
            assert (answer.status, answer.headers["Allow"]) == (405, ", ".join(sorted(methods))), (wrong, path)
            assert answer.json["error"]["code"] == "method_not_allowed"
    with_slash = await collector.send("//v1//track/", method="DELETE")
    assert (with_slash.status, with_slash.headers["Allow"]) == (405, "OPTIONS, POST")
    assert (await collector.send("/nothing", method="DELETE")).status == 404


@pytest.mark.parametrize(
    ("method", "path", "who"), [(*key, who) for key, (who, _) in LISTED.items() if who.startswith("write key")]
)
async def test_without_a_key_nothing_is_taken(start, method, path, who):
    collector = await start()
    path = re.sub(r"\{[^}]*\}", "nobody", path)
    body = {"site": "nobody", "events": [], "batch": [], "event": "x", "userId": "u"} if method == "POST" else None
    answer = await collector.send(path, body, method=method)
    assert answer.status in ({200} if path == "/e.gif" else {400, 401} if "name" in who else {401})
    assert collector.stored() == []


@pytest.mark.parametrize(("method", "path"), [key for key, (_, body) in LISTED.items() if key[0] == "POST" and body])
async def test_bodies_are_bounded_as_listed(start, method, path):
    collector = await start()
    most = SIZES[LISTED[method, path][1]]
    path = re.sub(r"\{[^}]*\}", "nobody", path)
    too_much = await collector.send(path, b" " * (most + 1))
    assert too_much.status == 413
    enough = await collector.send(path, b" " * most)
    assert enough.status == WHITE.get(path, 400)
