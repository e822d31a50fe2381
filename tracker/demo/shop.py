"""The demo shop: product list, product, cart, check-out, thank-you; each page carries the pixel.

It stores nothing: cart, choice and order token are cookies of its own. Its pages run under a strict content security
policy, which also shows that the pixel needs no exception but its collector's address.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
from aiohttp import web
from markupsafe import Markup

from tracker.demo import basket
from tracker.demo.catalogue import BY_ID, BY_SLUG, CATEGORIES, PRODUCTS, Product, in_category
from tracker.demo.orders import COOKIE as ORDER_COOKIE
from tracker.demo.orders import Orders

HERE = Path(__file__).parent
CHOICE_COOKIE = "shop_consent"
CHOICES = {
    "all": {"analytics": True, "ads": True},
    "statistics": {"analytics": True, "ads": False},
    "none": {"analytics": False, "ads": False},
}
HALF_A_YEAR = 15_552_000
FEATURED = ("HD-101", "HD-201", "HD-401", "HD-501", "HD-103", "HD-303", "HD-204", "HD-502")
TILES = {"audio": "speaker", "computing": "laptop", "phones": "tablet", "wearables": "watch", "home": "bulb"}


def make_app(collector_url: str, write_key: str, dashboard_url: str) -> web.Application:
    """The shop as an application. `collector_url` and `dashboard_url` are what the visitor's browser can reach."""
    app = web.Application(middlewares=[_headers(collector_url)])
    Shop(collector_url.rstrip("/"), write_key, dashboard_url).add_to(app)
    app.router.add_static("/static", HERE / "static")
    return app


class Shop:
    """The pages."""

    def __init__(self, collector: str, write_key: str, dashboard: str) -> None:
        self._orders = Orders()
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        # Our own drawings, shipped with the code.
        pictures = {file.stem: Markup(file.read_text()) for file in (HERE / "pictures").iterdir()}  # noqa: S704
        self._templates.globals.update(
            collector=collector, write_key=write_key, dashboard=dashboard, categories=CATEGORIES, pictures=pictures
        )

    def add_to(self, app: web.Application) -> None:
        """Registers every address of the shop."""
        app.add_routes(
            [
                web.get("/", self.home),
                web.get("/c/{category}", self.category),
                web.get("/search", self.search),
                web.get("/p/{slug}", self.product),
                web.get("/cart", self.cart),
                web.post("/cart", self.put_in_cart),
                web.post("/cart/remove", self.take_out),
                web.get("/checkout/shipping", self.shipping),
                web.post("/checkout/shipping", self.ship),
                web.get("/checkout/payment", self.payment),
                web.post("/checkout/payment", self.pay),
                web.get("/thank-you", self.thanks),
                web.post("/consent", self.consent),
                web.get("/{rest:.*}", self.missing),
            ]
        )

    async def home(self, request: web.Request) -> web.Response:
        """Some of everything."""
        products = [BY_ID[product] for product in FEATURED]
        return self._page(
            request, "home.html", "Home", _listed("Often chosen", products), products=products, tiles=TILES
        )

    async def category(self, request: web.Request) -> web.Response:
        """One department."""
        key = request.match_info["category"]
        if key not in CATEGORIES:
            return await self.missing(request)
        products = in_category(key)
        name = CATEGORIES[key]
        return self._page(request, "list.html", name, _listed(name, products), products=products, category=key)

    async def search(self, request: web.Request) -> web.Response:
        """Products whose name, department or claim has the words."""
        term = request.query.get("q", "").strip()[:80]
        words = term.lower().split()
        products = [
            product
            for product in PRODUCTS
            if all(word in f"{product.name} {CATEGORIES[product.category]} {product.claim}".lower() for word in words)
        ]
        calls = [["track", "search", {"search_term": term, "results": len(products)}], *_listed("Search", products)]
        title = f"Search: {term}" if term else "All products"
        return self._page(request, "list.html", title, calls if term else calls[1:], products=products, term=term)

    async def product(self, request: web.Request) -> web.Response:
        """One product."""
        product = BY_SLUG.get(request.match_info["slug"])
        if product is None:
            return await self.missing(request)
        seen = basket.commerce([product.item()])
        others = [other for other in (*in_category(product.category), *PRODUCTS) if other is not product]
        return self._page(
            request,
            "product.html",
            product.name,
            [["view_item", seen]],
            product=product,
            adds=["add_to_cart", {"currency": seen["currency"], "items": seen["items"]}],
            others=list(dict.fromkeys(others))[:4],
            category=product.category,
        )

    async def cart(self, request: web.Request) -> web.Response:
        """The cart."""
        cart = _cart_of(request)
        calls = [["view_cart", basket.cart_commerce(cart)]] if cart else []
        return self._page(request, "cart.html", "Cart", calls)

    async def put_in_cart(self, request: web.Request) -> web.Response:
        """Adds a product and shows the cart."""
        form = await request.post()
        product, quantity = str(form.get("product")), str(form.get("quantity"))
        cart = _cart_of(request)
        if product in BY_ID and quantity.isdecimal() and 0 < int(quantity) <= basket.MOST_OF_ONE:
            cart = basket.add(cart, product, int(quantity))
        return _go("/cart", {basket.COOKIE: basket.write(cart)})

    async def take_out(self, request: web.Request) -> web.Response:
        """Takes a product out and shows the cart."""
        form = await request.post()
        cart = _cart_of(request)
        cart.pop(str(form.get("product")), None)
        return _go("/cart", {basket.COOKIE: basket.write(cart)})

    async def shipping(self, request: web.Request) -> web.Response:
        """Step two: the check-out begins."""
        cart = _cart_of(request)
        if not cart:
            return _go("/cart")
        sold = basket.cart_commerce(cart)
        return self._page(
            request, "shipping.html", "Shipping", [["begin_checkout", sold]], sends=["add_shipping_info", sold]
        )

    async def ship(self, request: web.Request) -> web.Response:
        """Keeps the address until the order is placed."""
        form = await request.post()
        name, email, tier = (str(form.get(field, ""))[:120] for field in ("name", "email", "tier"))
        return _go("/checkout/payment", {ORDER_COOKIE: self._orders.begin(name, email, tier)})

    async def payment(self, request: web.Request) -> web.Response:
        """Step three."""
        cart = _cart_of(request)
        if not cart:
            return _go("/cart")
        return self._page(
            request, "payment.html", "Payment", [], sends=["add_payment_info", basket.cart_commerce(cart)]
        )

    async def pay(self, request: web.Request) -> web.Response:
        """Places the order and empties the cart."""
        cart = _cart_of(request)
        order = self._orders.get(request.cookies.get(ORDER_COOKIE, ""))
        if not cart or order is None:
            return _go("/checkout/shipping")
        order.cart = cart
        order.fresh = True
        return _go("/thank-you", {basket.COOKIE: ""})

    async def thanks(self, request: web.Request) -> web.Response:
        """The order; it counts as a purchase only the first time the page is shown."""
        order = self._orders.get(request.cookies.get(ORDER_COOKIE, ""))
        if order is None or not order.cart:
            return _go("/")
        calls = order.journey() if order.fresh else []
        order.fresh = False
        lines = basket.lines(order.cart)
        return self._page(request, "thanks.html", "Thank you", calls, order=order, lines=lines)

    async def consent(self, request: web.Request) -> web.Response:
        """The banner without JavaScript. Goes back to the page it came from, on this host only."""
        form = await request.post()
        choice = str(form.get("choice"))
        back = urlsplit(request.headers.get("Referer", "/")).path
        return _go("/" + back.lstrip("/"), {CHOICE_COOKIE: choice} if choice in CHOICES else {})

    async def missing(self, request: web.Request) -> web.Response:
        """Anything else."""
        response = self._page(request, "missing.html", "Not found", [])
        response.set_status(404)
        return response

    def _page(
        self, request: web.Request, template: str, title: str, calls: list[list[Any]], **values: Any
    ) -> web.Response:
        cart = _cart_of(request)
        choice = request.cookies.get(CHOICE_COOKIE, "")
        known = [["consent", CHOICES[choice]]] if choice in CHOICES else []
        lines = values.pop("lines", None) or basket.lines(cart)
        text = self._templates.get_template(template).render(
            {"category": "", "term": "", **values},
            title=title,
            journey=[*known, *calls],
            choice=choice if choice in CHOICES else "",
            cart_count=sum(cart.values()),
            lines=lines,
            total=sum(line.cents for line in lines),
        )
        return web.Response(text=text, content_type="text/html", headers={"Cache-Control": "private, no-store"})


def _listed(name: str, products: list[Product] | tuple[Product, ...]) -> list[list[Any]]:
    items = [{**product.item(), "index": at} for at, product in enumerate(products)]
    return [["track", "view_item_list", {"item_list_name": name, "items": items}]] if items else []


def _cart_of(request: web.Request) -> dict[str, int]:
    return basket.read(request.cookies.get(basket.COOKIE, ""))


def _go(address: str, cookies: dict[str, str] | None = None) -> web.Response:
    """See other. An empty cookie is taken away."""
    response = web.Response(status=303, headers={"Location": address})
    for name, value in (cookies or {}).items():
        if value:
            readable = name == CHOICE_COOKIE  # shop.js writes it too
            response.set_cookie(name, value, max_age=HALF_A_YEAR, httponly=not readable, samesite="Lax")
        else:
            response.del_cookie(name)
    return response


def _headers(collector_url: str) -> Any:
    """Middleware: the policy under which every page of the shop runs."""
    address = urlsplit(collector_url)
    collector = f"{address.scheme}://{address.netloc}"
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {collector}",
            f"connect-src {collector}",
            "style-src 'self'",
            f"img-src 'self' {collector}",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        )
    )

    @web.middleware
    async def secure(request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        response.headers["Content-Security-Policy"] = policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
        return response

    return secure
