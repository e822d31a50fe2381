"""What the sample shop sells. The click-stream and the demo shop share it, so a product has one id and one price.

Invented brands and products; prices in euros.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CURRENCY = "EUR"
SHOP = "Halden"

CATEGORIES = {
    "audio": "Audio",
    "computing": "Computing",
    "phones": "Phones & tablets",
    "wearables": "Wearables",
    "home": "Smart home",
}


@dataclass(frozen=True)
class Product:
    """`slug` names it in addresses, `picture` the drawing (`pictures.py`), `cents` its price."""

    id: str
    slug: str
    name: str
    category: str
    cents: int
    picture: str
    claim: str
    facts: tuple[str, ...]

    @property
    def price(self) -> float:
        """In euros."""
        return self.cents / 100

    def item(self, quantity: int = 1) -> dict[str, Any]:
        """As GA4 writes an item."""
        return {
            "item_id": self.id,
            "item_name": self.name,
            "item_category": CATEGORIES[self.category],
            "price": self.price,
            "quantity": quantity,
        }


PRODUCTS = (
    Product(
        "HD-101", "fjord-headphones", "Fjord headphones", "audio", 17900, "headphones",
        "Quiet where you want it.", ("Noise cancelling in three steps", "38 hours of playing time", "Folds flat"),
    ),
    Product(
        "HD-102", "pebble-earbuds", "Pebble earbuds", "audio", 8900, "earbuds",
        "Small enough to forget.", ("Four sizes of tips", "24 hours with the case", "Rain-proof (IPX4)"),
    ),
    Product(
        "HD-103", "tarn-speaker", "Tarn speaker", "audio", 12900, "speaker",
        "A living room in one hand.", ("360-degree sound", "Waterproof (IP67)", "Two of them play in stereo"),
    ),
    Product(
        "HD-104", "brink-soundbar", "Brink soundbar", "audio", 24900, "soundbar",
        "Cinema without the cables.", ("Dialogue mode", "Wireless subwoofer", "One HDMI cable"),
    ),
    Product(
        "HD-201", "slate-14-laptop", "Slate 14 laptop", "computing", 99900, "laptop",
        "One kilogram, one working day.",
        ("14-inch matt screen", "16 GB memory, 512 GB storage", "15 hours of battery"),
    ),
    Product(
        "HD-202", "ridge-keyboard", "Ridge keyboard", "computing", 10900, "keyboard",
        "Type all day.", ("Low, quiet switches", "Three computers at a key press", "Four months a charge"),
    ),
    Product(
        "HD-203", "drift-mouse", "Drift mouse", "computing", 5900, "mouse",
        "Made for a relaxed hand.", ("Silent buttons", "Works on glass", "USB-C"),
    ),
    Product(
        "HD-204", "vista-27-monitor", "Vista 27 monitor", "computing", 34900, "monitor",
        "Room to think.", ("27 inches, 4K", "One USB-C cable, 90 W", "Turns upright"),
    ),
    Product(
        "HD-301", "nord-phone", "Nord phone", "phones", 64900, "phone",
        "Seven years of updates.", ("6.1-inch screen", "Battery you can change", "50-megapixel camera"),
    ),
    Product(
        "HD-302", "leaf-tablet", "Leaf tablet", "phones", 37900, "tablet",
        "Read, draw, watch.", ("11-inch screen", "Pen included", "12 hours of video"),
    ),
    Product(
        "HD-303", "page-e-reader", "Page e-reader", "phones", 13900, "reader",
        "A library in your coat.", ("7-inch paper-like screen", "Warm light", "Weeks on one charge"),
    ),
    Product(
        "HD-401", "tide-watch", "Tide watch", "wearables", 22900, "watch",
        "Knows when you should rest.", ("Heart rate and sleep", "Swim-proof to 50 m", "Ten days of battery"),
    ),
    Product(
        "HD-402", "loop-band", "Loop band", "wearables", 6900, "band",
        "Counts the steps, not the hours.", ("Weighs 18 g", "14 days of battery", "Six colours"),
    ),
    Product(
        "HD-501", "glow-light-set", "Glow light set", "home", 7900, "bulb",
        "Evening at the right warmth.", ("Three bulbs and a switch", "2,200 to 6,500 K", "No cloud needed"),
    ),
    Product(
        "HD-502", "warden-camera", "Warden camera", "home", 11900, "camera",
        "Sees the door, not the street.", ("Records at home, not elsewhere", "Night vision", "Privacy zones"),
    ),
    Product(
        "HD-503", "hearth-thermostat", "Hearth thermostat", "home", 15900, "thermostat",
        "Warm when you are there.", ("Fits most radiators", "Learns your week", "Two years on batteries"),
    ),
)  # fmt: skip

BY_ID = {product.id: product for product in PRODUCTS}
BY_SLUG = {product.slug: product for product in PRODUCTS}


def in_category(category: str) -> tuple[Product, ...]:
    """All products of a category, in the catalogue's order."""
    return tuple(product for product in PRODUCTS if product.category == category)


def total(items: list[dict[str, Any]]) -> float:
    """Sum of price x quantity of GA4 items, to the cent."""
    return round(float(sum(item["price"] * item["quantity"] for item in items)), 2)
