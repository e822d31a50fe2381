"""What a network is to us: which forms it takes, what its files and its API's requests look like, its limits. Pure.

A member comes in as forms (`email.e1` -> hash), goes out as rows of cells; rows go into files, or by the batch into
requests. What is unknown of an account stands in a request as `{ADVERTISER_ID}`: nothing here knows a credential.
Source of everything here: each network's own documentation, as it stands in the network's file.
"""

from __future__ import annotations

import base64
import csv
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import msgspec

Action = Literal["add", "remove"]
Encoding = Literal["as is", "base64"]
Row = tuple[str, ...]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_GIVEN = {"email": "email.given", "phone": "phone.given"}
"""Values that were hashed before they came to us: passed on as they are, where a network takes SHA-256 at all."""
_SHA1 = "phone.p5"
MATCHED = "match.id"
"""The id by which one of the site's partners knows the person (ID matching)."""
_PLACE = re.compile(rb"\{[A-Z][A-Z_0-9]*\}")
_ID_BYTES = 64
"""What an id of an account may take where its placeholder stands."""


EUROPE = frozenset(
    "AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()
)
"""Where Google takes only persons who said yes: the EEA, the United Kingdom, Switzerland."""


class Member(msgspec.Struct, frozen=True, gc=False):
    """A person as a network may see them: form -> value, and whether they said yes to ads in so many words."""

    forms: dict[str, str]
    granted: bool = True


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How long members stay (days), when that begins (ms), and by what names the audience and its owner go.

    `segments`: what the audience is called in the IAB's Audience Taxonomy 1.1.
    """

    days: int
    now_ms: int
    audience: str
    site: str
    segments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """A column and the forms that may fill it, the first that is known does. `encoding` is that of a hash."""

    header: str
    forms: tuple[str, ...]
    encoding: Encoding = "as is"

    def cell(self, forms: Mapping[str, str]) -> str:
        """Empty where nothing is known."""
        for form in self.tried:
            if value := forms.get(form):
                return base64.b64encode(bytes.fromhex(value)).decode() if self.encoding == "base64" else value
        return ""

    @cached_property
    def tried(self) -> tuple[str, ...]:
        """Its forms, behind each the one that stands for it where somebody else hashed."""
        given = [(form, _GIVEN.get(form.partition(".")[0], "") if form != _SHA1 else "") for form in self.forms]
        return tuple(form for pair in given for form in pair if form)


class Request(msgspec.Struct, frozen=True):
    """One call of a network's API, without credentials.

    A text body is sent as it is; with `Content-Type: multipart/form-data` each entry is a file; anything else is JSON.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: Any


_Filled = tuple[str, tuple[str, ...], Column]
_Places = tuple[tuple[_Filled, ...], tuple[int, ...], tuple[tuple[int, ...], ...]]
Build = Callable[[Action, Sequence[Row], Sequence[bool], Terms], Iterator[Request]]
Line = Callable[["Network", Row, Terms, Action], bytes]


@dataclass(frozen=True, kw_only=True)
class Network:
    """One network.

    `needs`: sets of columns, of which one must be filled, else the person cannot be recognised there; empty: anybody.
    `api_needs`: the same of the API's columns, where those have other names.
    `together`: columns that are of use only all together, and stay empty otherwise. `variants`: (form, other form):
    where they differ a second row has the other. `titles`: the first line where `line` writes other columns.
    `asks_granted`: where the law of Europe holds, only persons who said yes in so many words. `replaces`: what is
    delivered is the whole list, so that nobody is ever taken off by name.
    `minimum`: members below which the network cannot use a list; 0: none known. `days`: the longest membership;
    None: no limit. `expires`: each member is told with an end, though no longest is known. `batch`: members in one
    request; `request_bytes`: the most that its body may take. `file_rows`, `file_bytes`: the most in one file. 0: no
    limit known. `intro`: lines behind the header, of one action. `delimiter`, `compression` (`gzip` or `none`): of its
    file. `options`: what may be chosen (`networks.options`).
    """

    name: str
    title: str
    file: tuple[Column, ...]
    needs: tuple[tuple[str, ...], ...] = ()
    api_needs: tuple[tuple[str, ...], ...] = ()
    together: tuple[str, ...] = ()
    variants: tuple[tuple[str, str], ...] = ()
    api: tuple[Column, ...] = ()
    build: Build | None = None
    batch: int = 0
    request_bytes: int = 0
    file_rows: int = 0
    file_bytes: int = 0
    minimum: int = 0
    days: int | None = None
    expires: bool = False
    asks_granted: bool = False
    replaces: bool = False
    extension: str = "csv"
    header: bool = True
    titles: tuple[str, ...] = ()
    quoted: bool = False
    delimiter: str = ","
    compression: str = "none"
    options: tuple[str, ...] = ()
    spreadsheet: bool = False
    line: Line | None = field(default=None, repr=False)
    intro: Callable[[Network, Terms, Action], bytes] | None = field(default=None, repr=False)
    note: str = ""

    @property
    def ends(self) -> bool:
        """Whether a membership ends by itself there, so that it must be said again before."""
        return self.expires or self.days is not None

    def columns(self, shape: str) -> tuple[Column, ...]:
        """The columns of its file, or of its API."""
        return self.api if shape == "api" and self.api else self.file

    def forms(self) -> frozenset[str]:
        """Every form that leaves the house towards this network."""
        found = {form for column in (*self.file, *self.api) for form in column.forms}
        return frozenset(found | {form for pair in self.variants for form in pair} | set(_GIVEN.values()))

    def may_take(self, member: Member) -> bool:
        """False: their address is where the network takes only who said yes in so many words, and they did not."""
        return not self.asks_granted or member.granted or member.forms.get("country.plain") not in EUROPE

    def encode(self, member: Member, shape: str) -> list[Row]:
        """The member's rows: one, or several where a network takes two spellings. Empty: it cannot be recognised."""
        rows = [self._row(member, shape)]
        for form, instead in self.variants:
            if member.forms.get(instead, "") not in ("", member.forms.get(form)):
                other = msgspec.structs.replace(member, forms={**member.forms, form: member.forms[instead]})
                rows.append(self._row(other, shape))
        return [row for row in rows if row]

    def _row(self, member: Member, shape: str) -> Row:
        columns, together, needs = self._places[shape == "api"]
        forms = member.forms
        cells = []
        for first, others, column in columns:  # nearly every cell is its first form as it is
            if value := forms.get(first):
                cells.append(value)
            else:
                cells.append(column.cell(forms) if others else "")
        if together and not all(map(cells.__getitem__, together)):
            for at in together:
                cells[at] = ""
        for group in needs:
            if all(map(cells.__getitem__, group)):
                return tuple(cells)
        return () if needs else tuple(cells)

    @cached_property
    def _places(self) -> tuple[_Places, _Places]:
        """Of a file and of the API: columns; which of them count only together; which of them must be filled."""
        found = []
        for shape in ("file", "api"):
            columns = self.columns(shape)
            where = {column.header: at for at, column in enumerate(columns)}
            needs = self.api_needs if shape == "api" and self.api_needs else self.needs
            groups = tuple(tuple(where[header] for header in group) for group in needs)
            filled = [_filled(column) for column in columns]
            found.append((tuple(filled), tuple(where[header] for header in self.together), groups))
        return found[0], found[1]

    def head(self, terms: Terms, action: Action = "add") -> bytes:
        """What a file of this action begins with; empty where that is nothing."""
        line = self.cells(self.titles or tuple(column.header for column in self.file)) if self.header else b""
        return line + (self.intro(self, terms, action) if self.intro is not None else b"")

    def write(self, rows: Iterable[Row], terms: Terms, action: Action = "add") -> list[bytes]:
        """Rows of a file of this action, each as its bytes."""
        if self.line is not None:
            return [self.line(self, row, terms, action) for row in rows]
        return self._csv(tuple(harmless(cell) for cell in row) for row in rows) if self.spreadsheet else self._csv(rows)

    def cells(self, row: Row) -> bytes:
        """A line of CSV."""
        return self._csv([row])[0]

    def _csv(self, rows: Iterable[Row]) -> list[bytes]:
        lines = _Lines()
        quoting: Literal[0, 1] = csv.QUOTE_ALL if self.quoted else csv.QUOTE_MINIMAL
        csv.writer(lines, delimiter=self.delimiter, lineterminator="\r\n", quoting=quoting).writerows(rows)  # RFC 4180
        return lines.written

    def requests(self, action: Action, rows: Iterable[tuple[Row, bool]], terms: Terms) -> Iterator[Request]:
        """Rows of `columns("api")`, each with the member's `granted`, as requests of at most `batch` rows and
        `request_bytes`; a row that is too long for a request of its own is in one.
        """
        for batch in batched(rows, self.batch) if self.build is not None else ():
            yield from self._fitting(action, batch, terms)

    def _fitting(self, action: Action, batch: Sequence[tuple[Row, bool]], terms: Terms) -> Iterator[Request]:
        """Half of the rows at a time, until each request is small enough."""
        assert self.build is not None
        made = list(self.build(action, [row for row, _ in batch], [granted for _, granted in batch], terms))
        if not self.request_bytes or len(batch) < 2 or all(size_of(one) <= self.request_bytes for one in made):
            yield from made
            return
        middle = len(batch) // 2
        yield from self._fitting(action, batch[:middle], terms)
        yield from self._fitting(action, batch[middle:], terms)


def _filled(column: Column) -> _Filled:
    """The form that fills it as it is ("" where there is none), those to try after it, and the column."""
    if column.encoding != "as is":
        return "", column.tried, column
    return column.tried[0] if column.tried else "", column.tried[1:], column


class _Lines:
    """Takes the lines of a CSV writer, each in one piece."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, line: str) -> None:
        """One line."""
        self.written.append(line.encode())


def size_of(request: Request) -> int:
    """Bytes of its body when it is sent, at most: for each placeholder as many as a long id takes."""
    body = request.body.encode() if isinstance(request.body, str) else msgspec.json.encode(request.body)
    return len(body) + _ID_BYTES * len(_PLACE.findall(body))


def batched(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Lists of at most `size`."""
    left = iter(items)
    while batch := list(itertools.islice(left, size)):
        yield batch


def harmless(text: str) -> str:
    """A cell that a spreadsheet would run as a formula gets an apostrophe before it (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def one_kind(columns: Sequence[Column], rows: Sequence[Row]) -> Iterator[tuple[str, list[str]]]:
    """(header, values) of each column, for networks that take one kind of identifier in a call; no value twice."""
    for at, column in enumerate(columns):
        values = list(dict.fromkeys(row[at] for row in rows if row[at]))
        if values:
            yield column.header, values


def filled(columns: Sequence[Column], row: Row) -> dict[str, str]:
    """header -> value of what is known."""
    return {column.header: cell for column, cell in zip(columns, row, strict=True) if cell}


JSON = {"Content-Type": "application/json"}
MULTIPART = "multipart/form-data"
