"""What a scheduled report says: a mail with its figures in plain text and the table as CSV, and JSON for webhooks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

from tracker.api.formats import Format, table
from tracker.api.schedule_question import Posed
from tracker.audiences.delivery.word import Word
from tracker.catalog.report_runs import Run
from tracker.catalog.schedules import Schedule
from tracker.core import rhythm
from tracker.core.errors import BadRequest
from tracker.core.lines import one_line
from tracker.core.period import rfc3339
from tracker.outbound.mail import Attachment

MadeWord = Callable[[Sequence[str]], Word]
MOST_BYTES = 5_000_000
"""Of the CSV: mail servers commonly refuse mails over ten megabytes, and an attachment grows by a third."""


def words(schedule: Schedule, run: Run, question: Posed, answer: Mapping[str, Any]) -> tuple[MadeWord, int]:
    """The word for given addresses (none: the destination's own), and the number of rows of the table.

    Raises BadRequest where the report has no table, or one that is too large.
    """
    asked = question.asked
    report, timezone = asked.report, asked.site.timezone
    content = table(report.name, dict(answer), Format.CSV)
    if len(content) > MOST_BYTES:
        raise BadRequest(
            f"the table has {len(content) / 1e6:,.0f} MB, and no more than {MOST_BYTES / 1e6:,.0f} MB are sent: choose"
            " a shorter period or fewer rows",
            code="too_big",
        )
    rows = len(import_module("tracker.analytics.tables").table(report.name, answer)[1])
    name, days = one_line(schedule.name), _days(question, timezone)
    file = Attachment(name=_file_name(schedule, question, timezone), kind="text/csv", content=content)
    text = [
        *(name, "", f"Site: {asked.site.name}", f"Report: {report.summary}", f"Period: {days} ({timezone})"),
        *(["People: a segment of them"] if asked.some is not None else []),
        *("", *import_module("tracker.analytics.plain").lines(report.name, answer), ""),
        f"The whole table ({rows:,} {'row' if rows == 1 else 'rows'}) is attached: {file.name}",
        "",
        f"Sent by Journey Tracker {_when(schedule, run, timezone)}.",
        "It can be changed, paused and deleted under Scheduled reports.",
        "",
    ]
    facts = {
        **{"site": asked.site.name, "schedule": schedule.id, "name": schedule.name, "report": report.name},
        **{"kind": run.kind, "at": rfc3339(run.at), "period": schedule.period, "timezone": timezone},
        **{"from": rfc3339(question.start), "to": rfc3339(question.end), "answer": answer},
    }

    def word(addresses: Sequence[str]) -> Word:
        return Word(
            key=run.id,
            event="report",
            subject=f"{name}: {asked.site.name}, {days}",
            facts=facts,
            text="\n".join(text),
            file=file,
            to=addresses,
        )

    return word, rows


def _days(question: Posed, timezone: str) -> str:
    """`2026-11-21 to 2026-11-27`, one day alone, or until which hour it was looked at."""
    first, end = _local(question.start, timezone), _local(question.end, timezone)
    last = _local(question.end - 1, timezone).date()
    days = str(first.date()) if last == first.date() else f"{first.date()} to {last}"
    return days if (end.hour, end.minute, end.second) == (0, 0, 0) else f"{days} {end:%H:%M}"


def _when(schedule: Schedule, run: Run, timezone: str) -> str:
    if run.kind == "now":
        return "because somebody asked for it now"
    said = rhythm.parse(schedule.rhythm)
    which = {
        "day": "every day",
        "week": f"every {rhythm.WEEKDAYS[said.weekday].capitalize()}",
        "month": f"every month on day {said.day}",
    }
    return f"{which[said.every]} at {said.hour:02}:00 ({timezone})"


def _file_name(schedule: Schedule, question: Posed, timezone: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9]+", "-", schedule.name).strip("-")[:60] or schedule.report.replace("/", "-")
    return f"{schedule.site}-{plain}-{_local(question.start, timezone).date()}.csv"


def _local(at_ms: int, timezone: str) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(timezone))
