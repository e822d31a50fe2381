"""Is a port free, and does somebody answer on it?"""

from __future__ import annotations

import http.client
import socket

from tracker.core.errors import Conflict


def must_be_free(host: str, port: int, *, what: str, flag: str) -> None:
    """Raises Conflict when something listens on the port already.

    Collectors share their port with SO_REUSEPORT, so the kernel would let a second tracker in, and it would take a
    part of the first one's events. That is why this asks without SO_REUSEPORT, before any of them starts.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            raise Conflict(
                f"the {what} cannot listen on {host}:{port} ({error.strerror or error}): "
                f"stop what uses it, or choose another port with {flag}",
                code="port_in_use",
            ) from None


def answers(host: str, port: int, path: str, *, timeout: float = 0.5) -> bool:
    """True when a GET of `path` gives 200 within `timeout` seconds."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
