"""The engine process: the store, the loader in a thread, the API on the event loop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog

from tracker import __version__
from tracker.config import Settings
from tracker.core.errors import Conflict, TrackerError, TryLater
from tracker.core.uncollected import uncollected
from tracker.supervisor.claim import Claim
from tracker.telemetry import configure
from tracker.wiring.doors import admin_token, make_data_folder, open_catalog, open_store

if TYPE_CHECKING:
    from aiohttp import web

    from tracker.api.services import Services
    from tracker.audiences.delivery import Senders
    from tracker.catalog import Catalog
    from tracker.loader.loop import Loader
    from tracker.store.engine import Engine
    from tracker.wiring.alerts import Alerts
    from tracker.wiring.canary import Canary
    from tracker.wiring.gate import Gate
    from tracker.wiring.journeys import JourneyKeeper
    from tracker.wiring.opt_outs import OptOuts
    from tracker.wiring.reports import ScheduledReports
    from tracker.wiring.rollups import RollupKeeper
    from tracker.wiring.segments import Segments
    from tracker.wiring.withdrawals import TakeBack

log = structlog.get_logger()

_DELIVER = 5.0  # seconds between two looks for deliveries whose turn has come
LONGEST_PAUSE = 10.0  # seconds between two tries to reach a store that is away


def run_engine(settings: Settings, *, loader: bool, api: bool) -> None:
    """Serve until SIGINT or SIGTERM. Raises Conflict where another process has the same role on this data folder."""
    role = "engine" if loader and api else "loader" if loader else "api"
    configure(level=settings.log_level, form=settings.log_format, role=role)
    from tracker.wiring.gate import Gate

    os.nice(settings.engine_nice)  # before any thread is there: collectors answer first
    make_data_folder(settings)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())  # until the event loop takes over: a store may take long to open
    threading.Thread(target=_warm_up, args=(loader, api), name="warm-up", daemon=True).start()
    threading.Thread(target=_leave_after, args=(stop, settings.stop_seconds), name="deadline", daemon=True).start()
    with ExitStack() as stack:
        for name in [name for name, wanted in (("loader", loader), ("api", api)) if wanted]:
            stack.callback(Claim.take(settings.data, name, url=settings.api_base).release)
        engine = stack.enter_context(open_store(settings))
        catalog = stack.enter_context(open_catalog(settings))
        if not _prepared(engine, stop):
            return
        gate, refreshing, making = Gate(), threading.Lock(), threading.Lock()
        gate.manned = loader
        loads = loader_of(settings, engine, catalog, gate, (refreshing, making)) if loader else None
        thread = _LoaderThread(loads, stop) if loads is not None else None
        if thread is not None:
            thread.start()
        chores: list[threading.Thread] = []
        if loads is not None and settings.canary_seconds:
            chores.append(_canary(settings, engine, catalog, stop))
        if loads is not None:
            from tracker.store.calm import Calm
            from tracker.wiring.up import is_loopback

            segments = _segments(settings, engine, catalog, stop, refreshing)
            loads.told = segments.wake
            calm = Calm(engine, segments.free, beside=is_loopback(urlsplit(settings.clickhouse_url).hostname or ""))
            chores += [segments, _rollups(calm, catalog, stop), _journeys(calm, catalog, stop, making)]
            chores.append(_alerts(settings, engine, catalog, stop))
        for chore in chores:
            chore.start()
        missing = loads.audit.missing if loads is not None else None
        try:
            services = None
            if api:
                services = _services(
                    settings, engine, catalog, missing=missing, gate=gate, deliver_every_s=_DELIVER, reports_run=True
                )
                for chore in (_reports(services, stop), _opt_outs(services, stop), _take_back(services, stop)):
                    chore.start()
                    chores.append(chore)
            asyncio.run(_serve(settings, services, stop))
        finally:
            stop.set()
            if thread is not None:
                thread.join()
            busy_still = _join(chores, settings.stop_seconds - 2.5)
        if thread is not None and thread.failure is not None:
            raise thread.failure
    if busy_still:
        os._exit(0)  # the store must not be taken apart under a statement; whatever it does can be done again


def _join(threads: list[threading.Thread], seconds: float) -> bool:
    """Wait until they have ended, so long at most; whether one has not."""
    end = time.monotonic() + max(seconds, 0.5)
    for one in threads:
        one.join(max(end - time.monotonic(), 0.0))
    return any(one.is_alive() for one in threads)


@contextmanager
def own_api(settings: Settings) -> Iterator[str]:
    """The API for one command of ours, on a free loopback port; its base URL."""
    configure(level="error", form=settings.log_format, role="cli")
    with uncollected():
        import tracker.api.app  # noqa: F401
    with open_store(settings) as engine, open_catalog(settings) as catalog:
        if not _prepared(engine, threading.Event(), tries=1):
            raise TryLater("the store is away", code="store_away")
        services = _services(settings, engine, catalog)
        stop, found = threading.Event(), threading.Event()
        port: list[int] = []

        def serve() -> None:
            def bound(number: int) -> None:
                port.append(number)
                found.set()

            asyncio.run(_serve_app(services, "127.0.0.1", 0, stop, bound))

        thread = threading.Thread(target=serve, name="own-api", daemon=True)
        thread.start()
        try:
            if not found.wait(30):
                raise TrackerError("the API did not start; --debug shows why")
            yield f"http://127.0.0.1:{port[0]}"
        finally:
            stop.set()
            thread.join()


def _warm_up(loader: bool, api: bool) -> None:
    """Import what is needed next while ClickHouse opens its folder and migrates: it does not need Python for that."""
    with uncollected():
        if loader:
            import tracker.loader.loop
        if api:
            import tracker.api.app
            import tracker.imports.replay  # noqa: F401


class _LoaderThread(threading.Thread):
    """Runs the loader; what it raises stops the process, so that the supervisor starts a fresh one."""

    def __init__(self, loader: Loader, stop: threading.Event) -> None:
        super().__init__(name="loader", daemon=True)
        self._loader = loader
        self._stop_asked = stop
        self.failure: Exception | None = None

    def run(self) -> None:
        # A batch is tens of thousands of texts and numbers without cycles: look for cycles seldom, and never again
        # among what was there before (a tenth of the loader's Python).
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        try:
            self._loader.run(self._stop_asked)
        except Exception as error:
            log.exception("loader failed")
            self.failure = error
        finally:
            self._stop_asked.set()


def _prepared(engine: Engine, stop: threading.Event, *, tries: int = 0) -> bool:
    """Migrate; wait for a store that is away, for ever or for some tries. False: asked to stop first."""
    from tracker.store.migrate import migrate

    pause = 0.2
    attempt = 0
    while not stop.is_set():
        attempt += 1
        try:
            applied = migrate(engine)
        except TryLater as error:
            if attempt == tries:
                raise
            log.warning("the store is away: trying again", reason=error.message, code=error.code, pause=pause)
            stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            continue
        if applied:
            log.info("migrated", applied=[str(name) for name in applied])
        return True
    return False


def loader_of(
    settings: Settings,
    engine: Engine,
    catalog: Catalog,
    gate: Gate | None = None,
    busy: Sequence[threading.Lock] = (),
) -> Loader:
    """A loader of this data folder; it rests where somebody holds the gate. `busy`: see `Eraser`."""
    from tracker.loader.choices import Choices
    from tracker.loader.leftovers import Leftovers
    from tracker.loader.loop import Loader
    from tracker.spool.reader import Spool
    from tracker.wiring.canary import SITE
    from tracker.wiring.gate import Gate, RestingEraser

    choices = Choices(engine, catalog.consents, catalog.suppressions, catalog.sites.get)
    eraser = RestingEraser(engine, catalog, settings.data, Leftovers(engine, (SITE,)), busy=busy)
    eraser.gate = gate or Gate()
    spool = Spool(settings.spool_dir)
    return Loader(spool, engine, catalog.ledger, vault=catalog.vault, choices=choices, eraser=eraser)


def _canary(settings: Settings, engine: Engine, catalog: Catalog, stop: threading.Event) -> Canary:
    from tracker.wiring.canary import SITE, Canary

    return Canary(
        site=cache(lambda: catalog.sites.internal(SITE)),
        engine=engine,
        collector=settings.canary_base,
        data=settings.data,
        every=settings.canary_seconds,
        stop=stop,
    )


def _segments(
    settings: Settings, engine: Engine, catalog: Catalog, stop: threading.Event, busy: threading.Lock
) -> Segments:
    from tracker.wiring.segments import Segments

    return Segments(engine, catalog, settings.data, stop, busy)


def _rollups(engine: Engine, catalog: Catalog, stop: threading.Event) -> RollupKeeper:
    from tracker.wiring.rollups import RollupKeeper

    return RollupKeeper(engine, catalog, stop)


def _journeys(engine: Engine, catalog: Catalog, stop: threading.Event, busy: threading.Lock) -> JourneyKeeper:
    from tracker.wiring.journeys import JourneyKeeper

    return JourneyKeeper(engine, catalog, stop, busy)


def _alerts(settings: Settings, engine: Engine, catalog: Catalog, stop: threading.Event) -> Alerts:
    from tracker.wiring.alerts import Alerts
    from tracker.wiring.telling import Announcer

    return Alerts(engine, catalog, stop, Announcer(catalog, _senders(settings)))


def _reports(services: Services, stop: threading.Event) -> ScheduledReports:
    from tracker.wiring.reports import ScheduledReports

    return ScheduledReports(services, stop)


def _opt_outs(services: Services, stop: threading.Event) -> OptOuts:
    from tracker.wiring.opt_outs import OptOuts

    return OptOuts(services, stop)


def _take_back(services: Services, stop: threading.Event) -> TakeBack:
    from tracker.wiring.withdrawals import TakeBack

    return TakeBack(services, stop)


def _senders(settings: Settings) -> Senders:
    from tracker.audiences.delivery import Senders
    from tracker.outbound import Door, Reach

    return Senders(Door(Reach.of(settings.private_hosts)), settings.data / "deliveries", settings.delivery_folders)


def _services(
    settings: Settings,
    engine: Engine,
    catalog: Catalog,
    *,
    missing: Callable[[str | None], int] | None = None,
    gate: Gate | None = None,
    deliver_every_s: float = 0.0,
    reports_run: bool = False,
) -> Services:
    """`missing`: what the loader's audit found, where the loader is in this process."""
    from tracker.api.services import Services
    from tracker.catalog import token_hash
    from tracker.imports.replay import replayer
    from tracker.loader.ledger import LedgerView
    from tracker.spool.reader import Spool
    from tracker.wiring.backup import Backups
    from tracker.wiring.canary import last_flight
    from tracker.wiring.erase import erasing
    from tracker.wiring.gate import Gate
    from tracker.wiring.status import condition

    ledger = LedgerView(Spool(settings.spool_dir), catalog.ledger, missing)
    exports = settings.data / "exports"
    exports.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Services(
        engine=engine,
        catalog=catalog,
        ledger=ledger,
        backups=Backups(settings, engine, gate or Gate(), ledger),
        erase=erasing(settings, catalog, lambda: loader_of(settings, engine, catalog)),
        replay=replayer(engine, catalog.sites, settings.spool_dir, refresh=catalog.suppressions.publish),
        admin_token_hash=token_hash(admin_token(settings)),
        exports=exports,
        version=__version__,
        senders=_senders(settings),
        deliver_every_s=deliver_every_s,
        reports_run=reports_run,
        status=lambda: condition(settings),
        canary=lambda: last_flight(settings.data),
        collector_url=settings.collector_url,
        report_timeout_s=settings.report_seconds,
        report_memory=settings.report_memory,
        report_threads=settings.report_threads,
    )


async def _serve(settings: Settings, services: Services | None, stop: threading.Event) -> None:
    """Until a signal or until the loader ends."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if services is None:
        await _until(stop)
        return
    try:
        await _serve_app(
            services,
            settings.api_host,
            settings.api_port,
            stop,
            lambda port: log.info("api listens", host=settings.api_host, port=port),
        )
    except OSError as error:
        raise Conflict(
            f"the API cannot listen on {settings.api_host}:{settings.api_port} ({error.strerror or error}): "
            "choose another port with --api-port",
            code="port_in_use",
        ) from None


async def _serve_app(
    services: Services, host: str, port: int, stop: threading.Event, bound: Callable[[int], None]
) -> None:
    from aiohttp import web

    from tracker.api.app import make_app

    runner = web.AppRunner(make_app(services), handler_cancellation=True, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound(_port_of(runner))
        await _until(stop)
    finally:
        await runner.cleanup()


def _port_of(runner: web.AppRunner) -> int:
    address: Any = runner.addresses[0]
    return int(address[1])


async def _until(stop: threading.Event) -> None:
    while not stop.is_set():  # noqa: ASYNC110 - set by a thread or a signal handler, not by a task
        await asyncio.sleep(0.05)


def _leave_after(stop: threading.Event, seconds: float) -> None:
    """A report or an insert that does not end must not keep the process: all of it is repeatable.

    A little before the supervisor would kill us, so that our own locks and files are let go in order.
    """
    stop.wait()
    time.sleep(max(seconds - 1.0, 0.5))
    os._exit(1)
