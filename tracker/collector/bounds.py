"""What the road allows of one event: lengths, ranges and forms."""

from __future__ import annotations

import re

DAY_MS = 86_400_000
PAST_MS = 30 * DAY_MS
FUTURE_MS = 60_000
SKEW_MS = 60_000  # less than that is the network's delay and is left alone, so that a retry keeps its time
EARLIEST, LATEST = 31_536_000_000, 4_260_211_200_000  # 1971, 2105: what the store can hold

UUID_FORM = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
NIL = "00000000-0000-0000-0000-000000000000"
CURRENCY = re.compile(r"[A-Za-z]{3}")

LONGEST_NAME, LONGEST_ID, LONGEST_TITLE, LONGEST_UA = 200, 255, 1024, 1024
SEQ_END = 4_294_967_296
RAW_KEPT = 32_000
