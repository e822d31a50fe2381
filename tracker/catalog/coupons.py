"""Coupon codes: pools of them, each code for one person, each person of a pool one code, for ever the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import func, insert, select, update

from tracker.catalog.activation_tables import CouponRow
from tracker.catalog.database import Database, now_ms

_IN_ONE_QUESTION = 500  # SQLite takes a limited number of variables


class Coupons:
    """Every method blocks. Who asks at the same time is answered one after the other, over all processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, site: str, pool: str, codes: Sequence[str]) -> int:
        """Put codes behind those of the pool; gives how many were new. One that is there already changes nothing."""
        wanted = list(dict.fromkeys(codes))
        new = 0
        with self._database.exclusive() as session:
            for at in range(0, len(wanted), _IN_ONE_QUESTION):
                some = wanted[at : at + _IN_ONE_QUESTION]
                mine = (CouponRow.site == site, CouponRow.pool == pool, CouponRow.code.in_(some))
                there = set(session.scalars(select(CouponRow.code).where(*mine)))
                rest = {"site": site, "pool": pool, "gone": 0, "export": ""}
                rows = [{"code": one, **rest} for one in some if one not in there]
                if rows:
                    session.execute(insert(CouponRow), rows)
                new += len(rows)
        return new

    def pools(self, site: str) -> list[dict[str, Any]]:
        """`{"pool", "codes", "given", "free"}` by name."""
        given = func.count(CouponRow.given_at)
        query = (
            select(CouponRow.pool, func.count(), given)
            .where(CouponRow.site == site)
            .group_by(CouponRow.pool)
            .order_by(CouponRow.pool)
        )
        with self._database.read() as session:
            return [
                {"pool": pool, "codes": codes, "given": taken, "free": codes - taken}
                for pool, codes, taken in session.execute(query)
            ]

    def holders(self, site: str, pool: str) -> list[int]:
        """Keys of those who have a code."""
        query = select(CouponRow.person).where(
            CouponRow.site == site, CouponRow.pool == pool, CouponRow.person.is_not(None)
        )
        with self._database.read() as session:
            return [int(person, 16) for person in session.scalars(query) if person]

    def of(self, site: str, keys: Sequence[int]) -> list[tuple[int, str, str]]:
        """(when, pool, code) of what one person was given, under any of these keys."""
        query = select(CouponRow.given_at, CouponRow.pool, CouponRow.code).where(
            CouponRow.site == site, CouponRow.person.in_([_hex(one) for one in keys[:_IN_ONE_QUESTION]])
        )
        with self._database.read() as session:
            return [(at or 0, pool, code) for at, pool, code in session.execute(query)]

    def give(
        self, site: str, pool: str, people: Sequence[int], aliases: Mapping[int, Collection[int]], export: str
    ) -> dict[int, str]:
        """Person's key -> their code, in this order while there are codes; who has one has it still.

        `aliases`: the person's key -> keys under which they may have been given one, before they were recognised.
        Durable when this returns; whatever becomes of the export, the code is theirs.
        """
        found: dict[int, str] = {}
        with self._database.exclusive() as session:
            mine = (CouponRow.site == site, CouponRow.pool == pool)
            keys = {key: person for person in people for key in (person, *aliases.get(person, ()))}
            every = list(keys)
            for at in range(0, len(every), _IN_ONE_QUESTION):
                some = [_hex(one) for one in every[at : at + _IN_ONE_QUESTION]]
                query = select(CouponRow.person, CouponRow.code).where(*mine, CouponRow.person.in_(some))
                for key, code in session.execute(query.order_by(CouponRow.id.desc())):
                    found[keys[int(str(key), 16)]] = code  # of several, since they were merged, the first they got
            without = [person for person in dict.fromkeys(people) if person not in found]
            free = select(CouponRow.id, CouponRow.code).where(*mine, CouponRow.given_at.is_(None))
            rows = session.execute(free.order_by(CouponRow.id).limit(len(without))).all()
            at_ms = now_ms()
            given = list(zip(without, rows, strict=False))
            if given:
                session.execute(
                    update(CouponRow),
                    [
                        {"id": row.id, "person": _hex(person), "given_at": at_ms, "export": export}
                        for person, row in given
                    ],
                )
            found |= {person: row.code for person, row in given}
        return found


def _hex(person: int) -> str:
    return f"{person:016x}"
