"""Downloads of reports: whether a signed URL may be followed, what its answers mean, and unpacking the file."""

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias, assert_never
from urllib.parse import unquote, unquote_plus, urljoin, urlsplit

from reconciler.errors import ProjectError, UnreadableAnswer
from reconciler.http.auth import UrlOrigin, is_loopback
from reconciler.http.exchange import Attempt, NoResponse, RequestNotSent, Response, server_message
from reconciler.http.redaction import without

ALLOWED_HOSTS: Final = ("*.amazonaws.com",)
"""Hosts that reports lie on; `*.` stands for one or more names in front."""

_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")
_PATH_OR_QUERY: Final = re.compile(r"[/?]")
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]+")
_LONGEST: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class SignedUrl:
    """A signed URL, taken apart. `target` is path and query byte for byte: the signature is over these very bytes."""

    origin: UrlOrigin
    host: str
    target: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"a file on {self.host}"


_PARTS: Final = re.compile(r"[&;]")
_TELLING: Final = re.compile("sig|tok|key|secret|cred|auth|policy|pass", re.IGNORECASE)
_LONG_VALUE: Final = 6
"""Characters from which a value is looked for whatever its name; shorter ones are words such as `csv`."""
_LONG_NAME: Final = 8
"""Characters from which a secret in the name of a column is no accident."""
_LONG_PATH: Final = 16
"""Characters from which a path is no word that a server may say for other reasons."""


def url_secrets(url: str) -> Iterator[str]:
    """What a signed URL holds that is never shown: its path, its query and the values in it, encoded and decoded."""
    path, _, query = url.partition("#")[0].partition("?")
    path = path.partition("://")[2] or path
    yield from (part for part in (url, query, path, f"/{path.partition('/')[2]}") if len(part) >= _LONG_PATH)
    for part in _PARTS.split(query):
        name, mark, value = part.partition("=")
        told = value if mark else name
        if len(told) >= _LONG_VALUE or (mark and _TELLING.search(name)):
            yield from filter(None, {told, unquote(told), unquote_plus(told)})


class Redaction:
    """Texts of the network without an API client's credentials (`redacted`), and without the secrets of signed URLs."""

    def __init__(self, redacted: Callable[[str], str], urls: Iterable[str] = ()) -> None:
        self._redacted = redacted
        self._secrets: dict[str, None] = {}
        for url in urls:
            self.add(url)

    def add(self, url: str) -> None:
        """From now on without the secrets of this URL, too."""
        self._secrets |= dict.fromkeys(url_secrets(url))

    def __call__(self, text: str) -> str:
        """The text without them."""
        return without(self._redacted(text), self._secrets)

    def is_secret(self, text: str) -> bool:
        """Whether a text holds a credential, or what is unlikely to stand there but for being a signature."""
        return without(self._redacted(text), [each for each in self._secrets if len(each) >= _LONG_NAME]) != text


def checked_url(url: str, api: UrlOrigin, allowed: Sequence[str] = ALLOWED_HOSTS) -> SignedUrl:
    """The URL, if it may be followed: https, to an allowed host or the API's own; loopback only from loopback.

    Raises `UnreadableAnswer`; its message names the host and nothing else of the URL.
    """
    if not _VISIBLE.fullmatch(url) or "\\" in url or len(url) > _LONGEST:
        raise _refused_url_error("it is not a URL")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise _refused_url_error("it is not a URL") from None
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host) or "@" in parts.netloc:
        raise _refused_url_error("it is not a plain https URL")
    loopback = is_loopback(host)
    if parts.scheme == "http" and not (loopback and api.loopback):
        raise _refused_url_error(f"it leads to {host} over plain http")
    if not _may_lead_to(host, loopback, api, allowed):
        raise UnreadableAnswer(
            f"the report's URL is not followed: {host} is not on the list of hosts that reports may lie on",
            hint=f"allowed are {', '.join(allowed)} and the API's own host",
        )
    shown = f"[{host}]" if ":" in host else host
    base = f"{parts.scheme}://{shown}{'' if port is None else f':{port}'}"
    return SignedUrl(UrlOrigin(base, parts.scheme == "https", loopback), host, _target(url))


REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
MOST_REDIRECTS: Final = 3
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def redirected_url(url: SignedUrl, location: str, api: UrlOrigin, allowed: Sequence[str]) -> SignedUrl:
    """Where a redirect leads, if it may be followed: as `checked_url` has it, in each hop. Raises `UnreadableAnswer`.

    A whole URL is taken byte for byte, as its signature is over these very bytes.
    """
    location = location.strip()
    if location.startswith("//"):
        location = f"{url.origin.url.partition(':')[0]}:{location}"
    elif location.startswith("/"):
        location = f"{url.origin.url}{location}"
    elif not _ABSOLUTE.match(location):
        location = urljoin(f"{url.origin.url}{url.target.decode()}", location)
    return checked_url(location, api, allowed)


def _may_lead_to(host: str, loopback: bool, api: UrlOrigin, allowed: Sequence[str]) -> bool:
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


def _refused_url_error(why: str) -> UnreadableAnswer:
    return UnreadableAnswer(f"the report's URL is not followed: {why}", hint="nothing was fetched from it")


@dataclass(frozen=True, slots=True)
class Ready:
    """The file is there, and looks like a report."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Not there yet: ask again."""

    why: str


@dataclass(frozen=True, slots=True)
class TransientFailure:
    """The network or the server failed: ask again, a few times in a row at most."""

    why: str


@dataclass(frozen=True, slots=True)
class Failed:
    """There will never be a report at this URL."""

    why: str
    hint: str = ""


Readiness: TypeAlias = Ready | Pending | TransientFailure | Failed

_MARK: Final = b"\xef\xbb\xbf"
_CODE: Final = re.compile(rb"<Code>\s*([A-Za-z]{3,60})\s*</Code>|(AccessDenied|SignatureDoesNotMatch)")
_NOT_YET: Final = {"AccessDenied", "NoSuchKey", "NotFound"}
_BUSY: Final = {"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout"}
_AGAIN: Final = "run the command again to ask for a new report"


def readiness(end: Attempt, size: int, head: bytes, redacted: Callable[[str], str] = str) -> Readiness:
    """What an answer means. Of a 200, `size` is the body's length and `head` its beginning.

    `redacted` takes secrets out of the words of the network.
    """
    match end:
        case RequestNotSent(why=why, final=True, hint=hint):
            return Failed(redacted(why), hint)
        case NoResponse(why=why, final=True):
            return Failed(redacted(why))
        case RequestNotSent(why=why) | NoResponse(why=why):
            return TransientFailure(redacted(why))
        case Response(status=200 | 206):
            return _body_state(size, head, redacted)
        case Response():
            return _refusal_state(end, redacted)
        case never:
            assert_never(never)


def _body_state(size: int, head: bytes, redacted: Callable[[str], str]) -> Readiness:
    text = head.removeprefix(_MARK).lstrip()
    if not text:
        return Pending("it is still empty") if size <= len(head) else Failed("the file begins with nothing but blanks")
    if text[:1] == b"<":
        return _markup_state(head, redacted) or Failed("the file is an HTML or XML page, not CSV")
    if text[:1] not in {b"{", b"["}:
        return Ready()
    # Half a secret at the end of what was read of the file could not be told for one.
    words = redacted(server_message(200, head if size <= len(head) else head.rsplit(maxsplit=1)[0]))
    return Failed(f"the file is JSON, not CSV{f': {words}' if words != 'OK' else ''}")


def _refusal_state(reply: Response, redacted: Callable[[str], str]) -> Readiness:
    status = reply.status
    spoken = _markup_state(reply.body, redacted)
    if status in {202, 204, 404}:
        return Pending(str(status))
    if status == 403:
        return spoken or (Failed("403") if reply.body.strip() else Pending("403"))
    if 300 <= status < 400:
        return Failed(f"it answers with a redirect that leads nowhere ({status})")
    if status in {408, 416, 429} or status >= 500:
        return TransientFailure(f"HTTP {status}")
    return spoken if isinstance(spoken, Failed) else Failed(f"HTTP {status}")


def _markup_state(body: bytes, redacted: Callable[[str], str]) -> Readiness | None:
    """What a page of the file store says by its code; None where it is some other page."""
    if b"Request has expired" in body:
        return Failed("the URL has expired", _AGAIN)
    match = _CODE.search(body)
    code = (match[1] or match[2]).decode("ascii") if match else ""
    if code in _NOT_YET:
        return Pending(code)
    if code in _BUSY:
        return TransientFailure(code)
    return Failed(f"the file store refuses the URL ({redacted(code)})", _AGAIN) if code else None


_GZIP: Final = 31
"""What zlib calls a gzip header around the stream."""
MAGIC: Final = b"\x1f\x8b"
_CHUNK: Final = 1024 * 1024
_HONEST: Final = 64 * 1024 * 1024
"""Bytes up to which any ratio is believed: a short report of equal rows packs very well."""


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """Bytes that a report may have, on the wire and unpacked, and how many times larger it may unpack."""

    received: int = 4 * 1024**3
    unpacked: int = 64 * 1024**3
    ratio: int = 300


LIMITS: Final = SizeLimits()


def is_gzip(head: bytes) -> bool:
    """Whether a file that begins like this is packed, whatever its name says."""
    return head.startswith(MAGIC)


class CutShort(UnreadableAnswer):
    """A packed file ends before its data do."""


def unpack(packed: Path, plain: Path, limits: SizeLimits) -> int:
    """Write the unpacked file; how many lines it has, the last one included where nothing ends it.

    Raises `CutShort`, `UnreadableAnswer` for a file that is damaged or larger than the limits, and `ProjectError` where
    the disk is full. What was written until then is the caller's to remove.
    """
    written = lines = 0
    last = b"\n"
    try:
        with packed.open("rb") as source, plain.open("wb") as target:
            for chunk in _plain_chunks(source):
                target.write(chunk)
                written += len(chunk)
                lines += chunk.count(b"\n")
                last = chunk[-1:] or last
                if written > limits.unpacked:
                    raise UnreadableAnswer(f"the report is larger than {limits.unpacked // 1024**2:,} MB unpacked")
                if written > max(_HONEST, limits.ratio * source.tell()):
                    raise UnreadableAnswer(f"the report unpacks to more than {limits.ratio} times its size")
    except zlib.error:
        raise UnreadableAnswer("the report is a damaged gzip file") from None
    except OSError as error:
        raise ProjectError(f"the report cannot be unpacked: {error.strerror or error}") from error
    return lines + (last != b"\n")


def _plain_chunks(source: BinaryIO) -> Iterator[bytes]:
    """The unpacked bytes of all members, in pieces of bounded size."""
    unpacker = zlib.decompressobj(_GZIP)
    begun = False
    data = source.read(_CHUNK)
    while data:
        begun = True
        yield unpacker.decompress(data, _CHUNK)
        data = unpacker.unconsumed_tail or unpacker.unused_data or source.read(_CHUNK)
        if unpacker.eof:
            data = data.lstrip(b"\0")
            unpacker, begun = zlib.decompressobj(_GZIP), False
    if begun:
        yield unpacker.flush()
    if begun and not unpacker.eof:
        raise CutShort("the report is a gzip file that was cut short")
