"""A collector over HTTP, for tests: how to ask it, and what it has on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import msgspec
from aiohttp import ClientSession, web
from multidict import CIMultiDictProxy

from tracker.core.event import Record
from tracker.core.site import Site, SitesFile
from tracker.spool.record import contents

SHOP = Site(name="shop", write_key="wk", domains=("shop.example",), identifier_key="11" * 32)
OPEN = Site(name="open", write_key="wk-open", consent="opt-out")
ORIGIN = {"Origin": "https://www.shop.example"}
YES = {"analytics": True, "ads": True}


def put_sites(data: Path, *sites: Site) -> None:
    path = data / "sites.json.new"
    path.write_bytes(msgspec.json.encode(SitesFile(sites=sites)))
    path.rename(data / "sites.json")


class Answer(NamedTuple):
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)


class Running:
    """A collector on a port of its own, served as in production."""

    def __init__(self, data: Path, port: int, app: web.Application, session: ClientSession) -> None:
        self.data, self.app, self.session = data, app, session
        self.url = f"http://127.0.0.1:{port}"

    async def send(self, path: str, body: object = None, method: str = "POST", **given):
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        async with self.session.request(method, self.url + path, data=data, **given) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def events(self, *events: dict, site: str = "wk", fresh: bool | None = None, **given):
        body = {"site": site, "events": list(events)} | ({} if fresh is None else {"fresh": fresh})
        return await self.send("/e", body, **given)

    def stored(self) -> list[Record]:
        """Everything on disk now, without waiting for anything."""
        bodies = []
        for path in sorted((self.data / "spool" / "c0").glob("0*.*")) + sorted(
            (self.data / "spool" / "c0").glob("1*.*")
        ):
            bodies += contents(path.read_bytes()).bodies
        return [msgspec.json.decode(body, type=Record) for body in bodies]


def event(**given) -> dict:
    return {"type": "track", "name": "x", "visitor": "visitor-1", "consent": YES, **given}
