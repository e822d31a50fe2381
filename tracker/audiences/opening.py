"""Opens what the vault holds of a person and takes of it what a network may see.

Nearly everybody has one record, in which each kind of identifier is once and has all its forms: of that only the forms
that the network wants are decoded, which costs a third. Whatever looks different is read in full and merged.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from tracker.core.identifiers import Identifier, Keys, unseal, unsealed

_GIVEN = {"email": ("e1", "e2"), "phone": ("p1", "p2")}
"""Kinds that may come hashed, and two forms that only an identifier has which was not."""


class Opener:
    """For one site and one network. `wanted`: whole names of forms (`email.e1`)."""

    def __init__(self, keys: Keys, wanted: Collection[str]) -> None:
        self._keys = keys
        self._forms: dict[str, list[tuple[str, str]]] = {}  # kind -> (form, its whole name)
        for one in sorted(wanted):
            kind, _, form = one.partition(".")
            self._forms.setdefault(kind, []).append((form, one))
        names = {form for forms in self._forms.values() for form, _ in forms}
        fields = sorted(names.union(*_GIVEN.values()))
        some = msgspec.defstruct("Some", [(name, str, "") for name in fields], gc=False)
        record = msgspec.defstruct("Record", [("kind", str), ("forms", some)], gc=False)
        self._decode: Callable[[bytes], list[Any]] = msgspec.json.Decoder(list[record]).decode  # type: ignore[valid-type]
        self._full = {kind: attrgetter(*forms) for kind, forms in _GIVEN.items()}

    def forms(self, records: Sequence[tuple[int, str]]) -> dict[str, str]:
        """Whole name -> value, of a person's numbered records. Raises Broken."""
        if len(records) == 1:
            found = self._of_one(unsealed(self._keys, records[0][1]))
            if found is not None:
                return found
        newest_first = sorted(records, reverse=True)
        return self._merged(one for _, record in newest_first for one in unseal(self._keys, record))

    def _of_one(self, record: bytes) -> dict[str, str] | None:
        """None: it must be read in full."""
        try:
            identifiers = self._decode(record)
        except msgspec.DecodeError:
            return None
        found: dict[str, str] = {}
        seen = set()
        for one in identifiers:
            kind, forms = one.kind, one.forms
            full = self._full.get(kind)
            if kind in seen or (full is not None and not all(full(forms))):
                return None
            seen.add(kind)
            for form, name in self._forms.get(kind, ()):
                if value := getattr(forms, form):
                    found[name] = value
        return found

    def _merged(self, newest_first: Iterable[Identifier]) -> dict[str, str]:
        """Of each kind the newest; one with all forms before one that was hashed before it came."""
        best: dict[str, Identifier] = {}
        for one in newest_first:
            known = best.get(one.kind)
            if known is None or (len(known.forms) == 1 < len(one.forms)):
                best[one.kind] = one
        found: dict[str, str] = {}
        for kind, one in best.items():
            if len(one.forms) == 1 and kind in _GIVEN:
                found[f"{kind}.given"] = next(iter(one.forms.values()))
            else:
                for form, name in self._forms.get(kind, ()):
                    if value := one.forms.get(form):
                        found[name] = value
        return found
