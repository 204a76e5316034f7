"""A real PgBouncer before the tests' PostgreSQL, on a port of its own. It refuses to run as root."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest
from support.postgres import PASSWORD, START_SECONDS, Server, _free_port, _group

SYSTEM = "/usr/sbin:/usr/local/sbin"


def find_pgbouncer() -> str:
    """The program. Skips the test where there is none, and fails it in CI."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path=SYSTEM)
    if found is None:
        why = "no pgbouncer is on PATH; `make pooler` installs one where it can"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    return found


@contextmanager
def running_pooler(server: Server, mode: str, size: int = 4, **settings) -> Iterator[int]:
    """The port of a pooler in that mode, with so many sessions of the server for each database."""
    program, port = find_pgbouncer(), _free_port()
    folder = server.folder / f"pooler-{port}"
    folder.mkdir()
    told = {
        "listen_addr": "127.0.0.1", "listen_port": port, "unix_socket_dir": "", "auth_type": "plain",
        "auth_file": folder / "users", "pool_mode": mode, "default_pool_size": size, "min_pool_size": 0,
        "logfile": folder / "log", **settings,
    }  # fmt: skip
    lines = [f"{name} = {value}" for name, value in told.items()]
    (folder / "users").write_text(f'"postgres" "{PASSWORD}"\n')
    (folder / "ini").write_text("\n".join([
        "[databases]", f"* = host=127.0.0.1 port={server.port}", "[pgbouncer]", *lines, "",
    ]))  # fmt: skip
    if server.account:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, server.account, _group(server.account))
    with subprocess.Popen(
        [program, "-q", str(folder / "ini")], user=server.account, group=_group(server.account),
        extra_groups=[] if server.account else None, cwd="/", stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            _wait(process, port, folder / "log")
            yield port
        finally:
            process.kill()


def _wait(process: subprocess.Popen, port: int, log: Path) -> None:
    ends = monotonic() + START_SECONDS
    while monotonic() < ends and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    said = log.read_text(errors="replace") if log.exists() else ""
    raise RuntimeError(f"PgBouncer does not start:\n{said}")
