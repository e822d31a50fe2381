"""What the file does not say about its people: where they live, what they use, what they agreed to.

Drawn by `dice`, so a person is the same person in every load. Nobody real: the networks are large access providers'
ranges with the host part zero, the mail addresses end in example.com.
"""

from __future__ import annotations

from dataclasses import dataclass

from tracker.core.event import RawConsent
from tracker.demo.dice import pick, throw, weighted


@dataclass(frozen=True)
class Place:
    """`network` is the first /16 of `width` that an access provider of the country uses."""

    country: str
    language: str
    timezone: str
    network: tuple[int, int]
    width: int


PLACES = (
    (34, Place("DE", "de-DE", "Europe/Berlin", (84, 128), 60)),
    (12, Place("AT", "de-AT", "Europe/Vienna", (91, 112), 4)),
    (9, Place("CH", "de-CH", "Europe/Zurich", (178, 192), 20)),
    (11, Place("FR", "fr-FR", "Europe/Paris", (90, 0), 100)),
    (9, Place("GB", "en-GB", "Europe/London", (86, 128), 50)),
    (6, Place("NL", "nl-NL", "Europe/Amsterdam", (84, 80), 8)),
    (5, Place("IT", "it-IT", "Europe/Rome", (79, 0), 50)),
    (5, Place("ES", "es-ES", "Europe/Madrid", (88, 0), 30)),
    (4, Place("PL", "pl-PL", "Europe/Warsaw", (83, 0), 30)),
    (5, Place("US", "en-US", "America/New_York", (73, 0), 200)),
)

_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"
_APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)"

# (weight, (user agent, screen)) by the file's platform
AGENTS = {
    "desktop": (
        (50, (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36", "1920x1080")),
        (14, (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36 Edg/126.0.0.0", "1920x1080")),
        (18, (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_APPLE} Safari/605.1.15", "1440x900")),
        (12, ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0", "1536x864")),
        (6, (f"Mozilla/5.0 (X11; Linux x86_64) {_CHROME} Safari/537.36", "2560x1440")),
    ),
    "mobile": (
        (
            46,
            (f"{_IPHONE} {_APPLE} Mobile/15E148 Safari/604.1", "390x844"),
        ),
        (34, (f"Mozilla/5.0 (Linux; Android 14; SM-S921B) {_CHROME} Mobile Safari/537.36", "360x780")),
        (20, (f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {_CHROME} Mobile Safari/537.36", "412x915")),
    ),
    "tablet": (
        (65, (f"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) {_APPLE} Mobile/15E148 Safari/604.1", "820x1180")),
        (35, (f"Mozilla/5.0 (Linux; Android 14; SM-X710) {_CHROME} Safari/537.36", "800x1280")),
    ),
}

# Most allow advertising, some refuse it, and some were never asked about it.
CONSENTS = (
    (66, RawConsent(analytics=True, ads=True)),
    (21, RawConsent(analytics=True, ads=False)),
    (13, RawConsent(analytics=True)),
)

_FIRST = (
    "anna",
    "ben",
    "clara",
    "david",
    "emma",
    "felix",
    "greta",
    "hugo",
    "ida",
    "jonas",
    "lea",
    "marta",
    "nils",
    "olga",
)
_LAST = (
    "bauer",
    "costa",
    "dubois",
    "egger",
    "fischer",
    "garcia",
    "huber",
    "jansen",
    "keller",
    "moreau",
    "novak",
    "rossi",
)


def place(user: str) -> Place:
    """Where a person lives."""
    return weighted(PLACES, "place", user)


def address(user: str) -> str:
    """An IPv4 network address of an access provider in the person's country; the last byte is always 0."""
    home = place(user)
    first, second = home.network
    return f"{first}.{second + throw('net', user) % home.width}.{throw('subnet', user) % 256}.0"


def agent(user: str, platform: str) -> tuple[str, str]:
    """User agent and screen of the one browser that a person uses on a platform."""
    return weighted(AGENTS[platform], "agent", user, platform)


def consent(user: str) -> RawConsent:
    """What a person agreed to, on all devices."""
    return weighted(CONSENTS, "consent", user)


def email(user: str) -> str:
    """An address that can never be delivered to (RFC 2606)."""
    return f"{pick(_FIRST, 'first', user)}.{pick(_LAST, 'last', user)}.{user.removeprefix('user_')}@example.com"
