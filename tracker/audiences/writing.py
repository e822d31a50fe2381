"""Writes persons into an export's files as they are read, and keeps what the ledger will be told of them.

What it will be told waits in a file without a name: a line a person, 16 digits of the key, then what a removal needs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from tracker.audiences import known
from tracker.audiences.ahead import ahead
from tracker.audiences.changes import People, is_among
from tracker.audiences.deliver import Rows
from tracker.audiences.packing import Packed, Packer, chosen
from tracker.audiences.parcel import Parcel
from tracker.audiences.reader import Found
from tracker.catalog import Catalog
from tracker.catalog.deliveries import Added, Line
from tracker.core.identifiers import Keys
from tracker.networks import Network

_READ = 1 << 20  # bytes of lines at a time
_AHEAD = 2  # times that


class Writing:
    """Of one export. Leaving the `with` block lets go of what waits for the ledger.

    `packer`: what packs whom `add` is given. `before`: whom the ledger has already. `hold` is told why some stay out,
    and how many; `allowed` says whom of some persons who are not there yet nobody contacted too often.
    """

    def __init__(
        self,
        catalog: Catalog,
        packer: Packer,
        *,
        keys: Keys,
        network: Network,
        shape: str,
        line: Line,
        before: People,
        hold: Callable[[str, int], None],
        allowed: Callable[[list[int]], set[int]],
        parcel: Parcel,
        folder: Path,
    ) -> None:
        self._catalog, self._packer, self._keys, self._network, self._shape = catalog, packer, keys, network, shape
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
        for one in found:
            if one.member is None:
                self._hold(one.verdict, 1)
        members = [(one.person, one.member) for one in found if one.member is not None]
        before = self.before([person for person, _ in members])
        self.put(self._packer.members(members, before), before, label)

    def before(self, people: Sequence[int]) -> Mapping[int, str]:
        """What the ledger has of those of some persons who are in it, sealed."""
        mine = np.array(people, np.uint64)
        there = mine[is_among(mine, self._before)].tolist()
        return self._catalog.deliveries.sealed(self._line, there) if there else {}

    def put(self, packed: Packed, before: Collection[int], label: str) -> None:
        """Rows of those who were packed and not contacted too often; who is there `before` stays."""
        if packed.unrecognised:
            self._hold("no_identifier", packed.unrecognised)
        if packed.unasked:
            self._hold("no_consent", packed.unasked)
        new = [person for person in packed.people if person not in before]
        allowed = self._allowed(new)
        if len(allowed) < len(new):
            everybody = len(packed.people)
            packed = chosen(packed, {one for one in packed.people if one in before or one in allowed})
            self._hold("capped", everybody - len(packed.people))
        self._ledger.write(b"".join(packed.told))
        self.added.add_each(packed.people, packed.sizes)
        self.written += len(packed.people)
        if packed.made:
            self._parcel.put(packed.lines, label)
        else:
            granted = [one for one, size in zip(packed.granted, packed.sizes, strict=True) for _ in range(size)]
            self._parcel.write("add", list(zip(packed.rows, granted, strict=True)), label)

    def noted(self) -> Iterator[Added]:
        """What the ledger is to be told of those who were added; read ahead while it is told."""
        with closing(ahead(self._noted(), _AHEAD)) as pieces:
            for some in pieces:
                yield from some

    def _noted(self) -> Generator[list[Added], None, None]:
        self._ledger.seek(0)
        while lines := self._ledger.readlines(_READ):
            some = b"".join(lines).decode().split("\n")
            del some[-1]
            yield [Added(int(line[:16], 16), line[16:]) for line in some]
