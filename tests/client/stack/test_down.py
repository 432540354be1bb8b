from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from fitq.cli import run
from fitq.stack.folder import write_json
from fitq.stack.processes import boot_id, process
from fitq.stack.worker_plan import WorkerPlan
from fitq_shared.redis_link import open_redis
from fitq_shared.settings import Settings

pytestmark = pytest.mark.services
ONE_WORKER = [WorkerPlan("cpu")]
NOBODY = 65534


@pytest.fixture
def stranger():
    """A process that is not of the stack."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as one:
        yield one
        one.kill()


def test_down_leaves_no_process(stack, helpers):
    # Given a running stack
    stack.up(ONE_WORKER)
    processes = helpers.processes(stack.folder)

    # When I stop it
    was_up = stack.down()

    # Then all of it has ended, and nothing says that it is up
    assert was_up
    assert set(processes) >= {"supervisor", "redis", "flower", "worker-1"}
    assert all(helpers.has_ended(one) for one in processes.values())
    assert not stack.folder.stack_file.exists()
    assert not stack.folder.processes_file.exists()


def test_data_and_addresses_survive(stack):
    # Given a stack with something in its queue and its store
    first, _ = stack.up([], flower=False)
    with open_redis(Settings(first.redis_url)) as link:
        link.set("precious", "kept")
    (stack.folder.volume / "model").write_text("kept")

    # When I stop it and start it again
    stack.down()
    second, _ = stack.up([], flower=False)

    # Then everything is where it was
    assert second == first
    assert (stack.folder.volume / "model").read_text() == "kept"
    with open_redis(Settings(second.redis_url)) as link:
        assert link.get("precious") == "kept"


def test_down_twice_is_no_mistake(stack):
    # Given a stack that was stopped
    stack.up([], flower=False)
    stack.down()

    # When I stop it again
    # Then I am told that nothing was up
    assert not stack.down()


def test_down_where_no_stack_ever_was(stack):
    assert not stack.down()
    assert not stack.folder.root.exists()


def test_down_after_supervisord_was_killed(stack, helpers):
    # Given a stack whose worker has been restarted, so that its pid is nowhere written
    stack.up(ONE_WORKER, flower=False)
    processes = helpers.processes(stack.folder)
    supervisor, worker = processes["supervisor"], processes["worker-1"]
    worker.kill()
    helpers.wait_until(
        lambda: worker not in supervisor.children() and len(supervisor.children()) == 2,
        "the worker is restarted",
    )
    survivors = supervisor.children()

    # When supervisord is killed, and its children live on
    supervisor.kill()
    helpers.wait_until(lambda: helpers.has_ended(supervisor), "supervisord has ended")
    assert not any(helpers.has_ended(one) for one in survivors)

    # Then down ends them all the same
    assert stack.down()
    assert all(helpers.has_ended(one) for one in survivors)


def test_up_after_supervisord_was_killed(stack, helpers):
    # Given a stack whose supervisord was killed
    first, _ = stack.up([], flower=False)
    old = helpers.processes(stack.folder)
    old["supervisor"].kill()
    helpers.wait_until(lambda: helpers.has_ended(old["supervisor"]), "supervisord has ended")

    # When I start it again
    second, started = stack.up([], flower=False)

    # Then what was left has been ended, and the stack is up at its old address
    assert started
    assert second == first
    assert helpers.has_ended(old["redis"])


def test_down_ends_a_supervisord_that_hangs(stack, helpers, monkeypatch):
    # Given a supervisord that does not answer
    monkeypatch.setattr("fitq.stack.supervision.ANSWER_SECONDS", 0.5)
    stack.up([], flower=False)
    processes = helpers.processes(stack.folder)
    processes["supervisor"].suspend()

    # When I stop the stack
    stack.down()

    # Then it has ended
    assert all(helpers.has_ended(one) for one in processes.values())


@pytest.mark.parametrize("same_boot", [True, False])
def test_a_pid_that_now_belongs_to_another_is_left_alone(stack, stranger, same_boot):
    # Given a record from before: of a process that has ended, or of another boot
    stack.folder.make()
    start = process(stranger.pid).start
    identity = (stranger.pid, start - 1 if same_boot else start)
    write_json(
        stack.folder.processes_file,
        {
            "socket": str(stack.folder.root / "gone"),
            "boot": boot_id() if same_boot else "another",
            "supervisor": identity,
            "programs": {"redis": identity},
        },
    )

    # When I stop the stack
    was_up = stack.down()

    # Then the stranger lives, and the record is gone
    assert not was_up
    assert psutil.pid_exists(stranger.pid)
    assert stranger.poll() is None
    assert not stack.folder.processes_file.exists()


@pytest.fixture
def another_s():
    """A folder with a `.fitq` that this user may not look into, and a folder below it."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        (folder / ".fitq").mkdir(mode=0)
        (folder / "below").mkdir()
        if root:
            os.seteuid(NOBODY)  # root may look everywhere
        yield folder
        if root:
            os.seteuid(0)


def test_below_another_user_s_stack_there_is_none(another_s, monkeypatch, capsys):
    monkeypatch.chdir(another_s / "below")
    assert run(["down"]) == 0
    assert "No stack was up here." in capsys.readouterr().out


def test_another_user_s_stack_is_not_stopped(another_s, monkeypatch, capsys):
    monkeypatch.chdir(another_s)
    assert run(["down"]) == 1
    assert f"{another_s}/.fitq/lock cannot be opened: Permission denied" in capsys.readouterr().err


def test_a_record_of_processes_that_cannot_be_read_is_named(project, monkeypatch, capsys):
    # Given a folder where the file should be
    (project / ".fitq/processes.json").mkdir(parents=True)
    monkeypatch.chdir(project)
    # When the stack is to be stopped, Then the error names it
    assert run(["down"]) == 1
    assert "processes.json cannot be read: Is a directory" in capsys.readouterr().err
