"""How a command is tried again, seen through a proxy whose connections can be cut."""

from __future__ import annotations

import threading
import time

import pytest
import redis as redis_errors

from fitq_shared.outage import Outage, Persistence
from fitq_shared.redis_link import open_redis
from fitq_shared.settings import Settings
from support.proxy import Proxy
from support.redis_server import free_port
from support.waiting import wait_until


class Told(list):
    """What an outage has told, in order."""

    def outage(self, seconds):
        return Outage(
            seconds, away=lambda error: self.append("away"), back=lambda: self.append("back")
        )


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def proxy(redis_server):
    between = Proxy(redis_server.port)
    yield between
    between.stop()


def through(proxy):
    return Settings(redis_url=f"redis://127.0.0.1:{proxy.port}/0")


@pytest.mark.services
def test_a_connection_cut_in_the_middle_of_a_command_is_no_failure(settings, redis, proxy):
    # Given a client that waits for an answer
    client = open_redis(through(proxy))
    client.ping()
    answers = []
    asking = threading.Thread(target=lambda: answers.append(client.blpop("list", timeout=20)))
    asking.start()
    wait_until(lambda: redis.info("clients")["blocked_clients"], 20, "the question")
    # When its connection is cut before the answer comes
    assert proxy.cut()
    wait_until(lambda: redis.info("clients")["blocked_clients"], 20, "the question, asked again")
    redis.rpush("list", "value")
    # Then it has asked again
    asking.join(timeout=20)
    assert answers == [("list", "value")]


@pytest.mark.services
def test_an_outage_is_ridden_out_and_told_once(settings, proxy, told):
    # Given a patient client, and a Redis that is gone
    client = open_redis(through(proxy), outage=told.outage(60))
    client.set("key", "value")
    proxy.refuse()
    # When a command is given meanwhile, and Redis comes back when it was told of
    answers = []
    asking = threading.Thread(target=lambda: answers.append(client.get("key")))
    asking.start()
    wait_until(lambda: told, 20, "a word of the outage")
    proxy.accept()
    # Then the command is answered, and the end of the outage was told, each once
    asking.join(timeout=20)
    assert answers == ["value"]
    assert told == ["away", "back"]
    # And of a cut that lasts a moment nothing is told
    proxy.cut()
    assert client.get("key") == "value"
    assert told == ["away", "back"]


def test_an_outage_that_lasts_too_long_is_raised_and_then_each_command_at_once(told):
    # Given a Redis that is not there
    client = open_redis(
        Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0"), outage=told.outage(1)
    )
    # When I ask it, Then that fails in the end
    with pytest.raises(redis_errors.ConnectionError):
        client.ping()
    assert told == ["away"]
    # When I ask again, Then it is not waited for once more
    tries = []
    persistence = client.get_retry()
    with pytest.raises(redis_errors.ConnectionError):
        persistence.call_with_retry(lambda: raise_lost(tries), lambda error: None)
    assert len(tries) == 1


def raise_lost(tries):
    tries.append(time.monotonic())
    raise redis_errors.ConnectionError("lost")


def test_loops_within_a_loop_try_once(told):
    # Given a command whose connection is tried again, too
    persistence = Persistence(told.outage(0.5))
    tries = []

    def connect():
        persistence.call_with_retry(lambda: raise_lost(tries), lambda error: None)

    # When it fails
    failures = []
    with pytest.raises(redis_errors.ConnectionError):
        persistence.call_with_retry(
            connect, lambda error, count: failures.append(count), with_failure_count=True
        )
    # Then only the outer loop has tried again: once, and three times more
    assert failures == [1, 2, 3, 4]
    assert len(tries) == 4


@pytest.mark.parametrize(
    "error",
    [
        redis_errors.AuthenticationError("WRONGPASS"),
        redis_errors.ConnectionError("Error 1: [SSL: CERTIFICATE_VERIFY_FAILED]"),
        redis_errors.OutOfMemoryError("OOM"),
        redis_errors.ResponseError("WRONGTYPE"),
    ],
)
def test_what_only_a_person_can_mend_is_raised_at_once(told, error):
    tries = []

    def ask():
        tries.append(1)
        raise error

    with pytest.raises(type(error)):
        Persistence(told.outage(60)).call_with_retry(ask, lambda error: None)
    assert len(tries) == 1
