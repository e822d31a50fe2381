"""Which event names journeys hold: those that are asked for, then the rarer ones, as long as there is room."""

from __future__ import annotations

from tracker.loader.journeys import NAMES, chosen
from tracker.wiring.journeys import key_names

COUNTS = {"view": 70, "cart": 20, "help": 4, "buy": 5, "rare": 1}


def test_wanted_names_have_room_first_and_the_highest_bits_and_too_frequent_ones_are_left_out():
    names, left_out = chosen(COUNTS, {"buy", "view", "new"})
    assert names == ("rare", "help", "cart", "buy", "new")
    assert left_out == ("view",)


def test_rarer_names_as_long_as_there_is_room():
    assert chosen(COUNTS, ())[0] == ("rare", "help", "buy", "cart")
    assert chosen({**COUNTS, "cart": 30}, ())[0] == ("rare", "help", "buy")
    assert chosen({}, ()) == ((), ())


def test_there_is_a_bit_for_each_name():
    many = {f"n{at:03}": 1 for at in range(500)}
    names, left_out = chosen(many, {f"n{at:03}" for at in range(100)})
    assert (len(names), len(left_out)) == (NAMES, 100 - NAMES)
    assert len(chosen(many, ())[0]) == NAMES


def test_names_of_steps_that_need_nothing_but_a_name():
    steps = [
        {"event": "view"},
        {"any_of": [{"event": "cart"}, {"event": "wish", "where": [{"property": "url", "op": "exists"}]}]},
        {"event": "*"},
        {"event": "buy", "where": []},
    ]
    assert list(key_names(steps)) == ["view", "cart", "buy"]
    assert list(key_names(None)) == []
