"""The consent log: every change of what a person agreed to. Append-only, each row chained to the one before by SHA-256.

A TC or GPP string is personal data and is kept once, under the hash that the rows hold (privacy: P-18, P-71).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from tracker.catalog.database import Database
from tracker.catalog.tables import ConsentRow, ConsentTextRow, SiteRow

_IN_ONE_QUESTION = 500
START = "0" * 64
ERASED = "x:"  # begins the subject of a row whose person was erased; the keyed hash of the id follows
_SAID = "at site subject change analytics ads gpc mode source policy text_hash event".split()


class Choice(NamedTuple):
    """What one event says its person agreed to. `subject`: 'u:' + user or 'v:' + visitor; `at`: ms."""

    site: str
    subject: str
    at: int
    analytics: int
    ads: int
    gpc: int
    mode: str
    source: str
    event: str
    text_hash: str = ""
    text: str = ""

    @property
    def said(self) -> tuple[int, int, int, str]:
        """What makes a change if it differs."""
        return self.analytics, self.ads, self.gpc, self.text_hash


class Consents:
    """Writing the same choices twice is harmless: what is the same as the last one is no change."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, choices: Iterable[Choice]) -> int:
        """Take in choices, in the order of their times; gives how many were changes."""
        wanted = sorted(choices, key=lambda choice: choice.at)
        if not wanted:
            return 0
        with self._database.exclusive() as session:
            last = _latest(session, {(choice.site, choice.subject) for choice in wanted})
            policies = {site: _policy(session, site) for site in {choice.site for choice in wanted}}
            new: list[dict[str, Any]] = []
            chain = session.scalar(select(ConsentRow.chain).order_by(ConsentRow.id.desc()).limit(1)) or START
            for choice in wanted:
                before = last.get((choice.site, choice.subject))
                if choice.text:
                    _keep_text(session, choice)
                if before is not None and (before[0] >= choice.at or before[1] == choice.said):
                    continue
                last[choice.site, choice.subject] = (choice.at, choice.said)
                row = _row(choice, before, policies[choice.site])
                chain = link(chain, row)
                new.append({**{name: getattr(row, name) for name in _SAID}, "chain": chain})
            if new:
                session.execute(insert(ConsentRow), new)
        return len(new)

    def of(self, site: str, subjects: Sequence[str]) -> list[dict[str, Any]]:
        """All changes of these subjects, the oldest first, with the full text of each string."""
        with self._database.read() as session:
            query = select(ConsentRow).where(ConsentRow.site == site, ConsentRow.subject.in_(subjects))
            rows = session.scalars(query.order_by(ConsentRow.at, ConsentRow.id)).all()
            hashes = {row.text_hash for row in rows if row.text_hash}
            kept = select(ConsentTextRow).where(ConsentTextRow.site == site, ConsentTextRow.hash.in_(hashes))
            texts = {row.hash: row.text for row in session.scalars(kept)}
            return [
                {
                    "at": row.at,
                    "subject": row.subject,
                    "change": row.change,
                    "analytics": row.analytics,
                    "ads": row.ads,
                    "gpc": row.gpc,
                    "mode": row.mode,
                    "source": row.source,
                    "policy": row.policy,
                    "text_hash": row.text_hash,
                    "text": texts.get(row.text_hash, ""),
                }
                for row in rows
            ]

    def last_texts(self, site: str, subjects: Sequence[str]) -> list[tuple[str, str]]:
        """(subject, the text of the string it last gave, or "") of those in the log; who spoke last comes last."""
        found: dict[str, tuple[int, str]] = {}
        with self._database.read() as session:
            for start in range(0, len(subjects), _IN_ONE_QUESTION):
                part = subjects[start : start + _IN_ONE_QUESTION]
                query = (
                    select(ConsentRow.subject, ConsentRow.at, ConsentTextRow.text)
                    .outerjoin(
                        ConsentTextRow,
                        (ConsentTextRow.site == ConsentRow.site) & (ConsentTextRow.hash == ConsentRow.text_hash),
                    )
                    .where(ConsentRow.site == site, ConsentRow.subject.in_(part))
                    .order_by(ConsentRow.at, ConsentRow.id)
                )
                found |= {subject: (at, text or "") for subject, at, text in session.execute(query)}
        return [(subject, text) for subject, (_, text) in sorted(found.items(), key=lambda one: one[1][0])]

    def broken_at(self) -> int | None:
        """The id of the first row that does not follow from the one before; None for a whole chain.

        A row of an erased person says less than it did when it was chained: it is passed over, its link is kept.
        """
        with self._database.read() as session:
            chain = START
            for row in session.scalars(select(ConsentRow).order_by(ConsentRow.id)):
                if not row.subject.startswith(ERASED) and link(chain, row) != row.chain:
                    return row.id
                chain = row.chain
        return None


def forget(session: Session, site: str, hashes: Mapping[str, str]) -> int:
    """Take the person out of the log: `hashes` is subject -> keyed hash. Gives the number of rows.

    What was agreed to and when stays as proof, under the hash (privacy: P-71); the string itself goes where nobody
    else gave the same one.
    """
    rows: list[ConsentRow] = []
    subjects = sorted(hashes)
    for start in range(0, len(subjects), _IN_ONE_QUESTION):
        part = subjects[start : start + _IN_ONE_QUESTION]
        rows += session.scalars(select(ConsentRow).where(ConsentRow.site == site, ConsentRow.subject.in_(part)))
    for row in rows:
        row.subject, row.event = ERASED + hashes[row.subject], ""
    session.flush()
    for text in {row.text_hash for row in rows if row.text_hash}:
        others = select(ConsentRow.id).where(
            ConsentRow.site == site, ConsentRow.text_hash == text, ConsentRow.subject.not_like(f"{ERASED}%")
        )
        if session.scalar(others.limit(1)) is None:
            session.execute(delete(ConsentTextRow).where(ConsentTextRow.site == site, ConsentTextRow.hash == text))
    return len(rows)


def link(before: str, row: ConsentRow) -> str:
    """SHA-256 over the chain so far and what a row says."""
    said = [getattr(row, name) for name in _SAID]
    return hashlib.sha256(before.encode() + msgspec.json.encode(said)).hexdigest()


def _row(choice: Choice, before: tuple[int, tuple[int, int, int, str]] | None, policy: str) -> ConsentRow:
    withdrawn = choice.analytics == 0 and (before is None or before[1][0] != 0)
    return ConsentRow(
        at=choice.at,
        site=choice.site,
        subject=choice.subject,
        change="withdrawn" if withdrawn else "first" if before is None else "changed",
        analytics=choice.analytics,
        ads=choice.ads,
        gpc=choice.gpc,
        mode=choice.mode,
        source=choice.source,
        policy=policy,
        text_hash=choice.text_hash,
        event=choice.event,
        chain="",
    )


def _policy(session: Session, site: str) -> str:
    row = session.get(SiteRow, site)
    return str((row.privacy or {}).get("policy_version", "")) if row is not None else ""


def _keep_text(session: Session, choice: Choice) -> None:
    if session.get(ConsentTextRow, (choice.site, choice.text_hash)) is None:
        session.add(ConsentTextRow(site=choice.site, hash=choice.text_hash, text=choice.text, at=choice.at))
        session.flush()


def _latest(
    session: Session, keys: set[tuple[str, str]]
) -> dict[tuple[str, str], tuple[int, tuple[int, int, int, str]]]:
    found: dict[tuple[str, str], tuple[int, tuple[int, int, int, str]]] = {}
    for site in {site for site, _ in keys}:
        subjects = sorted(subject for one, subject in keys if one == site)
        for start in range(0, len(subjects), _IN_ONE_QUESTION):
            part = subjects[start : start + _IN_ONE_QUESTION]
            query = select(ConsentRow).where(ConsentRow.site == site, ConsentRow.subject.in_(part))
            for row in session.scalars(query.order_by(ConsentRow.at, ConsentRow.id)):
                found[site, row.subject] = (row.at, (row.analytics, row.ads, row.gpc, row.text_hash))
    return found
