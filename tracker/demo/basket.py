"""The demo shop's cart: a cookie `HD-101:2.HD-203:1`, checked on every read, because anybody can write one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracker.demo.catalogue import BY_ID, CURRENCY, Product, total

COOKIE = "shop_cart"
MOST_OF_ONE = 9

_LINE = re.compile(r"([A-Z]{2}-\d{3}):(\d)", re.ASCII)


@dataclass(frozen=True)
class Line:
    """So many of one product."""

    product: Product
    quantity: int

    @property
    def cents(self) -> int:
        """What the line costs."""
        return self.product.cents * self.quantity

    @property
    def removes(self) -> list[Any]:
        """The pixel's call when the line is taken out."""
        return ["remove_from_cart", commerce([self.product.item(self.quantity)])]


def read(text: str) -> dict[str, int]:
    """Cookie -> product id to quantity. What is no line of a cart is passed over."""
    found: dict[str, int] = {}
    for part in text[:400].split("."):
        match = _LINE.fullmatch(part)
        if match and match[1] in BY_ID and match[2] != "0":
            found[match[1]] = int(match[2])
    return found


def write(cart: Mapping[str, int]) -> str:
    """Product id to quantity -> cookie."""
    return ".".join(f"{product}:{quantity}" for product, quantity in cart.items())


def add(cart: Mapping[str, int], product: str, quantity: int) -> dict[str, int]:
    """A new cart with so many more of a product, nine at most."""
    return {**cart, product: min(cart.get(product, 0) + quantity, MOST_OF_ONE)}


def lines(cart: Mapping[str, int]) -> list[Line]:
    """The cart as a page shows it."""
    return [Line(BY_ID[product], quantity) for product, quantity in cart.items()]


def commerce(items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """GA4's parameters for items."""
    return {"currency": CURRENCY, "value": total(items), "items": items, **more}


def cart_commerce(cart: Mapping[str, int], **more: Any) -> dict[str, Any]:
    """GA4's parameters for the whole cart."""
    return commerce([line.product.item(line.quantity) for line in lines(cart)], **more)
