"""How much of one sender: token buckets in bounded memory."""

from __future__ import annotations

from collections import OrderedDict

from tracker.core.errors import TooMany

BURST_SECONDS = 30.0


class Buckets:
    """One bucket a key; each fills with `rate` tokens a second up to `BURST_SECONDS` of them.

    A bucket may be drawn into debt once, so that a batch larger than a whole bucket passes now and then. Of more than
    `most` keys the least recently used are forgotten: they begin again with a full bucket.
    """

    def __init__(self, rate: float, *, most: int = 10_000) -> None:
        self._rate = rate
        self._full = rate * BURST_SECONDS
        self._most = most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key -> tokens, when

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, tokens: int, now: float) -> None:
        """Draw tokens; `now` in seconds of any clock that never goes back. Raises TooMany, then nothing is drawn."""
        had, then = self._buckets.get(key, (self._full, now))
        had = min(self._full, had + (now - then) * self._rate)
        if had <= 0:
            raise TooMany("too much at once; slow down", after=1 + int(-had / self._rate))
        self._buckets[key] = (had - tokens, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
