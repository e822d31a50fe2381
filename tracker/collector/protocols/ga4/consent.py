"""What Google's tags say about consent -> RawConsent. Pure; what cannot be read grants nothing.

Consent Mode: https://developers.google.com/tag-platform/security/guides/consent. `gcs` and `gcd` are described by those
who read the traffic, for one https://www.simoahava.com/analytics/consent-mode-v2-google-tags/.
"""

from __future__ import annotations

import re
from typing import Any

from tracker.core.event import RawConsent

_GCS = re.compile(r"G1([01-])([01-])")
_GCD = re.compile(r"1[0-9]([a-z])[0-9]([a-z])[0-9]([a-z])[0-9]([a-z])(?:[0-9][a-z]?)*")
_DIGIT = {"1": True, "0": False, "-": None}
# l: neither default nor update; p, q, m, u: denied in the end; t, r, n, v: granted in the end.
_LETTER = {"l": None, **dict.fromkeys("pqmu", False), **dict.fromkeys("trnv", True)}
_WORD = {"GRANTED": True, "DENIED": False}


def from_hit(hit: dict[str, str]) -> RawConsent | None:
    """`gcs` (G1, ad storage, analytics storage), `gcd` (four letters) and `npa` of a hit; None where it has none."""
    ads: list[bool | None] = []
    analytics: list[bool | None] = []
    gcs, gcd = hit.get("gcs"), hit.get("gcd")
    if gcs:
        short = _GCS.fullmatch(gcs)
        ads.append(_DIGIT[short[1]] if short else False)
        analytics.append(_DIGIT[short[2]] if short else None)
    if gcd:
        long = _GCD.fullmatch(gcd)
        letters = [_LETTER.get(letter, False) for letter in long.groups()] if long else [False, None, False, False]
        storage, statistics, user_data, personal = letters
        analytics.append(statistics)
        ads.append(storage)
        ads += [word for word in (user_data, personal) if word is False]
    if hit.get("npa") == "1":
        ads.append(False)
    return _together(analytics, ads)


def from_body(body: dict[str, Any]) -> RawConsent | None:
    """`consent` and `non_personalized_ads` of a Measurement Protocol request; None where it has none.

    Both `ad_user_data` and `ad_personalization` must be granted; `ad_storage` and `analytics_storage`, which Google
    does not ask for here, count where somebody sends them.
    """
    ads: list[bool | None] = []
    analytics: list[bool | None] = []
    said = body.get("consent")
    if isinstance(said, dict):
        words = {str(key): _WORD.get(str(word).upper(), False) for key, word in said.items()}
        asked = (words.get("ad_user_data"), words.get("ad_personalization"))
        ads.append(False if False in asked else True if asked == (True, True) else None)
        if words.get("ad_storage") is False:
            ads.append(False)
        analytics.append(words.get("analytics_storage"))
    elif said is not None:
        ads.append(False)
    if body.get("non_personalized_ads") is True:
        ads.append(False)
    return _together(analytics, ads)


def _together(analytics: list[bool | None], ads: list[bool | None]) -> RawConsent | None:
    """One refusal is a refusal; silence beside a grant is the grant."""
    said = [False if False in words else True if True in words else None for words in (analytics, ads)]
    return None if said == [None, None] else RawConsent(analytics=said[0], ads=said[1])
