"""Codes of nodes: no two nodes share one, or whole hashes tell them apart."""

from __future__ import annotations

import random

import pytest

from tracker.analytics import paths_codes
from tracker.analytics.paths_codes import RESERVED, told_apart
from tracker.store.sql import Fragment


@pytest.mark.parametrize(("nodes", "bits"), [(0, 24), (1, 24), (3_000, 24), (40_000, 32)])
def test_every_node_has_a_code_of_its_own(nodes, bits):
    chance = random.Random(nodes)
    names = {chance.getrandbits(64): f"/{number}" for number in range(nodes)}
    codes = told_apart(names, bits)
    assert codes.bits == bits
    assert not codes.whole
    assert sorted(codes.names.values()) == sorted(names.values())
    assert all(RESERVED < code < 2**bits for code in codes.names)


def test_another_factor_is_taken_where_two_nodes_would_share_a_code(monkeypatch):
    shares = {1 << 62: "/a", (1 << 62) + 1: "/b"}  # the first factor leaves their upper bits alike
    monkeypatch.setattr(paths_codes, "_GOLDEN", 3)
    codes = told_apart(shares, 32)
    assert codes.factor not in (1, 3)
    assert len(codes.names) == 2


def test_a_number_that_stands_for_something_else_is_no_code():
    assert told_apart({0: "/a"}, 32).whole  # whatever it is multiplied with


def test_where_no_factor_will_do_nodes_keep_their_whole_hashes():
    codes = told_apart({number: f"/{number}" for number in range(300)}, 8)
    assert codes.whole
    assert codes.of(Fragment("cityHash64(path)")).text == "cityHash64(path)"
