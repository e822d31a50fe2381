"""What decides whether somebody may leave the house, besides what they did."""

from __future__ import annotations

from tracker.core.identifiers import keyed, keys_of
from tracker.core.site import Site

ALLOWED = {"opt-in": "decided and decision = 1", "opt-out": "not (decided and decision = 0)"}
"""A site's consent policy -> SQL: the person's latest decision on ads allows it."""

REFUSAL = {"opt-in": "no_consent", "opt-out": "opted_out"}
"""A site's consent policy -> the verdict where it does not."""


def salt(site: Site, audience: str) -> str:
    """What the hold-out of an audience is drawn with; secret, so that nobody outside can tell who is in it."""
    return keyed(keys_of(site.name, site.write_key, site.identifier_key), f"holdout:{audience}")
