"""One way to open Redis, with its failures in the user's words."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry

from fitq_shared.errors import InvalidInput, Mistake, QueueUnreachable
from fitq_shared.settings import Settings, hide_password

CONNECT_SECONDS = 3.0

Redis = redis.Redis


def open_redis(settings: Settings, *, patient: bool = False) -> Redis:
    """A client for the Redis of these settings; text in, text out.

    Args:
        patient: for workers: ride out a restart of Redis by trying again for about a minute.
            Otherwise the first failure is raised at once.

    Raises:
        InvalidInput: the URL is none that Redis knows.
    """
    expected = (
        "redis://[:PASSWORD@]HOST:PORT/NUMBER, or rediss:// for TLS (%2F for / in a password)"
    )
    mistake = Mistake("FITQ_REDIS_URL", hide_password(settings.redis_url), expected)
    if not re.match(r"rediss?://[^/]*(/\d*)?(\?.*)?$", settings.redis_url):
        raise InvalidInput([mistake])
    backoff = ExponentialBackoff(cap=5, base=0.1) if patient else NoBackoff()
    try:
        return Redis.from_url(
            settings.redis_url,
            decode_responses=True,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=30.0 if patient else 10.0,
            health_check_interval=10,
            retry=Retry(backoff, 15 if patient else 0),
        )
    except (TypeError, ValueError) as error:
        raise InvalidInput([mistake]) from error


@contextlib.contextmanager
def reporting_unreachable(settings: Settings) -> Iterator[None]:
    """Turn a failure to reach Redis into QueueUnreachable, which says what to do."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError) as error:
        refused = isinstance(error, redis.AuthenticationError)
        raise QueueUnreachable(
            f"Redis at {settings.shown_redis_url} "
            + ("refuses the password" if refused else f"does not answer: {error}"),
            "check the password in FITQ_REDIS_URL"
            if refused
            else "start it (`fitq up` for a local stack), or correct FITQ_REDIS_URL",
        ) from error
    except TypeError as error:  # redis-py takes any word of the URL's query for an option
        raise InvalidInput(
            [Mistake("FITQ_REDIS_URL", settings.shown_redis_url, f"options that exist ({error})")]
        ) from error
    except redis.RedisError as error:
        raise QueueUnreachable(
            f"Redis at {settings.shown_redis_url} refuses the request: {error}",
            "check its memory limit, its password and the rights of the user",
        ) from error
