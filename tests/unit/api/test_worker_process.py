"""A forked worker answers bytes for bytes; without one, or when it dies, whoever asks has no answer and goes on."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from reconciler.api import worker_process
from reconciler.api.worker_process import ThisProcess, WorkerPool, WorkerProcess

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")


def _raises(*_):
    raise MemoryError


def _fails(*_):
    raise BlockingIOError(11, "Resource temporarily unavailable")


FUNCTIONS = {
    "e": lambda *parts: b"".join(parts),
    "n": lambda *_: None,
    "x": _raises,
    "s": lambda *_: time.sleep(60),
    "p": lambda *_: str(os.getpid()).encode(),
    "w": lambda *_: (os.write(1, b"said"), os.write(2, b"said"), b"done")[-1],
    "f": lambda *_: " ".join(os.listdir("/dev/fd")).encode(),  # noqa: PTH208 - numbers
}


@pytest.fixture
def worker(monkeypatch):
    monkeypatch.setattr(worker_process, "may_fork", lambda: True)  # pytest may have threads, which the child has not
    made = WorkerProcess.fork(FUNCTIONS)
    yield made
    made.close()


def is_running(process_id):
    with suppress(ProcessLookupError):
        os.kill(process_id, 0)
        return True
    return False


def test_it_answers_from_another_process_what_each_question_asks(worker):
    assert worker.ask("e", b"a", b"", b"c")() == b"ac"
    assert int(worker.ask("p")()) != os.getpid()
    assert worker.ask("e")() is None


def test_big_questions_and_answers_of_many_threads_meet_each_other(worker):
    big = os.urandom(3_000_000)
    with ThreadPoolExecutor(16) as threads:
        told = list(threads.map(lambda number: worker.ask("e", b"%d " % number, big[: number * 60_000])(), range(50)))
    assert told == [b"%d " % number + big[: number * 60_000] for number in range(50)]


def test_answers_need_not_be_taken_for_more_to_be_asked(worker):
    waiting = [worker.ask("e", b"%d" % number, bytes(100_000)) for number in range(100)]
    assert [answer()[: len(str(number))] for number, answer in enumerate(waiting)] == [
        b"%d" % number for number in range(100)
    ]


@pytest.mark.parametrize("function", ["n", "x"])
def test_what_it_cannot_tell_is_none_and_it_goes_on(worker, function):
    assert worker.ask(function)() is None
    assert worker.ask("e", b"more")() == b"more"


def test_a_killed_worker_answers_nothing_and_keeps_nobody(worker):
    process_id = int(worker.ask("p")())
    waiting = [worker.ask("s"), *(worker.ask("e", bytes(10_000)) for _ in range(20))]
    os.kill(process_id, signal.SIGKILL)
    assert [answer() for answer in waiting] == [None] * 21
    assert worker.ask("e", bytes(5_000_000))() is None


def test_closing_ends_it_at_once_and_leaves_no_process(worker):
    process_id, waiting = int(worker.ask("p")()), worker.ask("s")
    worker.close()
    assert waiting() is None
    assert worker.ask("e", b"a")() is None
    assert not is_running(process_id)


def test_it_writes_nothing_and_holds_nothing_of_its_parent(worker, capfd):
    assert worker.ask("w")() == b"done"
    assert capfd.readouterr() == ("", "")
    numbers = set(map(int, worker.ask("f")().split()))
    assert {0, 1, 2} < numbers
    assert len(numbers) <= 6, "the streams, what leads nowhere, its connection, and the folder that is listed"


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_leaves_requests_to_stop_to_its_parent(worker, asked):
    os.kill(int(worker.ask("p")()), asked)
    assert worker.ask("e", b"still here")() == b"still here"


def test_it_ends_with_its_parent_however_that_ends():
    program = (
        "import os\n"
        "from reconciler.api.worker_process import WorkerProcess\n"
        "worker = WorkerProcess.fork({'p': lambda: str(os.getpid()).encode()})\n"
        "print(int(worker.ask('p')()), flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    if worker_process.cpus() < 2:
        pytest.skip("it takes two CPUs")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    until = time.monotonic() + 10
    while is_running(int(done.stdout)) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_running(int(done.stdout))


def test_a_pool_asks_whoever_has_least_to_do(monkeypatch):
    monkeypatch.setattr(worker_process, "may_fork", lambda: True)
    monkeypatch.setattr(worker_process, "cpus", lambda: 8)
    pool = WorkerPool.fork(FUNCTIONS, 2)
    waiting = pool.ask("s")
    answers = [pool.ask("p")() for _ in range(5)]
    assert len(set(answers)) == 1
    pool.close()
    assert waiting() is None


def test_a_pool_goes_on_with_those_that_are_left(monkeypatch):
    monkeypatch.setattr(worker_process, "may_fork", lambda: True)
    monkeypatch.setattr(worker_process, "cpus", lambda: 8)
    pool = WorkerPool.fork(FUNCTIONS, 2)
    os.kill(int(pool.ask("p")()), signal.SIGKILL)
    answers = [pool.ask("p")() for _ in range(50)]
    assert answers.count(None) <= 1
    pool.close()


def test_a_question_that_is_cut_off_is_the_last_one(worker, monkeypatch):
    class Interrupted:
        def sendall(self, _):
            raise KeyboardInterrupt

        def __getattr__(self, name):
            return getattr(connection, name)

    assert worker.ask("e", b"a")() == b"a"
    connection, worker._connection = worker._connection, Interrupted()
    with pytest.raises(KeyboardInterrupt):
        worker.ask("e", b"b")
    worker._connection = connection
    assert worker.ask("e", b"c")() is None


def test_no_process_is_forked_beside_threads_or_on_one_cpu(monkeypatch):
    monkeypatch.setattr(worker_process, "cpus", lambda: 1)
    assert WorkerPool.fork(FUNCTIONS, 4) is None
    monkeypatch.setattr(worker_process, "cpus", lambda: 2)
    with ThreadPoolExecutor(1) as threads:
        threads.submit(int).result()
        assert WorkerProcess.fork(FUNCTIONS) is None


def test_where_no_process_can_be_had_there_is_no_worker(monkeypatch):
    monkeypatch.setattr(worker_process, "may_fork", lambda: True)
    monkeypatch.setattr(os, "fork", _fails)
    assert WorkerProcess.fork(FUNCTIONS) is None


def test_this_process_answers_alike():
    here = ThisProcess(FUNCTIONS)
    assert here.ask("e", b"a", b"b")() == b"ab"
    assert here.ask("n")() is None
    assert here.ask("x")() is None
    here.close()
