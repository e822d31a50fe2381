"""What decides whether somebody may leave the house, besides what they did."""

from __future__ import annotations

from tracker.core.identifiers import keyed, keys_of
from tracker.core.site import Site
from tracker.store.sql import Fragment

ALLOWED = {"opt-in": "decided and decision = 1", "opt-out": "not (decided and decision = 0)"}
"""A site's consent policy -> SQL: the person's latest decision on ads allows it."""

REFUSAL = {"opt-in": "no_consent", "opt-out": "opted_out"}
"""A site's consent policy -> the verdict where it does not."""


_OF_VENDOR = "if(startsWith(mode, 'M4:'), toInt8(has(splitByChar(',', substring(mode, 4)), {vendor:String})), ads)"
_SIGNALLED = "max(gpc) > 0"
# Neither is a yes that came with the signal undone by it, nor does a yes count that nobody said in so many words.
_SIGNALLED_SINCE = """(countIf(gpc > 0 and ads != 1) > 0 and
    maxIf((ts, arrival), gpc > 0 and ads != 1) >= maxIf((ts, arrival), type = 'consent' and ads = 1))"""


def ads_for(vendor: int | None) -> Fragment:
    """What an event says about ads: for anywhere, or for the network of this number in the Global Vendor List."""
    return Fragment("ads") if vendor is None else Fragment(_OF_VENDOR, {"vendor": str(vendor)})


def signalled(site: Site) -> Fragment:
    """Whether a person's browser said no for them, and nothing undid it since."""
    return Fragment(_SIGNALLED_SINCE if site.privacy.later_opt_in else _SIGNALLED)


def salt(site: Site, audience: str) -> str:
    """What the hold-out of an audience is drawn with; secret, so that nobody outside can tell who is in it."""
    return keyed(keys_of(site.name, site.write_key, site.identifier_key), f"holdout:{audience}")
