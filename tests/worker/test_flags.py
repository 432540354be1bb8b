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
    monkeypatch.setattr(flags, "_FLAGS", flags.mmap.mmap(flags.DESCRIPTOR, 16))
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
