"""The command `reconciler`, started by a fork of a process that has its modules loaded already.

Each call is a process of its own with the caller's arguments, environment, folder and streams, and takes a tenth of the
time. Its streams are made of the descriptors as Python makes them at its start, and flushed as at its end. How the
command itself starts, and what hangs on a locale, limits or signals, has tests that start it afresh.
"""

import atexit
import gc
import json
import os
import pkgutil
import resource
import select
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TextIO

CLIENT = """\
#!{starter}
import json, os, socket, sys

def is_open(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True

streams = [number for number in (0, 1, 2) if is_open(number)]
for _ in range(3 - len(streams)):
    os.open(os.devnull, os.O_RDWR)
os.umask(mask := os.umask(0))
with socket.socket(socket.AF_UNIX) as server:
    server.connect("{address}")
    told = json.dumps([sys.argv[1:], dict(os.environ), streams, mask, -1]).encode()
    socket.send_fds(server, [len(told).to_bytes(8, "big")], [os.open(".", os.O_RDONLY), *streams])
    server.sendall(told)
    code = server.recv(1)
    server.recv(1)  # ends with the process
os._exit(code[0] if code else 137)
"""
SELDOM = (
    "reconciler.apis",
    "reconciler.warehouse",
    "reconciler.sandbox",
    "reconciler.store.postgres",
    "reconciler.floors",
)
"""Packages that few commands need, and that take long to load."""
STARTS_ANEW: Final = ("LANG", "LC_", "PYTHON")
"""What the names of variables begin with that Python looks at when it starts, but for the encoding of its streams."""


class Fork:
    """A process that has the command's modules loaded, and answers calls as long as this process runs."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory()
        folder = Path(self._folder.name)
        self._address = folder / "calls"
        self.program = folder / "reconciler"
        self.program.write_text(CLIENT.format(starter=_starter(), address=self._address))
        self.program.chmod(0o755)
        served = [sys.executable, "-P", str(Path(__file__)), str(self._address)]
        self._process = subprocess.Popen(served, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        atexit.register(self._end)

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def run(
        self, arguments: Sequence[str], folder: Path, env: Mapping[str, str], patience: float, *, largest_file: int = -1
    ) -> subprocess.CompletedProcess[bytes]:
        """As `subprocess.run` of the command without input, its output captured.

        No file that it writes may grow beyond `largest_file` bytes, where that is not negative.
        """
        told = json.dumps([arguments, dict(env), [0, 1, 2], 0o022, largest_file]).encode()
        with socket.socket(socket.AF_UNIX) as server, Path(os.devnull).open() as nothing:
            server.settimeout(patience)
            server.connect(str(self._address))
            place = os.open(folder, os.O_RDONLY)
            pipes = [os.pipe(), os.pipe()]
            sent = [place, nothing.fileno(), *(end for _, end in pipes)]
            socket.send_fds(server, [len(told).to_bytes(8, "big")], sent)
            for each in (place, *(end for _, end in pipes)):
                os.close(each)
            server.sendall(told)
            out, err = _all_of([begin for begin, _ in pipes], arguments, patience)
            code = server.recv(1)
            server.recv(1)  # ends with the process
        assert code, f"{arguments} ended by a signal: {err.decode()}"
        return subprocess.CompletedProcess(list(arguments), code[0], out, err)


def _starter() -> str:
    """What stands behind `#!`, where a path may be neither long nor hold blanks; else the shell reads on."""
    if len(sys.executable) < 100 and " " not in sys.executable:
        return f"{sys.executable} -IS"
    return f"""/bin/sh\n'''exec' {shlex.quote(sys.executable)} -IS "$0" "$@"\n' '''"""


def _all_of(pipes: Sequence[int], arguments: Sequence[str], patience: float) -> list[bytes]:
    """What comes out of pipes until nobody holds them any more; they are closed then."""
    came = dict.fromkeys(pipes, b"")
    left, until = set(pipes), time.monotonic() + patience
    try:
        while left:
            ready, _, _ = select.select(left, [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise subprocess.TimeoutExpired(list(arguments), patience)
            for pipe in ready:
                part = os.read(pipe, 1 << 16)
                came[pipe] += part
                if not part:
                    left.discard(pipe)
    finally:
        for pipe in pipes:
            os.close(pipe)
    return list(came.values())


@cache
def forked() -> Fork:
    """The one of this process."""
    return Fork()


def hangs_on_its_start(env: Mapping[str, str]) -> bool:
    """Whether variables are among these that Python looks at when it starts."""
    return any(name.startswith(STARTS_ANEW) and name != "PYTHONIOENCODING" for name in env)


def serve(address: str) -> None:
    """Answer each call in a process of its own, until standard input ends."""
    import reconciler  # noqa: PLC0415 - the tests' own process need not load all of it

    for module in pkgutil.walk_packages(reconciler.__path__, "reconciler.", onerror=lambda _name: None):
        if not module.name.startswith(SELDOM) and not module.name.endswith("__main__"):
            import_module(module.name)
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        os.write(1, b"ready\n")
        while server in select.select([server, 0], [], [])[0]:
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
    size, sent, _, _ = socket.recv_fds(caller, 8, 4)
    told = b""
    while len(told) < int.from_bytes(size, "big"):
        told += caller.recv(1 << 16)
    arguments, environment, streams, mask, largest_file = json.loads(told)
    os.fchdir(sent[0])
    os.umask(mask)
    if largest_file >= 0:
        sys.dont_write_bytecode = True  # Python would keep half of it
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))
    for number, stream in zip(streams, sent[1:], strict=True):
        os.dup2(stream, number)
    for number in {0, 1, 2} - set(streams):
        os.close(number)
    for number in sent:
        os.close(number)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    _open_streams(streams)
    code = _done(arguments)
    caller.sendall(bytes([code & 0xFF]))
    os._exit(0)


def _open_streams(numbers: Sequence[int]) -> None:
    encoding, _, errors = os.environ.get("PYTHONIOENCODING", "").partition(":")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream: TextIO | None = None
        if number in numbers:
            lenient = (
                "backslashreplace" if name == "stderr" else errors or ("strict" if encoding else "surrogateescape")
            )
            stream = open(  # noqa: SIM115 - of a descriptor, for as long as the process runs
                number, "w" if number else "r", encoding=encoding or "utf-8", errors=lenient, closefd=False
            )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _done(arguments: list[str]) -> int:
    """The code with which a process would end that did this and no more."""
    from reconciler.cli.front import main  # noqa: PLC0415 - as above

    sys.argv = ["reconciler", *arguments]
    code: Any = 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - Python tells of whatever comes up to it
        sys.excepthook(*sys.exc_info())
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError as lost:
            os.write(2, f"Exception ignored while flushing: {lost}\n".encode())
            code = 120
    return int(code)


if __name__ == "__main__":
    serve(sys.argv[1])
