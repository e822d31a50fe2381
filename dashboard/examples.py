"""Code for the Install page, with the site's own key and address in it. Pure."""

from __future__ import annotations

import json
import re

FALLBACK = "http://127.0.0.1:8080"


QUEUE = "<script>window.jt=window.jt||function(){(jt.q=jt.q||[]).push(arguments)}</script>"


def snippet(given: str, consent: str) -> str:
    """What goes into the page: a queue, so that `jt(...)` works while the script loads, and the script.

    On an opt-out site the script is told so; else it would wait for a consent that nobody asks for.
    """
    if consent == "opt-out" and "data-consent" not in given:
        given = given.replace("></script>", ' data-consent="opt-out"></script>')
    return given if "jt.q" in given else f"{QUEUE}\n{given}"


def collector(snippet: str) -> str:
    """Where events go, as the snippet has it."""
    found = re.search(r"""["'](https?://[^"'/]+)""", snippet)
    return found.group(1) if found else FALLBACK


def all_of(address: str, key: str) -> list[tuple[str, str, str]]:
    """(title, language, code) of each example; all of them record the same purchase."""
    return [
        ("On the page", "javascript", _page()),
        ("curl", "bash", _curl(address, key)),
        ("Python", "python", _python(address, key)),
        ("Node", "javascript", _node(address, key)),
    ]


def _page() -> str:
    return """jt('consent', { analytics: true, ads: true })  // what your consent banner was told
jt('identify', 'customer-42')                  // after a login
jt('purchase', {
  transaction_id: 'A-1001',
  value: 59.90,
  currency: 'EUR',
  items: [{ item_id: 'sku-1', item_name: 'Headphones', price: 59.90, quantity: 1 }]
})"""


def _curl(address: str, key: str) -> str:
    event = {
        "userId": "customer-42",
        "event": "purchase",
        "properties": {"transaction_id": "A-1001", "value": 59.9, "currency": "EUR"},
    }
    return f"""curl -u '{key}:' {address}/v1/track \\
  -H 'Content-Type: application/json' \\
  -d '{json.dumps(event)}'"""


def _python(address: str, key: str) -> str:
    return f"""# pip install segment-analytics-python
import segment.analytics as analytics

analytics.write_key = '{key}'
analytics.host = '{address}'
analytics.track('customer-42', 'purchase', {{'transaction_id': 'A-1001', 'value': 59.90, 'currency': 'EUR'}})
analytics.shutdown()  # before the program ends: sends what is left"""


def _node(address: str, key: str) -> str:
    return f"""// npm install @segment/analytics-node
import {{ Analytics }} from '@segment/analytics-node'

const analytics = new Analytics({{ writeKey: '{key}', host: '{address}' }})
analytics.track({{
  userId: 'customer-42',
  event: 'purchase',
  properties: {{ transaction_id: 'A-1001', value: 59.90, currency: 'EUR' }}
}})
await analytics.closeAndFlush()"""
