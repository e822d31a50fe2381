"""Counters of one worker, for Prometheus.

Counted in plain dictionaries, because every request counts several times, and turned into metrics when somebody asks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Metrics(Collector):
    """What `/metrics` shows. Names begin with `tracker_collector_`; nothing here names a person."""

    def __init__(self) -> None:
        self.answers: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.endings: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.reasons: defaultdict[str, int] = defaultdict(int)
        self.waiting_bytes = 0
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """The counters as they are now."""
        requests = CounterMetricFamily(
            "tracker_collector_requests", "Answers by dialect and status", labels=["source", "status"]
        )
        for (source, status), count in self.answers.items():
            requests.add_metric([source, str(status)], count)
        yield requests
        events = CounterMetricFamily(
            "tracker_collector_events",
            "Events by dialect and ending: accepted, rejected, suppressed",
            labels=["source", "ending"],
        )
        for (source, ending), count in self.endings.items():
            events.add_metric([source, ending], count)
        yield events
        dropped = CounterMetricFamily("tracker_collector_dropped", "Events not accepted, by reason", labels=["reason"])
        for reason, count in self.reasons.items():
            dropped.add_metric([reason], count)
        yield dropped
        waiting = GaugeMetricFamily("tracker_collector_waiting_bytes", "Bytes accepted and not yet synced")
        waiting.add_metric([], self.waiting_bytes)
        yield waiting

    def render(self) -> bytes:
        """The text format."""
        return generate_latest(self._registry)
