"""Codes of nodes: no two nodes share one, or whole hashes tell them apart."""

from __future__ import annotations

import random

import pytest

from tracker.analytics import paths_codes
from tracker.analytics.paths_codes import RESERVED, told_apart
from tracker.store.sql import Fragment


@pytest.mark.parametrize(
    ("nodes", "least", "most", "found"),
    [(0, 13, 30, [13]), (1, 13, 30, [13]), (3_000, 13, 30, [21, 22]), (3_000, 24, 30, [24]), (40_000, 8, 30, [29, 30])],
)
def test_every_node_has_a_code_of_its_own(nodes, least, most, found):
    chance = random.Random(nodes)
    names = {chance.getrandbits(64): f"/{number}" for number in range(nodes)}
    codes = told_apart(names, least, most)
    assert codes.bits in found
    assert not codes.whole
    assert sorted(codes.names.values()) == sorted(names.values())
    assert all(RESERVED < code < 2**codes.bits for code in codes.names)


def test_another_factor_is_taken_where_two_nodes_would_share_a_code(monkeypatch):
    shares = {1 << 62: "/a", (1 << 62) + 1: "/b"}  # the first factor leaves their upper bits alike
    monkeypatch.setattr(paths_codes, "_GOLDEN", 3)
    codes = told_apart(shares, 13, 32)
    assert codes.factor not in (1, 3)
    assert len(codes.names) == 2


def test_a_number_that_stands_for_something_else_is_no_code():
    assert told_apart({0: "/a"}, 13, 32).whole  # whatever it is multiplied with


def test_where_no_factor_will_do_nodes_keep_their_whole_hashes():
    codes = told_apart({number: f"/{number}" for number in range(300)}, 8, 8)
    assert codes.whole
    assert codes.of(Fragment("cityHash64(path)")).text == "cityHash64(path)"
