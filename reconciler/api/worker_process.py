"""EDGE. A forked process that answers questions, bytes for bytes, so that a command computes on a second core.

Nothing rests on it. Where there is none, where it has died, or where it cannot tell, the answer is None, and whoever
asked computes the same in this process. It is given no credentials, holds no file and no socket of its parent but the
one that they talk through, writes nothing, and ends when that closes: with its parent, however that ends.
"""

import gc
import os
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Final, NoReturn, Protocol, TypeAlias

Functions: TypeAlias = Mapping[str, Callable[..., bytes | None]]
"""What a worker can be asked, by one letter each: from the parts of a question to its answer."""

_LENGTH: Final = 4
"""Bytes of a length. An answer of the length 0 says that the worker cannot tell."""
_STREAMS: Final = 3
"""Descriptors from 0 on that are those of the standard streams."""
_REQUESTS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if sys.platform == "linux" else ()
_ROOM: Final = 1 << 20
"""Bytes that the kernel keeps of questions, so that nobody waits for the worker to read them."""


class Worker(Protocol):
    """Answers questions, here or in processes of its own."""

    def ask(self, function: str, *parts: bytes) -> Callable[[], bytes | None]:
        """Ask, and return what waits for the answer and gives it; None where there is none."""
        ...

    def close(self) -> None:
        """Answer no more."""
        ...


class ThisProcess:
    """Answers at once, where it is asked."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def ask(self, function: str, *parts: bytes) -> Callable[[], bytes | None]:
        """As of any worker."""
        answer = _answer(self._functions[function], parts) or None
        return lambda: answer

    def close(self) -> None:
        """Do nothing: there is nothing to end."""


class WorkerPool:
    """Forked processes, of which that one is asked that has least to do."""

    def __init__(self, workers: Sequence["WorkerProcess"]) -> None:
        self._workers = workers

    @classmethod
    def fork(cls, functions: Functions, most: int) -> "WorkerPool | None":
        """As many as there are CPUs, at most; None where this process should not be forked, or cannot."""
        number = min(most, cpus())
        workers = [worker for _ in range(number) if (worker := WorkerProcess.fork(functions)) is not None]
        return cls(workers) if workers else None

    def ask(self, function: str, *parts: bytes) -> Callable[[], bytes | None]:
        """As of any worker."""
        return min(self._workers, key=_pending).ask(function, *parts)

    def close(self) -> None:
        """End all of them at once."""
        for worker in self._workers:
            worker.close()


class WorkerProcess:
    """The parent's side. Safe to ask from many threads at once; `close` ends the process at once."""

    def __init__(self, process_id: int, connection: socket.socket) -> None:
        self._process_id, self._connection = process_id, connection
        self._sending, self._lock = threading.Lock(), threading.Lock()
        self._waiting: deque[SimpleQueue[bytes | None]] = deque()
        self._reader: threading.Thread | None = None
        self._is_over = False

    @classmethod
    def fork(cls, functions: Functions) -> "WorkerProcess | None":
        """A worker that answers by these functions; None where this process should not be forked, or cannot."""
        if not may_fork():
            return None
        try:
            ours, theirs = socket.socketpair()
        except OSError:
            return None
        with theirs:
            process_id = None if min(ours.fileno(), theirs.fileno()) < _STREAMS else _fork()
            if process_id == 0:
                _serve(theirs, functions)
        if process_id is None:
            ours.close()
            return None
        with suppress(OSError):
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ROOM)
        return cls(process_id, ours)

    def ask(self, function: str, *parts: bytes) -> Callable[[], bytes | None]:
        """Ask, and return what waits for the answer and gives it; None where there is none."""
        answer: SimpleQueue[bytes | None] = SimpleQueue()
        question = _question(function, parts)
        with self._sending:
            with self._lock:
                if self._is_over:
                    return _no_answer
                self._waiting.append(answer)
            try:
                if self._reader is None:
                    reader = threading.Thread(target=self._read_answers, name="worker", daemon=True)
                    reader.start()
                    self._reader = reader
                self._connection.sendall(question)
            except OSError:
                self._give_up()
            except BaseException:
                self._give_up()  # half a question: what follows would be taken for the rest of it
                raise
        return answer.get

    @property
    def pending(self) -> int:
        """How many answers are waited for; of a worker that is gone, more than of any other."""
        return sys.maxsize if self._is_over else len(self._waiting)

    def close(self) -> None:
        """End the worker. What was asked and not answered has no answer."""
        with suppress(OSError):
            os.kill(self._process_id, signal.SIGKILL)  # it holds nothing that it could leave behind
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._give_up()
        if self._reader is not None:
            self._reader.join()
        with self._sending:
            self._connection.close()
        with suppress(ChildProcessError):
            os.waitpid(self._process_id, 0)

    def _read_answers(self) -> None:
        held = bytearray()
        with suppress(OSError):
            while data := self._connection.recv(1 << 16):
                held += data
                while len(held) >= _LENGTH:
                    end = _LENGTH + int.from_bytes(held[:_LENGTH], "big")
                    if len(held) < end:
                        break
                    with self._lock:
                        if self._is_over:
                            return
                        answer = self._waiting.popleft()
                    answer.put(bytes(held[_LENGTH:end]) or None)
                    del held[:end]
        self._give_up()

    def _give_up(self) -> None:
        with self._lock:
            self._is_over = True
            left, self._waiting = self._waiting, deque()
        for answer in left:
            answer.put(None)


def cpus() -> int:
    """How many CPUs this process may run on, as far as the system tells."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1


def may_fork() -> bool:
    """Whether a fork of this process is safe and of use: on Linux, with no other thread, and a second CPU to run on."""
    return sys.platform == "linux" and threading.active_count() == 1 and cpus() > 1


def _pending(worker: WorkerProcess) -> int:
    return worker.pending


def _fork() -> int | None:
    """As `os.fork`; None where there is no room for a process. In the new one all requests to stop are ignored."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _REQUESTS)  # none may be raised in the new process
    try:
        process_id = os.fork()
        for number in () if process_id else _REQUESTS:
            signal.signal(number, signal.SIG_IGN)  # the parent is asked too, and decides
    except OSError:
        return None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return process_id


def _no_answer() -> None:
    return None


def _question(function: str, parts: tuple[bytes, ...]) -> bytes:
    head = b"".join((function.encode(), bytes([len(parts)]), *(len(part).to_bytes(_LENGTH, "big") for part in parts)))
    return b"".join((head, *parts))


def _serve(connection: socket.socket, functions: Functions) -> NoReturn:
    """Answer in the forked process until the connection ends. Whatever goes wrong ends it as well."""
    try:
        _close_others(connection.fileno())
        gc.disable()
        with connection.makefile("rb", _ROOM) as questions:
            while head := questions.read(2):
                lengths = [int.from_bytes(questions.read(_LENGTH), "big") for _ in range(head[1])]
                answer = _answer(functions[chr(head[0])], [questions.read(length) for length in lengths])
                connection.sendall(len(answer).to_bytes(_LENGTH, "big") + answer)
    finally:
        os._exit(0)


def _answer(function: Callable[..., bytes | None], parts: Iterable[bytes]) -> bytes:
    try:
        return function(*parts) or b""
    except Exception:  # noqa: BLE001 - the parent computes the same, and ends as it then does
        return b""


def _close_others(ours: int) -> None:
    """Close all that came from the parent; the standard streams lead nowhere."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(_STREAMS):
        os.dup2(nothing, number)
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - numbers, and no paths
        if int(name) >= _STREAMS and int(name) != ours:
            with suppress(OSError):
                os.close(int(name))
