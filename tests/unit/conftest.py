"""Fixtures of the unit tests: a collector served as in production, within this process; the API of the dashboard."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest
import streamlit as st
from aiohttp import ClientSession, web
from aiohttp.test_utils import unused_port
from collector_http import OPEN, SHOP, Running, put_sites
from dashboard_api import Server
from dashboard_samples import TOKEN

from tracker.collector.app import make_app
from tracker.collector.serve import runner_of
from tracker.collector.settings import CollectorSettings

# AppTest reads the metadata of everything that is installed anew for each page, in search of components: most of what a
# page costs. Nothing is installed while tests run, so once is enough.
with suppress(ImportError):
    from streamlit.components.v2 import manifest_scanner

    manifest_scanner.scan_component_manifests = functools.cache(manifest_scanner.scan_component_manifests)


@pytest.fixture(autouse=True)
def _main() -> Iterator[None]:
    """Streamlit's AppTest puts its page in place of `__main__`; processes that are spawned afterwards would run it."""
    kept = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = kept


@pytest.fixture
async def start(tmp_path):
    cleanups = []

    async def start(**settings) -> Running:
        port = unused_port()
        given = CollectorSettings(data=tmp_path, segment_age=60, **settings)
        app = make_app(given)
        runner = runner_of(app, given)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        session = ClientSession(skip_auto_headers=["User-Agent"])
        cleanups.extend([session.close, runner.cleanup])
        return Running(tmp_path, port, app, session)

    put_sites(tmp_path, SHOP, OPEN)
    yield start
    for cleanup in cleanups:
        await cleanup()


@pytest.fixture
async def collector(start):
    return await start()


@pytest.fixture
def fake(monkeypatch):
    """The dashboard's API: a real HTTP server with steady numbers, and a session that speaks to it."""
    fake = Server()
    monkeypatch.setenv("TRACKER_API_URL", fake.url)
    monkeypatch.setenv("TRACKER_DASHBOARD_TOKEN", TOKEN)
    st.cache_data.clear()
    yield fake
    fake.close()
