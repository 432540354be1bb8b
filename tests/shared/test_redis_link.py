from __future__ import annotations

import threading

import pytest
import redis as redis_client

from fitq_shared.errors import InvalidInput, QueueUnreachable
from fitq_shared.redis_link import (
    is_replicated,
    open_redis,
    replica_has_all,
    reporting_unreachable,
)
from fitq_shared.settings import Settings
from support.redis_server import free_port
from support.waiting import wait_until


@pytest.mark.services
def test_text_goes_in_and_comes_out(settings):
    redis = open_redis(settings)
    redis.set("key", "grün")
    assert redis.get("key") == "grün"


def test_a_redis_that_is_not_there_is_reported_without_its_password(caplog):
    settings = Settings(redis_url=f"redis://:secret@127.0.0.1:{free_port()}/0")
    with pytest.raises(QueueUnreachable) as caught, reporting_unreachable(settings):
        open_redis(settings).ping()
    assert "does not answer" in caught.value.message
    assert "fitq up" in caught.value.hint
    assert "secret" not in caught.value.message + caught.value.hint
    # And by nothing else: a log would come between what the command line says
    assert not caplog.records


@pytest.mark.services
def test_a_wrong_password_is_reported_as_such(settings):
    # Given a Redis that wants a password
    admin = open_redis(settings)
    admin.config_set("requirepass", "right")
    try:
        wrong = Settings(redis_url=settings.redis_url.replace("//", "//:wrong@"))
        # When I come with another, or with none
        for refused in (wrong, settings):
            with pytest.raises(QueueUnreachable) as caught, reporting_unreachable(refused):
                open_redis(refused).get("key")
            # Then I am told to look at the password
            assert "password" in caught.value.hint
            assert "wrong" not in caught.value.message
    finally:
        admin.config_set("requirepass", "")


@pytest.mark.services
def test_a_request_that_redis_refuses_is_reported(settings):
    redis = open_redis(settings)
    redis.set("text", "x")
    with (
        pytest.raises(QueueUnreachable, match="refuses the request"),
        reporting_unreachable(settings),
    ):
        redis.lpush("text", "y")


@pytest.mark.services
def test_a_full_redis_is_reported_as_such(settings):
    # Given a Redis that has reached its memory limit
    redis = open_redis(settings)
    redis.config_set("maxmemory", "1")
    try:
        # When I write
        with pytest.raises(QueueUnreachable) as caught, reporting_unreachable(settings):
            redis.set("key", "value")
        # Then I am told which limit that is, and what to do
        assert "full: it has reached its maxmemory" in caught.value.message
        assert "raise maxmemory" in caught.value.hint
    finally:
        redis.config_set("maxmemory", "0")


def test_a_url_that_is_none_is_wrong_use():
    with pytest.raises(InvalidInput) as caught:
        open_redis(Settings(redis_url="http://host"))
    assert "FITQ_REDIS_URL" in caught.value.message


@pytest.mark.services
def test_only_who_is_patient_waits_for_a_full_redis(settings):
    # Given a Redis that is full
    redis = open_redis(settings)
    patient = open_redis(settings, patient=True)
    redis.config_set("maxmemory", "1")
    writing = threading.Thread(target=patient.set, args=("key", "patient"))
    try:
        # When somebody patient writes, and somebody who is not
        refused = redis.info("stats")["total_error_replies"]
        writing.start()
        with pytest.raises(redis_client.OutOfMemoryError):
            redis.set("other", "quick")
        wait_until(
            lambda: redis.info("stats")["total_error_replies"] >= refused + 4, 20, "more tries"
        )
    finally:
        redis.config_set("maxmemory", "0")
    # Then the patient one has written as soon as there is room
    writing.join(timeout=20)
    assert redis.get("key") == "patient"


@pytest.mark.services
def test_without_a_replica_nothing_is_confirmed(settings):
    assert not replica_has_all(open_redis(settings), seconds=0.01)
    assert not is_replicated(settings)
    assert is_replicated(Settings(redis_url="sentinel://h:1/0?master_name=m"))


def test_sentinels_that_are_not_there_are_reported_without_their_passwords():
    url = f"sentinel://:secret@127.0.0.1:{free_port()}/0?master_name=m&sentinel_password=hidden"
    settings = Settings(redis_url=url)
    with pytest.raises(QueueUnreachable) as caught, reporting_unreachable(settings):
        open_redis(settings).ping()
    assert "No master found for 'm'" in caught.value.message
    assert "secret" not in caught.value.message
    assert "hidden" not in caught.value.message


def test_who_asks_for_tls_is_told_to_look_at_that_too():
    settings = Settings(redis_url=f"rediss://127.0.0.1:{free_port()}/0")
    with pytest.raises(QueueUnreachable) as caught, reporting_unreachable(settings):
        open_redis(settings).ping()
    assert "check that this port speaks TLS" in caught.value.hint
