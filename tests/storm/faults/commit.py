"""Faults at the worst moment: all artifacts are written, the record does not know yet."""

from __future__ import annotations

import time

import psutil

from fitq_shared.record_keys import job_key
from storm.faults.processes import meet
from storm.member import Hit, Member, gone
from storm.moments import about_to_seal, sealed
from storm.rig import LEASE_SECONDS, Rig
from storm.strike import Strike

TRIES = 5
TAKE_OVER_SECONDS = LEASE_SECONDS + 25.0


def kill_before_commit(rig: Rig, strike: Strike) -> None:
    """SIGKILL to the child between the manifest and the commit."""
    member = _hold_the_commit(rig, strike)
    if member is None:
        return
    assert strike.hit is not None
    child = member.child()
    if child is None:
        strike.complaint = "there was no child"
    else:
        child.kill()
        psutil.wait_procs([child], timeout=10)
        # Held for longer than the lease, it may have been queued again meanwhile.
        state, attempt = _record(rig, strike.hit.job)
        if gone(child.pid) and (state == "running" or attempt > strike.hit.attempt):
            strike.saw(f"child {child.pid} gone, record says {state} in attempt {attempt}")
        else:
            strike.complaint = f"child {child.pid} lives, or attempt {attempt} is {state}"
    member.proxy.cut()
    member.proxy.release()


def late_commit(rig: Rig, strike: Strike) -> None:
    """The commit is on its way until another attempt has begun, and arrives then."""
    member = _hold_the_commit(rig, strike)
    if member is None:
        return
    assert strike.hit is not None
    end = time.monotonic() + TAKE_OVER_SECONDS
    while True:
        state, attempt = _record(rig, strike.hit.job)
        newest_begun = attempt - 1 if state == "queued" else attempt
        begun = newest_begun > strike.hit.attempt
        if begun or state == "cancelled" or time.monotonic() > end:
            break
        time.sleep(0.05)
    member.proxy.release()
    if begun:
        strike.saw(f"let through while attempt {attempt} was {state}")
    else:
        strike.complaint = f"let through while attempt {attempt} was {state}, no other had begun"


def _hold_the_commit(rig: Rig, strike: Strike) -> Member | None:
    """Hold a worker's line to Redis so that an attempt is sealed but its commit is on its way."""
    for _ in range(TRIES):
        member = meet(rig, strike)
        hit = strike.hit
        if hit is None:
            continue
        folder = rig.attempt_folder(hit.job, hit.attempt)
        if not about_to_seal(folder, lambda hit=hit: _runs(rig, hit)):  # type: ignore[misc]
            continue
        member.proxy.hold()
        strike.begins(member.name, hit)
        if sealed(folder) and _runs(rig, hit):
            strike.note(f"manifest of attempt {hit.attempt} there, record not yet")
            return member
        member.proxy.release()
    strike.complaint = f"the moment was missed {TRIES} times"
    return None


def _runs(rig: Rig, hit: Hit) -> bool:
    return _record(rig, hit.job) == ("running", hit.attempt)


def _record(rig: Rig, job_id: str) -> tuple[str, int]:
    state, attempt = rig.redis.hmget(job_key(job_id), ["state", "attempt"])
    return str(state), int(str(attempt))
