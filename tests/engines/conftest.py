"""Fixtures of tests that ask both engines."""

import pytest
from scheduled_house import running


@pytest.fixture
async def house(embedded, data):
    """An API that sends reports by plan, over the embedded engine."""
    async with running(embedded, data) as one:
        yield one
