"""What is taken of sealed records: against merging everything that is in them, in plain Python."""

from __future__ import annotations

import itertools
import random

import pytest

from tracker.audiences.opening import Opener
from tracker.core.errors import Broken
from tracker.core.identifiers import Identifier, Keys, email_forms, keys_of, name_forms, phone_forms, place_forms, seal
from tracker.networks import NETWORKS

KEYS = keys_of("shop", "w", "5e" * 32)
GIVEN = "ab" * 32


def some(dice: random.Random) -> list[Identifier]:
    n = dice.randrange(1000)
    kinds = [
        email_forms(f"n.{n}+x@gmail.com"),
        email_forms(f"other{n}@example.org"),
        email_forms(GIVEN),
        phone_forms(f"+1415555{n:04d}", ""),
        phone_forms(GIVEN, ""),
        name_forms("first_name", "Zoë"),
        name_forms("first_name", "..."),
        place_forms("zip", f"{n:05d}-1"),
        place_forms("country", "de"),
        Identifier("gender", {"m": GIVEN}),
    ]
    return [one for one in dice.sample(kinds, dice.choice((0, 1, 2, 2, 3, 6))) if one is not None]


def merged(records: list[tuple[int, list[Identifier]]], wanted: frozenset[str]) -> dict[str, str]:
    """Of each kind the newest, but one with several forms before one with one."""
    newest_first = [one for _, record in sorted(records, key=lambda pair: -pair[0]) for one in record]
    found: dict[str, str] = {}
    for kind in {one.kind for one in newest_first}:
        mine = [one for one in newest_first if one.kind == kind]
        best = next((one for one in mine if len(one.forms) > 1), mine[0])
        if kind in ("email", "phone") and len(best.forms) == 1:
            found[f"{kind}.given"] = next(iter(best.forms.values()))
        else:
            found |= {f"{kind}.{form}": value for form, value in best.forms.items() if f"{kind}.{form}" in wanted}
    return found


@pytest.mark.parametrize("network", ["google", "meta", "liveramp", "ttd", "jsonl"])
def test_the_forms_a_network_wants_of_any_records(network: str) -> None:
    dice, wanted = random.Random(7), NETWORKS[network].forms()
    opener = Opener(KEYS, wanted)
    for _ in range(300):
        records = [(number, some(dice)) for number in dice.sample(range(100), dice.choice((1, 1, 1, 2, 4)))]
        sealed = [(number, seal(KEYS, one, dice.randbytes(12))) for number, one in records]
        assert opener.forms(sealed) == merged(records, wanted)


def test_what_does_not_open_is_said() -> None:
    opener = Opener(KEYS, {"email.e1"})
    good = seal(KEYS, [Identifier("email", {"e1": GIVEN, "e2": GIVEN})], bytes(12))
    assert opener.forms([(1, good)]) == {"email.e1": GIVEN}
    other = Keys("other", KEYS.join, KEYS.seal)
    for records in itertools.chain([[(1, good[:-4])], [(1, good), (2, "x")]], [[(1, seal(other, [], bytes(12)))]]):
        with pytest.raises(Broken):
            opener.forms(records)
    strange = seal(KEYS, [Identifier("email", {"e1": 7})], bytes(12))  # type: ignore[dict-item]
    with pytest.raises(Broken):
        opener.forms([(1, strange)])
