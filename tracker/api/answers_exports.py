"""What is answered about exports, destinations, deliveries and networks."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from tracker.api.answers import ErrorBody


class ExportStarted(Struct):
    """Ask `GET /api/v1/exports/{id}` how it goes on. `warnings`: why it may be of no use, as far as is known before."""

    id: str
    state: Literal["running", "done", "failed"]
    warnings: list[str] | UnsetType = UNSET


class ExportedFile(Struct):
    """A finished file."""

    name: str
    rows: int
    sha256: str
    bytes: int


class Export(Struct):
    """An export. Once it is done: the `version` of this program, `rule_version` (the audience's `updated`) and
    `rule_sha256` (of its rule, with the audiences that it names put in) that its members were judged by; null where
    nobody was.
    """

    id: str
    site: str
    audience: str
    network: str
    mode: str
    shape: Literal["file", "api"]
    destination: str
    dry_run: bool
    options: dict[str, Any]
    state: Literal["running", "done", "failed"]
    warnings: list[str]
    counts: dict[str, Any]
    files: list[ExportedFile]
    version: str | None
    rule_version: str | None
    rule_sha256: str | None
    created: str
    finished: str | None
    error: ErrorBody | UnsetType = UNSET


class Manifest(Struct):
    """What is in the files of an export and how they came about; it says more where more was chosen."""

    export: str
    site: str
    audience: str
    network: str
    mode: str
    shape: Literal["file", "api"]
    destination: str
    counts: dict[str, Any]
    made: str
    files: list[ExportedFile]
    version: str | UnsetType = UNSET
    rule_version: str | UnsetType = UNSET
    rule_sha256: str | UnsetType = UNSET
    days: int | UnsetType = UNSET
    min_size: int | UnsetType = UNSET
    options: dict[str, Any] | UnsetType = UNSET
    dry_run: bool | UnsetType = UNSET
    warnings: list[str] | UnsetType = UNSET
    kind: str | UnsetType = UNSET


class NetworkShown(Struct):
    """A network that takes audiences. `minimum`: members below which it cannot use a list; `max_days`: null, no limit.

    `replaces`: a delivery is the whole list, whatever the mode. `options`: what may be chosen.
    """

    name: str
    title: str
    shapes: list[Literal["file", "api"]]
    minimum: int
    max_days: int | None
    replaces: bool
    options: list[str]
    note: str


class Networks(Struct):
    """All there are."""

    networks: list[NetworkShown]


class Exports(Struct):
    """The newest first."""

    exports: list[Export]


class DestinationShown(Struct):
    """A destination. Of its secrets only the names are given back."""

    id: str
    site: str
    name: str
    kind: str
    options: dict[str, Any]
    secrets: list[str]
    waiting: int
    created: str
    updated: str


class Destinations(Struct):
    """By name. `waiting`: persons of whom it is not known yet whether they arrived there, or have been taken back."""

    destinations: list[DestinationShown]


class DestinationChecked(Struct):
    """It can be used; what to know about it."""

    id: str
    ok: bool
    notes: list[str]


class KindShown(Struct):
    """A kind of destination. `secrets`: sets, one of which must be given; `optional_secrets`: may be given beside."""

    kind: str
    title: str
    options: list[str]
    optional: list[str]
    secrets: list[list[str]]
    optional_secrets: list[str]


class AccountShown(Struct):
    """A network that can be sent to: its ids, and the sets of secrets of which one must be given."""

    network: str
    ids: list[str]
    optional: list[str]
    secrets: list[list[str]]
    optional_secrets: list[str]
    note: str


class Kinds(Struct):
    """What there is to be connected."""

    kinds: list[KindShown]
    networks: list[AccountShown]


class DeliveryShown(Struct):
    """A delivery that is repeated. `last`: how the last time ended; `failures`: how many in a row; `warnings`: when it
    is made, why its lists may be of no use.
    """

    id: str
    audience: str
    destination: str
    network: str
    mode: str
    shape: Literal["file", "api"]
    every: str
    options: dict[str, Any]
    next: str
    failures: int
    last: Export | None
    created: str
    warnings: list[str] | UnsetType = UNSET


class Deliveries(Struct):
    """The oldest first."""

    deliveries: list[DeliveryShown]


class Message(Struct):
    """What somebody wrote into a form. Only what they gave is there. `marked`: why it is taken for a machine's."""

    at: str
    form: str
    visitor: str | UnsetType = UNSET
    user: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    phone: str | UnsetType = UNSET
    date: str | UnsetType = UNSET
    slot: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    marked: str | UnsetType = UNSET


class Messages(Struct):
    """A page of messages, the newest first."""

    messages: list[Message]
    cursor: str | None


class MatchRate(Struct):
    """One partner in the days that a match counts; `rate` is matched of visitors."""

    partner: str
    days: int
    visitors: int
    matched: int
    shared: int
    rate: float | None


class MatchRates(Struct):
    """All partners of a site."""

    partners: list[MatchRate]
