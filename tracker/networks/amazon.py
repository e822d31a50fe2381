"""Amazon Ads data provider: users by hash (`/dp/records/hashed/`), then their audiences (`/v2/dp/audience`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracker.networks.network import JSON, Action, Column, Network, Request, Row, Terms, filled

COLUMNS = (
    Column("email", ("email.e1",)),
    Column("phone", ("phone.p4",)),
    Column("firstName", ("first_name.a",)),
    Column("lastName", ("last_name.a",)),
    Column("address", ("street.a",)),
    Column("city", ("city.a",)),
    Column("state", ("state.m",)),
    Column("postalCode", ("zip.m",)),
    Column("country", ("country.m",)),
    Column("externalId", ("person.pseudonym",)),
)
_HOST = "https://advertising-api.amazon.com"


def build(action: Action, rows: Sequence[Row], _granted: Sequence[bool], _terms: Terms) -> Iterator[Request]:
    """Users are created before they are added; to remove them their external ids are enough."""
    if action == "add":
        records = [{"hashedRecords": [filled(COLUMNS[:-1], row[:-1])], "externalId": row[-1]} for row in rows]
        yield Request("POST", f"{_HOST}/dp/records/hashed/", JSON, {"records": records})
    patches = [
        {"op": action, "path": f"/EXTERNAL_USER_ID-{row[-1]}/audiences", "value": ["{AUDIENCE_ID}"]} for row in rows
    ]
    yield Request("PATCH", f"{_HOST}/v2/dp/audience", JSON, {"patches": patches})


NETWORK = Network(
    name="amazon",
    title="Amazon Ads",
    file=COLUMNS,
    needs=(("email",), ("phone",)),
    build=build,
    batch=4_000,
    request_bytes=4_000_000,
    note="no upload by hand: the file has the API's names",
)
