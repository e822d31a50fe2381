"""A word that a webhook or a mail address is told: figures, never anything about anybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracker.outbound.mail import Attachment


@dataclass(frozen=True, kw_only=True)
class Word:
    """`key`: whatever comes twice has the same one. `event`: what kind of word it is.

    A webhook gets `facts`; a mail `text` and `file`, and it goes to the addresses in `to` where there are any.
    """

    key: str
    event: str
    subject: str
    facts: Mapping[str, Any]
    text: str
    file: Attachment | None = None
    to: Sequence[str] = ()
