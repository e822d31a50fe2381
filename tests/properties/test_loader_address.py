"""`address` takes pages and queries apart separately; it says what the standard library says of the whole URL."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from tracker.loader.enrich.address import CLICK_IDS, Address, address

PIECES = st.sampled_from(
    [
        "https://", "HTTP:", "//", "/", "?", "#", "&", "=", "%", "%20", "+", ";", ":", "@", "[", "]", "[::1]", " ",
        "\t", "\n", "\0", "\u2100", "\xa0", "a", "é", "shop.example", "gclid=", "fbclid", "utm_source=x", "UTM_Medium=",
        "mc_cid=1",
    ]
)  # fmt: skip
URLS = st.one_of(
    st.lists(PIECES, max_size=14).map("".join),
    st.text(max_size=30),
    st.integers(60, 68).map(lambda n: "https://shop.example/?gclid=1" + "&a=1" * n),
)


def plain(url: str) -> Address:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return Address()
    try:
        pairs = parse_qsl(parts.query, max_num_fields=64)
    except ValueError:
        pairs = []
    tags: dict[str, str] = {}
    for name, value in pairs:
        tags.setdefault(name.lower() if name.lower().startswith("utm_") else name, value.strip()[:200])
    kind = next((name for name in CLICK_IDS if tags.get(name)), "")
    utm = {name: tags.get(name, "") for name in ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")}
    path = parts.path or ("/" if host else "")
    return Address(host=host, path=path, click_id_kind=kind, click_id=tags.get(kind, "") if kind else "", **utm)


@given(URLS)
def test_an_address_is_what_the_standard_library_reads(url: str) -> None:
    assert address(url) == plain(url)
