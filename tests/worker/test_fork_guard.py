from __future__ import annotations

import os
import threading

from fitq_worker.fork_guard import ForkGuard
from support.waiting import wait_until


def fork_and_enter(guard: ForkGuard) -> int:
    """Fork a child that enters the guard; its exit code, which is 0 if it could."""
    pid = os.fork()
    if pid == 0:
        with guard:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_fork_waits_for_the_threads_that_are_inside() -> None:
    # Given a thread that is inside until the process is about to fork
    guard = ForkGuard()
    entered, left = threading.Event(), threading.Event()

    def work() -> None:
        with guard:
            entered.set()
            wait_until(lambda: guard._forking, 30, "a process that is about to fork")
            left.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert entered.wait(30)
    # When it forks, Then the thread has left by then, and the child can go inside
    assert fork_and_enter(guard) == 0
    assert left.is_set()
    thread.join()
    # And so can the parent
    with guard:
        pass


def test_a_fork_does_not_wait_for_ever() -> None:
    # Given a thread that hangs inside
    guard = ForkGuard()
    entered, hang = threading.Event(), threading.Event()

    def work() -> None:
        with guard:
            entered.set()
            hang.wait()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert entered.wait(30)
    # When the process forks, Then a child is there all the same, and nobody is inside it
    assert fork_and_enter(guard) == 0
    hang.set()
    thread.join()
