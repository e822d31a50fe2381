"""Lists for people: the request of one, its file as rows of a table, and coupon codes from text. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from dashboard.questions import Json, filter_ready, filter_spec

AT_ONCE = 20_000
"""How many codes the API takes in one request."""
TAKE_FILES = ("folder", "webhook", "s3", "gcs", "azure", "sftp")
"""Kinds of destinations that take a list."""
REACHED_BY = ("phone", "email", "Email", "Phone", "Phone Number", "Work Phone", "Work E-mail")
"""Columns that stay in the file: how somebody is reached is not shown on a screen."""
NAMES = ("user", "External ID", "Last Name", "Lead Name")
COLUMNS = {
    "calls": ("rank", "reason", "value", "best_time", "contact"),
    "winback": ("coupon", "purchases", "spent", "days_since_purchase", "contact"),
    "hubspot": ("Retargeting Score", "Retargeting Note"),
    "salesforce": ("Rating", "Description"),
    "bitrix24": ("Opportunity", "Currency", "Comment"),
}
NUMBERS = ("Rank", "Purchases", "Spent", "Days since purchase", "Retargeting Score", "Opportunity")
"""Titles of columns that are read as figures."""
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
POOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def named(audiences: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Id -> name; with the id where several have the same name."""
    names = Counter(str(one["name"]) for one in audiences)
    return {
        str(one["id"]): f"{one['name']} ({one['id']})" if names[str(one["name"])] > 1 else str(one["name"])
        for one in audiences
    }


def permission(rows: Iterable[Json]) -> Json | None:
    """Filter rows as the rule of who agreed to be contacted; None where they say nothing yet."""
    parts = [{"property": filter_spec(row)} for row in rows if filter_ready(row)]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else {"all": parts}


def preview(name: str, content: bytes, most: int) -> tuple[list[str], list[list[str]]]:
    """The first `most` rows of a list's file: titles and cells, the person first, without how to reach them."""
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig", "replace")))
    header = list(rows.fieldnames or ())
    wanted = COLUMNS.get(name) or [one for one in header if one not in (*REACHED_BY, *NAMES, "visitor")]
    shown = [one for one in wanted if one in header]
    lines = [[_person(row), *(row[one] or "" for one in shown)] for row, _ in zip(rows, range(most), strict=False)]
    return ["Person", *(_title(one) for one in shown)], lines


def _person(row: Mapping[str, str]) -> str:
    known = next((row[one] for one in NAMES if row.get(one)), "")
    return known or f"Visitor {row.get('visitor', '')[:8]}"


def _title(column: str) -> str:
    words = column.replace("_", " ")
    return words[:1].upper() + words[1:]


def codes_of(text: str) -> tuple[list[str], int]:
    """Coupon codes, one a line, each once; and which code is none (from 1), 0 where all are good."""
    codes = [line.strip() for line in text.removeprefix("\ufeff").splitlines() if line.strip()]
    wrong = next((at for at, code in enumerate(codes, 1) if _CODE.fullmatch(code) is None), 0)
    return list(dict.fromkeys(codes)), wrong


def portions(codes: Sequence[str]) -> Iterator[list[str]]:
    """As many as the API takes at once."""
    for at in range(0, len(codes), AT_ONCE):
        yield list(codes[at : at + AT_ONCE])
