"""Reading ahead changes nothing but the time."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest

from tracker.audiences.ahead import ahead


class Source:
    """Counts, and says how far it got and whether it was closed."""

    def __init__(self, until: int, error: Exception | None = None) -> None:
        self.until, self.error, self.made, self.closed = until, error, 0, False

    def __call__(self) -> Generator[int, None, None]:
        try:
            while self.made < self.until:
                self.made += 1
                yield self.made
            if self.error is not None:
                raise self.error
        finally:
            self.closed = True


def threads() -> set[str]:
    return {one.name for one in threading.enumerate() if one.name == "reading ahead"}


def test_everything_comes_once_and_in_order() -> None:
    source = Source(1000)
    assert list(ahead(source(), 3)) == list(range(1, 1001))
    assert source.closed and not threads()
    assert list(ahead(Source(0)(), 3)) == []


def test_an_error_comes_after_what_was_made_before_it() -> None:
    found = []
    with pytest.raises(KeyError, match="late"):
        for one in ahead(Source(5, KeyError("late"))(), 2):
            found.append(one)  # noqa: PERF402 - what came before the error
    assert found == [1, 2, 3, 4, 5] and not threads()


def test_closing_ends_the_thread_and_what_it_reads() -> None:
    source = Source(1_000_000)
    items = ahead(source(), 2)
    assert next(items) == 1
    items.close()
    assert source.closed and source.made <= 5 and not threads()
