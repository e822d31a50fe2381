"""Counters of one worker, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class Metrics:
    """What `/metrics` shows. Names begin with `tracker_collector_`; nothing here names a person."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "tracker_collector_requests", "Answers by dialect and status", ["source", "status"], registry=self.registry
        )
        self._events = Counter(
            "tracker_collector_events",
            "Events by dialect and ending: accepted, rejected, suppressed",
            ["source", "ending"],
            registry=self.registry,
        )
        self._reasons = Counter(
            "tracker_collector_dropped", "Events not accepted, by reason", ["reason"], registry=self.registry
        )
        self.waiting = Gauge(
            "tracker_collector_waiting_bytes", "Bytes accepted and not yet synced", registry=self.registry
        )
        self._bound: dict[tuple[str, str], Counter] = {}
        self._bound_requests: dict[tuple[str, int], Counter] = {}

    def answered(self, source: str, status: int) -> None:
        """One request was answered."""
        bound = self._bound_requests.get((source, status))
        if bound is None:
            bound = self._bound_requests[source, status] = self._requests.labels(source, str(status))
        bound.inc()

    def ended(self, source: str, ending: str, count: int) -> None:
        """`count` events ended as accepted, rejected or suppressed."""
        bound = self._bound.get((source, ending))
        if bound is None:
            bound = self._bound[source, ending] = self._events.labels(source, ending)
        bound.inc(count)

    def dropped(self, reason: str) -> None:
        """One event was rejected or suppressed."""
        self._reasons.labels(reason).inc()

    def render(self) -> bytes:
        """The text format."""
        return generate_latest(self.registry)
