"""`tracker up`: which processes there are, what each needs, and what it says when it works."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tracker.config import PREFIX, Settings
from tracker.supervisor.claim import Claim
from tracker.supervisor.ports import answers, must_be_free
from tracker.telemetry import configure
from tracker.wiring.doors import admin_token, make_data_folder

if TYPE_CHECKING:
    from tracker.supervisor.child import Role


def supervise(settings: Settings, *, say: Callable[[str], None], more: Sequence[Role] = ()) -> int:
    """Run all roles, and `more`, until a signal; the exit code.

    Raises Conflict where another supervisor has the data folder, or where a port is in use.
    """
    from tracker.supervisor.run import Supervisor

    configure(level=settings.log_level, form=settings.log_format, role="supervisor")
    make_data_folder(settings)
    claim = Claim.take(settings.data, "up", port=settings.port, api_port=settings.api_port)
    try:
        must_be_free(settings.host, settings.port, what="collector", flag="--port")
        must_be_free(settings.api_host, settings.api_port, what="API", flag="--api-port")
        if settings.dashboard:
            must_be_free(
                settings.dashboard_host,
                settings.dashboard_port,
                what="dashboard",
                flag="--dashboard-port (or leave it out)",
            )
        admin_token(settings)
        roles = [*collector_roles(settings), _engine(settings), *more]
        if settings.dashboard:
            roles.append(dashboard_role(settings))
        return Supervisor(roles, say=say, stop_seconds=settings.stop_seconds).run()
    finally:
        claim.release()


def this(command: str, *arguments: str) -> list[str]:
    """The command line of one of our own commands, run by the same Python."""
    return [sys.executable, "-m", "tracker", command, *arguments]


def ready_at(host: str, port: int, path: str) -> Callable[[], bool]:
    """A question for Role.ready."""
    target = "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104 - compared, not bound
    return lambda: answers(target, port, path)


def collector_roles(settings: Settings) -> list[Role]:
    """One process a worker, all on one port."""
    from tracker.supervisor.child import Role

    ready = ready_at(settings.host, settings.port, "/readyz")
    return [
        Role(
            name=f"collector {number}",
            argv=this("collector", "--worker", str(number)),
            env=settings.environment(),
            ready=ready,
            says=f"collector  {settings.collector_url}" if number == 0 else "",
        )
        for number in range(settings.worker_count)
    ]


def _engine(settings: Settings) -> Role:
    from tracker.supervisor.child import Role

    where = "TRACKER_ADMIN_TOKEN" if settings.admin_token else str(settings.data / "admin-token")
    return Role(
        name="engine",
        argv=this("engine"),
        env=settings.environment(),
        ready=ready_at(settings.api_host, settings.api_port, "/readyz"),
        says=f"API        {settings.api_base}   (token: {where})",
    )


def dashboard_role(settings: Settings) -> Role:
    """The dashboard; it starts after the API, so that both do not fight for the processor while the store opens."""
    from tracker.supervisor.child import Role

    return Role(
        name="dashboard",
        argv=dashboard_argv(settings),
        env=dashboard_environment(settings),
        ready=ready_at(settings.dashboard_host, settings.dashboard_port, "/_stcore/health"),
        says=f"dashboard  {settings.dashboard_base}",
        after=("engine",),
        quiet=True,
    )


def dashboard_argv(settings: Settings) -> list[str]:
    """The command line of the dashboard."""
    from dashboard.launch import argv

    return argv(settings.dashboard_port, settings.dashboard_host)


def dashboard_environment(settings: Settings) -> dict[str, str]:
    """What the dashboard is told: where the API is, and a token if nobody needs to sign in.

    Without a `dashboard_token`, a dashboard that only this machine can reach gets the admin's token; one that others
    can reach gets none and asks everybody to sign in with theirs.
    """
    token = settings.dashboard_token
    if not token and is_loopback(settings.dashboard_host) and not settings.api_url:
        token = admin_token(settings)
    given = {PREFIX + "API_URL": settings.api_base}
    return given | ({PREFIX + "DASHBOARD_TOKEN": token} if token else {})


def is_loopback(host: str) -> bool:
    """True when nobody but this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
