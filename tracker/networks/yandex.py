"""Yandex Audience: one CSV, by hand or through `upload_csv_file`; it replaces the segment as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracker.networks.network import Action, Column, Network, Request, Row, Terms

COLUMNS = (
    Column("phone", ("phone.p4",)),
    Column("email", ("email.e1",)),
    Column("ext_id", ("person.pseudonym",)),
)


def build(_action: Action, rows: Sequence[Row], _granted: Sequence[bool], _terms: Terms) -> Iterator[Request]:
    """The file as the part `file` of a multipart form; the hashes are SHA-256, MD5 is refused since January 2025."""
    text = "\r\n".join(",".join(row) for row in (tuple(column.header for column in COLUMNS), *rows)) + "\r\n"
    yield Request(
        "POST",
        "https://api-audience.yandex.ru/v1/management/segments/upload_csv_file",
        {"Content-Type": "multipart/form-data"},
        {"file": text},
    )


NETWORK = Network(
    name="yandex",
    title="Yandex Audience",
    file=COLUMNS,
    needs=(("phone",), ("email",)),
    build=build,
    batch=5_000_000,
    file_bytes=1_000_000_000,
    minimum=100,
    replaces=True,
    note="100 rows and 100 matched; SHA-256; a new file replaces the segment",
)
