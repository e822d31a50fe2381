"""How networks spell an identifier before it is hashed: the canonical forms of text, nothing else. Pure.

The names are those of the networks' table in `docs/networks.md`. A form that cannot be made is "": hashing nothing
makes a value that matches nobody. Sources: the networks' own formatters and documentation, each named below.
"""

from __future__ import annotations

import re
import string
import unicodedata

_GMAIL = ("gmail.com", "googlemail.com")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def email(form: str, text: str) -> str:
    """e1 trim, lower case; e2 no white space at all; e3 (Google Data Manager) no dots in Gmail's local part, e4 nor a
    +suffix; e5 (UID2) as e4 for gmail.com only; e6 (Reddit) no dots and no +suffix in any domain; e7 (TikTok's other
    spelling) as e2, without the +suffix.
    """
    plain = text.strip().lower()
    if form == "e1":
        return plain
    if form == "e2":
        return "".join(plain.split())
    local, _, domain = plain.rpartition("@")
    if form == "e7":
        local = "".join(local.split()).split("+")[0]
    undotted = local.replace(".", "")
    bare = local.split("+")[0].replace(".", "")
    if form == "e3":
        local = undotted if domain in _GMAIL else local
    elif form == "e6" or (form == "e4" and domain in _GMAIL) or (form == "e5" and domain == "gmail.com"):
        local = bare
    return f"{local}@{domain}" if local and domain else ""


def phone(form: str, text: str) -> str:
    """p1 plus and digits; p2 (Meta) digits without leading zeros; p3 (Snapchat) digits without one 00 and one 0;
    p4 (Yandex, TikTok) digits; p5 (LiveRamp) the ten national digits of North America. Completes no national number.
    """
    digits = "".join(one for one in text if one.isascii() and one.isdigit())
    if not digits:
        return ""
    if form == "p1":
        return f"+{digits}"
    if form == "p2":
        return digits.lstrip("0")
    if form == "p3":
        return digits.removeprefix("00").removeprefix("0")
    if form == "p5":
        national = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
        return national if len(national) == 10 else ""
    return digits


def name(form: str, text: str) -> str:
    """g (Google's library) no white space; s trimmed; m (Meta) no white space, no ASCII punctuation, accents stay;
    i the first letter of m; a (Amazon) a-z and 0-9 only, accents taken off. All in lower case.
    """
    plain = text.strip().lower()
    if form == "g":
        return "".join(plain.split())
    if form == "s":
        return plain
    if form == "a":
        bare = unicodedata.normalize("NFD", plain)
        return "".join(one for one in bare if one.isascii() and one.isalnum())
    meta = "".join(plain.split()).translate(_PUNCTUATION)  # white space of any kind, like one that does not break
    return meta[:1] if form == "i" else meta


def city(text: str) -> str:
    """As Meta's builder: a-z and 0-9, beginning with a letter."""
    plain = _alphanumeric(text)
    return plain if re.match("[a-z]", plain) else ""


def state(text: str) -> str:
    """As Meta's builder: the two letters of a state of the USA or a province of Canada, else the first two letters."""
    plain = "".join(one for one in _alphanumeric(text) if one.isalpha())
    return _STATES.get(plain, plain[:2])


def zip_code(text: str) -> str:
    """As Meta's builder: lower case, what stands before a dash, two characters at least."""
    short = text.strip().lower().split("-")[0].strip()
    return short if len(short) >= 2 else ""


def country(text: str) -> str:
    """Two letters, lower case (ISO 3166 alpha-2); a few names are known."""
    plain = text.strip().lower()
    code = {"usa": "us", "united states": "us", "uk": "gb", "united kingdom": "gb"}.get(plain, plain)
    return code if re.fullmatch("[a-z]{2}", code) else ""


def _alphanumeric(text: str) -> str:
    return "".join(one for one in text.lower() if one.isascii() and one.isalnum())


_STATES = dict(
    pair.split("=")
    for pair in (
        "alabama=al alaska=ak arizona=az arkansas=ar california=ca colorado=co connecticut=ct delaware=de florida=fl "
        "georgia=ga hawaii=hi idaho=id illinois=il indiana=in iowa=ia kansas=ks kentucky=ky louisiana=la maine=me "
        "maryland=md massachusetts=ma michigan=mi minnesota=mn mississippi=ms missouri=mo montana=mt nebraska=ne "
        "nevada=nv newhampshire=nh newjersey=nj newmexico=nm newyork=ny northcarolina=nc northdakota=nd ohio=oh "
        "oklahoma=ok oregon=or pennsylvania=pa rhodeisland=ri southcarolina=sc southdakota=sd tennessee=tn texas=tx "
        "utah=ut vermont=vt virginia=va washington=wa westvirginia=wv wisconsin=wi wyoming=wy districtofcolumbia=dc "
        "puertorico=pr alberta=ab britishcolumbia=bc manitoba=mb newbrunswick=nb newfoundlandandlabrador=nl "
        "northwestterritories=nt novascotia=ns nunavut=nu ontario=on princeedwardisland=pe quebec=qc saskatchewan=sk "
        "yukon=yt"
    ).split()
)
