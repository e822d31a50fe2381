"""The commands that serve: all processes at once, or one role."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from tracker.cli.options import ApiPort, Dashboard, DashboardPort, Data, Host, Port, Workers, say, settings


def up(
    data: Data = None,
    host: Host = None,
    port: Port = None,
    api_port: ApiPort = None,
    dashboard_port: DashboardPort = None,
    dashboard: Dashboard = None,
    workers: Workers = None,
) -> int:
    """Start the collector, the engine (loader and API) and the dashboard, and watch them until Ctrl-C."""
    from tracker.wiring.up import supervise

    chosen = settings(
        data=data,
        host=host,
        port=port,
        api_port=api_port,
        dashboard_port=dashboard_port,
        dashboard=dashboard,
        workers=workers,
    )
    return supervise(chosen, say=say)


def demo(
    data: Data = None,
    host: Host = None,
    port: Port = None,
    api_port: ApiPort = None,
    dashboard_port: DashboardPort = None,
    shop_port: Annotated[
        int | None, typer.Option("--shop-port", metavar="P", help="Port of the demo shop (8090).")
    ] = None,
    dashboard: Dashboard = None,
    workers: Workers = None,
) -> int:
    """Start everything with the sample shop's click-stream loaded, and a demo shop to click through."""
    from tracker.wiring.demo import supervise_demo

    chosen = settings(
        data=data,
        host=host,
        port=port,
        api_port=api_port,
        dashboard_port=dashboard_port,
        shop_port=shop_port,
        dashboard=dashboard,
        workers=workers,
    )
    return supervise_demo(chosen, say=say)


def collector(
    data: Data = None,
    host: Host = None,
    port: Port = None,
    workers: Workers = None,
    worker: Annotated[int | None, typer.Option("--worker", hidden=True, help="Run this one worker only.")] = None,
) -> int:
    """Run the collector alone: it accepts events while everything else is down."""
    from tracker.wiring.collector import run_worker, supervise_workers

    chosen = settings(data=data, host=host, port=port, workers=workers)
    if worker is None and chosen.worker_count > 1:
        return supervise_workers(chosen, say=say)
    run_worker(chosen, worker or 0, alone=worker is None)
    return 0


def engine(data: Data = None, api_port: ApiPort = None) -> None:
    """Run the loader and the API in one process, as the embedded store needs it."""
    from tracker.wiring.engine import run_engine

    run_engine(settings(data=data, api_port=api_port), loader=True, api=True)


def loader(data: Data = None) -> None:
    """Run the loader alone (with a ClickHouse server): spool to store."""
    from tracker.wiring.engine import run_engine

    run_engine(settings(data=data), loader=True, api=False)


def api(data: Data = None, api_port: ApiPort = None) -> None:
    """Run the API alone (with a ClickHouse server)."""
    from tracker.wiring.engine import run_engine

    run_engine(settings(data=data, api_port=api_port), loader=False, api=True)


def dashboard(data: Data = None, api_port: ApiPort = None, dashboard_port: DashboardPort = None) -> None:
    """Run the dashboard alone; TRACKER_API_URL says where the API is."""
    from tracker.supervisor.ports import must_be_free
    from tracker.wiring.up import dashboard_argv, dashboard_environment

    chosen = settings(data=data, api_port=api_port, dashboard_port=dashboard_port)
    must_be_free(chosen.dashboard_host, chosen.dashboard_port, what="dashboard", flag="--dashboard-port")
    say(f"dashboard  {chosen.dashboard_base}")
    command = dashboard_argv(chosen)
    os.execve(command[0], command, os.environ | dashboard_environment(chosen))  # noqa: S606 - our own command line


def demo_shop(data: Data = None) -> None:
    """Serve the demo shop (a part of `tracker demo`)."""
    from tracker.wiring.demo import run_shop

    run_shop(settings(data=data))


def demo_load(data: Data = None) -> None:
    """Load the sample click-stream (a part of `tracker demo`)."""
    from tracker.wiring.demo import load_sample

    load_sample(settings(data=data))


def register(app: typer.Typer) -> None:
    """Add the serving commands to the app."""
    for command, example in (
        (up, "tracker up --data ./data --workers 2"),
        (demo, "tracker demo --shop-port 8090"),
        (collector, "tracker collector --host 0.0.0.0 --port 8080"),
        (engine, "tracker engine --api-port 8081"),
        (loader, "TRACKER_CLICKHOUSE_URL=clickhouse://user:password@host/db tracker loader"),
        (api, "TRACKER_CLICKHOUSE_URL=clickhouse://user:password@host/db tracker api"),
        (dashboard, "TRACKER_API_URL=http://engine:8081 tracker dashboard"),
    ):
        app.command(epilog=f"Example: {example}")(command)
    app.command("demo-shop", hidden=True)(demo_shop)
    app.command("demo-load", hidden=True)(demo_load)
