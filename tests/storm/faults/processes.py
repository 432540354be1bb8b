"""Faults of a worker's two processes."""

from __future__ import annotations

import subprocess
import time

import psutil

from storm.member import Member, gone
from storm.rig import LEASE_SECONDS, Rig
from storm.strike import Strike

# How long a worker may take to leave; what runs containers often gives ten seconds.
DRAIN_SECONDS = 30.0


def meet(rig: Rig, strike: Strike) -> Member:
    """The worker that the fault is for, in the middle of a job if it gets one."""
    member = rig.members[strike.planned.worker]
    member.raise_the_fallen()
    hit = member.wait_for_job()
    time.sleep(strike.planned.chance * 1.5)
    member.raise_the_fallen()
    strike.begins(member.name, member.running() or hit)
    return member


def kill_parent(rig: Rig, strike: Strike) -> None:
    """SIGKILL to the parent, which its child does not outlive; a new worker takes its place."""
    member = meet(rig, strike)
    parent, child = member.kill_parent()
    if child is None:
        strike.complaint = "there was no child"
    elif gone(parent) and gone(child):
        strike.saw(f"parent {parent} gone, and child {child} with it")
    else:
        strike.complaint = f"parent {parent} or child {child} lives"
    member.start()


def kill_child(rig: Rig, strike: Strike) -> None:
    """SIGKILL to the child; the parent lives and starts another."""
    member = meet(rig, strike)
    child = member.child()
    if child is None:
        strike.complaint = "there was no child"
        return
    child.kill()
    psutil.wait_procs([child], timeout=10)
    if gone(child.pid):
        strike.saw(f"child {child.pid} gone")
    else:
        strike.complaint = f"child {child.pid} lives"


def stop(rig: Rig, strike: Strike) -> None:
    """SIGSTOP to both for longer than the lease, then SIGCONT."""
    member = meet(rig, strike)
    processes = member.processes()
    for process in processes:
        process.suspend()
    time.sleep(0.1)
    states = [process.status() for process in processes]
    pids = ", ".join(str(process.pid) for process in processes)
    if len(states) == 2 and set(states) == {psutil.STATUS_STOPPED}:
        strike.saw(f"state T: {pids}")
    else:
        strike.complaint = f"the states of {pids or 'no process'} are {', '.join(states)}"
    time.sleep(LEASE_SECONDS + 1.5 + 2 * strike.planned.chance)
    for process in processes:
        process.resume()
    strike.note("continued")


def drain(rig: Rig, strike: Strike) -> None:
    """SIGTERM to the parent; when it has left, a new worker takes its place."""
    member = meet(rig, strike)
    process, was_ready = member.worker.process, member.ready()
    process.terminate()
    try:
        code = process.wait(timeout=DRAIN_SECONDS)
        strike.saw(f"left with code {code} after {time.time() - strike.begun:.1f} s")
        if code != 0 and was_ready:
            member.falls.append(f"{member.describe()} left with code {code} when it was drained")
    except subprocess.TimeoutExpired:
        strike.complaint = f"it did not leave within {DRAIN_SECONDS:g} s"
        member.falls.append(f"{member.describe()} did not leave within {DRAIN_SECONDS:g} s")
        member.kill_parent()
    member.start()
