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
    ttd_data,
    uid2,
    x,
    yandex,
)
from tracker.networks.network import Column, Member, Network, Request, Terms

__all__ = ["NETWORKS", "Column", "Member", "Network", "Request", "Terms"]

NETWORKS: dict[str, Network] = {
    network.name: network
    for network in (
        google.NETWORK,
        dv360.NETWORK,
        meta.NETWORK,
        tiktok.NETWORK,
        linkedin.NETWORK,
        pinterest.NETWORK,
        snapchat.NETWORK,
        microsoft.NETWORK,
        x.NETWORK,
        yandex.NETWORK,
        ttd.NETWORK,
        ttd_data.NETWORK,
        uid2.NETWORK,
        uid2.EUID,
        criteo.NETWORK,
        reddit.NETWORK,
        amazon.NETWORK,
        liveramp.NETWORK,
        openrtb.NETWORK,
        csv_file.NETWORK,
        jsonl_file.NETWORK,
        parquet_file.NETWORK,
    )
}
