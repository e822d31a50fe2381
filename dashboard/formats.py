"""Numbers, money, durations and names as a person reads them. Pure; no Streamlit, no clock.

The house style: 12,345 · 12.3 % · € 1,234 · 2 h 5 min · 3 min ago. A missing value is always "–".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo

NONE = "–"
FEW = "<10"
_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹", "PLN": "zł", "CHF": "CHF", "CZK": "Kč"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=&])")


def number(value: float | None) -> str:
    """`12345` -> `12,345`; fractions keep at most two digits."""
    if value is None:
        return NONE
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.2f}"


def few(value: float | None, whole: float | None = None) -> str:
    """A count of people that may be hidden; a part of a known `whole` may be hidden without being small itself."""
    if value is not None:
        return number(value)
    return FEW if whole is None else "hidden"


def compact(value: float | None) -> str:
    """For axes and tight places: `950`, `12.3k`, `4.1M`."""
    if value is None:
        return NONE
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):.1f}".removesuffix(".0") + unit
    return number(value)


def percent(share: float | None, digits: int = 1) -> str:
    """A share 0..1 as `12.3 %`. What is not quite nothing or all never rounds to 0 % or 100 %."""
    if share is None:
        return NONE
    smallest = 10**-digits
    value = share * 100
    if 0 < value < smallest:
        return f"< {smallest:g} %"
    if 100 - smallest < value < 100:
        return f"> {100 - smallest:g} %"
    text = f"{value:.{digits}f}"
    return (text.rstrip("0").rstrip(".") if digits and float(text).is_integer() else text) + " %"


def money(amount: float | None, currency: str) -> str:
    """`€ 1,234`; below 100 the cents are shown."""
    if amount is None:
        return NONE
    digits = 2 if abs(amount) < 100 and not float(amount).is_integer() else 0
    return f"{sign(currency)} {amount:,.{digits}f}".strip()


def sign(currency: str) -> str:
    """What stands before an amount: `€`, or the code of a currency without a sign of its own."""
    return _SIGNS.get(currency, currency or "")


def main_currency(revenue: Mapping[str, float] | None) -> str:
    """The currency that most of the revenue is in; empty when there is none."""
    return max(revenue, key=lambda name: revenue[name]) if revenue else ""


def revenue_text(revenue: Mapping[str, float] | None, main: str = "") -> tuple[str, str]:
    """The main currency's sum (by default the biggest), and what came in other currencies (never added up)."""
    main = main or main_currency(revenue)
    if not revenue or not main:
        return NONE, ""
    others = ", ".join(money(amount, name) for name, amount in sorted(revenue.items()) if name != main)
    return money(revenue[main], main), f"and {others}" if others else ""


def not_converted(amounts: Mapping[str, float]) -> str:
    """What is in no sum because no rate is known, in words; empty where everything is."""
    said = [money(amount, name) for name, amount in amounts.items()]
    return f"Not in these figures, as no rate is known: {listing(said, 'and')}." if said else ""


def duration(seconds: float | None) -> str:
    """`42 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`: the two largest units."""
    if seconds is None:
        return NONE
    if 0 < seconds < 1:
        return "< 1 s"
    left = round(seconds)
    parts: list[str] = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if part) or "0 s"


def moment(text: str | None, zone: tzinfo | None = None) -> datetime | None:
    """An RFC 3339 time of the API, in `zone` where one is given; None for none."""
    then = datetime.fromisoformat(text) if text else None
    return then.astimezone(zone) if then and zone else then


def ago(then: datetime | None, now: datetime) -> str:
    """`just now`, `3 min ago`, `2 d ago`; `never` for none."""
    if then is None:
        return "never"
    seconds = (now - then).total_seconds()
    if seconds < 5:
        return "just now"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return f"{int(seconds)} s ago"


def when(then: datetime | None) -> str:
    """`12 Nov 2026, 14:05`."""
    return f"{then.day} {then:%b %Y, %H:%M}" if then else NONE


def days(first: date, last: date) -> str:
    """A period by its first and last day: `1–7 Nov 2026`, `28 Oct – 3 Nov 2026`, `7 Nov 2026`."""
    if first == last:
        return f"{first.day} {first:%b %Y}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{last.day} {last:%b %Y}"
    if first.year == last.year:
        return f"{first.day} {first:%b} – {last.day} {last:%b %Y}"
    return f"{first.day} {first:%b %Y} – {last.day} {last:%b %Y}"


def change(now: float | None, before: float | None) -> tuple[str, str]:
    """How much more or less than before: (`+12.3 %`, `up|down|flat|new`)."""
    if now is None or not before:
        return ("new", "new") if now else ("", "flat")
    share = (now - before) / before
    if abs(share) < 0.0005:
        return "no change", "flat"
    return f"{'+' if share > 0 else '−'}{percent(abs(share))}", "up" if share > 0 else "down"


def window_text(window: str) -> str:
    """The API's `7d`, `24h`, `30m` in words."""
    units = {"w": "week", "d": "day", "h": "hour", "m": "minute", "s": "second"}
    count, unit = window[:-1], units.get(window[-1:], "")
    return f"{count} {unit}{'' if count == '1' else 's'}" if unit and count.isdigit() else window


def span(length: timedelta) -> str:
    """A length as the API writes it: whole days, else hours."""
    return f"{length.days}d" if length.days else f"{max(1, int(length.total_seconds() // 3600))}h"


def event_title(name: str) -> str:
    """`add_to_cart` -> `Add to cart`; a name that is already prose stays as it is."""
    if name == "*":
        return "Any event"
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:] if words else NONE


def plain(text: str) -> str:
    """What a stranger typed, safe in a widget label: no markdown, no line breaks."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def short(text: str, length: int = 48) -> str:
    """Cut in the middle of nothing: the beginning and an ellipsis."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def listing(names: Sequence[str], joiner: str = "or") -> str:
    """`a`, `a or b`, `a, b or c`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {joiner} {names[-1]}"
