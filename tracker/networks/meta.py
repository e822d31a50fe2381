"""Meta Custom Audiences: customer file, and the `users` edge of the Marketing API.

Every row has as many cells as the schema; what is unknown is "". EXTERN_ID and MADID are not hashed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracker.networks.network import JSON, Action, Column, Network, Request, Row, Terms

API = (
    Column("EXTERN_ID", ("person.pseudonym",)),
    Column("EMAIL", ("email.e1",)),
    Column("PHONE", ("phone.p2",)),
    Column("DOBY", ("birthday.y",)),
    Column("DOBM", ("birthday.m",)),
    Column("DOBD", ("birthday.d",)),
    Column("LN", ("last_name.m",)),
    Column("FN", ("first_name.m",)),
    Column("FI", ("first_name.i",)),
    Column("GEN", ("gender.m",)),
    Column("CT", ("city.m",)),
    Column("ST", ("state.m",)),
    Column("ZIP", ("zip.m",)),
    Column("COUNTRY", ("country.m",)),
    Column("MADID", ("madid.plain",)),
)


def build(action: Action, rows: Sequence[Row], _granted: Sequence[bool], _terms: Terms) -> Iterator[Request]:
    """`is_raw` says that the schema has several keys; the data is hashed already."""
    payload = {
        "schema": [column.header for column in API],
        "is_raw": True,
        "data_source": {"type": "FILE_IMPORTED", "sub_type": "ANYTHING"},
        "data": rows,
        "app_ids": [],
        "page_ids": [],
        "ig_account_ids": [],
    }
    method = "POST" if action == "add" else "DELETE"
    yield Request(method, "https://graph.facebook.com/v25.0/{AUDIENCE_ID}/users", JSON, {"payload": payload})


NETWORK = Network(
    name="meta",
    title="Meta Custom Audiences",
    file=(
        Column("email", ("email.e1",)),
        Column("phone", ("phone.p2",)),
        Column("madid", ("madid.plain",)),
        Column("fn", ("first_name.m",)),
        Column("ln", ("last_name.m",)),
        Column("zip", ("zip.m",)),
        Column("ct", ("city.m",)),
        Column("st", ("state.m",)),
        Column("country", ("country.m",)),
        Column("doby", ("birthday.y",)),
        Column("gen", ("gender.m",)),
    ),
    needs=(("email",), ("phone",), ("madid",)),
    api=API,
    api_needs=(("EMAIL",), ("PHONE",), ("MADID",)),
    build=build,
    batch=10_000,
    minimum=100,
    note="an audience that no active ad set uses for two years is flagged for deletion; its name is sent to Meta",
)
