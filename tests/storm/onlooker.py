"""The storm's own line to Redis: past all proxies, and patient with its restarts."""

from __future__ import annotations

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from fitq_shared.redis_link import Redis
from fitq_shared.settings import Settings

PAUSE_SECONDS = 0.2
TRIES = 300


def connect(settings: Settings) -> Redis:
    """A client that tries each command again for a minute; text in, text out."""
    return redis.Redis.from_url(
        settings.redis_url,
        decode_responses=True,
        socket_timeout=10.0,
        retry=Retry(ConstantBackoff(PAUSE_SECONDS), TRIES),
        retry_on_error=[redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError],
    )
