"""What is answered about lists for people."""

from __future__ import annotations

from msgspec import Struct


class OutreachList(Struct):
    """A list and its columns; `coupons`: everybody on it gets a code."""

    name: str
    title: str
    columns: list[str]
    coupons: bool
    note: str


class OutreachLists(Struct):
    """All of them."""

    lists: list[OutreachList]


class CouponPool(Struct):
    """Codes of a pool: how many there are, how many were given away, how many are left."""

    pool: str
    codes: int
    given: int
    free: int


class CouponPools(Struct):
    """By name."""

    pools: list[CouponPool]


class CouponsAdded(Struct):
    """How many codes were new."""

    pool: str
    added: int
