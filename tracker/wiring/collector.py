"""The collector: one worker, or several under a supervisor of their own. Imports neither a store nor a catalog."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tracker.config import Settings
from tracker.core.errors import Conflict
from tracker.core.uncollected import uncollected
from tracker.supervisor.claim import Claim
from tracker.supervisor.ports import must_be_free
from tracker.telemetry import configure
from tracker.wiring.doors import make_data_folder

if TYPE_CHECKING:
    from tracker.collector.settings import CollectorSettings


def run_worker(settings: Settings, number: int, *, alone: bool) -> None:
    """Serve as worker `number` until a signal. `alone`: nobody has looked yet whether the port is free."""
    with uncollected():
        from tracker.collector.serve import run

    configure(level=settings.log_level, form=settings.log_format, role=f"collector-{number}")
    make_data_folder(settings)
    if alone:
        must_be_free(settings.host, settings.port, what="collector", flag="--port")
    try:
        run(collector_settings(settings, number))
    except OSError as error:
        raise Conflict(
            f"the collector cannot listen on {settings.host}:{settings.port} ({error.strerror or error}): "
            "choose another address with --host or port with --port",
            code="port_in_use",
        ) from None


def supervise_workers(settings: Settings, *, say: Callable[[str], None]) -> int:
    """`tracker collector` with several workers: started and watched as `tracker up` does; the exit code."""
    from tracker.supervisor.run import Supervisor
    from tracker.wiring.up import collector_roles

    configure(level=settings.log_level, form=settings.log_format, role="supervisor")
    make_data_folder(settings)
    claim = Claim.take(settings.data, "collectors", port=settings.port)
    try:
        must_be_free(settings.host, settings.port, what="collector", flag="--port")
        return Supervisor(collector_roles(settings), say=say, stop_seconds=settings.stop_seconds).run()
    finally:
        claim.release()


def collector_settings(settings: Settings, number: int) -> CollectorSettings:
    """What a worker is told. The spool's limit is shared out evenly among the workers."""
    from tracker.collector.settings import CollectorSettings, Limits

    return CollectorSettings(
        data=settings.data,
        host=settings.host,
        port=settings.port,
        worker=number,
        https=settings.public_url.startswith("https://"),
        trusted_proxies=settings.proxies,
        geoip=country_database(settings),
        limits=Limits(event_names=settings.event_names, property_keys=settings.property_keys),
        connections=settings.connections,
        connections_per_address=settings.connections_per_address,
        rate_per_key=settings.rate_per_key,
        rate_per_address=settings.rate_per_address,
        data_centres=Path(settings.data_centres) if settings.data_centres else None,
        visitor_rate=settings.bot_visitor_rate,
        block_rate=settings.bot_block_rate,
        spool_max_bytes=settings.spool_max_bytes // settings.worker_count,
        segment_bytes=settings.segment_bytes,
        segment_age=settings.segment_seconds,
        realtime=settings.collector_realtime,
    )


def country_database(settings: Settings) -> Path | None:
    """The .mmdb file that the settings name, if any."""
    return Path(settings.geo_database) if settings.geo_database else None
