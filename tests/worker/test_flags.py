from __future__ import annotations

import os
import subprocess
import sys

import pytest

from fitq_worker import flags

# A parent and its child, which was forked before either of them set a flag.
SCRIPT = """
import os
from fitq_worker import flags

def seen():
    return f"{{flags.draining():d}}{{flags.warm():d}}"

told, tell = os.pipe()
asked, answer = os.pipe()
before = seen()
child = os.fork()
if child == 0:
    if {warm}:
        flags.set_warm()
    os.write(answer, b"x")
    os.read(told, 1)
    os._exit(int(seen(), 2))
os.read(asked, 1)
if {drain}:
    flags.start_draining()
os.write(tell, b"x")
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
known = flags.child_pid() == child if {warm} else flags.child_pid() is None
print(before, seen(), f"{{code:02b}}", known)
"""


@pytest.mark.parametrize("drain", [False, True])
@pytest.mark.parametrize("warm", [False, True])
def test_each_sees_what_the_other_has_said_after_the_fork(drain: bool, warm: bool) -> None:
    # When the parent drains or does not, and the child is warm or is not
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(drain=drain, warm=warm)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    # Then no flag was set before, and both see the same: first drain, then warm
    both = f"{drain:d}{warm:d}"
    # And the parent knows which process is the child, once it is warm
    assert done.stdout.split() == ["00", both, both, "True"]


def test_a_process_of_the_child_sees_what_the_parent_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a process that has inherited the descriptor
    code = "from fitq_worker import flags; input(); print(flags.draining())"
    monkeypatch.setattr(flags, "_FLAGS", flags.mmap.mmap(flags.DESCRIPTOR, flags._SIZE))
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, flags.VARIABLE: str(flags.DESCRIPTOR)},
        pass_fds=[flags.DESCRIPTOR],
        text=True,
    ) as process:
        # When the parent is told to leave after it has started
        flags.start_draining()
        # Then it sees that
        said, _ = process.communicate("\n", timeout=60)
    flags._FLAGS[0] = 0
    assert said.strip() == "True"


IN_HAND = """
import os, signal
from fitq_worker import flags

asked, answer = os.pipe()
child = os.fork()
if child == 0:
    flags.set_warm()
    with flags.in_hand("a" * 32, 1_000_000):
        os.write(answer, b"x")
        signal.pause()
os.read(asked, 1)
print(flags.has_in_hand("a" * 32, 1_000_000), flags.has_in_hand("a" * 32, 1_000_001))
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
print(flags.has_in_hand("a" * 32, 1_000_000), flags.child_pid() == child)
if os.fork() == 0:
    flags.set_warm()
    os._exit(0)
os.wait()
print(flags.has_in_hand("a" * 32, 1_000_000), flags.has_in_hand("", 0))
"""


def test_the_parent_knows_which_attempt_the_child_has_in_hand() -> None:
    # When a child runs the attempt with the longest name, is killed, and is replaced
    done = subprocess.run(
        [sys.executable, "-c", IN_HAND], capture_output=True, text=True, timeout=60, check=True
    )
    # Then the parent sees that attempt and no other, until the next child is there
    assert done.stdout.split() == ["True", "False", "True", "True", "False", "False"]


def test_an_attempt_that_is_over_is_in_nobody_s_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flags, "_FLAGS", bytearray(flags._SIZE))
    with pytest.raises(ValueError, match="how it ended"), flags.in_hand("job", 1):
        assert flags.has_in_hand("job", 1)
        raise ValueError("how it ended")
    assert not flags.has_in_hand("job", 1)
