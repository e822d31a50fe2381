"""E-mail addresses, phone numbers, names and addresses of people: hash forms, sealing, keys for joining. Pure.

Networks disagree about normalisation, so one hash cannot serve them all (see docs/decisions/identifiers.md):

    email   e1 trim, lower case          e2 no white space             e3 e1 and no dots for gmail.com, googlemail.com
            e4 e3 and no +suffix there   e5 gmail.com only, as e4      e6 no dots and no +suffix for every domain
            e7 e2 and no +suffix
    phone   p1 +E.164                    p2 digits                     p3 digits (00 and 0 stripped)
            p4 digits                    p5 SHA-1 of the ten national digits (country code 1)
    name    g no white space             s trimmed                     m no white space, no ASCII punctuation
            a a-z and 0-9 without accents (street, city, state too)    i first letter (first name)
    madid   plain, sha256 of lower case    idfa, aaid sha256 where it is Apple's or Google's    gaid Google's, plain
    zip     m hashed, plain              country m hashed, plain       (the plain ones are what networks take unhashed)

All are lower-case hex SHA-256 of lower-case UTF-8 text unless said otherwise. The forms are sealed with AES-256-GCM,
the site's name as associated data; the clear values are dropped. Events carry HMAC-SHA256 (128 bits) for joining.
"""

from __future__ import annotations

import binascii
import functools
import hashlib
import hmac
import re
import string
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tracker.core import forms
from tracker.core.errors import Broken

_HASHED = re.compile(r"[0-9a-f]{64}")
_LONGEST = 16  # a plus and 15 digits (ITU-T E.164)
_EMAIL_FORMS = ("e1", "e2", "e3", "e4", "e5", "e6", "e7")
_SPACELESS_FORMS = ("e2", "e7")
_BIRTHDAY = re.compile(r"(\d{4})(?:[-/.]?(\d{2})[-/.]?(\d{2})|[-/.](\d\d?)[-/.](\d\d?))(?!\d)", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]+\.[^\s@.]{2,}")
_PUNCTUATION = str.maketrans("", "", string.punctuation + string.whitespace)
_NONCE = 12
_SHUT = "sealed identifiers do not open with this site's key"


class Identifier(msgspec.Struct, frozen=True, gc=False):
    """One identifier of a person: its kind (email, phone, first_name, ...) and form -> hash."""

    kind: str
    forms: dict[str, str]


class Keys(msgspec.Struct, frozen=True):
    """A site's keys, derived from its `identifier_key`; `seal` is None when the site has none.

    Without an identifier key identifiers are dropped; `join` then only keeps an e-mail address used as user id apart
    from others, and is no secret.
    """

    site: str
    join: bytes
    seal: bytes | None


def keys_of(site: str, write_key: str, identifier_key: str) -> Keys:
    """Derive a site's keys. Raises Broken for a key that is not 32 bytes of hex."""
    if not identifier_key:
        return Keys(site, hashlib.blake2b(write_key.encode(), digest_size=32, person=b"join").digest(), None)
    try:
        secret = bytes.fromhex(identifier_key)
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise Broken(f"the identifier key of site {site} is not 64 hexadecimal digits")
    return Keys(site, _derive(secret, b"join"), _derive(secret, b"seal"))


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret, b"journey-tracker " + purpose, "sha256")


def keyed(keys: Keys, text: str) -> str:
    """128 bits of HMAC-SHA256, hex: equal for equal text of one site, useless elsewhere."""
    return hmac.digest(keys.join, text.encode("utf-8", "replace"), "sha256")[:16].hex()


def person_id(keys: Keys, given: str) -> str:
    """An id of a person as it may be stored: an e-mail address used as an id becomes `e:` and its keyed hash.

    Whoever looks a person up by what the site calls them must ask for `person_id` of it.
    """
    if "@" not in given or canonical_email(given) is None:
        return given
    return "e:" + keyed(keys, canonical_email(given) or given)


def day_visitor(key: bytes, ip: str, agent: str, ts: int) -> str:
    """The name of one address with one user agent on one UTC day (`ts` in ms), for records that know no visitor.

    HMAC-SHA256 under the site's `join` key: nobody can turn it back or follow it past midnight.
    """
    text = f"{ip}\n{agent}\n{ts // 86_400_000}"
    return "log-" + hmac.new(key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]


def canonical_email(text: str) -> str | None:
    """Form e1 of something that looks like an address, else None."""
    plain = text.strip().lower()
    if _EMAIL.fullmatch(plain):
        return plain
    plain = "".join(plain.split())
    return plain if _EMAIL.fullmatch(plain) else None


def canonical_phone(text: str, country: str) -> str | None:
    """E.164 with plus, or None. `country` (ISO 3166) completes national numbers; without it they are dropped."""
    import phonenumbers  # noqa: PLC0415 - half a second of start-up that a collector must not wait for

    given = text.strip()
    if given.startswith("00"):
        given = "+" + given[2:]
    digits = "".join(c for c in given if c.isdigit())
    if not 7 <= len(digits) <= 17:
        return None
    tries = [(given, country.upper() or None)]
    if not given.startswith("+") and len(digits) >= 11:
        tries.append(("+" + digits, None))
    for number, region in tries:
        try:
            parsed = phonenumbers.parse(number, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(parsed):
            plus = str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
            return plus if len(plus) <= _LONGEST else None
    return None


def warm_up() -> None:
    """Load the phone number tables; half a second, for a thread beside the work."""
    canonical_phone("+18005550100", "")


def email_forms(text: str) -> Identifier | None:
    """All e-mail forms, or None when it is none. A SHA-256 that somebody already made is kept, never hashed again.

    With white space inside, only the forms that take it out: to the other networks that is no address.
    """
    if given := _hash_in(text):
        return Identifier("email", {"e1": given})
    plain = canonical_email(text)
    if plain is None:
        return None
    wanted = _EMAIL_FORMS if len(text.split()) == 1 else _SPACELESS_FORMS
    return Identifier("email", _hashed({form: forms.email(form, plain) for form in wanted}))


def phone_forms(text: str, country: str) -> Identifier | None:
    """All phone forms, or None when the number cannot be completed to E.164."""
    if given := _hash_in(text):
        return Identifier("phone", {"p1": given})
    plus = canonical_phone(text, country)
    if plus is None:
        return None
    found = _hashed({form: forms.phone(form, plus) for form in ("p1", "p2", "p3", "p4")})
    if plus.startswith("+1") and (national := forms.phone("p5", plus)):
        found["p5"] = hashlib.sha1(national.encode(), usedforsecurity=False).hexdigest()
    return Identifier("phone", found)


def name_forms(kind: str, text: str) -> Identifier | None:
    """First or last name, street: the spellings of the networks. A SHA-256 stands for all of them but the initial."""
    if given := _hash_in(text):
        return Identifier(kind, dict.fromkeys(("g", "s", "m", "a"), given))
    wanted = ("g", "s", "m", "a", "i") if kind == "first_name" else ("g", "s", "m", "a")
    found = _hashed({form: forms.name(form, text) for form in wanted})
    return Identifier(kind, found) if found else None


def place_forms(kind: str, text: str) -> Identifier | None:
    """City, state, zip, country as Meta hashes them, city and state also as Amazon does; zip and country also plain,
    as Google takes them. A SHA-256 that somebody already made is kept, and is no plain value.
    """
    if given := _hash_in(text):
        return Identifier(kind, dict.fromkeys(("m", "a") if kind in ("city", "state") else ("m",), given))
    if kind == "zip":
        short = forms.zip_code(text)
        return Identifier(kind, {"m": _sha(short), "plain": text.strip()}) if short else None
    if kind == "country":
        code = forms.country(text)
        return Identifier(kind, {"m": _sha(code), "plain": code.upper()}) if code else None
    found = _hashed({"m": forms.city(text) if kind == "city" else forms.state(text), "a": forms.name("a", text)})
    return Identifier(kind, found) if found else None


def gender_forms(text: str) -> Identifier | None:
    """`m` or `f`; anything else is not guessed."""
    letter = {"m": "m", "male": "m", "f": "f", "female": "f"}.get(text.strip().lower())
    return Identifier("gender", {"m": _sha(letter)}) if letter else None


def birthday_forms(text: str) -> Identifier | None:
    """Year, month, day apart and together, zeros in front; `YYYY-MM-DD` with or without dashes or a time behind it."""
    found = None if _hash_in(text) else _BIRTHDAY.match(text.strip())
    if found is None:
        return None
    year, month, day = (part.zfill(2) for part in found.groups() if part)
    if not (1900 <= int(year) <= 2100 and 1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return None
    return Identifier("birthday", {"y": _sha(year), "m": _sha(month), "d": _sha(day), "ymd": _sha(year + month + day)})


def madid_forms(key: str, text: str) -> Identifier | None:
    """The advertising id of a device, under which a trait named `key` (letters only) brings it: plain and hashed in
    lower case; Apple's also as `idfa`, Google's as `aaid` (hashed) and `gaid` (plain). None where it is none, or is all
    zeros, which devices say whose owner does not want to be followed.
    """
    plain = text.strip().lower()
    if _UUID.fullmatch(plain) is None or not plain.strip("0-"):
        return None
    found = {"plain": plain, "sha256": _sha(plain)}
    if key in _APPLE:
        found["idfa"] = found["sha256"]
    elif key in _GOOGLE:
        found |= {"aaid": found["sha256"], "gaid": plain}
    return Identifier("madid", found)


def _hash_in(text: str) -> str:
    """A SHA-256 in hexadecimal that was made before it came, in lower case; "" where it is none. It is never hashed."""
    plain = text.strip().lower()
    return plain if _HASHED.fullmatch(plain) else ""


def _hashed(texts: dict[str, str]) -> dict[str, str]:
    return {form: _sha(text) for form, text in texts.items() if text}


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


_encoded = msgspec.json.Encoder().encode
_decoded = msgspec.json.Decoder(list[Identifier]).decode
_box = functools.lru_cache(maxsize=64)(AESGCM)  # made once for each site: that costs as much as using it


def seal(keys: Keys, identifiers: list[Identifier], nonce: bytes) -> str:
    """Sealed forms, base64, for `Event.vault`. `nonce`: 12 random bytes, used once. Raises Broken without a key."""
    if keys.seal is None or len(nonce) != _NONCE:
        raise Broken("sealing needs a key and a nonce of 12 bytes")
    sealed = _box(keys.seal).encrypt(nonce, _encoded(identifiers), keys.site.encode())
    return binascii.b2a_base64(nonce + sealed, newline=False).decode()


def unseal(keys: Keys, vault: str) -> list[Identifier]:
    """What `seal` sealed; only an export calls this. Raises Broken when key, site or bytes do not fit."""
    try:
        return _decoded(unsealed(keys, vault))
    except ValueError as failure:
        raise Broken(_SHUT) from failure


def unsealed(keys: Keys, vault: str) -> bytes:
    """As `unseal`, as the JSON that it is: `[{"kind", "forms": {form: hash}}]`."""
    if keys.seal is None:
        raise Broken("the site has no identifier key")
    try:
        blob = binascii.a2b_base64(vault, strict_mode=True)
        return _box(keys.seal).decrypt(blob[:_NONCE], blob[_NONCE:], keys.site.encode())
    except (ValueError, InvalidTag) as failure:
        raise Broken(_SHUT) from failure


MESSAGE = "f."
"""What a sealed message of a form begins with, so that it can be told from hash forms without being opened."""


def seal_message(keys: Keys, message: Identifier, nonce: bytes) -> str:
    """What somebody wrote into a form in order to be answered, in clear, sealed. Raises Broken as `seal`."""
    return MESSAGE + seal(keys, [message], nonce)


def unseal_message(keys: Keys, sealed: str) -> dict[str, str]:
    """What `seal_message` sealed; only whoever answers it opens it. Raises Broken as `unseal`."""
    [message] = unseal(keys, sealed.removeprefix(MESSAGE))
    return message.forms


_EMAIL_KEYS = frozenset("email mail emailaddress customeremail useremail billingemail contactemail emailid".split())
_PHONE_KEYS = frozenset(
    "phone phonenumber mobile mobilephone mobilenumber tel telephone customerphone userphone billingphone "
    "msisdn".split()
)
_NAME_KEYS = {
    "firstname": "first_name",
    "givenname": "first_name",
    "lastname": "last_name",
    "surname": "last_name",
    "familyname": "last_name",
    "street": "street",
    "address1": "street",
    "streetaddress": "street",
}
_PLACE_KEYS = {"zip": "zip", "zipcode": "zip", "postalcode": "zip", "postcode": "zip"}
_OPEN_PLACES = {"city": "city", "state": "state", "region": "state", "country": "country"}
_APPLE, _GOOGLE = frozenset(["idfa"]), frozenset(["gaid", "aaid", "googleadvertisingid"])
_MADID_KEYS = _APPLE | _GOOGLE | {"advertisingid", "adid", "madid", "mobileadvertisingid"}
_OTHER_KEYS = frozenset("name fullname birthday birthdate dateofbirth dob gender sex address address2 username".split())
_KEY_CACHE: dict[str, str] = {}


def kind_of(key: str) -> str:
    """What a property or trait named `key` may identify: email, phone, name, place or nothing ("")."""
    found = _KEY_CACHE.get(key)
    if found is None:
        bare = key.lower().translate(_PUNCTUATION)
        if bare in _EMAIL_KEYS:
            found = "email"
        elif bare in _PHONE_KEYS:
            found = "phone"
        elif bare in _NAME_KEYS or bare in _PLACE_KEYS or bare in _OTHER_KEYS:
            found = "personal"
        else:
            found = ""
        if len(_KEY_CACHE) < 10_000:
            _KEY_CACHE[key] = found
    return found


def take_from_props(keys: Keys, props: dict[str, Any], country: str) -> tuple[dict[str, Any], list[Identifier]]:
    """Properties without e-mail addresses and phone numbers (their keyed hashes instead), and what was taken out."""
    kept: dict[str, Any] = {}
    taken: list[Identifier] = []
    for key, value in props.items():
        kind = kind_of(key)
        if kind in ("email", "phone"):
            _take_contact(keys, kind, value, country, kept, taken)
        else:
            kept[key] = value
    return kept, taken


def take_from_traits(keys: Keys, traits: dict[str, Any], country: str) -> tuple[dict[str, Any], list[Identifier]]:
    """Traits without anything that names a person, or their device to advertisers; city, state and country stay (an
    `address` object is opened).
    """
    flat = dict(traits)
    address = flat.pop("address", None)
    if isinstance(address, dict):
        flat = {**address, **flat}
    home = flat.get("country")
    if isinstance(home, str) and len(home.strip()) == 2:
        country = home.strip()
    kept: dict[str, Any] = {}
    taken: list[Identifier] = []
    for key, value in flat.items():
        kind = kind_of(key)
        bare = key.lower().translate(_PUNCTUATION)
        if kind in ("email", "phone"):
            _take_contact(keys, kind, value, country, kept, taken)
        elif bare in _MADID_KEYS and isinstance(value, str) and (device := madid_forms(bare, value)) is not None:
            taken.append(device)
        elif kind == "personal":
            if isinstance(value, (str, int)):
                taken += [found for found in _personal(bare, str(value)) if found is not None]
        else:
            kept[key] = value
            if bare in _OPEN_PLACES and isinstance(value, str):
                found = place_forms(_OPEN_PLACES[bare], value)
                taken += [found] if found is not None else []
    return kept, taken


def _take_contact(  # noqa: PLR0917
    keys: Keys, kind: str, value: Any, country: str, kept: dict[str, Any], taken: list[Identifier]
) -> None:
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        return
    text = str(value)[:256]
    found = email_forms(text) if kind == "email" else phone_forms(text, country)
    if found is None or keys.seal is None:
        return
    taken.append(found)
    canonical = canonical_email(text) if kind == "email" else canonical_phone(text, country)
    if canonical is not None:
        kept[f"{kind}_hmac"] = keyed(keys, canonical)


def _personal(bare: str, text: str) -> list[Identifier | None]:
    if bare in _NAME_KEYS:
        return [name_forms(_NAME_KEYS[bare], text)]
    if bare in _PLACE_KEYS:
        return [place_forms(_PLACE_KEYS[bare], text)]
    if bare in ("birthday", "birthdate", "dateofbirth", "dob"):
        return [birthday_forms(text)]
    if bare in ("gender", "sex"):
        return [gender_forms(text)]
    if bare in ("name", "fullname") and " " in text.strip():
        first, _, last = text.strip().partition(" ")
        return [name_forms("first_name", first), name_forms("last_name", last)]
    return []
