"""The networks that take conversions, one file each: `CONVERSIONS[name]`."""

from tracker.networks.conversions import google, linkedin, meta, tiktok
from tracker.networks.conversions.conversion import Conversion, Happened, Item

__all__ = ["CONVERSIONS", "Conversion", "Happened", "Item"]

CONVERSIONS: dict[str, Conversion] = {
    module.CONVERSION.name: module.CONVERSION for module in (google, meta, tiktok, linkedin)
}
