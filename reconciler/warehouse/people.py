"""PURE. Whose row it is: columns that may tell of a person, by name or by looks, and values that sum masked users.

The patterns are of RE2, as DuckDB and PyArrow have it, which takes linear time; Python would not.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

_TRIGGERS: Final = (
    *("masked", "masking", "mask", "aggregated", "aggregates", "aggregate", "aggregation", "hidden", "redacted"),
    *("restricted", "suppressed", "withheld", "undisclosed", "anonymized", "anonymised", "anonymous", "obfuscated"),
    *("others", "other", "subtotal", "totals", "total", "limited"),
    *("limits", "limit", "private", "privacy", "threshold"),
    *("thresholded", "thresholds", "unavailable", "available", "consented"),
    *("consent", "unconsented", "opted", "optout"),
    *("denied", "declined", "disabled", "blocked", "removed", "deleted", "missing", "absent", "empty", "blank"),
    *("unattributed", "unidentified", "unidentifiable", "unknown", "undefined", "unspecified", "unset", "untracked"),
    *("unresolved", "insufficient", "fewer", "excluded", "combined", "grouped", "bucketed", "censored", "confidential"),
)
"""Words of which one says that a row sums users whose revenue is hidden, or is of none that is known."""
_COMPANIONS: Final = (
    *("users", "user", "level", "revenues", "revenue", "rows", "row", "data", "ids", "id", "devices", "device"),
    *("values", "value", "reports", "report", "impressions", "policy", "low", "below", "under", "due", "than", "less"),
    *("sums", "sum", "of", "the", "all", "and", "for", "in", "with", "by", "from", "to", "non", "not", "no", "are"),
    *("is", "was", "were", "has", "have", "out", "grand", "rest", "identifiers", "identifier", "ad", "advertising"),
    *("tracking", "given", "reasons", "reason", "minimum", "volume", "sample", "size", "count", "small", "or"),
)
"""Words that may stand beside them; an id of a user is not made of these alone."""
_SHORT: Final = (
    *("n/?a", "none", "null", "nil", "nan", "lat", "lmt", "opt[^a-z0-9]?out", "not[^a-z0-9]?set"),
    r"no(?:[^a-z0-9]+(?:user|device|advertising|ad|id|ids|identifier|idfa|gaid|data|value))+",
)
"""What says so where it stands alone: as a part of a longer text these may be parts of a name."""

_T: Final = f"(?:{'|'.join(_TRIGGERS)})"
_F: Final = f"(?:{'|'.join(_COMPANIONS)})"
_MARK: Final = "[^a-z0-9]"
_COUNT: Final = (
    r"[(\[<{]\s*\d[\d,.]*%?\s*[)\]>}]|[\s(\[<]\d[\d,.]*\s+(?:users?|devices?|rows?|ids|people|impressions)\b"
)
"""A number that counts: in brackets, or of something. Any other may be a part of an id."""
_AROUND: Final = f"(?:{_F}|{_T}|{_MARK}|{_COUNT})*"
_NOBODY: Final = r"\{?0{8}-?0{4}-?0{4}-?0{4}-?0{12}\}?|0+"
"""The advertising id of a device whose owner allows none: one row may sum many of them."""
NO_USER_PATTERN: Final = (
    rf"(?is)^(?:{_AROUND}{_T}{_AROUND}|\d[\d,.]*\s+(?:users?|devices?)\b{_AROUND}{_T}{_AROUND}"
    rf"|{_MARK}*(?:{'|'.join(_SHORT)}){_MARK}*|\s*(?:{_NOBODY})\s*|[*\-\s]*)$"
)
"""What a user column holds in a row that is of several users or of none that is known.

It is one of the words above with nothing but such words around it, a word for nothing, the id of nobody, or stars.
"""

_LOOKS: Final = (
    r"^\s*\{?[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}\}?\s*$",
    r"^\s*(?:[0-9]*[a-fA-F][0-9a-fA-F]{15,}|[0-9][0-9a-fA-F]{15,}[a-fA-F][0-9a-fA-F]*)\s*$",
    r"^\s*[0-9]{15,}\s*$",
    r"^\s*(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}\s*$",
    r"^\s*(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{0,4}\s*$",
    r"^\s*[^@\s]+@[^@\s]+\.[^@\s]+\s*$",
)
ID_PATTERN: Final = "|".join(_LOOKS)
"""What ids of devices, addresses of networks and of mail look like: UUIDs, hashes, long numbers, MAC, IPv6, e-mail."""
ADDRESS_PATTERN: Final = r"^\s*[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\s*$"
"""What addresses of IPv4 look like, and some versions."""

_WORDS: Final = re.compile(r"[a-z]+|[A-Z]+(?![a-z])|[A-Z][a-z]+|\d+")
_PERSONAL: Final = frozenset(
    (
        *("idfa", "idfv", "gaid", "aaid", "ifa", "ifv", "oaid", "udid", "openudid", "imei", "imsi", "meid", "msisdn"),
        *("adid", "uid", "guid", "uuid", "puid", "ppid", "ip", "ipv4", "ipv6", "mac", "email", "mail", "phone"),
        *("cookie", "cookies", "fingerprint", "username", "nickname", "useragent", "ua", "identifier", "identity"),
        *("latitude", "longitude", "lat", "lon", "lng", "gps", "geohash", "postcode", "zip", "zipcode", "postal"),
        *("birthday", "birthdate", "dob", "gender", "age", "ssn"),
        *("surname", "user", "player", "person", "visitor", "subscriber"),
    )
)
_OWNERS: Final = (
    *("user", "device", "player", "customer", "custom", "install", "installation", "instance", "vendor", "android"),
    *("advertising", "advertiser", "ad", "client", "session", "subscriber", "visitor", "account", "member", "person"),
    *("publisheruser", "encrypteduser", "hardware", "profile", "anonymous", "external", "contact"),
)
_IDS: Final = (
    *("id", "ids", "identifier", "identifiers", "key", "hash"),
    *("token", "uuid", "guid", "ip", "address", "name"),
)
_GLUED: Final = frozenset(owner + kind for owner in _OWNERS for kind in _IDS) | {
    "ipaddress",
    "ipaddr",
    "clientip",
    "id",
}


def is_personal_name(name: str, aliases: Iterable[str] = ()) -> bool:
    """Whether a column called so may tell of a person or a device; `aliases` are known names of user columns."""
    words = [word.lower() for word in _WORDS.findall(name)]
    plain = _plain_name(name)
    if plain in {*map(_plain_name, aliases)} | _GLUED or _PERSONAL & {plain, *words}:
        return True
    pairs = {"".join(words[at : at + 2]) for at in range(len(words))}
    return bool(_GLUED & pairs - {"id"})


_THINGS: Final = (
    *("app", "application", "bundle", "package", "store", "placement", "unit", "creative", "campaign", "spot", "slot"),
    *("network", "source", "bidder", "demand", "dsp", "publisher", "mediation", "exchange", "deal"),
    *("waterfall", "lineitem", "adunit", "adgroup", "experiment", "variant", "format", "country", "currency"),
)
"""What may have a name or an id that is nobody's own."""
_NAMED: Final = (
    *("partner", "category", "subcategory", "region", "state", "language", "carrier", "model", "make", "brand"),
    *("manufacturer", "platform", "integration", "segment", "test", "os", "sdk", "type", "connection", "media"),
)
"""What may have such a name, or a code."""
_HARMLESS: Final = (
    *("ad", "size", "version", "date", "day", "week", "weekday", "month", "quarter", "year", "hour", "minute", "time"),
    *("impression", "click", "request", "fill", "filled", "unfilled", "view", "viewable", "viewability", "completion"),
    *("revenue", "earning", "ecpm", "cpm", "ecpc", "cpc", "cpi", "ctr", "cvr", "vtr", "payout", "price", "cost"),
    *("floor", "count", "rate", "percent", "percentage", "share"),
    *("response", "bid", "win", "won", "winning", "auction"),
    *("net", "gross", "estimated", "total", "average", "avg", "sum", "min", "max", "usd", "eur", "utc", "iso", "geo"),
    *("video", "banner", "interstitial", "rewarded", "native", "mrec"),
    *("line", "item", "width", "height", "length", "duration"),
    *("orientation", "operating", "system", "zone", "timezone", "dt", "fyber", "digitalturbine", "fairbid"),
    *("coppa", "gdpr", "skan", "skippable", "of", "per", "and", "in", "by", "the", "is", "a", "code"),
)
_NAMINGS: Final = frozenset(("name", "title", "code"))
_DEVICE_FACTS: Final = frozenset(("type", "os", "model", "make", "brand", "manufacturer", "language", "category"))
_KNOWN_WORDS: Final = (
    frozenset((*_THINGS, *_NAMED, *_HARMLESS, "device", "advertiser", "domain", "bundle")) | _NAMINGS | {"id"}
)
_LONGEST_NAME: Final = 60


def is_harmless_name(name: str, aliases: Iterable[str] = ()) -> bool:
    """Whether a column called so is known to tell of nobody: `aliases` are known, and so are names of plain words.

    Any other name, in whatever language, may be one for people.
    """
    plain = _plain_name(name)
    if plain in set(map(_plain_name, aliases)):
        return True
    words = _split(plain) if len(plain) <= _LONGEST_NAME else None
    if not words or is_personal_name(name):
        return False
    single = [word if word in _KNOWN_WORDS else word.removesuffix("s") for word in words]
    there, owned = set(single), [*zip(["", *single], single, strict=False)]
    return (
        not there <= {"a", "of", "per", "and", "in", "by", "the", "is", "code"}
        and all(owner in _THINGS for owner, word in owned if word == "id")
        and all(owner in {*_THINGS, *_NAMED} for owner, word in owned if word in _NAMINGS)
        and ("device" not in there or bool(there & _DEVICE_FACTS))
        and (not there & {"advertiser", "domain"} or {"advertiser", "domain"} <= there)
    )


def _plain_name(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def _split(plain: str) -> tuple[str, ...] | None:
    """A name as words that are known, with numbers behind them; None where it is none of these alone."""
    found: list[tuple[str, ...] | None] = [()]
    for end in range(1, len(plain) + 1):
        found.append(
            next(
                (
                    (*before, word)
                    for start in range(end)
                    if (before := found[start]) is not None
                    for word in [plain[start:end]]
                    if word in _KNOWN_WORDS or word.removesuffix("s") in _KNOWN_WORDS or (before and word.isdecimal())
                ),
                None,
            )
        )
    return found[-1]


def may_hold_addresses(name: str) -> bool:
    """Whether four numbers with points between may be the address of a device there, rather than a version."""
    return "version" not in name.casefold()


def shown_names(names: Sequence[str]) -> str:
    """Names of columns in a sentence."""
    return ", ".join(f'"{name}"' for name in names)
