"""Exports: start one, see how it goes, fetch the file."""

from __future__ import annotations

from typing import Any

from tracker.api.audiences import definition_of, found
from tracker.api.call import Call, FileReply, Reply
from tracker.api.services import Services
from tracker.audiences.advertising_ids import TWINS
from tracker.audiences.desk import Desk, Job, begin, carry_out, warned
from tracker.audiences.manifest import manifest, versions
from tracker.audiences.order import check_request
from tracker.audiences.parcel import artefact
from tracker.catalog.deliveries import DOWNLOAD
from tracker.catalog.exports import DONE, Export, described
from tracker.core.errors import BadRequest, Conflict, Forbidden, NotFound
from tracker.core.period import rfc3339
from tracker.networks import NETWORKS, options


def started(call: Call) -> Reply:
    """`POST /api/v1/audiences/{id}/export`: goes on after the answer."""
    audience, wanted, services = found(call), call.body, call.services
    check_request(wanted.network, wanted.mode, wanted.shape)
    chosen = options.checked(NETWORKS[wanted.network], wanted.options)
    if wanted.min_size is not None and not call.principal.may("admin"):
        raise Forbidden("only an admin may go below the site's minimum", field="min_size")
    site = call.site(audience.site)
    definition_of(call, audience)  # raises BadRequest where it cannot be answered any more
    going_to(call, wanted.destination, site.name, wanted.network, wanted.shape)
    job = Job(
        audience=audience,
        network=wanted.network,
        mode=wanted.mode,
        shape=wanted.shape,
        destination=wanted.destination,
        actor=call.principal.id,
        min_size=wanted.min_size,
        options=chosen,
        dry_run=wanted.dry_run,
    )
    export = begin(services.catalog, job)
    noted = {"audience": audience.id, "export": export.id, "network": wanted.network}
    if wanted.destination != DOWNLOAD:
        noted["destination"] = wanted.destination
    if wanted.min_size is not None:
        noted["min_size"] = str(wanted.min_size)
    if wanted.dry_run:
        noted["dry_run"] = "true"
    call.audit("export", site=site.name, **noted)
    call.exporter(lambda: carry_out(desk_of(services), job, export))
    warnings = warned(services.catalog, audience, wanted.network, wanted.min_size)
    return Reply({"id": export.id, "state": export.state, "warnings": warnings}, 202)


def going_to(call: Call, destination: str, site: str, network: str, shape: str) -> None:
    """Raises NotFound, BadRequest where this cannot be sent there."""
    if destination == DOWNLOAD:
        return
    if not destination.startswith("dst_"):
        raise BadRequest("destination is download, or the id of one of the site's destinations", field="destination")
    where = call.services.catalog.destinations.get(destination)
    if where.site != site:
        raise NotFound("there is no such destination", code="no_such_destination", field="destination")
    if where.kind == "network" and where.options["network"] in TWINS:
        raise BadRequest(
            "an operator is asked, and takes no audiences: deliver to The Trade Desk or as OpenRTB", field="destination"
        )
    if where.kind == "network" and (network != where.options["network"] or shape != "api"):
        raise BadRequest(
            f"this destination takes the network {where.options['network']} in the shape api", field="network"
        )


def desk_of(services: Services) -> Desk:
    """What an export needs of the services."""
    return Desk(
        engine=services.engine,
        catalog=services.catalog,
        folder=services.exports,
        senders=services.senders,
        now_ms=services.now_ms,
        version=services.version,
    )


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
                "options": list(one.options),
                "note": one.note,
            }
            for one in NETWORKS.values()
        ]
    }


def listed(call: Call) -> dict[str, Any]:
    """`GET /api/v1/exports`."""
    site = call.site(call.query.site)
    return {
        "exports": [shown(one) for one in call.services.catalog.exports.list(site=site.name, limit=call.query.limit)]
    }


def one(call: Call) -> dict[str, Any]:
    """`GET /api/v1/exports/{id}`."""
    return shown(_found(call))


def file(call: Call) -> FileReply:
    """`GET /api/v1/exports/{id}/file`. Raises Conflict while there is none, NotFound when it was removed."""
    export = _found(call)
    if export.state != DONE or not export.files:
        raise Conflict(f"this export is {export.state}: there is no file", code="no_file")
    path, kind = artefact(call.services.exports, export)
    if not path.is_file():
        raise NotFound("the file of this export was removed, or sent to its destination", code="file_gone")
    call.audit("export.download", site=export.site, export=export.id)
    return FileReply(path, path.name, kind, _told(export))


def told(call: Call) -> dict[str, Any]:
    """`GET /api/v1/exports/{id}/manifest`. Raises Conflict while there is none."""
    export = _found(call)
    if export.state != DONE:
        raise Conflict(f"this export is {export.state}: there is no manifest", code="no_file")
    return manifest(export)


def _told(export: Export) -> dict[str, str]:
    """Headers of a download: where its manifest is, and what a file that is saved alone would else not say."""
    said = {
        "Tracker-Export": export.id,
        "Tracker-Sha256": export.files[0].sha256 if len(export.files) == 1 else None,
        **{f"Tracker-{name.title().replace('_', '-')}": value for name, value in versions(export).items()},
    }
    link = f'</api/v1/exports/{export.id}/manifest>; rel="describedby"; type="application/json"'
    return {"Link": link} | {name: value for name, value in said.items() if value is not None}


def _found(call: Call) -> Export:
    export = call.services.catalog.exports.get(call.path["id"])
    call.allow(export.site)
    return export


def shown(export: Export) -> dict[str, Any]:
    """An export as the API gives it."""
    shown: dict[str, Any] = {
        "id": export.id,
        "site": export.site,
        "audience": export.audience,
        "network": export.network,
        "mode": export.mode,
        "shape": export.details.get("shape", "file"),
        "destination": export.destination,
        "dry_run": export.dry_run,
        "options": export.details.get("options", {}),
        "state": export.state,
        "warnings": export.details.get("warnings", []),
        "counts": {"withheld": {}, **export.counts, "written": 0} if export.state != DONE else export.counts,
        "files": described(export.files),
        **versions(export),
        "created": rfc3339(export.created_at),
        "finished": None if export.finished_at is None else rfc3339(export.finished_at),
    }
    if export.error is not None:
        shown["error"] = export.error
    return shown
