"""Writes persons into an export's files as they are read, and tells the ledger of them meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from tracker.audiences import known
from tracker.audiences.changes import People, is_among
from tracker.audiences.deliver import Rows
from tracker.audiences.packing import Packed, Packer, chosen
from tracker.audiences.parcel import Parcel
from tracker.audiences.reader import Found
from tracker.catalog import Catalog
from tracker.catalog.deliveries import Added, Delivery
from tracker.core.identifiers import Keys
from tracker.networks import Network


class Writing:
    """Of one export, which has its line of the ledger (`Exports.claim`).

    `export`: its id. `packer`: what packs whom `add` is given. `before`: whom the ledger has already. `hold` is told
    why some stay out, and how many; `allowed` says whom of some persons who are not there yet nobody contacted too
    often. `noted`: False in a dry run, of which the ledger is told nothing.
    """

    def __init__(
        self,
        catalog: Catalog,
        packer: Packer,
        *,
        export: str,
        keys: Keys,
        network: Network,
        shape: str,
        delivery: Delivery,
        before: People,
        hold: Callable[[str, int], None],
        allowed: Callable[[list[int]], set[int]],
        parcel: Parcel,
        noted: bool = True,
    ) -> None:
        self._catalog, self._packer, self._keys, self._network, self._shape = catalog, packer, keys, network, shape
        self._delivery, self._line = delivery, delivery.line
        self._before, self._hold, self._allowed, self._parcel = before, hold, allowed, parcel
        self._export, self._noted = export, noted
        self.added, self.removed = Rows(), Rows()
        self.written = 0
        self.new = 0
        """Of those written: how many were not there before."""

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
        if self._noted:
            self._catalog.exports.bring(self._export, self._delivery, list(map(Added, packed.people, packed.told)))
        self.added.add_each(packed.people, packed.sizes)
        self.written += len(packed.people)
        self.new += len(allowed)
        if packed.made:
            self._parcel.put(packed.lines, label)
        else:
            granted = [one for one, size in zip(packed.granted, packed.sizes, strict=True) for _ in range(size)]
            self._parcel.write("add", list(zip(packed.rows, granted, strict=True)), label)
