"""Counters for Prometheus: requests by route and status, how long they take, how events ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"))
_BUCKETS = (0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60)


class Metrics:
    """One application's own registry: nothing is shared with other parts of the process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "tracker_api_requests", "Requests answered", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "tracker_api_request_seconds",
            "Time from request to answer",
            ("route",),
            registry=self._registry,
            buckets=_BUCKETS,
        )
        self._events = Gauge(
            "tracker_events", "Events of all sites by how they ended", ("ending", "reason"), registry=self._registry
        )

        self._canary_lag = Gauge(
            "tracker_canary_lag_seconds",
            "From sending our own last event that arrived until it was found in the store",
            registry=self._registry,
        )
        self._canary_arrived = Gauge(
            "tracker_canary_arrived_timestamp_seconds",
            "When our own last event that arrived was sent; alert on its age",
            registry=self._registry,
        )
        self._removals = Gauge(
            "tracker_removals_waiting",
            "Removals ordered by erasures that no network has acknowledged yet",
            registry=self._registry,
        )
        self._removals_age = Gauge(
            "tracker_removals_oldest_seconds",
            "How long the oldest of them has waited; 0 where none does",
            registry=self._registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; `route` is the pattern, never the address with its ids."""
        known = method if method in _METHODS else "other"  # a stranger must not invent labels
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def removals(self, orders: int, oldest_seconds: float) -> None:
        """How many removal orders wait, and the oldest for how long."""
        self._removals.set(orders)
        self._removals_age.set(oldest_seconds)

    def text(self, ledger: Mapping[str, Any], canary: Mapping[str, Any] | None = None) -> bytes:
        """The exposition format, with the ledger and the last canary as of now."""
        if canary is not None:
            if canary["lag_seconds"] is not None:
                self._canary_lag.set(canary["lag_seconds"])
            if canary["arrived_at"] is not None:
                self._canary_arrived.set(canary["arrived_at"] / 1000)
        for ending in ("stored", "duplicates", "suppressed", "waiting", "unexplained"):
            self._events.labels(ending, "").set(ledger[ending])
        for reason, n in ledger["rejected"].items():
            self._events.labels("rejected", reason).set(n)
        return generate_latest(self._registry)
