"""What a route is. The table of all routes is in `routes.py`; the OpenAPI document is made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from tracker.api.call import Call, FileReply, Reply

Role = Literal["public", "viewer", "analyst", "export", "admin"]
Handler = Callable[[Call], "dict[str, Any] | Reply | FileReply"]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One address and who may use it.

    query, body, answer: msgspec structs. The body is checked against its struct and handed over as one, unless it is
    `open_body`: then any JSON object is handed over as a dict, and the struct only describes it.
    round_trip: the body may also hold what else the answer has, as `GET` gives it: whoever read a thing can send it
    back changed. Nobody can set such fields; what they hold is `Call.given`.
    report: the answer is a report; it runs under the report limits and is also given as CSV and Arrow.
    """

    method: str
    path: str
    role: Role
    handler: Handler
    summary: str
    tag: str
    query: Any = None
    body: Any = None
    open_body: bool = False
    round_trip: bool = False
    answer: Any = None
    status: int = 200
    report: str = ""
    slow: bool = False
    file: bool = False

    @property
    def read_only(self) -> tuple[str, ...]:
        """What a body may hold and nobody can set: what the answer tells beside the fields of the body."""
        if not self.round_trip:
            return ()
        own = {one.encode_name for one in msgspec.structs.fields(self.body)}
        return tuple(one.encode_name for one in msgspec.structs.fields(self.answer) if one.encode_name not in own)

    @property
    def parameters(self) -> list[str]:
        """Names of the parameters in the path."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]
