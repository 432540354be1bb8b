"""A lease on devices: all of them or none, wholly or by a share."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from fitq_shared.lease import Lease, device_key, holders
from fitq_shared.redis_link import Redis, open_redis
from fitq_shared.settings import Settings
from support.waiting import wait_until

pytestmark = pytest.mark.services

GPUS = ["gpu:a", "gpu:b", "gpu:c", "gpu:d"]
LeaseOf = Callable[..., Lease]


@pytest.fixture
def lease_of(redis: Redis) -> LeaseOf:
    def make(token: str, *devices: str, share: float = 1.0, seconds: float = 60.0) -> Lease:
        return Lease(redis, f"worker:{token}", token, seconds, devices, share)

    return make


def held(redis: Redis) -> dict[str, tuple[str, ...]]:
    """Which devices somebody holds, and who."""
    return {device: by for device, by in holders(redis, GPUS).items() if by}


def test_all_devices_are_taken_or_none(redis: Redis, lease_of: LeaseOf) -> None:
    # Given a device that another holds
    assert lease_of("theirs", "gpu:b").acquire()
    # When it is asked for together with a free one, Then nothing is taken
    assert not lease_of("mine", "gpu:a", "gpu:b").acquire()
    assert held(redis) == {"gpu:b": ("theirs",)}
    assert not redis.exists(lease_of("mine").key)


def test_so_many_of_several_are_taken_as_are_asked_for(redis: Redis, lease_of: LeaseOf) -> None:
    # Given four devices, of which one is taken
    assert lease_of("theirs", "gpu:a").acquire()
    # When two are asked for, whichever are free
    mine = lease_of("mine")
    assert mine.acquire_some(GPUS, 2)
    # Then the first two that are free are held, with the lease
    assert mine.devices == ("gpu:b", "gpu:c")
    assert held(redis) == {"gpu:a": ("theirs",), "gpu:b": ("mine",), "gpu:c": ("mine",)}
    assert redis.get(mine.key) == "mine"
    # And a third one who wants two gets none
    assert not lease_of("third").acquire_some(GPUS, 2)
    assert "third" not in str(held(redis))


def test_shares_of_a_device_add_up_to_one(redis: Redis, lease_of: LeaseOf) -> None:
    # Given a device of which two hold a third each
    for token in ("one", "two"):
        assert lease_of(token, "gpu:a", share=1 / 3).acquire()
    # Then nobody gets half of it, and one more a third
    assert not lease_of("half", "gpu:a", share=0.5).acquire()
    assert not lease_of("whole", "gpu:a").acquire()
    assert lease_of("three", "gpu:a", share=1 / 3).acquire()
    assert held(redis) == {"gpu:a": ("one", "three", "two")}
    assert not lease_of("four", "gpu:a", share=0.01).acquire()


def test_who_wants_a_share_gets_one_of_the_least_used(lease_of: LeaseOf) -> None:
    found = []
    for token in ("one", "two", "three", "four"):
        lease = lease_of(token, share=0.5)
        assert lease.acquire_some(GPUS[:2], 1)
        found += lease.devices
    assert found == ["gpu:a", "gpu:b", "gpu:a", "gpu:b"]
    assert not lease_of("five", share=0.5).acquire_some(GPUS[:2], 1)


def test_renewing_gives_all_another_full_term(redis: Redis, lease_of: LeaseOf) -> None:
    # Given a lease near its end
    mine = lease_of("mine", "gpu:a", "gpu:b", seconds=3)
    mine.acquire()
    first = {key: redis.hget(device_key(key), "mine") for key in mine.devices}
    redis.pexpire(device_key("gpu:a"), 1000)
    # When it is renewed
    wait_until(lambda: redis.pttl(device_key("gpu:b")) < 2900, 10, "a moment")
    assert mine.renew() == "held"
    # Then so is the time of each device
    assert redis.pttl(device_key("gpu:a")) > 2000
    for device, before in first.items():
        after = redis.hget(device_key(device), "mine")
        assert before is not None
        assert after is not None
        assert float(after.split()[1]) > float(before.split()[1])


def test_who_loses_one_device_has_lost_all(redis: Redis, lease_of: LeaseOf) -> None:
    # Given a holder of two devices, whose time has run out
    mine = lease_of("mine", "gpu:a", "gpu:b", seconds=0.05)
    assert mine.acquire()
    wait_until(lambda: not held(redis), 10, "the end of its time")
    # When another has taken one of them
    theirs = lease_of("theirs", "gpu:b")
    assert theirs.acquire()
    # Then the first one does not get the other one back
    assert mine.renew() == "lost"
    assert held(redis) == {"gpu:b": ("theirs",)}
    assert not redis.exists(mine.key)


def test_what_ran_out_is_taken_again_if_nobody_came(redis: Redis, lease_of: LeaseOf) -> None:
    mine = lease_of("mine", "gpu:a", seconds=0.05)
    mine.acquire()
    wait_until(lambda: not held(redis) and not redis.exists(mine.key), 10, "the end of its time")
    assert mine.renew() == "held"


def test_a_sharer_that_is_gone_leaves_room_while_the_other_stays(
    redis: Redis, lease_of: LeaseOf
) -> None:
    # Given two sharers, of which one renews no more
    stays = lease_of("stays", "gpu:a", share=0.5)
    assert lease_of("gone", "gpu:a", share=0.5, seconds=0.2).acquire()
    assert stays.acquire()
    # When its time has run out, Then another gets its share, and nothing of it is left
    wait_until(lambda: lease_of("next", "gpu:a", share=0.5).acquire(), 10, "the room")
    assert held(redis) == {"gpu:a": ("next", "stays")}
    assert set(redis.hkeys(device_key("gpu:a"))) == {"next", "stays"}


def test_what_is_released_is_free_at_once(redis: Redis, lease_of: LeaseOf) -> None:
    mine, other = lease_of("mine"), lease_of("other", "gpu:c")
    assert mine.acquire_some(GPUS, 2)
    assert other.acquire()
    mine.release()
    # Only what was its own
    assert held(redis) == {"gpu:c": ("other",)}
    assert lease_of("next", "gpu:a", "gpu:b").acquire()


def test_nothing_stays_in_redis(redis: Redis, lease_of: LeaseOf) -> None:
    released, expired = lease_of("mine", "gpu:a"), lease_of("gone", "gpu:b", seconds=0.05)
    assert released.acquire()
    assert expired.acquire()
    released.release()
    wait_until(lambda: not redis.keys("*"), 10, "an empty Redis")


def test_of_many_who_want_two_of_four_at_once_two_get_them(settings: Settings) -> None:
    # Given eight who start together, each with a connection of its own
    start = threading.Barrier(8, timeout=60)
    got: list[tuple[str, ...]] = []

    def ask(token: str) -> None:
        lease = Lease(open_redis(settings), f"worker:{token}", token, 60)
        start.wait()
        if lease.acquire_some(GPUS, 2):
            got.append(lease.devices)

    threads = [threading.Thread(target=ask, args=(f"worker-{n}",)) for n in range(8)]
    # When all ask
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Then each device has one holder
    assert sorted(device for devices in got for device in devices) == GPUS
