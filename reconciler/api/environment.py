"""What a run reads of the machine: environment variables, secrets and who runs it; the clock; limits of the process.

The limits are Python's garbage collector and the number of open files.
"""

import gc
import getpass
import os
import string
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.errors import CredentialsError, ProjectError
from reconciler.model.secret import Secret
from reconciler.yaml.scalar import text_of

try:
    import resource
except ImportError:  # Windows, which has no such limit on connections
    resource = None  # type: ignore[assignment]


MANAGEMENT_KEYS: Final = ("DT_CLIENT_ID", "DT_CLIENT_SECRET")
REPORTING_KEYS: Final = ("DT_REPORTING_CLIENT_ID", "DT_REPORTING_CLIENT_SECRET")
CHARTBOOST_KEYS: Final = ("CHARTBOOST_CLIENT_ID", "CHARTBOOST_CLIENT_SECRET")
"""The variables of each set of keys: client id and secret."""


class SystemClock:
    """The machine's clock. Implements `ports.Clock`."""

    def now(self) -> datetime:
        """The current time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block for `seconds`."""
        time.sleep(seconds)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Run without the cyclic garbage collector: loading makes millions of values and no cycles of them.

    Measured at a third to a quarter of the time. A collector that was off before stays off.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


_KEPT_FREE: Final = 20
"""Descriptors for what is no connection: the standard streams, ledger, journal, lock, a policy's process, modules."""


def connections_within_limit(wanted: int, *, raises: bool = True) -> int:
    """How many of `wanted` connections may be open at once beside the files of a run; at least one.

    With `raises` the limit on open files is raised as far as the system lets a process do that by itself: a run without
    a descriptor for its ledger would end without one.
    """
    if resource is None:
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _KEPT_FREE
    if soft in {resource.RLIM_INFINITY, -1} or soft >= needed:
        return wanted
    with suppress(OSError, ValueError):
        raised = needed if hard in {resource.RLIM_INFINITY, -1} else min(needed, hard)
        if raises:
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, raised), hard))
            soft = max(soft, raised)
    return max(1, min(wanted, soft - _KEPT_FREE))


if TYPE_CHECKING:
    from reconciler.http.auth import Credentials
    from reconciler.warehouse.import_schema import StoreKeys

_LEAST_KEY: Final = 16
"""Characters. Whoever can read a cache may try all shorter ones."""

_ALONE: Final = "it has to hold the secret alone, as text"
MANAGEMENT_URL: Final = "https://console.fyber.com"
REPORTING_URL: Final = "https://reporting.fyber.com"
CHARTBOOST_URL: Final = "https://helium-api.chartboost.com"
CHARTBOOST_AUTH_URL: Final = "https://chartboost.us.auth0.com"

_KEYS: Final[Mapping[str, str]] = {
    "DT_CLIENT": "the keys are in the console under User Profile, Management API",
    "DT_REPORTING_CLIENT": "the Reporting API keys, which are others, are in the console under User Profile",
    "CHARTBOOST_CLIENT": "the keys are in the dashboard under Access Management, API v5 credentials",
}
"""Where a pair of credentials is found, by what their variables begin with."""

WHO: Final[Mapping[str, tuple[str, ...]]] = {
    "user": ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_USER", "USER", "USERNAME"),
    "commit": ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT"),
    "ref": ("GITHUB_REF", "CI_COMMIT_REF_NAME", "GIT_BRANCH"),
    "repository": ("GITHUB_REPOSITORY", "CI_PROJECT_PATH"),
    "job": ("GITHUB_RUN_ID", "CI_JOB_URL", "BUILD_URL"),
}
"""What the journal says of a run's author, and the variables of CI systems that tell."""


_BLANKS: Final = f"{string.whitespace}\xa0\ufeff\0"
"""What editors and shells put around a secret: blanks, line ends, byte order marks, and half of a UTF-16 line end."""


def _checked_text(what: str, text: str) -> str:
    """The text without what stands around it, if it can be sent. Raises `CredentialsError`, which holds none of it."""
    bare = text.strip(_BLANKS).strip()
    try:
        bare.encode()  # Python reads bytes of a variable that are not UTF-8 as what cannot be written again
    except UnicodeEncodeError:
        raise CredentialsError(f"{what} is not UTF-8 text") from None
    if "\n" in bare or "\r" in bare:
        raise CredentialsError(f"{what} has more than one line", hint=_ALONE)
    if not bare.isprintable():
        raise CredentialsError(f"{what} holds characters that no secret has", hint=_ALONE)
    return bare


@dataclass(frozen=True, slots=True)
class Environment:
    """A view of environment variables; without any, of the process's own."""

    variables: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    @property
    def management_url(self) -> str:
        """Scheme, host and port of the Management API."""
        return self.variables.get("DT_MANAGEMENT_URL") or MANAGEMENT_URL

    @property
    def reporting_url(self) -> str:
        """Scheme, host and port of the User Level Reporting API."""
        return self.variables.get("DT_REPORTING_URL") or REPORTING_URL

    @property
    def chartboost_url(self) -> str:
        """Scheme, host and port of the Mediation Reporting API."""
        return self.variables.get("CHARTBOOST_API_URL") or CHARTBOOST_URL

    @property
    def chartboost_auth_url(self) -> str:
        """Scheme and host of the server that issues tokens for the Mediation Reporting API."""
        return self.variables.get("CHARTBOOST_AUTH_URL") or CHARTBOOST_AUTH_URL

    def credentials(self, names: tuple[str, str]) -> "Credentials":
        """The keys that these two variables hold. Raises as `required_secret`."""
        from reconciler.http.auth import Credentials  # noqa: PLC0415 - for what calls an API only

        return Credentials(*map(self.required_secret, names))

    def user_folder(self) -> Path:
        """The user's folder for what is kept between runs without a project. Raises `ProjectError`."""
        for name, below in (
            ("XDG_STATE_HOME", ""),
            ("LOCALAPPDATA", ""),
            ("HOME", ".local/state"),
            ("USERPROFILE", ""),
        ):
            home = self.variables.get(name, "")
            if home and Path(home).is_absolute():
                return Path(home) / below / "waterfall-reconciler"
        raise ProjectError("there is no folder for what is kept between runs", hint="set HOME, or XDG_STATE_HOME")

    @property
    def wants_cache(self) -> bool:
        """Whether loads may remember what they read: unless RECONCILER_CACHE is off."""
        return self.variables.get("RECONCILER_CACHE", "").strip().lower() not in {"off", "0", "false", "no"}

    def cache_key(self) -> Secret | None:
        """What the cache of loads is sealed with where it is carried from job to job; None without one.

        Raises `CredentialsError`, as `secret`, and for a text that could be guessed.
        """
        secret = self.secret("RECONCILER_CACHE_KEY")
        if secret is not None and len(secret.reveal()) < _LEAST_KEY:
            raise CredentialsError(
                f"RECONCILER_CACHE_KEY has less than {_LEAST_KEY} characters", hint="`openssl rand -hex 32` makes one"
            )
        return secret

    @property
    def wants_color(self) -> bool:
        """Whether colours are wanted (https://no-color.org)."""
        return not self.variables.get("NO_COLOR") and self.variables.get("TERM") != "dumb"

    def has(self, *names: str) -> bool:
        """Whether each of these secrets is set, itself or as a file."""
        return all(self.variables.get(name) or self.variables.get(f"{name}_FILE") for name in names)

    def secret(self, name: str) -> Secret | None:
        """The secret in a variable, or in the file that the variable with `_FILE` behind names; None without either."""
        text = self.variables.get(name, "")
        if text.strip():
            return Secret(_checked_text(name, text))
        path = self.variables.get(f"{name}_FILE", "")
        if not path:
            return None
        try:
            text = _checked_text(f"the content of the file that {name}_FILE names", text_of(Path(path).read_bytes()))
        except OSError as error:
            why = f": {error.strerror}" if error.strerror else ""
            raise CredentialsError(f"the file that {name}_FILE names cannot be read{why}") from error
        except ValueError as error:
            raise CredentialsError(f"the file that {name}_FILE names is not UTF-8 text", hint=_ALONE) from error
        if not text:
            raise CredentialsError(f"the file that {name}_FILE names is empty")
        return Secret(text)

    def s3_keys(self) -> "StoreKeys":
        """What opens s3:// by the variables of AWS's own programs."""
        from reconciler.warehouse.import_schema import StoreKeys  # noqa: PLC0415 - for imports only

        variables = self.variables
        return StoreKeys(
            self.secret("AWS_ACCESS_KEY_ID"),
            self.secret("AWS_SECRET_ACCESS_KEY"),
            self.secret("AWS_SESSION_TOKEN"),
            variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION") or "",
            variables.get("AWS_ENDPOINT_URL_S3") or variables.get("AWS_ENDPOINT_URL") or "",
        )

    def gcs_keys(self) -> "StoreKeys":
        """What opens gs://: HMAC keys of a service account."""
        from reconciler.warehouse.import_schema import StoreKeys  # noqa: PLC0415 - as above

        return StoreKeys(self.secret("GCS_KEY_ID"), self.secret("GCS_SECRET"))

    def required_secret(self, name: str) -> Secret:
        """The secret, as by `secret`. Raises `CredentialsError` where it is not set."""
        secret = self.secret(name)
        if secret is None:
            where = "".join(
                f"; {place}" for begin, place in _KEYS.items() if name in {f"{begin}_ID", f"{begin}_SECRET"}
            )
            raise CredentialsError(
                f"{name} is not set", hint=f"set {name}, or {name}_FILE to a file that holds it{where}"
            )
        return secret

    def who(self) -> dict[str, str]:
        """Who runs this, as far as the environment says."""
        facts = {}
        for fact, names in WHO.items():
            value = next((self.variables[name] for name in names if self.variables.get(name)), "")
            if value:
                facts[fact] = _utf8_text(_without_credentials(value))
        return facts or {"user": _utf8_text(_login_name())}


def _utf8_text(text: str) -> str:
    """The text with a sign in the place of bytes that are not UTF-8, which no journal could hold."""
    return os.fsencode(text).decode(errors="replace") if not text.isascii() else text


def _without_credentials(text: str) -> str:
    """A URL's scheme, host and path, which is where a job is found; other texts as they are."""
    scheme, separator, rest = text.partition("://")
    place = rest.partition("?")[0].partition("#")[0]
    host, slash, path = place.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}" if separator else text


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
