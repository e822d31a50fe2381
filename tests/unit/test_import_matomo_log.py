"""`--format matomo-log`: what every kind of line becomes, with a real log, resumed and repeated."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from pathlib import Path
from urllib.parse import urlencode

import pytest
from test_import_run import DATA, SITE, job, quietly, records

from tracker.collector.parsed import Unreadable
from tracker.collector.protocols import matomo
from tracker.core.event import Event, RawEvent
from tracker.imports import matomo_log
from tracker.imports import run as runner
from tracker.imports.access_log import Skipped
from tracker.imports.run import run

KEY = b"k" * 32
QUERY = urlencode({"idsite": 1, "rec": 1, "url": "https://shop.example/p", "_id": "0123456789abcdef", "r": "123456"})


def line(target: str, *, method: str = "GET", status: int = 200, referrer: str = "-", agent: str = "UA/1") -> str:
    return (
        f'203.0.113.9 - - [17/May/2015:10:05:03 +0000] "{method} {target} HTTP/1.1" {status} 43 "{referrer}" "{agent}"'
    )


def outcomes(text: str) -> list[RawEvent | Unreadable | Skipped]:
    return [outcome for outcome, _ in matomo_log.parse(text.encode(), site=SITE, key=KEY)]


def one(text: str) -> RawEvent:
    [raw] = outcomes(text)
    assert isinstance(raw, RawEvent), raw
    return raw


@pytest.mark.parametrize("path", ["/matomo.php", "/stats/piwik.php"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_of_the_tracking_api_is_the_hit_it_carried(path: str, method: str) -> None:
    raw = one(line(f"{path}?{QUERY}", method=method, status=500))
    assert (raw.name, raw.url, raw.visitor) == ("page_view", "https://shop.example/p", "0123456789abcdef")
    assert (raw.ts, raw.ip, raw.ua, raw.library) == (1431857103000, "203.0.113.9", "UA/1", "matomo-log")


def test_it_is_the_event_that_it_was_when_it_was_sent() -> None:
    [hits] = matomo.split(QUERY, b"").hits
    sent = matomo.reader(trusted=False, now=0)(hits.texts[0])
    assert isinstance(sent, RawEvent)
    assert sent.message_id == one(line(f"/matomo.php?{QUERY}")).message_id
    assert sent.message_id is not None


def test_the_hit_wins_over_the_line() -> None:
    more = urlencode({"cip": "198.51.100.1", "cdt": "2015-05-17 10:00:00", "ua": "other"})
    raw = one(line(f"/matomo.php?{QUERY}&{more}"))
    assert (raw.ts, raw.ip, raw.ua) == (1431856800000, "198.51.100.1", "other")
    assert one(line("/matomo.php?rec=1&idsite=1", referrer="https://shop.example/r")).url == "https://shop.example/r"


def test_any_other_request_is_read_as_import_logs_reads_it() -> None:
    view = one(line("/a/?q=1", referrer="https://www.google.com/"))
    assert (view.type, view.name, view.url) == ("page", "page_view", "https://shop.example/a/?q=1")
    assert (view.referrer, view.visitor[:4]) == ("https://www.google.com/", "log-")
    file = one(line("/files/Price%20List.PDF"))
    assert (file.name, file.props["file_extension"]) == ("file_download", "pdf")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (line("/a.css"), "static"),
        (line("/robots.txt"), "static"),
        (line("/a", method="POST"), "method"),
        (line("/a", status=404), "status"),
        (line("/a", status=301), "status"),
        (line("/matomo.php", method="POST"), "no_hit"),
        (line("/index.php?module=CoreHome&action=index"), "matomo"),
        ("other.example " + line("/a"), "other_site"),
        (line("/matomo.php?rec=1&_id=a&url=https%3A%2F%2Fother.example%2F"), "other_site"),
    ],
)
def test_what_is_skipped_has_a_reason(text: str, reason: str) -> None:
    assert outcomes(text) == [Skipped(reason)]


def test_hits_as_json_and_as_query_strings() -> None:
    hit = {"rec": 1, "idsite": 1, "url": "https://shop.example/", "uid": "u", "cdt": 1431857103, "e_c": "c", "e_a": "a"}
    assert one(json.dumps(hit)).name == "a"
    assert [raw.name for raw in outcomes(json.dumps({"requests": [hit, "?" + QUERY]}))] == ["a", "page_view"]
    assert one("?" + QUERY).visitor == "0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nonsense", "unreadable"),
        ('{"requests":', "unreadable"),
        ('{"rec":1,"cdt":"x"}', "bad_time"),
        ('{"idsite":1}', "bad_field"),
        ('{"rec":1,"x":1e999}', "unreadable"),
    ],
)
def test_unreadable_lines_have_a_reason(text: str, reason: str) -> None:
    [found] = outcomes(text)
    assert isinstance(found, Unreadable)
    assert found.reason == reason


def test_lines_of_a_web_server_leave_no_text_behind() -> None:
    """They hold addresses."""
    for text in (line("/a"), line(f"/matomo.php?{QUERY}"), line("/matomo.php?rec=0&x=1")):
        assert [kept for _, kept in matomo_log.parse(text.encode(), site=SITE, key=KEY)] == [b""]


def test_the_real_access_log_adds_up(tmp_path: Path) -> None:
    path = DATA / "access-log" / "apache_logs.gz"
    progress = run(job(path, "matomo-log", tmp_path), quietly)
    with gzip.open(path, "rt", errors="replace") as text:
        lines = list(text)
    assert progress.accepted + sum(progress.rejected.values()) + sum(progress.skipped.values()) == len(lines)
    found = [event for event in records(tmp_path) if isinstance(event, Event)]
    assert len(found) == progress.accepted
    assert len({event.id for event in found}) == len(found)
    assert {event.source for event in found} == {"matomo-log"}
    assert set(Counter(event.name for event in found)) == {"page_view", "file_download"}
    shown = [at for at in lines if re.search(r'"GET \S+\.(?:zip|pdf)(?:\?\S*)? HTTP/1\.\d" (?:2\d\d|304)', at)]
    downloads = [event for event in found if event.name == "file_download"]
    assert sum(event.props["file_extension"] in ("zip", "pdf") for event in downloads) == len(shown) > 0
    page = "/presentations/logstash-monitorama-2013/"
    wanted = sum(f'"GET {page} HTTP' in at and '" 200 ' in at for at in lines)
    assert sum(event.url == f"https://shop.example{page}" for event in found) == wanted


def test_an_import_goes_on_after_a_stop_and_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped after one group: the same command goes on. Read again: the same ids."""
    path = tmp_path / "matomo.log"
    hits = [line(f"/matomo.php?{QUERY[:-6]}{n:06}") for n in range(4000)] + [line("/same")] * 3
    path.write_text("\n".join(hits) + "\n")

    class Stop(Exception):
        pass

    def stop(_progress: object) -> None:
        raise Stop

    with pytest.raises(Stop):
        run(job(path, "matomo-log", tmp_path), stop)
    first = len(records(tmp_path))
    assert 0 < first < 4003
    progress = run(job(path, "matomo-log", tmp_path), quietly)
    assert (progress.accepted, progress.done) == (4003, True)
    found = [event for event in records(tmp_path) if isinstance(event, Event)]
    assert len({event.id for event in found}) == 4003, "three equal lines are three visits to the page"
    run(job(path, "matomo-log", tmp_path, again=True), quietly)
    again = [event for event in records(tmp_path) if isinstance(event, Event)]
    assert {event.id for event in again} == {event.id for event in found}
    assert runner.READERS.keys() >= {"matomo-log"}
