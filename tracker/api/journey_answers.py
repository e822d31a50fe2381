"""What reports about ways of customers look like: attribution, lifecycle, stickiness, retention, paths."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from tracker.api.funnel_answers import Seconds


class AttributionRow(Struct):
    """What one channel, source, campaign or kind of click id is credited with; money only where costs are known.

    `cac` is cost per conversion, `roas` value per cost; null where there is nothing to divide by.
    """

    key: str
    conversions: float
    value: float
    cost: float | UnsetType = UNSET
    cac: float | UnsetType | None = UNSET
    roas: float | UnsetType | None = UNSET


class PathLength(Struct):
    """How many conversions came after so many touches."""

    touches: int
    conversions: int


class Attribution(Struct):
    """Rows, and over all conversions: path length, and the time from the first touch (seconds)."""

    rows: list[AttributionRow]
    conversions: int
    value: float
    path_length: list[PathLength]
    lag_seconds: Seconds
    currency: str | UnsetType = UNSET
    unconverted: dict[str, float] | UnsetType = UNSET
    cost_currency: str | UnsetType = UNSET
    other_cost_currencies: list[str] | UnsetType = UNSET


class LifecyclePeriod(Struct):
    """One day, week or month; `start` is its first day. Dormant: active in the period before, not in this one."""

    start: str
    new: int
    returning: int
    resurrecting: int
    dormant: int


class Lifecycle(Struct):
    """Every period that touches the range, empty ones too."""

    periods: list[LifecyclePeriod]


class StickyPeriod(Struct):
    """One week or month; `active[k]`: people who were active on k + 1 of its `units` days (or weeks).

    `average` is days per person, `per_unit` people per day, `ratio` that by all people of the period.
    """

    start: str
    units: int
    people: int
    active: list[int]
    average: float | None
    per_unit: float
    ratio: float | None


class Stickiness(Struct):
    """Every period that touches the range, empty ones too."""

    periods: list[StickyPeriod]


class Cohort(Struct):
    """Who began in one period, and how many of them came back in each period from that one on."""

    start: str
    size: int
    returned: list[int]


class RetentionPart(Struct):
    """One value of the cohort property."""

    value: str
    cohorts: list[Cohort]


class Retention(Struct):
    """Cohorts, empty ones too; with `breakdown` only where one was asked for."""

    cohorts: list[Cohort]
    breakdown: list[RetentionPart] | UnsetType = UNSET


class PathEdge(Struct):
    """From a node at a step to the next; seconds from the one to the other."""

    step: int
    source: str
    target: str
    people: int
    seconds_average: float


class PathNode(Struct):
    """A node at a step; `dropped`: people with a path that ends there."""

    step: int
    node: str
    people: int
    dropped: int


class Paths(Struct):
    """Step by step, the biggest first. `road`: where it was read."""

    edges: list[PathEdge]
    nodes: list[PathNode]
    road: Literal["journeys", "events"]
