"""Words that suggest a special category of personal data (GDPR Art. 9, and what ad networks refuse beside it). Pure.

A list of words is a net with holes: it asks whoever builds an audience to think, and proves nothing. Words are stems of
English, German and French, matched where a word begins; short ones only as whole words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_STEMS = {
    "health": (
        "hiv$ aids$ cancer$ oncolog diabet depression antidepress pregnan fertilit infertil ivf$ abortion viagra$ "
        "erectile incontinen psychiatr psychotherap addiction alcoholi obesity disabilit menopaus chemotherap "
        "schwanger krebs$ krankheit sucht$ suchthilfe behinderung grossesse enceinte$ maladie handicap$"
    ),
    "religion": "religio church$ churches$ mosque synagogue muslim islam jewish$ judaism hindu kirche$ moschee eglise$",
    "politics": "political$ politics$ election$ elections$ campaigning$ bundestagswahl politisch politique$",
    "sexuality": "gay$ lesbian lgbt queer$ bisexual transgender homosexu sexuality$ sexual$ sexuell",
    "ethnic origin": "ethnic racial$ ethnisch ethnique",
    "trade union": "trade_union labor_union labour_union gewerkschaft syndicat$ syndical",
    "financial hardship": (
        "bankrupt insolven payday_loan debt$ debts$ foreclosure bad_credit schulden ueberschuld surendett"
    ),
    "children": "children$ minors$ under_13 under_16 kinderseite",
    "precise location": "latitude$ longitude$ geolocation gps$",
}
_APART = re.compile(r"[^a-z0-9à-öø-ÿ]+")


def _pattern(stem: str) -> str:
    """Where a word begins; with `$` the whole word."""
    return rf"(?<![^_]){re.escape(stem.rstrip('$'))}" + ("(?![^_])" if stem.endswith("$") else "")


_FOUND = {
    category: re.compile("|".join(_pattern(stem) for stem in stems.split())) for category, stems in _STEMS.items()
}


def categories(texts: Iterable[str]) -> list[str]:
    """The categories that any of these texts suggests, in a fixed order."""
    plain = "_".join(_APART.sub("_", text.lower()) for text in texts)
    return [category for category, pattern in _FOUND.items() if pattern.search(plain)]
