"""UID2 and EUID: what `/v3/identity/map` is asked, and what it answers. EUID has the same rules and another host.

Hashes are Base64 of the 32 bytes, not of their hexadecimal text. A file or a download holds the payload in clear; what
is really sent is encrypted with the client's secret (`uid2_envelope`). Source: UID2 documentation, "POST /identity/map"
(version 3) and "POST /optout/status".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracker.networks.network import JSON, Action, Column, Network, Request, Row, Terms, batched, one_kind

COLUMNS = (Column("email_hash", ("email.e5",), "base64"), Column("phone_hash", ("phone.p1",), "base64"))
FORMS = tuple(form for column in COLUMNS for form in (*column.forms, f"{column.forms[0].partition('.')[0]}.given"))
"""What of a person an operator may be asked about."""
ITEMS = 5_000
REQUEST_BYTES = 1_000_000 * 3 // 4 - 100
"""1 MB with everything around it, in Base64."""

OPTOUT, INVALID = "optout", "invalid identifier"


@dataclass(frozen=True)
class Answer:
    """What an operator says of one item: the raw id and when it may change (ms), or why there is none (`error`).

    `previous`: the id before, where the present one is younger than 90 days.
    """

    raw: str = ""
    previous: str = ""
    refresh_at: int = 0
    error: str = ""


def asked_of(forms: Mapping[str, str]) -> tuple[str, str]:
    """(kind, hash) by which a person is asked for: the address, without one the number; ("", "") where neither is
    known.
    """
    for column in COLUMNS:
        if cell := column.cell(forms):
            return column.header, cell
    return "", ""


def payloads(items: Sequence[tuple[str, str]]) -> Iterator[tuple[list[tuple[str, str]], dict[str, list[str]]]]:
    """(some items, what asks for them): each of at most 5,000."""
    for some in batched(items, ITEMS):
        body: dict[str, list[str]] = {column.header: [] for column in COLUMNS}
        for kind, value in some:
            body[kind].append(value)
        yield some, body


def answers(items: Sequence[tuple[str, str]], body: Any) -> list[Answer] | None:
    """What was said of each item, in their order; None where the answer does not fit what was asked."""
    if not isinstance(body, dict):
        return None
    lists = {column.header: iter(_list(body.get(column.header))) for column in COLUMNS}
    found = [_answer(next(lists[kind], None)) for kind, _ in items]
    whole = [one for one in found if one is not None]
    return whole if len(whole) == len(items) and all(next(rest, None) is None for rest in lists.values()) else None


def opted_out(body: Any) -> set[str]:
    """The raw ids that have opted out, of an answer of `/v2/optout/status`."""
    listed = _list(body.get("opted_out")) if isinstance(body, dict) else []
    return {str(one["advertising_id"]) for one in listed if isinstance(one, dict) and one.get("advertising_id")}


def _answer(said: Any) -> Answer | None:
    if not isinstance(said, dict):
        return None
    if isinstance(error := said.get("e"), str):
        return Answer(error=error)
    raw, previous, refresh = said.get("u"), said.get("p"), said.get("r")
    if not (isinstance(raw, str) and raw and isinstance(refresh, int) and isinstance(previous, str | None)):
        return None
    return Answer(raw, previous or "", refresh)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def build(action: Action, rows: Sequence[Row], _granted: Sequence[bool], _terms: Terms) -> Iterator[Request]:
    """At most 5,000 items a request; a mapping is asked for, never taken back."""
    if action == "add":
        items = [(kind, value) for kind, values in one_kind(COLUMNS, rows) for value in values]
        for _, body in payloads(items):
            yield Request("POST", "{OPERATOR_URL}/v3/identity/map", JSON, body)


NETWORK = Network(
    name="uid2",
    title="UID2 identity map",
    file=COLUMNS,
    needs=(("email_hash",), ("phone_hash",)),
    build=build,
    batch=ITEMS,
    request_bytes=REQUEST_BYTES,
    note="needs a contract and keys; connect the operator, and The Trade Desk and OpenRTB get the ids",
)
EUID = dataclasses.replace(NETWORK, name="euid", title="EUID identity map")
"""The European twin."""
