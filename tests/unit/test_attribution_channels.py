"""Attribution has a code for every channel that the loader names."""

from __future__ import annotations

from itertools import product

from tracker.analytics.attribution_keys import CHANNELS
from tracker.loader.enrich.source import channel_of

SOURCES = "(direct) google.com facebook.com youtube.com amazon.com newsletter email firebase sms".split()
MEDIA = "(none) cpc paid display organic referral email affiliate audio sms push social video x".split()
CAMPAIGNS = ("", "cross-network", "shopping")


def test_every_channel_of_the_loader_has_a_code():
    named = {channel_of(*each) for each in product(SOURCES, MEDIA, CAMPAIGNS)}
    assert named == set(CHANNELS)
