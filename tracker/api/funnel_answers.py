"""What funnels answer."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from tracker.api.answers_people import PersonCard


class Seconds(Struct):
    """Since the step before; null where nobody got there."""

    average: float | None
    median: float | None


class Loss(Struct):
    """What is expected to be lost, and its 90 % interval (null where there is too little to tell)."""

    expected: float
    low: float | None
    high: float | None


class StepWorth(Struct):
    """What those who reached the step brought by converting; `lost`: an estimate of what those who dropped did not.

    `unknown`: converting purchases without an amount in the currency; they are in no sum.
    """

    value: float
    orders: int
    unknown: int
    average_order: float | None
    per_unit: float | None
    lost: Loss | None


class FunnelWorth(Struct):
    """The currency of every `worth`, and what could not be converted to it."""

    currency: str
    unconverted: dict[str, float]


class FunnelStep(Struct):
    """One step."""

    step: int
    name: str
    event: str
    count: int
    dropped: int
    from_previous: float
    from_first: float
    seconds_from_previous: Seconds
    worth: StepWorth | UnsetType = UNSET


class FunnelPart(Struct):
    """One value of the breakdown."""

    value: str
    steps: list[FunnelStep]


class FunnelTest(Struct):
    """Whether a conversion differs: of those at step `of`, how many reached `step`, in both groups.

    `p_value` is two-sided; `q_value` is it, corrected for all tests of the answer (Benjamini-Hochberg).
    """

    step: int
    of: int
    count: int
    size: int
    share: float | None
    other_count: int
    other_size: int
    other_share: float | None
    difference: float | None
    p_value: float
    q_value: float
    value: str | UnsetType = UNSET


class FunnelComparison(Struct, rename={"kind": "with", "start": "from", "end": "to"}):
    """With the period before, a segment, or everybody else: `steps` are those of the other period or segment."""

    kind: str
    tests: list[FunnelTest]
    start: str | UnsetType = UNSET
    end: str | UnsetType = UNSET
    steps: list[FunnelStep] | UnsetType = UNSET


class FunnelReport(Struct):
    """A funnel; with `breakdown`, `comparison` and `worth` only where asked for. `road`: where it was read."""

    steps: list[FunnelStep]
    road: Literal["journeys", "events"]
    breakdown: list[FunnelPart] | UnsetType = UNSET
    comparison: FunnelComparison | UnsetType = UNSET
    worth: FunnelWorth | UnsetType = UNSET


class FunnelPoint(Struct):
    """The funnel of one interval; `conversion` is `converted` / `entered`."""

    start: str
    entered: int
    converted: int
    conversion: float
    steps: list[FunnelStep]
    road: Literal["journeys", "events"]
    breakdown: list[FunnelPart] | UnsetType = UNSET


class FunnelTrend(Struct):
    """Every interval that the range touches, empty ones too."""

    series: list[FunnelPoint]
    worth: FunnelWorth | UnsetType = UNSET


class TimeBin(Struct, rename={"start": "from", "end": "to"}):
    """At least `from` and less than `to` seconds; the last one of all has no end."""

    start: int
    end: int | None
    count: int


class FunnelTime(Struct):
    """How long it took those who got from one step to the other."""

    from_step: int
    to_step: int
    count: int
    seconds: Seconds
    bins: list[TimeBin]


class Reason(Struct):
    """How many of both groups share it. `lift`: share of the dropped / share of those who went on, null by 0.

    `p_value` is two-sided; `q_value` is it, corrected for all comparisons of the list (Benjamini-Hochberg).
    """

    name: str
    value: str
    dropped: int
    went_on: int
    dropped_share: float
    went_on_share: float
    lift: float | None
    p_value: float
    q_value: float


class Reasons(Struct):
    """One list; `total` values were found, the `compared` most frequent of them compared."""

    total: int
    compared: int
    rows: list[Reason]


class FunnelReasons(Struct):
    """Those who dropped at a step beside those who went on."""

    step: int
    dropped: int
    went_on: int
    next_events: Reasons
    next_pages: Reasons
    exit_pages: Reasons
    errors: Reasons
    slow_pages: Reasons
    answers: Reasons
    feedback: Reasons
    properties: Reasons


class FunnelPeople(Struct):
    """A page of those who reached a step, or dropped at it."""

    total: int
    people: list[PersonCard]
    cursor: str | None
