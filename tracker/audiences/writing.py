"""Writes persons into an export's files as they are read, and keeps what the ledger will be told of them.

What it will be told waits in a file without a name: a line a person, 16 digits of the key, then what a removal needs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from tracker.audiences import known
from tracker.audiences.changes import People, is_among
from tracker.audiences.deliver import Rows
from tracker.audiences.parcel import Parcel
from tracker.audiences.reader import Found
from tracker.catalog import Catalog
from tracker.catalog.deliveries import Added, Line
from tracker.core.identifiers import Keys
from tracker.networks import Member, Network
from tracker.networks.network import Row

_READ = 1 << 20  # bytes of lines at a time


class Writing:
    """Of one export. Leaving the `with` block lets go of what waits for the ledger.

    `before`: whom the ledger has already. `hold` is told of everybody who stays out, and why; `allowed` says whom of
    some persons who are not there yet nobody contacted too often.
    """

    def __init__(
        self,
        catalog: Catalog,
        keys: Keys,
        *,
        network: Network,
        shape: str,
        line: Line,
        before: People,
        hold: Callable[[str], None],
        allowed: Callable[[list[int]], set[int]],
        parcel: Parcel,
        folder: Path,
    ) -> None:
        self._catalog, self._keys, self._network, self._shape = catalog, keys, network, shape
        self._line, self._before, self._hold, self._allowed, self._parcel = line, before, hold, allowed, parcel
        self._ledger = tempfile.TemporaryFile("w+b", dir=folder, suffix=".part")  # noqa: SIM115 - closed by `__exit__`
        self.added, self.removed = Rows(), Rows()
        self.written = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._ledger.close()

    def take_back(self, ledger_keys: Sequence[int]) -> None:
        """Rows that take these back, under all that they were delivered under."""
        for at in range(0, len(ledger_keys), known.AT_ONCE):
            some = ledger_keys[at : at + known.AT_ONCE]
            sealed = self._catalog.deliveries.sealed(self._line, some)
            once = known.rows_of(self._keys, self._network, self._shape, (sealed[key] for key in some))
            self._parcel.write("remove", [(row, True) for row in once], "-remove")
            self.removed.add(some, len(once))

    def add(self, found: Sequence[Found], label: str) -> None:
        """Rows of those who may leave the house, whom the network recognises, and who were not contacted too often."""
        fit = self._recognised(found)
        mine = np.array([person for person, _, _ in fit], np.uint64)
        there = mine[is_among(mine, self._before)].tolist()
        sealed = self._catalog.deliveries.sealed(self._line, there) if there else {}
        chosen = self._often_enough(fit, set(there))
        keys = self._keys
        if sealed:
            told = [known.all_sealed(keys, sealed.get(person, ""), member) for person, member, _ in chosen]
        else:
            told = [known.sealed_forms(keys, member) for _, member, _ in chosen]
        lines = [f"{person:016x}{one}\n" for (person, _, _), one in zip(chosen, told, strict=True)]
        self._ledger.write("".join(lines).encode())
        self.added.add_each([person for person, _, _ in chosen], [len(rows) for _, _, rows in chosen])
        self.written += len(chosen)
        self._parcel.write("add", [(row, member.granted) for _, member, rows in chosen for row in rows], label)

    def noted(self) -> Iterator[Added]:
        """What the ledger is to be told of those who were added."""
        self._ledger.seek(0)
        while lines := self._ledger.readlines(_READ):
            some = b"".join(lines).decode().split("\n")
            del some[-1]
            yield from [Added(int(line[:16], 16), line[16:]) for line in some]

    def _recognised(self, found: Sequence[Found]) -> list[tuple[int, Member, list[Row]]]:
        """Those who may leave the house and whom the network would recognise; the others are counted."""
        encode, shape = self._network.encode, self._shape
        fit = []
        for person, verdict, member in found:
            if member is None:
                self._hold(verdict)
            elif rows := encode(member, shape):
                fit.append((person, member, rows))
            else:
                self._hold("no_identifier")
        return fit

    def _often_enough(
        self, fit: list[tuple[int, Member, list[Row]]], before: set[int]
    ) -> list[tuple[int, Member, list[Row]]]:
        """Those who were not contacted too often; who is there already stays."""
        new = [person for person, _, _ in fit if person not in before]
        allowed = self._allowed(new)
        if len(allowed) == len(new):
            return fit
        chosen = [one for one in fit if one[0] in before or one[0] in allowed]
        for _ in range(len(fit) - len(chosen)):
            self._hold("capped")
        return chosen
