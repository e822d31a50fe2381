"""Channels: one case for each rule of GA4's default channel group, and what stands before it."""

from __future__ import annotations

import pytest

from tracker.loader.enrich.address import address, host_of
from tracker.loader.enrich.columns import PLACE_COLUMNS, place_row
from tracker.loader.enrich.source import category, channel, channel_of, same_site

RULES = [
    # source, medium, campaign, channel
    ("(direct)", "(none)", "", "Direct"),
    ("(direct)", "(not set)", "", "Direct"),
    ("google", "cpc", "summer cross-network", "Cross-network"),
    ("amazon.com", "cpc", "", "Paid Shopping"),
    ("google", "cpc", "shop-de", "Paid Shopping"),
    ("google", "cpc", "Shopping brand", "Paid Shopping"),
    ("google", "cpc", "workshop", "Paid Search"),
    ("google", "cpc", "bishop", "Paid Search"),
    ("google", "cpc", "eshop", "Paid Shopping"),  # of all letters GA4's pattern lets only an e stand before shop
    ("bing", "ppc", "", "Paid Search"),
    ("facebook", "paid_social", "", "Paid Social"),
    ("youtube.com", "retargeting", "", "Paid Video"),
    ("partner.example", "cpm", "", "Paid Other"),  # "cpm" holds "cp"
    ("partner.example", "display", "", "Display"),
    ("partner.example", "interstitial", "", "Display"),
    ("etsy.com", "referral", "", "Organic Shopping"),
    ("m.facebook.com", "referral", "", "Organic Social"),
    ("partner.example", "social-media", "", "Organic Social"),
    ("youtube.com", "referral", "", "Organic Video"),
    ("partner.example", "video-post", "", "Organic Video"),
    ("duckduckgo.com", "referral", "", "Organic Search"),
    ("partner.example", "organic", "", "Organic Search"),
    ("partner.example", "referral", "", "Referral"),
    ("partner.example", "link", "", "Referral"),
    ("e-mail", "(not set)", "", "Email"),
    ("klaviyo", "email", "", "Email"),
    ("partner.example", "affiliate", "", "Affiliates"),
    ("spotify-ad", "audio", "", "Audio"),
    ("sms", "(not set)", "", "SMS"),
    ("partner.example", "sms", "", "SMS"),
    ("partner.example", "web push", "", "Mobile Push Notifications"),
    ("firebase", "x", "", "Mobile Push Notifications"),
    ("partner.example", "mobile-app", "", "Mobile Push Notifications"),
    ("partner.example", "whatever", "", "Unassigned"),
]


@pytest.mark.parametrize(("source", "medium", "campaign", "expected"), RULES)
def test_each_rule(source: str, medium: str, campaign: str, expected: str) -> None:
    assert channel_of(source, medium, campaign) == expected


VIEWS = [
    # url, referrer, channel
    ("https://shop.example/", "", "Direct"),
    ("https://shop.example/", "https://www.google.co.uk/search?q=x", "Organic Search"),
    ("https://shop.example/", "https://l.facebook.com/l.php", "Organic Social"),
    ("https://shop.example/", "android-app://com.google.android.gm/", "Referral"),
    ("https://www.shop.co.uk/b", "https://shop.co.uk/a", ""),
    ("https://a.github.io/", "https://b.github.io/", "Referral"),
    ("https://10.0.0.1/", "https://10.0.0.2/", "Referral"),
    ("https://shop.example/?gclid=1", "https://www.google.com/", "Paid Search"),
    ("https://shop.example/?gclid=1", "https://shop.example/", "Paid Search"),
    ("https://shop.example/?gclid=1&utm_medium=email", "", "Email"),
    ("https://shop.example/?fbclid=1", "", "Organic Social"),
    ("https://shop.example/?dclid=1", "", "Display"),
    ("https://shop.example/?UTM_Source=Google&utm_medium=CPC", "", "Paid Search"),
    ("https://shop.example/?utm_campaign=x", "", "Unassigned"),
    ("http://[::1", "", "Direct"),
]


@pytest.mark.parametrize(("url", "referrer", "expected"), VIEWS)
def test_where_a_page_view_came_from(url: str, referrer: str, expected: str) -> None:
    assert channel(address(url), host_of(referrer)) == expected


def test_whatever_comes_first_says_where_from_but_only_a_view_can_be_direct() -> None:
    google = "https://www.google.com/"
    assert _channel("https://shop.example/p?gclid=1", "") == "Paid Search"
    assert _channel("https://shop.example/p", google) == "Organic Search"
    assert _channel("https://shop.example/p", "https://shop.example/") == ""
    assert _channel("https://shop.example/", "") == ""
    assert _channel("https://shop.example/", "", view=True) == "Direct"
    assert _channel("", google) == "", "an event of no page tells nothing about one"
    assert set(place_row("", "", view=False)) == {""}


def _channel(url: str, referrer: str, *, view: bool = False) -> str:
    return dict(zip(PLACE_COLUMNS, place_row(url, referrer, view), strict=True))["channel"]


def test_parts_of_an_address() -> None:
    found = address("https://User@Shop.Example:8443/a/b?utm_term=a+b&utm_content=%C3%A9&msclkid=77&x=1#f")
    assert (found.host, found.path, found.utm_term, found.utm_content) == ("shop.example", "/a/b", "a b", "é")
    assert (found.click_id_kind, found.click_id) == ("msclkid", "77")
    assert len(address("https://h/?utm_source=" + "x" * 999).utm_source) == 200
    assert address("https://h/?" + "&".join(f"a{n}=1" for n in range(500))).host == "h"


def test_hosts_count_with_their_sub_domains_and_country_names() -> None:
    assert category("images.google.com.au") == "search"
    assert category("google.evil.example") == ""
    assert category("notgoogle.de") == ""
    assert category("blog.youtube.com") == "video"
    assert same_site("a.b.shop.example", "shop.example")
