"""What reports look like, for the OpenAPI document and the tests that hold answers against it."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, field


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


class PersonCard(Struct):
    """A person as lists show them: `person` is the user id where one is known, else the visitor id."""

    person: str
    visitor: str
    user: str
    last_seen: str
    last_event: str
    props: dict[str, Any]


class FunnelPeople(Struct):
    """A page of those who reached a step, or dropped at it."""

    total: int
    people: list[PersonCard]
    cursor: str | None


class Converted(Struct):
    """Money in one currency, each amount at the rate of its day; `unconverted`: what no rate is known for."""

    currency: str
    amount: float
    unconverted: dict[str, float]


class Totals(Struct, kw_only=True):
    """Sums of a period; revenue by currency, and `converted` where the site or the request has a currency."""

    people: int
    sessions: int
    events: int
    page_views: int
    purchases: int
    revenue: dict[str, float]
    converted: Converted | UnsetType = UNSET
    conversion_rate: float


class Day(Struct):
    """One day of the site's calendar."""

    date: str
    people: int
    events: int
    page_views: int
    purchases: int
    revenue: dict[str, float]
    converted: Converted | UnsetType = UNSET


class Channel(Struct):
    """A channel."""

    key: str
    people: int
    purchases: int
    revenue: dict[str, float]
    converted: Converted | UnsetType = UNSET


class PageViews(Struct):
    """A page."""

    key: str
    views: int
    people: int


class Group(Struct):
    """A country or a kind of device."""

    key: str
    people: int


class EventCount(Struct):
    """An event."""

    event: str
    count: int
    people: int


class Change(Struct, kw_only=True):
    """(now - before) / before of each figure; null where there was nothing before."""

    people: float | None
    sessions: float | None
    events: float | None
    page_views: float | None
    purchases: float | None
    revenue: dict[str, float | None]
    converted: float | UnsetType | None = UNSET
    conversion_rate: float | None


class Days(Struct):
    """How many days of the period were counted already, and how many were counted for this answer."""

    from_rollups: int
    from_events: int


class Overview(Struct):
    """A period, and the one it is compared with."""

    totals: Totals
    previous: Totals
    change: Change
    series: list[Day]
    previous_series: list[Day]
    channels: list[Channel]
    pages: list[PageViews]
    countries: list[Group]
    devices: list[Group]
    events: list[EventCount]
    days: Days


class LiveEvent(Struct):
    """An event as it came."""

    ts: str
    event: str
    person: str
    url: str
    country: str
    device: str
    channel: str
    value: float | None
    currency: str


class Live(Struct):
    """Persons active in the last five minutes, and the newest events."""

    active_5m: int
    events: list[LiveEvent]


class Point(Struct):
    """One interval. Of money: `values` by currency as they stand, and what of them could not be converted."""

    start: str
    value: float
    values: dict[str, float] | UnsetType = UNSET
    unconverted: dict[str, float] | UnsetType = UNSET


class Timeseries(Struct):
    """Every interval of the range, empty ones too; `previous`: those of the time it is compared with."""

    series: list[Point]
    previous: list[Point] | UnsetType = UNSET
    currency: str | UnsetType | None = UNSET


class JudgedPoint(Struct):
    """One interval; `usual` and `score` are null where too few weeks before are known."""

    start: str
    value: float
    usual: float | None
    score: float | None
    unusual: bool


class Anomalies(Struct):
    """Every interval of the range, empty ones too."""

    series: list[JudgedPoint]


class RfmSegment(Struct):
    """The buyers of one name; days on average, null where there are none."""

    segment: str
    people: int
    purchases: int
    value: float
    share: float
    days_since_purchase: float | None


class RfmCell(Struct):
    """The buyers of three scores, 1 to 5 each."""

    r: int
    f: int
    m: int
    people: int


class Rfm(Struct):
    """Every segment, empty ones too; what could not be converted to `currency` is worth nothing here."""

    currency: str
    buyers: int
    other_currencies: int
    unconverted: dict[str, float]
    segments: list[RfmSegment]
    cells: list[RfmCell]


class LiftArm(Struct):
    """One side of an audience. `revenue` is in the answer's currency; shares and means are null without persons."""

    persons: int
    converted: int
    rate: float | None
    conversions: int
    revenue: float
    revenue_per_person: float | None


class LiftSizes(Struct):
    """Persons on each side."""

    exposed: int
    holdout: int


class LiftConversion(Struct):
    """Exposed minus hold-out, with 95 % intervals; `relative` is to the hold-out's rate.

    `needed`: persons for a difference like this one to be found with a probability of 80 %; `incremental`: persons who
    converted and would not have. Null where nothing can be said.
    """

    difference: float | None
    low: float | None
    high: float | None
    relative: float | None
    relative_low: float | None
    relative_high: float | None
    p: float | None
    needed: LiftSizes | None
    incremental: float | None


class LiftRevenue(Struct):
    """Revenue a person, exposed minus hold-out, with its 95 % interval; `incremental`: of all exposed together."""

    difference: float | None
    low: float | None
    high: float | None
    relative: float | None
    p: float | None
    incremental: float | None


class Lift(Struct):
    """An audience against its hold-out. `crossed`: persons who were on both sides before it was known that they are
    one; they count on the first.
    """

    audience: str
    network: str | None
    currency: str
    other_currencies: int
    crossed: int
    exposed: LiftArm
    holdout: LiftArm
    conversion: LiftConversion
    revenue: LiftRevenue
    methods: dict[str, str]


class Worth(Struct):
    """Some buyers and all their purchases so far; `ltv` is value per buyer, null where there is none."""

    buyers: int
    purchases: int
    value: float
    ltv: float | None


class LtvCohort(Worth):
    """Buyers of one month, `start` its first day; `cumulative[k]`: what one was worth k months later."""

    start: str
    cumulative: list[float]


class LtvChannel(Worth):
    """Buyers by the channel of their first touch; money spent only where costs are known.

    `cac` is cost per buyer, `ltv_to_cac` LTV per CAC; null where there is nothing to divide by.
    """

    channel: str
    cost: float | UnsetType = UNSET
    cac: float | UnsetType | None = UNSET
    ltv_to_cac: float | UnsetType | None = UNSET


class Ltv(Worth):
    """Every month that the range touches, empty ones too; what could not be converted is worth nothing here."""

    currency: str
    other_currencies: int
    unconverted: dict[str, float]
    cohorts: list[LtvCohort]
    channels: list[LtvChannel]
    other_cost_currencies: list[str] | UnsetType = UNSET


class Likely(Struct):
    """What is expected, and the 90 % interval."""

    expected: float
    low: float
    high: float


class LtvPredicted(Struct):
    """All buyers together; `churned` is a share, `ltv` is per buyer. Money is null where too few paid something."""

    currency: str
    other_currencies: int
    unconverted: dict[str, float]
    buyers: int
    fitted: int
    model: dict[str, float]
    money_model: dict[str, float] | None
    alive: Likely
    churned: Likely
    purchases: Likely
    value: Likely | None
    ltv: Likely | None


class LikelyBuyer(PersonCard):
    """A buyer: what was, and what is expected in the time ahead.

    `churn`: the chance to be no customer any more; null of who bought on one day alone, of whom the model cannot tell.
    """

    channel: str
    purchases_so_far: int
    value_so_far: float
    churn: float | None
    purchases: float
    value: float | None


class LikelyChannel(Struct):
    """The buyers of one channel; `ltv` is per buyer and of the time ahead alone.

    `ltv_to_cac` is (`ltv_so_far` + expected `ltv`) / `cac`. Null where no sampled buyer is of the channel.
    """

    channel: str
    buyers: int
    value_so_far: float
    ltv_so_far: float
    alive: Likely | None
    purchases: Likely | None
    value: Likely | None
    ltv: Likely | None
    cost: float | UnsetType = UNSET
    cac: float | UnsetType = UNSET
    ltv_to_cac: float | UnsetType | None = UNSET


class LtvPeople(Struct):
    """Those with the most first, and all channels."""

    currency: str
    other_currencies: int
    unconverted: dict[str, float]
    buyers: int
    fitted: int
    people: list[LikelyBuyer]
    channels: list[LikelyChannel]
    other_cost_currencies: list[str] | UnsetType = UNSET


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
    """Step by step, the biggest first."""

    edges: list[PathEdge]
    nodes: list[PathNode]


class People(Struct):
    """The one seen last first."""

    people: list[PersonCard]


class TimelineEvent(Struct):
    """An event of a person."""

    ts: str
    event: str
    type: str
    session: str
    visitor: str
    user: str
    url: str
    title: str
    referrer: str
    channel: str
    country: str
    device: str
    value: float | None
    currency: str
    items: list[dict[str, Any]]
    props: dict[str, Any]


class Timeline(Struct):
    """A page of a person's events, the newest first."""

    person: PersonCard
    events: list[TimelineEvent]
    cursor: str | None


class EventName(Struct):
    """An event's name."""

    event: str
    count: int
    last_seen: str


class EventNames(Struct):
    """The most frequent first."""

    events: list[EventName]


class KnownProperty(Struct):
    """A property and its most frequent values."""

    property: str
    values: list[str] = field(default_factory=list)


class Properties(Struct):
    """What can be filtered by."""

    properties: list[KnownProperty]
