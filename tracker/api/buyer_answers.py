"""What reports about buyers answer: segments of buyers, what they are worth, what a campaign added."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from tracker.api.answers_people import PersonCard


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
