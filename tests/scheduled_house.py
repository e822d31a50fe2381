"""A house that sends reports by plan: an API over a small history, a mailbox, a webhook, and a clock to be moved."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from api_client import serve
from outside import mailbox, outside

sys.path.insert(0, str(Path(__file__).parent / "oracle"))

from world import event, load

from tracker.core.period import instant_ms
from tracker.wiring.reports import ScheduledReports

HOUR, DAY = 3_600_000, 86_400_000
SECRET = "sixteen characters"


def ms(text):
    return instant_ms(text, field="x")


T0 = ms("2026-11-20T00:00:00+01:00")  # a Friday
EVERY_DAY = {"every": "day", "hour": 8}
STEPS = [{"event": "view", "name": "=cmd|' /C calc'!A0"}, {"event": "purchase"}]


def history():
    """Three days: 6, 7 and 8 visitors an odd hour, half of whom buy an hour later."""
    events = []
    for day in range(3):
        for number in range(6 + day):
            at, who = T0 + day * DAY + (9 + number) * HOUR, f"v{day}-{number}"
            events.append(event("view", at, who, country="=HYPERLINK(1)" if number == 0 else "DE"))
            if number % 2:
                events.append(event("purchase", at + HOUR, who, value=10.0, currency="EUR"))
    return events


class House:
    """An API over a store with `history`, and its chore at a clock that the test moves."""

    def __init__(self, api, box, hook):
        self.api, self.box, self.hook = api, box, hook
        self.now = T0 + 3 * DAY + 7 * HOUR
        self.services = replace(api.services, now_ms=lambda: self.now)
        self.chore = ScheduledReports(self.services, threading.Event())

    def restart(self):
        """Another process in its place."""
        self.chore = ScheduledReports(self.services, threading.Event())

    async def round(self, forward=0):
        self.now += forward
        return await asyncio.to_thread(self.chore.round)

    async def schedule(self, **more):
        body = {"site": "shop", "name": "Sales", "report": "funnel", "question": {"steps": STEPS}}
        body |= {"period": "last_3_days", "rhythm": EVERY_DAY, "to": [{"destination": self.hook.id}]}
        status, made = await self.api.ask("POST", "/api/v1/schedules", body | more)
        assert status == 201, made
        made["body"] = body | more
        return made

    async def runs(self, made):
        _, said = await self.api.ask("GET", f"/api/v1/schedules/{made['id']}/runs")
        return said["runs"]


@asynccontextmanager
async def running(engine, data):
    """The house over this engine."""
    with mailbox() as box, outside() as hook:
        house = None
        clock = {"now_ms": lambda: house.now if house else T0, "reports_run": True}
        async with serve(engine, data, **clock) as api:
            api.catalog.sites.create("shop", timezone="Europe/Berlin")
            load(engine, history())
            webhook = {"site": "shop", "name": "Hook", "kind": "webhook", "options": {"url": hook.url + "/r"}}
            _, told = await api.ask("POST", "/api/v1/destinations", webhook | {"secrets": {"secret": SECRET}})
            hook.id = told["id"]
            options = {"host": "127.0.0.1", "port": box.port, "security": "none", "sender": "t@shop.example"}
            options["to"] = ["boss@shop.example"]
            mail = {"site": "shop", "name": "Office", "kind": "email", "options": options, "secrets": {}}
            _, told = await api.ask("POST", "/api/v1/destinations", mail)
            box.id = told["id"]
            house = House(api, box, hook)
            yield house
