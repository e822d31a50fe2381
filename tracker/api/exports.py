"""Exports: start one, see how it goes, fetch the file."""

from __future__ import annotations

from typing import Any

from tracker.api.audiences import definition_of, found
from tracker.api.call import Call, FileReply, Reply
from tracker.audiences.changes import DAY_MS
from tracker.audiences.export import Order, check_request, run_export, stem_of
from tracker.audiences.parcel import artefact
from tracker.catalog.exports import DONE, Export
from tracker.core.errors import Conflict, Forbidden, NotFound
from tracker.core.period import duration_ms, rfc3339
from tracker.networks import NETWORKS


def started(call: Call) -> Reply:
    """`POST /api/v1/audiences/{id}/export`: goes on after the answer."""
    audience, wanted, services = found(call), call.body, call.services
    check_request(wanted.network, wanted.mode, wanted.shape, wanted.destination)
    if wanted.min_size is not None and not call.principal.may("admin"):
        raise Forbidden("only an admin may go below the site's minimum", field="min_size")
    site, definition = call.site(audience.site), definition_of(call, audience)
    minimum = wanted.min_size or services.catalog.sites.min_size(site.name)
    export = services.catalog.exports.create(
        site.name,
        audience.id,
        network=wanted.network,
        mode=wanted.mode,
        actor=call.principal.id,
        min_size=minimum,
        details={"shape": wanted.shape},
    )
    noted = {"audience": audience.id, "export": export.id, "network": wanted.network}
    if wanted.min_size is not None:
        noted["min_size"] = str(wanted.min_size)
    call.audit("export", site=site.name, **noted)
    order = Order(
        export=export,
        site=site,
        definition=definition,
        days=_days(audience.duration, wanted.network),
        now_ms=services.now_ms,
        version=services.version,
    )
    call.exporter(lambda: run_export(services.engine, services.catalog, services.exports, order))
    return Reply({"id": export.id, "state": export.state}, 202)


def _days(duration: str, network: str) -> int:
    """Whole days of membership, as the audience says and the network lets."""
    days = -(-duration_ms(duration, field="duration") // DAY_MS)
    return min(days, NETWORKS[network].days or days)


def networks(_call: Call) -> dict[str, Any]:
    """`GET /api/v1/networks`."""
    return {
        "networks": [
            {
                "name": one.name,
                "title": one.title,
                "shapes": ["file", "api"] if one.build is not None else ["file"],
                "minimum": one.minimum,
                "max_days": one.days,
                "replaces": one.replaces,
                "note": one.note,
            }
            for one in NETWORKS.values()
        ]
    }


def listed(call: Call) -> dict[str, Any]:
    """`GET /api/v1/exports`."""
    site = call.site(call.query.site)
    return {
        "exports": [_shown(one) for one in call.services.catalog.exports.list(site=site.name, limit=call.query.limit)]
    }


def one(call: Call) -> dict[str, Any]:
    """`GET /api/v1/exports/{id}`."""
    return _shown(_found(call))


def file(call: Call) -> FileReply:
    """`GET /api/v1/exports/{id}/file`. Raises Conflict while there is none, NotFound when it was removed."""
    export = _found(call)
    if export.state != DONE or not export.files:
        raise Conflict(f"this export is {export.state}: there is no file", code="no_file")
    path, kind = artefact(call.services.exports, stem_of(export), export.files)
    if not path.is_file():
        raise NotFound("the file of this export was removed", code="file_gone")
    call.audit("export.download", site=export.site, export=export.id)
    return FileReply(path, path.name, kind)


def _found(call: Call) -> Export:
    export = call.services.catalog.exports.get(call.path["id"])
    call.allow(export.site)
    return export


def _shown(export: Export) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": export.id,
        "site": export.site,
        "audience": export.audience,
        "network": export.network,
        "mode": export.mode,
        "shape": export.details.get("shape", "file"),
        "state": export.state,
        "warnings": export.details.get("warnings", []),
        "counts": export.counts or {"written": 0, "withheld": {}},
        "files": [
            {"name": file.name, "rows": file.rows, "sha256": file.sha256, "bytes": file.bytes} for file in export.files
        ],
        "created": rfc3339(export.created_at),
        "finished": None if export.finished_at is None else rfc3339(export.finished_at),
    }
    if export.error is not None:
        shown["error"] = export.error
    return shown
