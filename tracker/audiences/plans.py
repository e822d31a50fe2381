"""The chore that delivers: every plan in its turn, one after the other; what is undecided is settled first."""

from __future__ import annotations

import threading

import structlog

from tracker.audiences import recall
from tracker.audiences.conversions import upload
from tracker.audiences.deliver import settle_before
from tracker.audiences.desk import Desk, Job, begin, carry_out
from tracker.audiences.outreach import run as outreach
from tracker.catalog.contacts import LIST
from tracker.catalog.conversions import PREFIX
from tracker.catalog.exports import DONE, Export
from tracker.catalog.plans import Plan
from tracker.core.errors import NotFound, TrackerError
from tracker.core.period import duration_ms

log = structlog.get_logger()


class Deliverer(threading.Thread):
    """Looks every some seconds, until asked to stop."""

    def __init__(self, desk: Desk, every_s: float, stop: threading.Event) -> None:
        super().__init__(name="deliverer", daemon=True)
        self._desk, self._every, self._stop_asked = desk, every_s, stop

    def run(self) -> None:
        """What fails is logged and tried again; each plan counts its own failures."""
        while not self._stop_asked.is_set():
            try:
                deliver_due(self._desk, self._stop_asked)
            except TrackerError as error:
                log.warning("deliveries.not_now", code=error.code)
            except Exception:
                log.exception("deliveries.failed")
            self._stop_asked.wait(self._every)


def deliver_due(desk: Desk, stop: threading.Event | None = None) -> int:
    """Settle what is undecided, then deliver what is due; gives how many deliveries were made, well or not."""
    settle_before(desk.catalog, desk.senders)
    made = 0
    for plan in desk.catalog.plans.due(desk.now_ms()):
        if stop is not None and stop.is_set():
            break
        _deliver(desk, plan)
        made += 1
    return made


def _deliver(desk: Desk, plan: Plan) -> None:
    catalog = desk.catalog
    try:
        catalog.sites.get(plan.site)
        ended = _carried_out(desk, plan)
    except NotFound:
        log.warning("delivery.ended", delivery=plan.id)
        catalog.plans.delete(plan.id)
        return
    if plan.mode == recall.MODE and recall.is_over(catalog, plan, ended):
        log.info("recall.over", delivery=plan.id)
        catalog.plans.delete(plan.id)
        return
    good = ended.state == DONE
    if not good:
        log.warning("delivery.failed", delivery=plan.id, export=ended.id, code=(ended.error or {}).get("code"))
    every = duration_ms(plan.every, field="every")
    catalog.plans.ended(plan.id, ended.id, good=good, every_ms=every, at=desk.now_ms())


def _carried_out(desk: Desk, plan: Plan) -> Export:
    """Raises NotFound where what is delivered has gone."""
    if plan.mode == recall.MODE:
        return recall.carry_out(desk, plan)
    if plan.network.startswith(LIST):
        return _listed(desk, plan)
    return _told(desk, plan) if plan.audience.startswith(PREFIX) else _exported(desk, plan)


def _exported(desk: Desk, plan: Plan) -> Export:
    """Raises NotFound where the audience has gone."""
    job = Job(
        audience=desk.catalog.audiences.get(plan.audience),
        network=plan.network,
        mode=plan.mode,
        shape=plan.shape,
        destination=plan.destination,
        actor=plan.actor,
        options=plan.details.get("options", {}),
    )
    return carry_out(desk, job, begin(desk.catalog, job))


def _listed(desk: Desk, plan: Plan) -> Export:
    """Raises NotFound where the audience has gone."""
    wanted = outreach.planned(desk.catalog, plan)
    return outreach.carry_out(desk, wanted, outreach.begin(desk.catalog, wanted))


def _told(desk: Desk, plan: Plan) -> Export:
    """Raises NotFound where the conversion has gone."""
    conversion = desk.catalog.conversions.get(plan.audience)
    return upload.carry_out(desk, conversion, upload.begin(desk.catalog, conversion, plan.mode, plan.actor))
