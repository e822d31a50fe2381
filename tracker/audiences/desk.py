"""Takes an order for an export and carries it out, whoever gave it: a person, the command line, or a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog

from tracker.audiences import sensitive
from tracker.audiences.advertising_ids import ids_for
from tracker.audiences.changes import DAY_MS
from tracker.audiences.definition import stored
from tracker.audiences.deliver import sender_of, settle_before
from tracker.audiences.delivery import Sender, Senders
from tracker.audiences.export import run_export
from tracker.audiences.order import Order
from tracker.audiences.small import FEWEST, cell
from tracker.catalog import Catalog
from tracker.catalog.audiences import StoredAudience
from tracker.catalog.deliveries import DOWNLOAD
from tracker.catalog.exports import Export
from tracker.core.errors import Conflict, TrackerError
from tracker.core.period import duration_ms
from tracker.networks import NETWORKS
from tracker.store.engine import Engine

log = structlog.get_logger()

_NOBODY = Conflict("nobody is to be taken back", code="nobody_to_take_back")


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What exports need: the store, the catalog, the folder of finished files, what sends, a clock, our version."""

    engine: Engine
    catalog: Catalog
    folder: Path
    senders: Senders
    now_ms: Callable[[], int]
    version: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """One export as it was ordered; `min_size` None: the site's own. `options`: checked by whoever orders it.

    `takes_back`: only who is to be taken back goes out; it fails with `nobody_to_take_back` where nobody is.
    `dry_run`: what would be sent there is written into a file for download; nothing is sent or noted.
    """

    audience: StoredAudience
    network: str
    mode: str
    shape: str
    destination: str
    actor: str
    min_size: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    takes_back: bool = False
    dry_run: bool = False


def begin(catalog: Catalog, job: Job) -> Export:
    """The export, running, before anything is done for it."""
    return catalog.exports.create(
        job.audience.site,
        job.audience.id,
        network=job.network,
        mode=job.mode,
        actor=job.actor,
        min_size=job.min_size or catalog.sites.min_size(job.audience.site),
        details={
            "shape": job.shape,
            "destination": job.destination,
            **({"options": dict(job.options)} if job.options else {}),
            **({"dry_run": True} if job.dry_run else {}),
        },
    )


def attempt(export: Export, work: Callable[[], None]) -> dict[str, str]:
    """Do the work of an export; gives `{"code", "message"}` of why it failed, {} where it did not. Raises nothing."""
    try:
        work()
    except TrackerError as error:
        log.info("export_failed", export=export.id, code=error.code)
        return dict(error.as_json()["error"])
    except Exception:
        log.exception("export_broken", export=export.id)
        return {"code": "broken", "message": "something went wrong inside; the service's log has it"}
    return {}


def carry_out(desk: Desk, job: Job, export: Export) -> Export:
    """Blocks until it is done or failed; gives it as it ended. Raises nothing."""
    try:
        order = _order(desk, job, export)
    except TrackerError as error:
        desk.catalog.exports.fail(export.id, error.as_json()["error"], counts={"written": 0, "withheld": {}})
    except Exception:
        log.exception("export_broken", export=export.id)
        why = {"code": "broken", "message": "something went wrong inside; the service's log has it"}
        desk.catalog.exports.fail(export.id, why, counts={"written": 0, "withheld": {}})
    else:
        run_export(desk.engine, desk.catalog, desk.folder, order)
    return desk.catalog.exports.get(export.id)


def _order(desk: Desk, job: Job, export: Export) -> Order:
    catalog = desk.catalog
    sender: Sender | None = None
    notice: Sender | None = None
    if job.destination != DOWNLOAD:
        destination = catalog.destinations.get(job.destination)
        made = sender_of(catalog, desk.senders, destination)
        sender, notice = (None, made) if destination.kind == "email" else (made, None)
    if not job.dry_run:
        settle_before(catalog, desk.senders, export.line)
    site = catalog.sites.get(job.audience.site)
    definition = stored(job.audience, lambda other: catalog.audiences.get(other).rule)
    ids = ids_for(desk.engine, catalog, desk.senders, site, definition, NETWORKS[job.network], desk.now_ms)
    return Order(
        export=export,
        site=site,
        definition=definition,
        rule_changed=job.audience.updated_at,
        ids=tuple(replace(one, quiet=job.dry_run) for one in ids),
        days=_days(job.audience.duration, job.network),
        now_ms=desk.now_ms,
        version=desk.version,
        sender=sender,
        notice=notice,
        stays=sensitive.refusal(catalog, job.audience) or (_NOBODY if job.takes_back else None),
        takes_back=job.takes_back,
    )


def warned(catalog: Catalog, audience: StoredAudience, network: str, min_size: int | None = None) -> list[str]:
    """Why a list may be of no use, as far as is known before it is made: it is smaller than the site's minimum, or than
    the network's. Nothing where the audience was never refreshed.
    """
    state = catalog.memberships.get(audience.id)
    if state is None or not state.basis:
        return []
    shown = cell(state.exportable)
    members = f"fewer than {FEWEST}" if shown is None else str(shown)
    about = NETWORKS[network]
    least = min_size or catalog.sites.min_size(audience.site)
    found = []
    if state.exportable < least:
        found.append(f"the minimum is {least}; this list has {members}: nobody new is exported")
    if state.exportable < about.minimum:
        found.append(f"{about.title} cannot use a list of fewer than {about.minimum}; this one has {members}")
    return found


def _days(duration: str, network: str) -> int:
    """Whole days of membership, as the audience says and the network lets."""
    days = -(-duration_ms(duration, field="duration") // DAY_MS)
    return min(days, NETWORKS[network].days or days)
