from __future__ import annotations

import pytest
import redis as redis_client

from fitq_shared.errors import InvalidInput, QueueUnreachable
from fitq_shared.redis_link import open_redis, reporting_unreachable
from fitq_shared.settings import Settings
from support.redis_server import free_port


@pytest.mark.services
def test_text_goes_in_and_comes_out(settings):
    redis = open_redis(settings)
    redis.set("key", "grün")
    assert redis.get("key") == "grün"


def test_a_redis_that_is_not_there_is_reported_without_its_password():
    settings = Settings(redis_url=f"redis://:secret@127.0.0.1:{free_port()}/0")
    with pytest.raises(QueueUnreachable) as caught, reporting_unreachable(settings):
        open_redis(settings).ping()
    assert "does not answer" in caught.value.message
    assert "fitq up" in caught.value.hint
    assert "secret" not in caught.value.message + caught.value.hint


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


@pytest.mark.parametrize("url", ["nonsense", "http://host", "redis://host:port/0", "redis://[a"])
def test_a_url_that_is_none_is_wrong_use(url):
    with pytest.raises(InvalidInput) as caught:
        open_redis(Settings(redis_url=url))
    assert "FITQ_REDIS_URL" in caught.value.message


@pytest.mark.parametrize(("patient", "tries"), [(False, 0), (True, 15)])
def test_only_workers_wait_for_redis_to_come_back(patient, tries):
    client = open_redis(Settings(redis_url="redis://127.0.0.1:1"), patient=patient)
    assert isinstance(client, redis_client.Redis)
    assert client.get_retry().get_retries() == tries
