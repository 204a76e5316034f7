"""PURE. Where a report may be fetched from: the answer says where, an allow list says whether."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from reconciler.errors import UnreadableAnswer
from reconciler.web.origin import Origin, is_loopback

ALLOWED_HOSTS: Final = ("*.amazonaws.com",)
"""Hosts that reports lie on; `*.` stands for one or more names in front."""

_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")
_PATH_OR_QUERY: Final = re.compile(r"[/?]")
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]+")
_LONGEST: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Link:
    """A signed URL, taken apart. `target` is path and query byte for byte: the signature is over these very bytes."""

    origin: Origin
    host: str
    target: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"a file on {self.host}"


def link(url: str, api: Origin, allowed: Sequence[str] = ALLOWED_HOSTS) -> Link:
    """The link, if it may be followed: https, to an allowed host or the API's own; this machine only from this machine.

    Raises `UnreadableAnswer`; its message names the host and nothing else of the URL.
    """
    if not _VISIBLE.fullmatch(url) or "\\" in url or len(url) > _LONGEST:
        raise _refused("it is not a URL")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise _refused("it is not a URL") from None
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host) or "@" in parts.netloc:
        raise _refused("it is not a plain https URL")
    loopback = is_loopback(host)
    if parts.scheme == "http" and not (loopback and api.loopback):
        raise _refused(f"it leads to {host} over plain http")
    if not _may_lead_to(host, loopback, api, allowed):
        raise UnreadableAnswer(
            f"the report's URL is not followed: {host} is not on the list of hosts that reports may lie on",
            hint=f"allowed are {', '.join(allowed)} and the API's own host",
        )
    shown = f"[{host}]" if ":" in host else host
    base = f"{parts.scheme}://{shown}{'' if port is None else f':{port}'}"
    return Link(Origin(base, parts.scheme == "https", loopback), host, _target(url))


def _may_lead_to(host: str, loopback: bool, api: Origin, allowed: Sequence[str]) -> bool:
    if loopback:
        return api.loopback
    if host == urlsplit(api.url).hostname:
        return True
    return any(_matches(host, pattern.lower()) for pattern in allowed)


def _matches(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) and host != pattern[2:] if pattern.startswith("*.") else host == pattern


def _target(url: str) -> bytes:
    """Everything from the path on, without a fragment, which is never sent."""
    rest = url.partition("://")[2].partition("#")[0]
    begin = _PATH_OR_QUERY.search(rest)
    target = rest[begin.start() :] if begin else "/"
    return (target if target.startswith("/") else f"/{target}").encode("ascii")


def _refused(why: str) -> UnreadableAnswer:
    return UnreadableAnswer(f"the report's URL is not followed: {why}", hint="nothing was fetched from it")
