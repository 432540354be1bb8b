from __future__ import annotations

import threading

import pytest

from fitq_shared.lease import Lease
from fitq_shared.redis_link import open_redis
from support.waiting import wait_until

pytestmark = pytest.mark.services

RESOURCE = "cpu:host:0-1"


@pytest.fixture
def lease_of(redis):
    def make(token: str, seconds: float = 60.0) -> Lease:
        return Lease(redis, RESOURCE, token, seconds)

    return make


def has_run_out(redis, lease: Lease) -> None:
    wait_until(lambda: not redis.exists(lease.key), 20, "the end of the lease")


def test_one_holder_at_a_time(redis, lease_of):
    # Given a resource that somebody holds
    mine, theirs = lease_of("mine"), lease_of("theirs")
    assert mine.acquire()

    # When another asks for it
    # Then they do not get it, however often they ask
    assert not theirs.acquire()
    assert theirs.renew() == "lost"
    assert redis.get(mine.key) == "mine"

    # And the holder may ask again
    assert mine.acquire()


def test_different_resources_do_not_meet(redis):
    assert Lease(redis, "gpu:0", "mine", 60).acquire()
    assert Lease(redis, "gpu:1", "theirs", 60).acquire()


def test_renewing_gives_another_full_term(redis, lease_of):
    # Given a lease near its end
    lease = lease_of("mine", 60)
    lease.acquire()
    redis.pexpire(lease.key, 5000)

    # When it is renewed
    assert lease.renew() == "held"

    # Then it stands for its full time again
    assert redis.pttl(lease.key) > 5000


def test_a_lease_that_nobody_renews_runs_out(redis, lease_of):
    # Given a lease whose holder is gone
    gone = lease_of("gone", 0.05)
    gone.acquire()

    # When its time has passed
    has_run_out(redis, gone)

    # Then another gets it, and the first learns that it is lost
    assert lease_of("next").acquire()
    assert gone.renew() == "lost"
    assert redis.get(gone.key) == "next"


def test_a_lease_that_ran_out_is_taken_again_if_nobody_took_it(redis, lease_of):
    # Given a holder that was paused for longer than its lease
    paused = lease_of("paused", 0.05)
    paused.acquire()
    has_run_out(redis, paused)

    # When it goes on, and nobody has come
    # Then it holds again, and the lease still runs out
    assert paused.renew() == "held"
    has_run_out(redis, paused)


def test_what_is_released_is_free_at_once(lease_of):
    mine, theirs = lease_of("mine"), lease_of("theirs")
    mine.acquire()
    mine.release()
    assert theirs.acquire()


def test_another_s_lease_is_not_released(redis, lease_of):
    # Given a holder, and one who held before
    mine, theirs = lease_of("mine"), lease_of("theirs")
    theirs.acquire()

    # When that one lets go
    mine.release()

    # Then the holder still holds
    assert redis.get(theirs.key) == "theirs"
    assert theirs.renew() == "held"


def test_releasing_what_nobody_holds_is_no_error(redis, lease_of):
    lease_of("mine").release()
    assert not redis.exists(lease_of("mine").key)


def test_of_many_who_ask_at_once_one_gets_it(settings):
    # Given eight who start together, each with a connection of its own
    start = threading.Barrier(8, timeout=60)
    got: list[str] = []

    def ask(token: str) -> None:
        lease = Lease(open_redis(settings), RESOURCE, token, 60)
        start.wait()
        if lease.acquire():
            got.append(token)

    threads = [threading.Thread(target=ask, args=(f"worker-{n}",)) for n in range(8)]

    # When all ask
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # Then one has it
    assert len(got) == 1
