from __future__ import annotations

import json
import logging

import pytest
import structlog

from tracker.telemetry import GONE, configure, redact


@pytest.mark.parametrize(
    "text",
    [
        "mail to jane.doe+shop@example.co.uk failed",
        "GET /?mail=jane%40example.org",
        "Authorization: Bearer abcdefghijklmnop",
        "clickhouse://tracker:secret@host:9000/db",
        "call +49 (30) 1234-5678 now",
    ],
)
def test_secrets_inside_a_text_are_blanked(text: str) -> None:
    out = redact(None, "info", {"event": text})["event"]
    assert GONE in out
    assert not any(secret in out for secret in ("jane", "abcdefghijklmnop", "secret@", "1234-5678"))


@pytest.mark.parametrize(
    "text", ["loaded 31106 events in 1234567 us", "2026-11-22T05:44:26Z", "c0/000000000017", "a+1 b-2"]
)
def test_plain_texts_stay(text: str) -> None:
    assert redact(None, "info", {"event": text})["event"] == text


def test_values_under_secret_names_are_blanked_at_any_depth() -> None:
    event = redact(
        None, "info", {"event": "x", "Token": 1, "deep": {"Authorization": "z", "list": [{"cookie": 1}, "a@b.cc"]}}
    )
    assert event == {
        "event": "x",
        "Token": GONE,
        "deep": {"Authorization": GONE, "list": [{"cookie": 1}, GONE]} | {"list": [{"cookie": GONE}, GONE]},
    }


def test_a_line_is_one_json_object_with_the_role_even_from_foreign_loggers(capsys: pytest.CaptureFixture[str]) -> None:
    configure(role="engine", form="json")
    try:
        structlog.get_logger().info("hello", n=1)
        logging.getLogger("foreign").warning("mail %s", "a@b.cc")
        try:
            raise ValueError("who is a@b.cc")
        except ValueError:
            structlog.get_logger().exception("failed")
    finally:
        structlog.reset_defaults()
        logging.basicConfig(handlers=[], force=True)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["role"] for line in lines] == ["engine"] * 3
    assert lines[0]["n"] == 1
    assert "a@b.cc" not in json.dumps(lines)
    assert "ValueError" in lines[2]["exception"]
