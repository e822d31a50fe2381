"""Every network's file and requests, held against golden ones that were checked with the networks' documentation.

`python tests/unit/test_networks.py` writes them anew; read the difference before you keep it.
"""

from __future__ import annotations

import dataclasses
import io
import re
from pathlib import Path

import msgspec
import pytest

from tracker.core.errors import BadRequest
from tracker.core.identifiers import (
    birthday_forms,
    email_forms,
    gender_forms,
    madid_forms,
    name_forms,
    phone_forms,
    place_forms,
)
from tracker.networks import NETWORKS, Member, Request, Terms, options
from tracker.networks.network import size_of
from tracker.networks.parquet_file import ParquetRows

GOLDEN = Path(__file__).parents[1] / "golden" / "networks"
TERMS = Terms(days=30, now_ms=1_795_000_000_000, audience="aud_1", site="shop.example", segments=("753", "1675"))
CONTRACT = (
    "google meta tiktok linkedin pinterest snapchat microsoft x yandex ttd uid2 criteo reddit amazon liveramp openrtb "
    "csv jsonl parquet"
).split()


def member(*identifiers, granted=True, given=None, **card) -> Member:
    found = {f"{one.kind}.{form}": value for one in identifiers for form, value in one.forms.items()}
    found |= {f"card.{name}": value for name, value in card.items()}
    return Member(found | {"person.pseudonym": card["person"] * 4} | (given or {}), granted)


FULL = member(
    email_forms("J.ane+Shop@Gmail.com"),
    phone_forms("+1 800 555 0100", ""),
    name_forms("first_name", "Mary Ann"),
    name_forms("last_name", "O'Zoë"),
    name_forms("street", "1 Rue de l'Été"),
    place_forms("city", "San Francisco"),
    place_forms("state", "California"),
    place_forms("zip", "94045-1234"),
    place_forms("country", "US"),
    birthday_forms("1970-01-02"),
    gender_forms("female"),
    madid_forms("idfa", "5F3A2B18-9C4D-4E7F-B8E2-17D3A1E69B25"),
    given={"uid2.raw": "AdvIvSiaum0P5s3X/7X8h8sz+OhF2IG8DNbEnkWSbYM=",
           "euid.raw": "IbW4n6LIvtDj/8fCESlU0QG9K/fH63UdcTkJpAG8fIQ="},
    person="u1", visitor="v1", user="u1", last_seen="2026-11-24T00:00:00Z", last_event="purchase", country="US",
    device="desktop", channel="paid",
)  # fmt: skip
PHONE = member(
    phone_forms("+49 30 901820", ""), madid_forms("gaid", "38400000-8cf0-11bd-b23e-10b96e40000d"), granted=False,
    given={"match.id": "k-0Zp_7"},
    person="=u2", visitor="v2", user="=u2", last_seen="2026-11-23T00:00:00Z", last_event="view_item", country="DE",
    device="mobile", channel="direct",
)  # fmt: skip
SPACED = member(email_forms("two words+x@example.com"), person="u4", visitor="v4")  # an address for some networks only
GOOGLEMAIL = member(
    email_forms("J.ane+Shop@GoogleMail.com"), place_forms("city", "Orléans"), person="u5", visitor="v5"
)  # fmt: skip
NOBODY = member(person="u3", visitor="", user="", last_seen="", last_event="", country="", device="", channel="")
MEMBERS = (FULL, PHONE, SPACED, GOOGLEMAIL, NOBODY)


def file_of(name: str) -> bytes:
    network = NETWORKS[name]
    rows = [row for one in MEMBERS for row in network.encode(one, "file")]
    return network.head(TERMS) + b"".join(network.write(rows, TERMS))


def requests_of(name: str) -> bytes:
    network = NETWORKS[name]
    rows = [(row, one.granted) for one in MEMBERS for row in network.encode(one, "api")]
    found = [one for action in ("remove", "add") for one in network.requests(action, rows, TERMS)]
    return msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n"


def test_the_contract_names_them_all():
    assert set(CONTRACT) | {"dv360", "euid", "ttd_data"} == set(NETWORKS)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "parquet"])
def test_the_file_is_the_golden_one(name):
    assert file_of(name) == (GOLDEN / f"{name}.{NETWORKS[name].extension}").read_bytes()


@pytest.mark.parametrize("name", [name for name, network in NETWORKS.items() if network.build is not None])
def test_the_requests_are_the_golden_ones(name):
    assert requests_of(name) == (GOLDEN / f"{name}.requests.json").read_bytes()


def test_parquet_holds_the_cells_of_csv():
    import pyarrow.parquet as pq

    out = io.BytesIO()
    table = ParquetRows(out)
    rows = [row for one in MEMBERS for row in NETWORKS["parquet"].encode(one, "file")]
    table.write(rows)
    table.write([])
    table.close()
    read = pq.read_table(io.BytesIO(out.getvalue()))
    assert [tuple(row.values()) for row in read.to_pylist()] == rows
    assert read.column_names == [column.header for column in NETWORKS["csv"].file]


@pytest.mark.parametrize("name", list(NETWORKS))
def test_nobody_without_an_identifier_is_in_it(name):
    network = NETWORKS[name]
    expected = 0 if network.needs else 1
    assert len(network.encode(NOBODY, "file")) == len(network.encode(NOBODY, "api")) == expected


BATCHES = [  # network, members in a request, bytes of a request
    ("google", 10_000, 0), ("meta", 10_000, 0), ("linkedin", 5_000, 0), ("x", 2_500, 4_000_000),
    ("uid2", 5_000, 1_000_000),
    ("ttd_data", 5_000, 2_500_000), ("criteo", 50_000, 0), ("amazon", 4_000, 4_000_000),
    ("snapchat", 50_000, 1_000_000),
    ("microsoft", 100_000, 100_000_000),
]  # fmt: skip


@pytest.mark.parametrize(("name", "members", "size"), BATCHES)
def test_no_request_is_larger_than_the_network_takes(name, members, size):
    network = NETWORKS[name]
    assert network.batch <= members
    [row] = network.encode(FULL, "api")
    several = [(tuple(f"{n:08}{cell[8:]}" if cell else "" for cell in row), True) for n in range(network.batch + 1)]
    found = [msgspec.json.encode(one.body) for one in network.requests("add", several, TERMS)]
    assert len(found) >= 2
    assert not size or max(map(len, found)) <= size


@pytest.mark.parametrize("name", [name for name, network in NETWORKS.items() if network.request_bytes])
def test_a_request_is_cut_at_the_byte_where_it_would_be_too_long(name):
    """As many rows as fit to the byte go in one request; one byte less and they go in two, all of them, in order."""
    [row] = NETWORKS[name].encode(FULL, "api")
    rows = [(tuple(f"{n:04}{cell[4:]}" if cell else "" for cell in row), True) for n in range(40)]
    free = list(dataclasses.replace(NETWORKS[name], request_bytes=0).requests("add", rows, TERMS))
    longest = max(map(size_of, free))
    fits = dataclasses.replace(NETWORKS[name], request_bytes=longest)
    assert list(fits.requests("add", rows, TERMS)) == free
    tight = list(dataclasses.replace(NETWORKS[name], request_bytes=longest - 1).requests("add", rows, TERMS))
    assert len(tight) > len(free) and max(map(size_of, tight)) < longest
    assert sorted(cells_in(tight)) == sorted(cells_in(free))
    alone = list(dataclasses.replace(NETWORKS[name], request_bytes=1).requests("add", rows[:3], TERMS))
    assert len(alone) == 3 * len(list(fits.requests("add", rows[:1], TERMS)))


def cells_in(requests) -> list[str]:
    return [cell for one in requests for cell in re.findall(r"\b00[0-3][0-9][0-9a-f/+=]{8,}", str(one.body))]


def test_an_id_that_is_longer_than_its_placeholder_is_counted():
    short = Request("POST", "u", {}, {"a": "{AUDIENCE_ID}"})
    filled = Request("POST", "u", {}, {"a": "1" * 64})
    assert size_of(short) >= size_of(filled) > len(msgspec.json.encode(short.body))


def test_a_file_of_removals_says_so_where_the_network_has_a_word_for_it():
    bulk = NETWORKS["microsoft"]
    assert [bulk.head(TERMS, action).splitlines()[1:] for action in ("add", "remove")] == [
        [b"Format Version,,,,6.0,,,,,,", b"Customer List,Active,-1,,,Customer,aud_1,Add,30,,"],
        [b"Format Version,,,,6.0,,,,,,", b"Customer List,Active,-1,,,Customer,aud_1,Remove,30,,"],
    ]
    rows = NETWORKS["openrtb"].encode(FULL, "file")
    [left] = NETWORKS["openrtb"].write(rows, TERMS, "remove")
    assert msgspec.json.decode(left)["user"]["data"] == [{"name": "shop.example", "segment": []}]


def test_options_are_taken_only_by_the_network_that_has_them():
    ramp, rtb = NETWORKS["liveramp"], NETWORKS["openrtb"]
    assert options.checked(ramp, {"delimiter": "|", "compression": "none"}) == {"delimiter": "|", "compression": "none"}
    assert options.checked(rtb, {"segments": ["753", "753", "1675"]}) == {"segments": ["753", "1675"]}
    for network, given in (
        (ramp, {"delimiter": "x"}), (ramp, {"delimiter": ""}), (ramp, {"compression": "zip"}),
        (ramp, {"segments": ["1"]}),
        (rtb, {"segments": []}), (rtb, {"segments": ["0"]}), (rtb, {"segments": ["12345"]}), (rtb, {"segments": "753"}),
        (rtb, {"segments": [str(n) for n in range(1, 60)]}), (NETWORKS["meta"], {"delimiter": ";"}),
    ):  # fmt: skip
        with pytest.raises(BadRequest):
            options.checked(network, given)
    rows = [("k", 'a"b', "c")]
    assert b"".join(options.shaped(ramp, {"delimiter": "\t"}).write(rows, TERMS)) == b'"k"\t"a""b"\t"c"\r\n'


def test_an_address_hashed_before_it_came_is_passed_on():
    digest = "ab" * 32
    given = Member({"email.given": digest, "phone.given": "cd" * 32})
    assert NETWORKS["google"].encode(given, "api")[0][:2] == (digest, "cd" * 32)
    assert NETWORKS["liveramp"].encode(given, "file") == [("", digest, "")]


def test_the_trade_desks_first_party_data():
    network, row = NETWORKS["ttd_data"], ("", "", "raw", "")
    [added] = network.requests("add", [(row, True)], TERMS)
    [removed] = network.requests("remove", [(row, True)], TERMS)
    assert added.body["Items"] == [{"UID2": "raw", "Data": [{"Name": "aud_1", "TTLInMinutes": 43_200}]}]
    assert removed.body["Items"][0]["Data"][0]["TTLInMinutes"] == 0


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for name, network in NETWORKS.items():
        if name != "parquet":
            (GOLDEN / f"{name}.{network.extension}").write_bytes(file_of(name))
        if network.build is not None:
            (GOLDEN / f"{name}.requests.json").write_bytes(requests_of(name))
