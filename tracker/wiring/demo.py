"""`tracker demo`: `tracker up` with a site, a saved funnel, the sample click-stream and a shop to click through."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from tracker.config import Settings
from tracker.core.errors import Conflict, NotFound, TrackerError
from tracker.supervisor.ports import must_be_free
from tracker.telemetry import configure
from tracker.wiring.collector import country_database
from tracker.wiring.doors import open_catalog
from tracker.wiring.up import ready_at, supervise, this

if TYPE_CHECKING:
    from tracker.core.site import Site
    from tracker.supervisor.child import Role

log = structlog.get_logger()

SITE = "shop"
FUNNEL = "Checkout"
STEPS = (
    ("view_item", "Viewed a product"),
    ("add_to_cart", "Put it into the cart"),
    ("add_shipping_info", "Gave an address"),
    ("add_payment_info", "Chose a payment"),
    ("purchase", "Bought"),
)
LOAD_SECONDS = 300.0  # for the loader to have all of the sample in the store
DAYS = 185  # how far back the saved funnel looks: the sample is six months long


def supervise_demo(settings: Settings, *, say: Callable[[str], None]) -> int:
    """Everything, until a signal; the exit code."""
    from tracker.supervisor.child import Role

    must_be_free(settings.host, settings.shop_port, what="demo shop", flag="--shop-port")
    prepare(settings)
    shop = f"http://{'127.0.0.1' if settings.host == '0.0.0.0' else settings.host}:{settings.shop_port}"  # noqa: S104
    roles: list[Role] = [
        Role(
            name="demo shop",
            argv=this("demo-shop"),
            env=settings.environment(),
            ready=ready_at(settings.host, settings.shop_port, "/"),
            says=f"demo shop  {shop}   (click through it and watch the funnel move)",
            after=("engine",),
        ),
        Role(
            name="sample",
            argv=this("demo-load"),
            env=settings.environment(),
            says="sample     six months of a shop's click-stream are loaded: the funnel is filled",
            job=True,
        ),
    ]
    return supervise(settings, say=say, more=roles)


def prepare(settings: Settings) -> None:
    """Site and saved funnel, where there are none yet. What somebody has changed since stays."""
    with open_catalog(settings) as catalog:
        try:
            catalog.sites.get(SITE)
        except NotFound:
            catalog.sites.create(SITE, domains=("127.0.0.1", "localhost"), consent="opt-in", timezone="UTC")
        if not any(saved.name == FUNNEL for saved in catalog.funnels.list(SITE)):
            catalog.funnels.create(SITE, FUNNEL, checkout_funnel(datetime.now(UTC)))


def checkout_funnel(now: datetime) -> dict[str, Any]:
    """The funnel over the whole sample and the week to come, so that clicks in the demo shop move it."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)

    def text(moment: datetime) -> str:
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    return {
        "site": SITE,
        "from": text(midnight - timedelta(days=DAYS)),
        "to": text(midnight + timedelta(days=8)),
        "steps": [{"event": event, "name": name} for event, name in STEPS],
        "mode": "ordered",
        "window": "7d",
        "count_by": "person",
    }


def load_sample(settings: Settings) -> None:
    """Put the sample into the spool, once for each data folder, and wait until it is in the store."""
    from tracker.collector.place import Places
    from tracker.demo import clickstream
    from tracker.imports.sink import Sink, pour
    from tracker.imports.state import load, save
    from tracker.spool.writer import SpoolWriter

    configure(level=settings.log_level, form=settings.log_format, role="sample")
    folder = settings.data / "imports"
    with open_catalog(settings) as catalog:
        site = catalog.sites.get(SITE)
    progress = load(folder, "demo", site=SITE, form="demo")
    if not progress.done:
        writer = SpoolWriter(settings.spool_dir, "import-demo", max_bytes=settings.spool_max_bytes)
        places = Places(country_database(settings))
        try:
            progress = pour(clickstream.load(), Sink(writer, site, "demo", places.find, progress))
        finally:
            writer.close()
            places.close()
        progress.done = True
        save(folder, progress)
        log.info("sample is in the spool", accepted=progress.accepted, rejected=progress.rejected)
    _wait_until_loaded(settings)


def _wait_until_loaded(settings: Settings) -> None:
    from tracker.loader.ledger import LedgerView
    from tracker.spool.reader import Spool

    with open_catalog(settings) as catalog:
        view = LedgerView(Spool(settings.spool_dir), catalog.ledger)
        deadline = time.monotonic() + LOAD_SECONDS
        while view(SITE)["waiting"]:
            if time.monotonic() > deadline:
                raise TrackerError("the sample is not in the store after five minutes: is the engine well?")
            time.sleep(0.2)


def run_shop(settings: Settings) -> None:
    """Serve the demo shop until a signal."""
    configure(level=settings.log_level, form=settings.log_format, role="demo-shop")
    with open_catalog(settings) as catalog:
        site = catalog.sites.get(SITE)
    try:
        asyncio.run(_serve_shop(settings, site))
    except OSError as error:
        raise Conflict(
            f"the demo shop cannot listen on {settings.host}:{settings.shop_port} ({error.strerror or error}): "
            "choose another port with --shop-port",
            code="port_in_use",
        ) from None


async def _serve_shop(settings: Settings, site: Site) -> None:
    import signal

    from aiohttp import web

    from tracker.demo.shop import make_app

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = make_app(settings.collector_url, site.write_key, settings.dashboard_base)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.shop_port).start()
        await stop.wait()
    finally:
        await runner.cleanup()
