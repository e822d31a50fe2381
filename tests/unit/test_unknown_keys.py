"""An error that lists what is allowed lists all of it, and nothing that would be refused too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from tracker.api import segment
from tracker.api.reports import REPORTS, Report
from tracker.audiences import rules
from tracker.audiences.delivery import kinds
from tracker.core.errors import BadRequest
from tracker.store.filters import UnknownKey

NOBODY = "nobody_reads_this"
RULES: list[tuple[Mapping[str, Any], list[str]]] = [
    ({"did": {NOBODY: 1}}, ["event", "where", "count", "within", "value"]),
    ({"did": {"event": "a", "value": {"sum": "value", NOBODY: 1}}}, ["sum", "gte", "lte", "eq"]),
    ({"did": {"event": "a", "count": {NOBODY: 1}}}, ["gte", "lte", "eq"]),
    ({"property": {NOBODY: 1}}, ["property", "op", "value", "touch"]),
    ({"ltv": {NOBODY: 1}}, ["gte", "lte", "eq"]),
]


def allowed(ask: Callable[[], object]) -> tuple[str, ...]:
    with pytest.raises(UnknownKey) as caught:
        ask()
    assert caught.value.message.endswith(f"allowed here: {', '.join(caught.value.allowed)}")
    return caught.value.allowed


def asked(report: Report, body: Mapping[str, Any]) -> Any:
    return segment.beside(report.question.parse, segment.split(body)[0])


@pytest.mark.parametrize("report", REPORTS, ids=lambda one: one.name)
def test_a_report_lists_all_that_it_takes(report: Report) -> None:
    listed = allowed(lambda: asked(report, {NOBODY: 1}))
    assert {one.encode_name for one in msgspec.structs.fields(report.body)} <= set(listed)
    assert len(set(listed)) == len(listed)
    for name in listed:
        with pytest.raises(BadRequest) as caught:
            asked(report, {name: None} if name != "funnel" else {"funnel": {}})
        assert not isinstance(caught.value, UnknownKey), name
    if "funnel" in listed:
        inner = allowed(lambda: asked(report, {"funnel": {NOBODY: 1}}))
        assert {"site", "from", "to", "steps", "window", segment.KEY} <= set(inner)


@pytest.mark.parametrize(("rule", "listed"), RULES, ids=lambda one: "-".join(one) if isinstance(one, dict) else "")
def test_a_rule_lists_all_that_it_takes(rule: Mapping[str, Any], listed: list[str]) -> None:
    assert list(allowed(lambda: rules.parse(rule))) == listed


def test_a_destination_lists_the_secrets_that_it_takes() -> None:
    options, secret = {"url": "https://h.example/"}, "sixteen letters!"
    kinds.check("webhook", options, {"secret": secret})
    with pytest.raises(BadRequest, match="webhook takes of secrets: secret") as caught:
        kinds.check("webhook", options, {"secret": secret, NOBODY: "told nobody"})
    assert "told" not in caught.value.message
