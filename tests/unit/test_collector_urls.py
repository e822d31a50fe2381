import pytest

from tracker.collector.urls import blank, clean, is_below, only

KEPT = [
    "https://shop.example/p/1?utm_source=news&utm_medium=email&page=2",
    "https://shop.example/?order=12345678&when=2026-11-22&size=42",
    "https://shop.example/?utm_id=4111111111111111",
    "https://shop.example/?q=red+shoes%20size",
    "https://shop.example/a%20b",
    "android-app://com.google.android.gm/",
    "",
]
CLEANED = [
    # given                                                              kept
    ("https://u:secret@shop.example/a", "https://shop.example/a"),
    ("https://shop.example/a#token=1", "https://shop.example/a"),
    ("https://shop.example/?email=a@b.example&x=1", "https://shop.example/?x=1"),
    ("https://shop.example/?email=a%40b.example&x=1", "https://shop.example/?x=1"),
    ("https://shop.example/?e=a%2540b.example", "https://shop.example/"),
    ("https://shop.example/?tel=%2B49%20170%201234567&x", "https://shop.example/?x"),
    ("https://shop.example/?p=+491701234567", "https://shop.example/"),
    ("https://shop.example/?p=(555)%20123-4567", "https://shop.example/"),
    ("https://shop.example/?phone=01701234567", "https://shop.example/"),
    ("https://shop.example/?t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc&y=2", "https://shop.example/?y=2"),
    ("https://shop.example/?card=4111111111111111", "https://shop.example/"),
    ("https://shop.example/?password=hunter2&access_token=1", "https://shop.example/"),
    ("https://shop.example/unsubscribe/ann@b.example/now", "https://shop.example/unsubscribe/[email]/now"),
    ("https://shop.example/?a@b.example", "https://shop.example/"),
    ("https://shop.example/?gclid=abc&fbclid=x&q=1", "https://shop.example/?q=1"),
    ("https://shop.example/?GCLID=abc", "https://shop.example/"),
    ("mailto:a@b.example", "mailto:[email]"),
]


@pytest.mark.parametrize("url", KEPT)
def test_what_says_nothing_about_a_person_stays_as_it_was(url):
    assert clean(url, click_ids=False) == url


@pytest.mark.parametrize(("url", "kept"), CLEANED)
def test_what_points_at_a_person_goes(url, kept):
    assert clean(url, click_ids=False) == kept


def test_click_ids_stay_from_m3_on():
    url = "https://shop.example/?gclid=abc&q=1"
    assert clean(url, click_ids=True) == url


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        (
            "https://shop.example/p?q=1&Size=2&utm_source=a&gclid=b&x=3",
            "https://shop.example/p?Size=2&utm_source=a&gclid=b",
        ),
        ("https://shop.example/p?q=1", "https://shop.example/p"),
        ("https://shop.example/p?si%7Ae=2", "https://shop.example/p?si%7Ae=2"),
        ("https://shop.example/p", "https://shop.example/p"),
        ("", ""),
    ],
)
def test_only_listed_keys_of_a_query_are_kept(url, kept):
    assert only(url, frozenset({"size"})) == kept


@pytest.mark.parametrize(
    ("url", "below"),
    [
        ("https://spam.example/x", True),
        ("https://www.SPAM.example./", True),
        ("https://notspam.example/", False),
        ("https://spam.example.org/", False),
        ("https://shop.example/?from=spam.example", False),
        ("https://[::1", False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_hosts_and_what_is_below_them(url, below):
    assert is_below(url, frozenset({"spam.example"})) is below


def test_a_long_url_is_cut():
    assert len(clean("https://shop.example/" + "a" * 9000, click_ids=True)) == 4096


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("write to ann.lee+x@mail.example.org today", "write to [email] today"),
        ("<bob@x.io>,carl@y.io", "<[email]>,[email]"),
        ("jörg@bücher.example", "[email]"),
        ("me%40x.org", "[email]"),
        ("@handle and a @ b", "@handle and a @ b"),
        ("5 @ 3.50", "5 @ 3.50"),
    ],
)
def test_blank(text, kept):
    assert blank(text) == kept
