# ruff: noqa: E501 - a vector is a line
"""Published vectors of the networks: input -> canonical form -> hash. Each was recomputed from its source."""

from __future__ import annotations

import base64
import hashlib

import pytest

from tracker.core import forms
from tracker.core.identifiers import (
    birthday_forms,
    email_forms,
    gender_forms,
    keys_of,
    madid_forms,
    name_forms,
    phone_forms,
    place_forms,
    take_from_traits,
)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


EMAILS = [  # form, input, canonical, SHA-256
    ("e3", "  ALEXZ@example.com   ", "alexz@example.com", "509e933019bb285a134a9334b8bb679dff79d0ce023d529af4bd744d47b4fd8a"),
    ("e3", "john@doe.com", "john@doe.com", "d709f370e52b57b4eb75f04e2b3422c4d41a05148cad8f81776d94a048fb70af"),
    ("e5", "USER@example.com", "user@example.com", "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514"),
    ("e5", "MYEMAIL@example.com", "myemail@example.com", "16c18d336f0b250f0e2d907452ceb9658a74ecdae8bc94864c23122a72cc27a5"),
    ("e5", "My.Email@example.com", "my.email@example.com", "e22b53bc6f871274f3a62ab37a3caed7214fc14d676215a96a242fcfada1c81f"),
    ("e1", "test1@example.com", "test1@example.com", "9b431636bd164765d63c573c346708846af4f68fe3701a77a3bdd7e7e5166254"),
    ("e1", "test2@example.com", "test2@example.com", "8cc62c145cd0c6dc444168eaeb1b61b351f9b1809a579cc9b4c9e9d7213a39ee"),
    ("e1", "test3@example.com", "test3@example.com", "4eaf70b1f7a797962b9d2a533f122c8039012b31e0a52b34a426729319cb792a"),
    ("e1", "test4@example.com", "test4@example.com", "98df8d46f118f8bef552b0ec0a3d729466a912577830212a844b73960777ac56"),
    ("e1", "nick@email.com", "nick@email.com", "816341caf0c06dbc4c156d3465323f52b3cb62533241d5f9247c008f657e8343"),
    ("e1", "Person@email.com ", "person@email.com", "b375b7bbddb3de3298fbc7641063d9f03a38e118aa4480c8ab9f58740982e8bd"),
    ("e2", "janedoe@gmail.com", "janedoe@gmail.com", "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69"),
    ("e1", "mail@yandex.ru", "mail@yandex.ru", "bd93ea95f242f02313eccf0ab0bb7fe5121a052de42d2cb7bd332fb9f537cbfa"),
]  # fmt: skip
PHONES = [
    ("p1", "   +1-800-555-0100", "+18005550100", "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30"),
    ("p1", "1-800-555-0100   ", "+18005550100", "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30"),
    ("p1", "1 (234) 567-8901", "+12345678901", "10e6f0b47054a83359477dcb35231db6de5c69fb1816e1a6b98e192de9e5b9ee"),
    ("p2", "555-555-5555", "5555555555", "a5ad7e6d5225ad00c5f05ddb6bb3b1597a843cc92f6cf188490ffcb88a1ef4ef"),
    ("p2", "+001-800-555-1234", "18005551234", "655dbe4f7591d8ffe8c86b433ed53aa325b40e1be892167ae2e17118da8279c9"),
    ("p3", "+1(706)-767-5127", "17067675127", "2fd199db6d3fa9fe754886ff1822f2867fcb104a6639495eca25c2978efe4ed4"),
    ("p3", "001(706)-767-5127", "17067675127", "2fd199db6d3fa9fe754886ff1822f2867fcb104a6639495eca25c2978efe4ed4"),
    ("p3", "01(706)-767-5127", "17067675127", "2fd199db6d3fa9fe754886ff1822f2867fcb104a6639495eca25c2978efe4ed4"),
    ("p4", "+37493828222", "37493828222", "65b7e6dcf6f4310f8d7cbfbd78289a753062fb054d6664fb9aaac5df66a422d4"),
    ("p4", "79995551111", "79995551111", "22846ab8f79870871eb44f653419a4a5069301827d8ae75b6c2a88e4989a364e"),
]


@pytest.mark.parametrize(("form", "given", "canonical", "digest"), EMAILS)
def test_an_address_is_spelled_and_hashed_as_its_network_does(form, given, canonical, digest):
    assert (forms.email(form, given), sha(canonical)) == (canonical, digest)
    assert email_forms(given).forms[form] == digest


@pytest.mark.parametrize(("form", "given", "canonical", "digest"), PHONES)
def test_a_number_is_spelled_and_hashed_as_its_network_does(form, given, canonical, digest):
    assert (forms.phone(form, given), sha(canonical)) == (canonical, digest)


@pytest.mark.parametrize(
    ("form", "digest"),
    [("p1", PHONES[0][3]), ("p2", sha("18005550100")), ("p3", sha("18005550100")), ("p4", sha("18005550100"))],
)
def test_a_number_that_we_keep_has_every_form(form, digest):
    assert phone_forms(" 1-800-555-0100 ", "US").forms[form] == digest


def test_liveramp_takes_sha1_of_the_national_number():
    assert forms.phone("p5", "+1 (555) 123-4567") == "5551234567"
    assert hashlib.sha1(b"5551234567").hexdigest() == "b8e04c986aa87857dfb4d364371d1a4195abf1bb"
    assert hashlib.sha1(b"123-456-7890").hexdigest() == "d94cf047843c27e4ebf4495804dfb264a2181d45"  # their own test's
    assert phone_forms("+1 800 555 0100", "").forms["p5"] == hashlib.sha1(b"8005550100").hexdigest()
    assert "p5" not in phone_forms("+49 30 901820", "").forms


def test_base64_is_that_of_the_bytes():
    for digest, encoded in (
        (EMAILS[2][3], "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ="),
        (EMAILS[3][3], "FsGNM28LJQ8OLZB0Us65ZYp07NrovJSGTCMSKnLMJ6U="),
        (EMAILS[0][3], "UJ6TMBm7KFoTSpM0uLtnnf950M4CPVKa9L10TUe0/Yo="),
        (PHONES[0][3], "+09zpuxf23B31WTN0iw1VLQ85JFoVQw7EsVHt4xRezA="),
        (PHONES[2][3], "EObwtHBUqDNZR33LNSMdtt5cafsYFuGmuY4ZLenlue4="),
    ):
        assert base64.b64encode(bytes.fromhex(digest)).decode() == encoded


def test_names_and_places():
    google = ("  GivenName  ", "128a07bfe2df877c52076e60d7774cf5baaa046c5a6c48daf30ff43ecca2f814")
    family = ("  FamilyName ", "77762c287e61ce065bee5c15464012c6fbe088398b8057627d5577249430d574")
    assert name_forms("first_name", google[0]).forms["g"] == google[1]
    assert name_forms("last_name", family[0]).forms["g"] == family[1]
    assert place_forms("country", " uS ").forms["plain"] == "US"
    assert place_forms("zip", " 1229-076  ").forms["plain"] == "1229-076"
    assert place_forms("city", "San Francisco").forms["m"] == (
        "1a6bd4d9d79dc0a79b53795c70d3349fa9e38968a3fbefbfe8783efb1d2b6aac"
    )
    assert place_forms("state", "CA").forms["m"] == "6959097001d10501ac7d54c0bdb8db61420f658f2922cc26e46d536119a31126"
    assert place_forms("zip", "92000").forms["m"] == "ad16c1a6866c5887c5b59c1803cb1fc09769f1b403b6f1d9d0f10ad6ab4d5d50"
    assert place_forms("country", "US").forms["m"] == "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"
    assert sha("5f3a2b18-9c4d-4e7f-b8e2-17d3a1e69b25") == (
        "83dc3f5f32b9472613b0f038d36f22585a609d018af6f6067f50da318bf354bd"
    )


@pytest.mark.parametrize(
    ("form", "given", "canonical"),
    [
        ("e2", " J ane@X.org ", "jane@x.org"),
        ("e3", "J.ane+shop@googlemail.com", "jane+shop@googlemail.com"),
        ("e3", "J.ane+shop@x.org", "j.ane+shop@x.org"),
        ("e4", "J.ane+shop@googlemail.com", "jane@googlemail.com"),
        ("e4", "J.ane+shop@x.org", "j.ane+shop@x.org"),
        ("e5", "J.ane+shop@gmail.com", "jane@gmail.com"),
        ("e5", "J.ane+shop@googlemail.com", "j.ane+shop@googlemail.com"),
        ("e6", "J.ane+shop@x.org", "jane@x.org"),
        ("e7", "J.ane+shop@x.org", "j.ane@x.org"),
        ("e3", "...@gmail.com", ""),
    ],
)
def test_each_form_of_an_address_differs_where_it_should(form, given, canonical):
    assert forms.email(form, given) == canonical


def test_names_keep_what_each_network_keeps():
    given = " Mary-Ann O'Zoë "
    assert [forms.name(form, given) for form in "gsmai"] == [
        "mary-anno'zoë", "mary-ann o'zoë", "maryannozoë", "maryannozoe", "m",
    ]  # fmt: skip
    assert (forms.state("Texas"), forms.state("New York"), forms.state("Québec"), forms.state("Bayern")) == (
        "tx", "ny", "qu", "ba",
    )  # fmt: skip
    assert (forms.city("29 Palms"), forms.zip_code("37221-3312"), forms.zip_code("1")) == ("", "37221", "")
    assert (forms.country("United States"), forms.country("X1")) == ("us", "")
    assert birthday_forms("1970-01-02").forms["y"] == sha("1970")
    assert gender_forms("diverse") is None


def test_the_advertising_id_of_a_device_leaves_the_traits():
    given = "5F3A2B18-9C4D-4E7F-B8E2-17D3A1E69B25"  # TikTok's vector, in Apple's spelling
    digest = "83dc3f5f32b9472613b0f038d36f22585a609d018af6f6067f50da318bf354bd"
    both = {"plain": given.lower(), "sha256": digest}
    for name, forms_of_it in (
        ("idfa", both | {"idfa": digest}),
        ("IDFA", both | {"idfa": digest}),
        ("gaid", both | {"aaid": digest, "gaid": given.lower()}),
        ("google_advertising_id", both | {"aaid": digest, "gaid": given.lower()}),
        ("advertisingId", both),
    ):
        kept, [found] = take_from_traits(keys_of("shop", "wk", "11" * 32), {name: f" {given} ", "plan": "gold"}, "")
        assert (kept, found.kind, found.forms) == ({"plan": "gold"}, "madid", forms_of_it)
    for nobody in ("00000000-0000-0000-0000-000000000000", "an-id-of-something-else", ""):
        assert madid_forms("idfa", nobody) is None


@pytest.mark.parametrize("nothing", ["", "   ", "@", "a@", "@b.org", "a b@c", "a@@b.org", "+0000000000"])
def test_what_does_not_parse_is_dropped_never_hashed(nothing):
    assert email_forms(nothing) is None
    assert phone_forms(nothing, "US") is None


def test_what_was_hashed_is_never_hashed_again():
    """Of no field; nor may a hash pass for a postcode, which Google takes in clear."""
    digest = EMAILS[0][3]
    given = f" {digest.upper()} "
    assert email_forms(given).forms == {"e1": digest}
    assert phone_forms(given, "US").forms == {"p1": digest}
    for kind in ("first_name", "last_name", "street"):
        assert name_forms(kind, given).forms == dict.fromkeys("gsma", digest)
    for kind, wanted in (("city", "ma"), ("state", "ma"), ("zip", "m"), ("country", "m")):
        assert place_forms(kind, given).forms == dict.fromkeys(wanted, digest)
    assert birthday_forms("19700102" + "a" * 56) is None and gender_forms(given) is None


@pytest.mark.parametrize(
    "given", ["1970-01-02", "19700102", "1970/1/2", "1970.1.02", "1970-01-2T00:00:00Z", "1970-0102"]
)
def test_month_and_day_have_two_digits(given):
    parts = {"y": "1970", "m": "01", "d": "02", "ymd": "19700102"}
    assert birthday_forms(given).forms == {form: sha(text) for form, text in parts.items()}


@pytest.mark.parametrize(
    "given", ["1970-13-01", "1970-0-1", "197012", "1970-1", "1970-1-234", "1870-01-01", "2.1.1970"]
)
def test_what_is_no_birthday_is_none(given):
    assert birthday_forms(given) is None


def test_white_space_that_does_not_break_is_white_space():
    """Meta's builder strips what JavaScript's \\s finds, Google's library what `split` does."""
    assert name_forms("first_name", "Mary\u00a0Ann\u2009").forms == name_forms("first_name", "Mary Ann").forms | {
        "s": sha("mary\u00a0ann")
    }
    assert forms.state("State 9") == "st" and forms.state("9") == ""


def test_no_number_is_longer_than_fifteen_digits():
    """ITU-T E.164; UID2 says so too. German numbers may be longer than that by their national plan."""
    assert phone_forms("+49 1234567890123", "").forms["p1"] == sha("+491234567890123")
    assert phone_forms("+49 12345678901234", "") is None


def test_white_space_inside_is_an_address_only_where_it_is_taken_out():
    """Google refuses it, TikTok, LinkedIn and LiveRamp take it out ([GDM], [TT-HELP2], [RT-LI], [SEG-LR])."""
    assert email_forms(" two words+x@example.com\n").forms == {
        "e2": sha("twowords+x@example.com"),
        "e7": sha("twowords@example.com"),
    }
    assert set(email_forms(" Two.Words@Example.com\n").forms) == {"e1", "e2", "e3", "e4", "e5", "e6", "e7"}
