"""Orders of the demo shop: kept in memory, because nobody will ever pack them."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from tracker.demo import basket

COOKIE = "shop_order"
MOST = 500


@dataclass
class Order:
    """`fresh` until the thank-you page was shown once, so that reloading it is no second purchase."""

    id: str
    name: str
    email: str
    cart: dict[str, int]
    tier: str
    fresh: bool = True

    @property
    def customer(self) -> str:
        """The shop's name for a customer: the same e-mail address is the same one."""
        return "C-" + hashlib.sha256(self.email.strip().lower().encode()).hexdigest()[:8].upper()

    def journey(self) -> list[list[Any]]:
        """What the thank-you page tells the pixel: who it is, then what was bought."""
        bought = basket.cart_commerce(self.cart, transaction_id=self.id, shipping_tier=self.tier)
        return [["identify", self.customer, {"email": self.email}], ["purchase", bought]]


class Orders:
    """Placed and half-placed orders by the token in the visitor's cookie; the oldest are forgotten."""

    def __init__(self) -> None:
        self._orders: OrderedDict[str, Order] = OrderedDict()

    def begin(self, name: str, email: str, tier: str) -> str:
        """A new order without a cart yet -> its token."""
        token = secrets.token_urlsafe(16)
        self._orders[token] = Order(f"H{secrets.randbelow(900_000) + 100_000}", name, email, {}, tier)
        if len(self._orders) > MOST:
            self._orders.popitem(last=False)
        return token

    def get(self, token: str) -> Order | None:
        """None when unknown, forgotten, or from before a restart."""
        return self._orders.get(token)
