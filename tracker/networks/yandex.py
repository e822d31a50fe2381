"""Yandex Audience: one CSV, uploaded by hand, or through `modify_data`; it replaces the segment as a whole.

The segment must be there: made of a first file by hand, or by `upload_csv_file` and `confirm`, as CRM data, hashed with
SHA-256; later files have the same columns. `check_size=false`: a list that became short, or empty, must go through too.
Source: yandex.com/dev/audience, "Modifying the data for a segment created from a file".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracker.networks.network import MULTIPART, Action, Column, Network, Request, Row, Terms

COLUMNS = (
    Column("phone", ("phone.p4",)),
    Column("email", ("email.e1",)),
    Column("ext_id", ("person.pseudonym",)),
)


def build(_action: Action, rows: Sequence[Row], _granted: Sequence[bool], _terms: Terms) -> Iterator[Request]:
    """The file as the part `file` of a multipart form; the hashes are SHA-256, MD5 is refused since January 2025."""
    text = "\r\n".join(",".join(row) for row in (tuple(column.header for column in COLUMNS), *rows)) + "\r\n"
    url = "https://api-audience.yandex.ru/v1/management/segment/{SEGMENT_ID}/modify_data"
    query = "modification_type=replace&check_size=false"
    yield Request("POST", f"{url}?{query}", {"Content-Type": MULTIPART}, {"file": text})


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
    note="100 rows and 100 matched; SHA-256; a new file replaces the segment, whose first file is uploaded by hand",
)
