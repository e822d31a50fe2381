"""What a comparison with the hold-out says, in words. Pure: the answer of the lift report in, sentences out."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard import formats
from dashboard.client import Json

FEW = 30
"""People on a side, below which nobody should read a rate."""
LEVEL = 0.05


@dataclass(frozen=True)
class Said:
    """A sentence, what stands below it, and the kind of box it belongs into."""

    kind: str
    text: str
    detail: str


def buyers(event: str) -> str:
    """Who converted: buyers where they bought, else people who did the event."""
    return "buyers" if event == "purchase" else f"people with “{formats.event_title(event)}”"


def conversion(answer: Json, event: str) -> Said:
    """Whether more of the exposed converted than of the hold-out."""
    found = answer["conversion"]
    low, high = found["low"], found["high"]
    if low is None or high is None:
        return Said("info", "Nothing can be said of conversions yet.", _too_few())
    who = buyers(event)
    if nobody(answer):
        return Said("info", "Nobody converted yet, on neither side.", "Look again when they have had time for it.")
    sure = _sure(found)
    said = f"{_between((_points(low), f'{_points(high)} percentage points'), (low, high), who)}{_verdict(sure)}."
    shares = [formats.percent(answer[arm]["rate"]) for arm in ("exposed", "holdout")]
    text = f"{_headline(sure, low, who)}: {shares[0]} of the exposed, {shares[1]} of the hold-out."
    return Said(_kind(sure, low), text, f"{said} {_detail(found, who) if sure else ''}".strip())


def revenue(answer: Json) -> Said:
    """Whether the exposed spent more than the hold-out."""
    found, currency = answer["revenue"], str(answer["currency"])
    difference = found["difference"]
    low, high = found["low"], found["high"]
    if difference is None or low is None or high is None:
        return Said("info", "Nothing can be said of revenue yet.", "Too few people spent something.")
    sure = _sure(found)
    written = (_signed(low, currency), _signed(high, currency))
    detail = f"{_between(written, (low, high), 'revenue per person', 'less')}{_verdict(sure)}."
    spent = [formats.money(answer[arm]["revenue_per_person"], currency) for arm in ("exposed", "holdout")]
    text = f"{_headline(sure, low, 'revenue')}: {spent[0]} a person of the exposed, {spent[1]} of the hold-out."
    if sure and found["incremental"]:
        detail += f" About {formats.money(abs(found['incremental']), currency)} in all that would not have been "
        detail += "spent otherwise." if found["incremental"] > 0 else "lost otherwise."
    return Said(_kind(sure, low), text, detail)


def needed(answer: Json) -> str:
    """How many people it would take to tell a difference like this from chance; empty where it is told already."""
    found = answer["conversion"]
    sizes = found["needed"]
    if _sure(found):
        return ""
    if nobody(answer):
        return ""
    if sizes is None:
        return "Both sides convert the same so far; there is no difference that more people could confirm."
    exposed, holdout = (int(answer[arm]["persons"]) for arm in ("exposed", "holdout"))
    return (
        f"To tell a difference like this from chance, about {formats.number(sizes['exposed'])} exposed people and "
        f"{formats.number(sizes['holdout'])} in the hold-out are needed. "
        f"There are {formats.number(exposed)} and {formats.number(holdout)}."
    )


def small(answer: Json) -> str:
    """Which side is so small that its rate says little; empty for none."""
    names = {"exposed": "exposed people", "holdout": "people in the hold-out"}
    few = [
        f"{formats.number(answer[arm]['persons'])} {name}"
        for arm, name in names.items()
        if answer[arm]["persons"] < FEW
    ]
    return f"Only {' and '.join(few)}: rates say little." if few else ""


def signed_points(difference: float | None) -> str:
    """A difference of shares: `+1.9 points`."""
    return formats.NONE if difference is None else f"{_points(difference)} points"


def signed_money(difference: float | None, currency: str) -> str:
    """A difference of money: `+€ 3.20`."""
    return formats.NONE if difference is None else _signed(difference, currency)


def nobody(answer: Json) -> bool:
    """Whether no one converted, neither of the exposed nor of the hold-out."""
    return not any(answer[arm]["converted"] for arm in ("exposed", "holdout"))


def _sure(found: Json) -> bool:
    """The test and the interval both say so; where they disagree nobody should rely on it."""
    p, low, high = found["p"], found["low"], found["high"]
    return p is not None and p < LEVEL and low is not None and high is not None and (low > 0 or high < 0)


def _headline(sure: bool, low: float, what: str) -> str:
    if not sure:
        return f"No effect on {what} is shown yet"
    return f"It brought {what}" if low > 0 else f"It cost {what}"


def _verdict(sure: bool) -> str:
    return "; this is not chance" if sure else "; this could be chance"


def _kind(sure: bool, low: float) -> str:
    return "info" if not sure else "good" if low > 0 else "bad"


def _between(texts: tuple[str, str], bounds: tuple[float, float], what: str, fewer: str = "fewer") -> str:
    low, high = bounds
    said = f"Between {texts[0]} and {texts[1]}"
    return f"{said}, so {fewer} or more {what}" if low < 0 < high else f"{said} {'more' if low >= 0 else fewer} {what}"


def _points(share: float) -> str:
    value = share * 100
    digits = 1 if abs(value) >= 0.1 else 2
    text = f"{abs(value):.{digits}f}"
    return "0" if not float(text) else f"{'+' if value > 0 else '−'}{text}"


def _signed(amount: float, currency: str) -> str:
    rounded = abs(round(amount, 2))
    sign = "" if not rounded else "+" if amount > 0 else "−"
    return f"{sign}{formats.money(rounded, currency)}"


def _detail(found: Json, who: str) -> str:
    more = found["incremental"]
    if more is None:
        return ""
    relative = ""
    if found["relative"] is not None:
        relative = f" ({'+' if found['relative'] > 0 else '−'}{formats.percent(abs(found['relative']), 0)})"
    if more > 0:
        return f"About {formats.number(round(more))} {who} who would not have been otherwise{relative}."
    return f"About {formats.number(round(-more))} {who} fewer than without advertising{relative}."


def _too_few() -> str:
    return "There must be people on both sides."
