"""The command `reconciler` for scripts, started by a fork of a process that has its modules loaded already.

Each call is a process of its own with the caller's arguments, environment, folder and streams, and takes a tenth of the
time: what the jobs of the kits do is looked at in hundreds of calls. How the command starts has tests of its own.
"""

import gc
import json
import os
import pkgutil
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

CLIENT = """\
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect(sys.argv[1])
    told = json.dumps([sys.argv[2:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [len(told).to_bytes(8, "big")], [0, 1, 2])
    server.sendall(told)
    code = server.recv(1)
sys.exit(code[0] if code else 1)
"""
SELDOM = (
    "reconciler.apis",
    "reconciler.warehouse",
    "reconciler.sandbox",
    "reconciler.store.postgres",
    "reconciler.floors",
)
"""Packages that no job of a kit needs, and that take long to load."""


@contextmanager
def forking(folder: Path) -> Iterator[Path]:
    """A program `reconciler` in a folder, for as long as the process runs that it is a fork of."""
    client, address = folder / "client.py", folder / "calls"
    client.write_text(CLIENT)
    program = folder / "reconciler"
    call = shlex.join([sys.executable, "-I", "-S", str(client), str(address)])
    program.write_text(f'#!/bin/sh\nexec {call} "$@"\n')
    program.chmod(0o755)
    served = [sys.executable, str(Path(__file__)), str(address)]
    with subprocess.Popen(served, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield program
        finally:
            process.kill()


def serve(address: str) -> None:
    """Answer calls one after the other, each in a process that waits for the one that does the work."""
    import reconciler  # noqa: PLC0415 - the tests' own process need not load all of it

    for module in pkgutil.walk_packages(reconciler.__path__, "reconciler.", onerror=lambda _name: None):
        if not module.name.startswith(SELDOM) and not module.name.endswith("__main__"):
            import_module(module.name)
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        os.write(1, b"ready\n")
        while True:
            caller, _ = server.accept()
            if os.fork() == 0:
                server.close()
                _answer(caller)
            caller.close()
            _bury()


def _bury() -> None:
    """Wait for the answers that are done."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _answer(caller: socket.socket) -> None:
    size, streams, _, _ = socket.recv_fds(caller, 8, 3)
    told = b""
    while len(told) < int.from_bytes(size, "big"):
        told += caller.recv(1 << 16)
    arguments, folder, environment = json.loads(told)
    worker = os.fork()
    if worker == 0:
        caller.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        os._exit(_done(arguments))
    for stream in streams:
        os.close(stream)
    caller.sendall(bytes([os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) & 0xFF]))
    os._exit(0)


def _done(arguments: list[str]) -> int:
    from reconciler.cli.front import main  # noqa: PLC0415 - as above

    sys.argv = ["reconciler", *arguments]
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    serve(sys.argv[1])
