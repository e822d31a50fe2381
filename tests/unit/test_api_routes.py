"""The route table, the OpenAPI document and what is served are one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tracker.api import docs_page, openapi
from tracker.api.bodies import NewSite, Page
from tracker.api.bodies_audiences import AudienceBody, ExportBody
from tracker.api.formats import Format, wanted
from tracker.api.reading import body_of, query_of
from tracker.api.routes import ROUTES
from tracker.core.errors import BadRequest

CONTRACT = """
POST /api/v1/sites · GET /api/v1/sites · PUT /api/v1/sites/{name} · DELETE /api/v1/sites/{name} · GET /api/v1/ledger
POST /api/v1/reports/funnel · POST /api/v1/reports/funnel/people · POST /api/v1/reports/overview
POST /api/v1/reports/lifecycle · POST /api/v1/reports/rfm
POST /api/v1/reports/live · POST /api/v1/reports/timeseries · GET /api/v1/people · GET /api/v1/people/{id}/timeline
POST /api/v1/reports/retention · POST /api/v1/reports/paths
POST /api/v1/reports/funnel/trend · POST /api/v1/reports/funnel/time
POST /api/v1/reports/funnel/reasons
GET /api/v1/audiences · POST /api/v1/audiences · GET /api/v1/audiences/{id} · PUT /api/v1/audiences/{id}
DELETE /api/v1/audiences/{id} · POST /api/v1/audiences/preview · GET /api/v1/audiences/{id}/members
POST /api/v1/audiences/{id}/export · GET /api/v1/exports/{id} · GET /api/v1/exports/{id}/file · GET /api/v1/segments
GET /api/v1/rejected · POST /api/v1/rejected/replay
"""


def test_every_address_of_the_contract_is_there():
    served = {f"{route.method} {route.path}" for route in ROUTES}
    assert {line.strip() for line in re.split(r"·|\n", CONTRACT) if line.strip()} - served == set()


def test_the_document_has_every_route_and_no_other():
    document = openapi.document("1")
    documented = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert documented == {(route.method, route.path) for route in ROUTES}


def test_every_operation_is_whole():
    document = openapi.document("1")
    ids = set()
    for route in ROUTES:
        operation = document["paths"][route.path][route.method.lower()]
        ids.add(operation["operationId"])
        assert operation["summary"] and route.role in operation["description"]
        names = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "path"}
        assert names == set(route.parameters)
        assert ("requestBody" in operation) == (route.body is not None)
        error = operation["responses"]["401"]["content"]["application/json"]["schema"]
        assert error == {"$ref": "#/components/schemas/Error"}
    assert len(ids) == len(ROUTES)


def _refs(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            else:
                yield from _refs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _refs(inner)


def test_every_reference_leads_somewhere():
    document = openapi.document("1")
    names = set(document["components"]["schemas"])
    references = set(_refs(document))
    assert references
    assert {reference.rpartition("/")[2] for reference in references} <= names


def test_the_page_names_every_route_and_loads_nothing():
    page = docs_page.render(openapi.document("1"))
    for route in ROUTES:
        assert f"<code>{route.path}</code>" in page
    assert not re.search(r"<script|src=|@import|url\(|https?://", page)
    assert "unsafe" not in docs_page.policy()


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", Format.JSON),
        ("*/*", Format.JSON),
        ("application/json, */*", Format.JSON),
        ("text/csv", Format.CSV),
        ("text/csv;q=0.5, application/json", Format.JSON),
        ("text/csv;q=0.9, application/vnd.apache.arrow.stream", Format.ARROW),
        ("text/html", Format.JSON),
        ("text/csv;q=nonsense", Format.JSON),
    ],
)
def test_accept(accept, expected):
    assert wanted(accept, report=True) is expected
    assert wanted(accept, report=False) is Format.JSON


@pytest.mark.parametrize(
    ("raw", "kind", "field"),
    [
        (b"", NewSite, None),
        (b"{", NewSite, None),
        (b"[]", NewSite, None),
        (b"\xff", NewSite, None),
        (b"[" * 100_000, dict, None),
        (b"{}", NewSite, "name"),
        (b'{"name":1}', NewSite, "name"),
        (b'{"name":"a","domains":["x",2]}', NewSite, "domains[1]"),
        (b'{"name":"a","colour":1}', NewSite, "colour"),
        (b'{"name":"a","consent":"maybe"}', NewSite, "consent"),
        (b'{"site":"a","name":"b","rule":[]}', AudienceBody, "rule"),
        (b'{"site":"a","name":"b","rule":{"ltv":{"gte":1e400}}}', AudienceBody, "rule"),
        (b'{"site":"a","name":"b\\u0000","rule":{}}', AudienceBody, "name"),
        (b'{"network":"csv","min_size":0}', ExportBody, "min_size"),
        (b'{"network":"csv","min_size":1000000000000000000000000000000}', ExportBody, "min_size"),
    ],
)
def test_what_is_wrong_with_a_body_is_said_by_field(raw, kind, field):
    with pytest.raises(BadRequest) as caught:
        body_of(raw, kind)
    assert caught.value.field == field
    assert caught.value.message
    assert "..." not in caught.value.message


@pytest.mark.parametrize(
    ("given", "field"), [({"limit": "0"}, "limit"), ({"limit": "x"}, "limit"), ({"limti": "5"}, "limti")]
)
def test_what_is_wrong_with_a_query_string_is_said_by_field(given, field):
    with pytest.raises(BadRequest) as caught:
        query_of(given, Page)
    assert caught.value.field == field


def test_the_handbook_lists_every_route_with_its_role():
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    for route in ROUTES:
        assert f"| `{route.method} {route.path}` | {route.role} |" in text
