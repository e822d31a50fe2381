"""Making scheduled reports: claim the moments that have come, then one report at a time: ask, tell, note how it ended.

The report is asked as a viewer of its site would ask it: by the same code, within the same limits. A moment is claimed
in the catalog before anything is sent. What was sent and not noted, because the process ended between the two, is sent
again under the same id.
"""

from __future__ import annotations

import threading

import structlog

from tracker.api import reports
from tracker.api.bounded import Bounded
from tracker.api.call import Asker
from tracker.api.schedule_question import posed
from tracker.api.schedule_words import MadeWord, words
from tracker.api.services import Services
from tracker.audiences.delivery.word import Word
from tracker.audiences.telling import tell
from tracker.catalog import Principal
from tracker.catalog.report_runs import DONE, FAILED, Run
from tracker.catalog.schedules import Schedule
from tracker.core import rhythm
from tracker.core.errors import BadRequest, TrackerError

log = structlog.get_logger()

SENDING_S = 600.0
"""How long one destination may take, with the pauses and tries of the outbound door."""
_PAUSED = {"code": "paused", "message": "it was paused before it was sent everywhere"}
_BROKEN = {"code": "error", "message": "something went wrong inside; the service's log has it"}


def claim_due(services: Services) -> int:
    """A run for each schedule whose moment has come: the last one, however many were missed. How many."""
    now, claimed = services.now_ms(), 0
    zones = {site.name: site.timezone for site in services.catalog.sites.list()}
    for schedule in services.catalog.schedules.list():
        if schedule.paused or schedule.site not in zones:
            continue
        moment = rhythm.parse(schedule.rhythm).latest(zones[schedule.site], now)
        if moment > schedule.claimed_at and services.catalog.schedules.claim(schedule, moment) is not None:
            claimed += 1
    return claimed


def make_waiting(services: Services, stop: threading.Event) -> int:
    """Make what waits, one after the other; gives how many were tried."""
    made = 0
    lease = round((services.report_timeout_s + SENDING_S) * 1000)
    while not stop.is_set() and (run := services.catalog.report_runs.take(services.now_ms(), lease)) is not None:
        made += 1
        try:
            _make(services, run, stop)
        except TrackerError as failure:
            _ended(services, run, _said(failure), again=not isinstance(failure, BadRequest))
        except Exception:
            log.exception("reports.failed", schedule=run.schedule, run=run.id)
            _ended(services, run, _BROKEN)
    return made


def _make(services: Services, run: Run, stop: threading.Event) -> None:
    schedule, site = services.catalog.schedules.get(run.schedule), services.catalog.sites.get(run.site)
    if schedule.paused and run.kind == "due":
        _ended(services, run, _PAUSED)
        return
    asker = Asker(
        services=services,
        principal=Principal(id=schedule.id, role="viewer", site=site.name),
        engine=Bounded(services.engine, services.report_timeout_s, services.report_memory),
    )
    question = posed(asker, site, schedule, run.at)
    word, rows = words(schedule, run, question, reports.answer(asker, question.asked))
    services.catalog.report_runs.found(run, question.start, question.end, rows)
    _send(asker, schedule, run, word, stop)


def _send(asker: Asker, schedule: Schedule, run: Run, word: MadeWord, stop: threading.Event) -> None:
    """To each destination that has neither taken it yet nor refused it for good."""
    services = asker.services
    runs = services.catalog.report_runs
    failures, again = [], False
    for to in schedule.to:
        destination = str(to["destination"])
        before = run.told.get(destination, {})
        if before.get("state") == DONE:
            continue
        if before.get("state") == FAILED:
            failures.append((destination, before["error"]))
            continue
        until = services.now_ms() + round(SENDING_S * 1000)
        if stop.is_set() or not runs.hold(run, until):
            return  # taken up again after the start, or deleted
        error, ends = _told(services, destination, word(to.get("addresses", ())))
        runs.told(run, destination, error, ends=ends)
        if error is None:
            asker.audit("report.send", site=run.site, run=run.id, report=schedule.report, destination=destination)
        else:
            failures.append((destination, error))
            again = again or not ends
    _ended(services, run, _together(services, failures), again=again)


def _told(services: Services, destination: str, word: Word) -> tuple[dict[str, str] | None, bool]:
    """What went wrong (None: nothing), and whether there is no use in trying again."""
    try:
        tell(services.catalog, services.senders, destination, word)
    except TrackerError as failure:
        return _said(failure), isinstance(failure, BadRequest)
    except Exception:
        log.exception("reports.not_sent", destination=destination, key=word.key)
        return _BROKEN, True
    return None, True


def _together(services: Services, failures: list[tuple[str, dict[str, str]]]) -> dict[str, str] | None:
    """What failed at which destination, as one error; None: nothing did."""
    if not failures:
        return None
    known = {one.id: one.name for one in services.catalog.destinations.list()}
    said = "; ".join(f"{known.get(destination, destination)}: {error['message']}" for destination, error in failures)
    return {"code": failures[0][1]["code"], "message": said}


def _ended(services: Services, run: Run, error: dict[str, str] | None, *, again: bool = False) -> None:
    state = services.catalog.report_runs.ended(run, services.now_ms(), error, again=again)
    note = log.info if error is None else log.warning
    note("reports.run", schedule=run.schedule, run=run.id, state=state, code=(error or {}).get("code"))


def _said(failure: TrackerError) -> dict[str, str]:
    return failure.as_json()["error"]
