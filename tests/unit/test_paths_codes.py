"""Codes of nodes: each has its own, and a node that has none is known for it."""

from __future__ import annotations

import pytest

from tracker.analytics.paths_codes import RESERVED, UNKNOWN, Codes
from tracker.store.sql import Fragment


@pytest.mark.parametrize(("nodes", "bits"), [(0, 2), (1, 3), (12, 4), (13, 5), (8_188, 13), (8_189, 14), (50_000, 16)])
def test_every_node_has_a_code_of_its_own_and_it_is_short(nodes, bits):
    codes = Codes({1000 + number: f"/{number}" for number in range(nodes)})
    assert codes.bits == bits
    assert not codes.whole
    assert list(codes.names.values()) == [f"/{number}" for number in range(nodes)]
    assert all(UNKNOWN <= RESERVED < code < 2**codes.bits for code in codes.names)


def test_a_node_is_found_by_its_hash_and_by_its_name():
    codes = Codes({77: "/a", 5: "/b"})
    of = codes.of(Fragment("cityHash64(path, {salt:UInt8})", {"salt": 1}))
    assert of.params == {"salt": 1, "listed": [77, 5]}
    assert of.text.startswith("transform(cityHash64(path, {salt:UInt8}), ")
    assert codes.named("start", "/b") == f"toUInt64({RESERVED + 2})"
    assert codes.names[RESERVED + 2] == "/b"


def test_without_a_list_nodes_keep_their_whole_hashes():
    codes = Codes()
    assert codes.whole
    assert (codes.bits, codes.names) == (64, {})
    assert codes.of(Fragment("cityHash64(path)")).text == "cityHash64(path)"
    assert codes.named("start", "/b") == "cityHash64({start:String})"
