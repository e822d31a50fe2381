"""Snapchat customer lists: `segments/{id}/users`, one kind of identifier a call, never one value twice in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracker.networks.network import JSON, Action, Column, Network, Request, Row, Terms, one_kind

API = (
    Column("EMAIL_SHA256", ("email.e1",)),
    Column("PHONE_SHA256", ("phone.p3",)),
    Column("MOBILE_AD_ID_SHA256", ("madid.sha256",)),
)


def build(action: Action, rows: Sequence[Row], _granted: Sequence[bool], _terms: Terms) -> Iterator[Request]:
    """One request for each kind."""
    method = "POST" if action == "add" else "DELETE"
    for schema, values in one_kind(API, rows):
        users = [{"schema": [schema], "data": [[value] for value in values]}]
        yield Request(method, "https://adsapi.snapchat.com/v1/segments/{SEGMENT_ID}/users", JSON, {"users": users})


NETWORK = Network(
    name="snapchat",
    title="Snapchat customer lists",
    file=API,
    needs=tuple((column.header,) for column in API),
    api=API,
    build=build,
    batch=10_000,
    request_bytes=1_000_000,
    minimum=1_000,
    days=9_999,
    note="an audience that is not used for 13 months expires; upload the columns apart, one kind a list",
)
