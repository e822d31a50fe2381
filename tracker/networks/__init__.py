"""The networks that take audiences, one file each: `NETWORKS[name]`."""

from tracker.networks import (
    amazon,
    criteo,
    csv_file,
    dv360,
    google,
    jsonl_file,
    linkedin,
    liveramp,
    meta,
    microsoft,
    openrtb,
    parquet_file,
    pinterest,
    reddit,
    snapchat,
    tiktok,
    ttd,
    uid2,
    x,
    yandex,
)
from tracker.networks.network import Column, Member, Network, Request, Terms

__all__ = ["NETWORKS", "Column", "Member", "Network", "Request", "Terms"]

NETWORKS: dict[str, Network] = {
    module.NETWORK.name: module.NETWORK
    for module in (
        google,
        dv360,
        meta,
        tiktok,
        linkedin,
        pinterest,
        snapchat,
        microsoft,
        x,
        yandex,
        ttd,
        uid2,
        criteo,
        reddit,
        amazon,
        liveramp,
        openrtb,
        csv_file,
        jsonl_file,
        parquet_file,
    )
}
