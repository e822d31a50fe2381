import json

import httpx
import pytest
from dashboard_api import Server
from dashboard_samples import TOKEN

from dashboard.client import Api, ApiAway, ApiError, SignedOut


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def api(server):
    with httpx.Client(timeout=60, trust_env=False) as transport:
        yield Api(server.url + "/", TOKEN, transport)


def test_names_in_addresses_are_escaped(api, server):
    api.install("a/b?c")
    assert server.state.asked[-1][1] == "/api/v1/sites/a%2Fb%3Fc/install"


def test_what_is_sent_is_the_contracts_shape(api, server):
    api.funnel_people({"site": "shop"}, 2, "dropped", 10)
    assert server.state.asked[-1] == (
        "POST",
        "/api/v1/reports/funnel/people",
        {"funnel": {"site": "shop"}, "step": 2, "state": "dropped", "limit": 10},
    )
    api.start_export("7", "csv")
    assert server.state.asked[-1][2] == {"network": "csv", "mode": "full", "shape": "file", "destination": "download"}


def test_a_file_comes_with_its_name(api):
    export = api.start_export("1", "csv")
    assert api.export_file(export["id"]) == ("audience.csv", "text/csv", b"visitor\n0001\n")
    assert api.export_manifest(export["id"])["export"] == export["id"]


ANSWERS = [
    (
        400,
        {"error": {"code": "bad_request", "message": "window must be a duration", "field": "window"}},
        ApiError,
        "Window must be a duration.",
    ),
    (
        403,
        {"error": {"code": "forbidden", "message": ""}},
        ApiError,
        "Your token does not allow this; ask for one with a wider role.",
    ),
    (
        404,
        {"error": {"code": "not_found", "message": "there is no such audience"}},
        ApiError,
        "There is no such audience.",
    ),
    (
        500,
        {"error": {"code": "broken", "message": "Traceback: secret"}},
        ApiError,
        "The service could not answer this. The reason is in its log.",
    ),
    (503, {}, ApiAway, "The tracking service is busy. Try again in a moment."),
    (400, ["not", "an", "object"], ApiError, "The service did not accept this."),
    (200, b"<html>", ApiAway, "The address of the API answers, but not as the API does. Check TRACKER_API_URL."),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer[3])
def test_every_refusal_is_one_sentence(api, server, answer):
    status, body, kind, sentence = answer
    server.state.fail = (status, body)
    with pytest.raises(kind) as caught:
        api.ledger("shop")
    assert caught.value.sentence == sentence
    assert type(caught.value) is kind
    assert caught.value.field == ("window" if "window" in json.dumps(body if isinstance(body, dict) else {}) else None)


def test_an_unknown_token_signs_out(server):
    with httpx.Client(trust_env=False) as transport, pytest.raises(SignedOut):
        Api(server.url, "wrong", transport).sites()


def test_nobody_there_is_away(server):
    server.close()
    with httpx.Client(trust_env=False) as transport, pytest.raises(ApiAway):
        Api(server.url, TOKEN, transport).sites()
