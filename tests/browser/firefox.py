"""Firefox over WebDriver BiDi, which it speaks by itself: no driver is needed but a web socket."""

from __future__ import annotations

import asyncio
import itertools
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

PROGRAM = shutil.which("firefox-esr") or shutil.which("firefox")
PREFERENCES = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#never",
    "toolkit.telemetry.server": "data:,#never",
}


class Firefox:
    """One window; commands wait for their answers."""

    def __init__(self, line: ClientWebSocketResponse) -> None:
        self._line = line
        self._numbers = itertools.count(1)
        self._tab = ""

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol. Raises AssertionError with Firefox's words when it refuses."""
        number = next(self._numbers)
        await self._line.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(60):
            while True:
                said = await self._line.receive_json()
                if said.get("id") == number:
                    assert said["type"] == "success", said
                    return dict(said["result"])

    async def open(self) -> None:
        """A session, and the tab that the tests use."""
        await self.ask("session.new", capabilities={})
        self._tab = (await self.ask("browsingContext.create", type="tab"))["context"]

    async def go(self, url: str) -> None:
        """Until the page has loaded."""
        await self.ask("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    async def run(self, script: str) -> Any:
        """The value of an expression in the page, a promise's when it is there: text, number, truth or nothing."""
        target = {"context": self._tab}
        answer = await self.ask("script.evaluate", expression=script, target=target, awaitPromise=True)
        assert answer["type"] == "success", answer
        return answer["result"].get("value")

    async def until(self, script: str) -> None:
        """Until the expression is true."""
        async with asyncio.timeout(30):
            while not await self.run(f"!!({script})"):  # noqa: ASYNC110 - the page has no event for us
                await asyncio.sleep(0.05)


@asynccontextmanager
async def firefox(profile: Path) -> AsyncIterator[Firefox]:
    """A Firefox with a profile of its own."""
    assert PROGRAM is not None
    lines = [
        f'user_pref("{name}", {str(value).lower() if value is False else repr(value)});'
        for name, value in PREFERENCES.items()
    ]
    (profile / "user.js").write_text("\n".join(lines).replace("'", '"'))
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "--headless", "--no-remote", "--remote-debugging-port", "0", "--profile", str(profile), "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        async with asyncio.timeout(90):
            while True:
                said = (await process.stderr.readline()).decode()
                assert said, "Firefox ended before it listened"
                if found := re.search(r"BiDi listening on (ws://\S+)", said):
                    break
        drain = asyncio.ensure_future(process.stderr.read())  # a full pipe would stop it
        async with ClientSession() as session, session.ws_connect(f"{found[1]}/session", max_msg_size=0) as line:
            browser = Firefox(line)
            await browser.open()
            yield browser
        drain.cancel()
    finally:
        process.terminate()
        await process.wait()
