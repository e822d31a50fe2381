"""How to read the numbers that `attribution_journeys.sql` (wide) and `attribution_packed.sql` (narrow) write."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Form:
    """SQL over the numbers of a road: `p` is an end of a path, a touch where `key`, `ms` and `direct` are asked for.

    `first` and `last` are the bounds of the touches that lead to it, the last two of `first` where it is `nothing`.
    A key is an even number: a hash without its lowest bit (wide), or twice a code (narrow).
    """

    nothing: str
    at: str
    first: tuple[str, str, str, str]  # of nobody, of a conversion, of nothing by the range and by the last conversion
    last: tuple[str, str]
    key: str
    ms: str
    direct: str
    fact: str
    kind: str
    name: str


WIDE = Form(
    nothing="bitNot(toUInt256(0))",
    at="toInt64(bitShiftRight(p, 216))",
    first=(
        "bitNot(toUInt256(0))",
        "bitShiftLeft(toUInt256(at - {lookback:Int64}), 216)",
        "bitShiftLeft(toUInt256({from:Int64} - {read:Int64}), 216)",
        "bitShiftLeft(bitShiftRight(arrayMax(conversions), 128) + 1, 128)",
    ),
    last=("bitOr(p, toUInt256(bitNot(toUInt128(0))))", "bitNot(toUInt256(0))"),
    key="bitAnd(toUInt64(p), bitNot(toUInt64(1)))",
    ms="toInt64(bitShiftRight(p, 216))",
    direct="bitAnd(toUInt64(p), 1)",
    fact="bitShiftLeft(toUInt128({}), 64) + toUInt64({})",
    kind="toUInt64(bitShiftRight(fact, 64))",
    name="toUInt64(fact)",
)
NARROW = Form(
    nothing="bitNot(toUInt128(0))",
    at="toInt64(bitShiftRight(p, 77))",
    first=(
        "bitNot(toUInt64(0))",
        "bitShiftLeft(toUInt64(at - {lookback:Int64}), 13)",
        "bitShiftLeft(toUInt64({from:Int64} - {read:Int64}), 13)",
        "bitShiftLeft(toUInt64(bitShiftRight(arrayMax(conversions), 77)) + 1, 13)",
    ),
    last=("bitOr(bitShiftLeft(toUInt64(at), 13), 8191)", "bitNot(toUInt64(0))"),
    key="bitAnd(bitShiftRight(p, 1), 4094)",
    ms="toInt64(bitShiftRight(p, 13))",
    direct="bitAnd(p, 1)",
    fact="bitShiftLeft(toUInt64({}), 32) + toUInt64({})",
    kind="bitShiftRight(fact, 32)",
    name="bitAnd(fact, 4294967295)",
)
