"""Install sources for generated CI files, parsed or found: a commit of a repository, or a wheel with its hash."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import unquote, urlsplit

from reconciler.api.environment import Environment
from reconciler.errors import ProjectError, UsageError
from reconciler.installed import FOLDER, origin

FORMS: Final = "GIT-URL@COMMIT, with all 40 digits, or WHEEL-URL#sha256=DIGEST"

_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHA256: Final = re.compile(r"sha256=([0-9a-f]{64})")
_SCP: Final = re.compile(r"([A-Za-z0-9_.-]+)@([A-Za-z0-9.-]+):(?!//)/?(.+)")
_URL: Final = re.compile(r"[a-z]+://[A-Za-z0-9._~/@:%+-]+")
"""What can stand in YAML and in a quoted word of shell as it is."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of a git repository, by all digits of its name, so that it stays what it is."""

    url: str
    commit: str

    def __str__(self) -> str:
        """As `--source` takes it."""
        return f"{self.url}@{self.commit}"


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel, and the SHA-256 of its bytes in hexadecimal digits."""

    url: str
    sha256: str

    def __str__(self) -> str:
        """As `--source` and pip take it."""
        return f"{self.url}#sha256={self.sha256}"


InstallSource: TypeAlias = Commit | Wheel

UNKNOWN: Final = Commit("https://git.example/OWNER/waterfall-reconciler", "0" * 40)
"""Stands where nobody said anything: a host that cannot exist (RFC 2606), so that a job fails and runs nothing."""


def read_source(text: str) -> InstallSource:
    """What `--source` names.

    Raises `UsageError` for a branch, a tag or a shortened commit, which can become another one; for a wheel without
    its hash; for credentials in a URL, which would stand in a committed file; and for plain http to another machine.
    """
    source = text.strip().removeprefix("git+")
    wheel, number, fragment = source.partition("#")
    if wheel.endswith(".whl"):
        digest = _SHA256.fullmatch(fragment)
        if digest is None:
            raise UsageError(
                "--source names a wheel without its hash: it could be exchanged for another",
                hint="put #sha256= and its 64 digits behind the URL; sha256sum FILE prints them",
            )
        return Wheel(_checked_url(wheel, ("https", "http", "file")), digest[1])
    url, _, commit = source.rpartition("@")
    if number or not _COMMIT.fullmatch(commit):
        raise UsageError(
            f"--source is {FORMS}; a branch, a tag or a shortened commit can become another one",
            hint="git ls-remote URL TAG prints the commit of a tag",
        )
    scp = _SCP.fullmatch(url)
    return Commit(
        _checked_url(f"ssh://{scp[1]}@{scp[2]}/{scp[3]}" if scp else url, ("https", "ssh", "http", "file")), commit
    )


def _checked_url(url: str, schemes: tuple[str, ...]) -> str:
    """The URL, if a file may hold it and a job trust it. Errors do not repeat it: it may hold a password."""
    try:
        parts = urlsplit(url)
        host, user, password = parts.hostname, parts.username, parts.password
    except ValueError:
        raise UsageError("--source holds no URL that can be read", hint=f"--source {FORMS}") from None
    if password is not None or (user is not None and parts.scheme != "ssh"):
        raise UsageError(
            "--source holds a user name or password, which would stand in a committed file",
            hint="leave it out, and let the job tell git (git config url.NEW.insteadOf OLD) or pip (.netrc)",
        )
    if not _URL.fullmatch(url) or parts.scheme not in schemes or not (host or parts.scheme == "file"):
        raise UsageError(f"--source is a URL ({', '.join(schemes)}) of plain characters", hint=f"--source {FORMS}")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise UsageError("--source is plain http, in which anybody on the way can put something else", hint="use https")
    return url


@dataclass(frozen=True, slots=True)
class InstalledSource:
    """The source of the running program. `is_pushed` is False where no branch of the remote is known to hold it."""

    source: InstallSource
    is_pushed: bool = True


def installed_source(environment: Environment) -> InstalledSource | None:
    """From where the running program was installed; None where that is unknown, or a place of this machine alone.

    What installer and build noted counts, else the checkout that the program runs from or was installed from, by its
    remote `origin` and the commit that is checked out.
    """
    from reconciler.forge.commits import Git  # noqa: PLC0415 - httpx costs 0.15 s

    noted = origin()
    url = noted.get("url", "")
    if not url or url.startswith("file:"):
        folder = Path(unquote(urlsplit(url).path)) if url else Path(FOLDER).parent
        return _checkout_source(folder, Git(folder, environment.variables).try_run, noted.get("commit"))
    source = _readable_source(
        f"{_https_url(url)}@{noted['commit']}" if "commit" in noted else f"{url}#sha256={noted.get('sha256')}"
    )
    return None if source is None else InstalledSource(source)


def _checkout_source(folder: Path, git: Callable[..., tuple[bool, str]], commit: str | None) -> InstalledSource | None:
    """By git, where the folder is the root of a checkout of this program, and not just a folder of some repository."""
    try:
        well, root = git("rev-parse", "--show-toplevel")
        if not well or not folder.samefile(root) or not (folder / "reconciler" / "installed.py").is_file():
            return None
        has_remote, url = git("remote", "get-url", "origin")
        has_head, head = (True, commit) if commit else git("rev-parse", "HEAD")
        source = _readable_source(f"{_https_url(url)}@{head}") if has_remote and has_head else None
        return (
            None if source is None else InstalledSource(source, git("branch", "--remotes", "--contains", head)[1] != "")
        )
    except (ProjectError, OSError):
        return None


def _https_url(url: str) -> str:
    """The https form of an address for ssh: a runner has no key of the person who cloned. Without credentials."""
    scp = _SCP.fullmatch(url)
    if scp:
        return f"https://{scp[2]}/{scp[3]}"
    parts = urlsplit(url)
    return f"https://{parts.hostname}{parts.path}" if parts.scheme in {"ssh", "https"} and parts.port is None else url


def _readable_source(text: str) -> InstallSource | None:
    """The source; None where it is none that a file of CI could name."""
    try:
        source = read_source(text)
    except UsageError:
        return None
    return None if source.url.startswith("file:") else source
