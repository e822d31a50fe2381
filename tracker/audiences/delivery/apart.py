"""A request that is refused for some of its items: finds them, so that the others get through.

Where the answer names the refused items, the rest is said again without them. Where it does not, the request is halved
until an item stands alone. An item that is said again has the same id, which the network counts once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tracker.core.errors import Refused
from tracker.networks import Request
from tracker.networks.accounts import Reading

Ask = Callable[[Request], Reading]

DOUBTFUL = 8
"""Items refused alone while nothing was taken: then a sample is asked, or a wrong setting would be asked about item by
item."""
SAMPLE = 16


def refused(ask: Ask, request: Request, key: str) -> Counter[str]:
    """Send the items of `request.body[key]`, all in one at first; why items were refused, and how many for that.

    Raises Refused where that is not about single items: credentials, a wrong setting, or nothing at all was taken.
    """
    return _Search(ask, request, key).run()


class _Search:
    def __init__(self, ask: Ask, request: Request, key: str) -> None:
        self._ask, self._request, self._key = ask, request, key
        self._items: list[Any] = list(request.body[key])
        self._reasons: Counter[str] = Counter()
        self._taken = 0

    def run(self) -> Counter[str]:
        doubt = True
        left: list[Sequence[int]] = [range(len(self._items))]
        while left:
            part = left.pop()
            reading = self._said(part)
            if reading.good:
                self._reasons.update(reading.items.values())
                self._taken += len(part) - len(reading.items)
                continue
            named = {at for at in reading.items if at < len(part)}
            if named:
                self._reasons.update(reading.items[at] for at in named)
                rest = [item for at, item in enumerate(part) if at not in named]
                left += [rest] if rest else []
            elif len(part) == 1:
                self._reasons[reading.why] += 1
            else:
                middle = len(part) // 2
                left += [part[middle:], part[:middle]]
            if doubt and not self._taken and self._reasons.total() >= DOUBTFUL:
                doubt = False
                self._sample([at for some in left for at in some], reading)
        if self._items and not self._taken:
            raise Refused(next(iter(self._reasons)), code="network_refused")
        return self._reasons

    def _sample(self, left: Sequence[int], reading: Reading) -> None:
        """Items from all over what is left: it is enough that one is taken. It is said again with its neighbours."""
        for at in left[:: -(-len(left) // SAMPLE) or 1]:
            if self._said([at]).good:
                return
        raise Refused(reading.why, code="network_refused")

    def _said(self, part: Sequence[int]) -> Reading:
        """Raises Refused for an answer that is not about what is in it."""
        body = {**self._request.body, self._key: [self._items[at] for at in part]}
        reading = self._ask(msgspec.structs.replace(self._request, body=body))
        if not reading.good and not reading.content:
            raise Refused(reading.why, code="network_refused")
        return reading
