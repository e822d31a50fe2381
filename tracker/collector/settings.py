"""What a collector process is told. Filled by wiring; nothing here is read from the environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of one request. Sizes are bytes; `docs/protocols.md` lists them for senders.

    body         compressed and inflated size of a live request; `import_body` of `/v1/import`
    events       events in one live batch; `import_events` of one import batch
    event        one event as JSON
    depth, keys  nesting and number of keys of one event
    event_names, property_keys  different ones of a site that are kept under their own name; 0: any number
    """

    body: int = 1_000_000
    import_body: int = 5_000_000
    events: int = 5_000
    import_events: int = 20_000
    event: int = 32_768
    depth: int = 16
    keys: int = 256
    event_names: int = 2_000
    property_keys: int = 2_000


@dataclass(frozen=True, kw_only=True)
class CollectorSettings:
    """Settings of one collector worker.

    data             the data folder: sites.json is read, spool/ is written
    worker           index of this process among the workers of one port; its spool lineage is `c<worker>`
    https            the public address is https: cookies are `Secure` and named with the `__Host-` prefix
    trusted_proxies  addresses or networks whose X-Forwarded-For is believed
    geoip            an .mmdb file with countries, or None: then every region is unknown, which is the strictest
    connections      that may be open at once; an idle one gives way to a newcomer
    connections_per_address  of one address block (/24 or /48), trusted proxies excepted; 0: any number
    head_timeout     seconds a request's head may take after its first byte
    read_timeout     seconds a client may take for its body, and one more for each `body_rate` bytes that came
    data_centres     a file of networks whose browsers are machines, or None
    visitor_rate, block_rate  events a minute above which a browser, an address block is marked as a machine; 0: never
    read_timeout     seconds a client may take for its body
    keepalive        seconds a connection may stay open without a complete request head, the first one included
    rate_per_key     events a second of one write key, 0: any number; half a minute's worth may come at once
    rate_per_address  requests a second of one address block (/24 or /48), likewise
    grace            seconds that requests in flight get after SIGTERM
    realtime         be let in before all usual processes, where the system allows it
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 8080
    worker: int = 0
    https: bool = False
    trusted_proxies: tuple[str, ...] = ()
    geoip: Path | None = None
    data_centres: Path | None = None
    visitor_rate: int = 0
    block_rate: int = 0
    limits: Limits = field(default_factory=Limits)
    connections: int = 5_000
    connections_per_address: int = 0
    head_timeout: float = 10.0
    read_timeout: float = 10.0
    body_rate: int = 16_000
    keepalive: float = 75.0
    rate_per_key: int = 0
    rate_per_address: int = 0
    grace: float = 3.0
    realtime: bool = False
    spool_max_bytes: int = 4_000_000_000
    pending_max_bytes: int = 64_000_000
    segment_bytes: int = 8_000_000
    segment_age: float = 0.5
