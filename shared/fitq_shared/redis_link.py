"""One way to open Redis, with its failures in the user's words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import redis
from redis.sentinel import Sentinel

from fitq_shared.errors import QueueUnreachable
from fitq_shared.outage import LOST, PASSING, Outage, Persistence
from fitq_shared.redis_url import RedisUrl
from fitq_shared.sentinel import FollowingConnection
from fitq_shared.settings import Settings

CONNECT_SECONDS = 3.0
# Three tries more: a connection that was dropped in the middle of a command is no failure.
QUICK_SECONDS = 0.5
PATIENT_SECONDS = 300.0
HEALTH_SECONDS = 10

Redis = redis.Redis


def open_redis(
    settings: Settings,
    *,
    patient: bool = False,
    outage: Outage | None = None,
    answer_seconds: float | None = None,
) -> Redis:
    """A client for the Redis of these settings; text in, text out.

    Args:
        patient: for workers: ride out an outage of Redis, or a full one, for five minutes.
            Otherwise a failure is raised after half a second.
        outage: for how long to try again instead, and whom to tell.
        answer_seconds: how long an answer may take; by default 10 s, or 30 s with patience.

    Raises:
        InvalidInput: the URL is none that fitq knows.
    """
    url = RedisUrl.parse(settings.redis_url)
    if outage is None:
        outage = Outage.logged(PATIENT_SECONDS) if patient else Outage(QUICK_SECONDS)
    persistent = outage.seconds > QUICK_SECONDS
    limit = answer_seconds or (30.0 if persistent else 10.0)
    options: dict[str, Any] = {
        "db": url.database,
        **url.login,
        "decode_responses": True,
        "socket_connect_timeout": min(CONNECT_SECONDS, limit),
        "socket_timeout": limit,
        "socket_keepalive": True,
        "health_check_interval": HEALTH_SECONDS,
        "retry": Persistence(outage, PASSING if persistent else LOST),
    }
    if url.master_name is None:
        (host, port) = url.hosts[0]
        return Redis(host=host, port=port, ssl=bool(url.tls), **url.tls, **options)
    sentinels: Any = Sentinel(url.hosts, sentinel_kwargs=sentinel_options(url))  # type: ignore[no-untyped-call]
    master: Redis = sentinels.master_for(
        url.master_name, Redis, connection_class=FollowingConnection, **options
    )
    return master


def sentinel_options(url: RedisUrl) -> dict[str, Any]:
    """How to talk to the Sentinels themselves; each is asked once, then the next one."""
    return {
        **url.sentinel_login,
        "socket_connect_timeout": 1.0,
        "socket_timeout": 1.0,
        "retry": Persistence(Outage(0)),
    }


def is_replicated(settings: Settings) -> bool:
    """Whether Redis has replicas that may take its place: it is known through Sentinels."""
    return RedisUrl.parse(settings.redis_url).master_name is not None


def replica_has_all(redis: Redis, seconds: float = 1.0) -> bool:
    """Whether a replica confirms, within so many seconds, what was written until now.

    WAIT speaks only of what its own connection has written, so something is written first:
    replication keeps the order, and whoever has that has all that came before it.
    """
    with redis.pipeline(transaction=False) as pipe:
        pipe.set("fitq:confirmed", "", px=1000)
        pipe.wait(1, int(seconds * 1000))
        answers: list[Any] = pipe.execute()
    return bool(answers[1])


def server_time(redis: Redis) -> float:
    """The time by Redis's clock, by which all agree, in seconds since the epoch."""
    seconds, micros = redis.time()
    return float(seconds) + micros / 1e6


def ask_for_writes(redis: Redis) -> None:
    """Write what is gone at once: raises what a Redis that takes no writes raises."""
    redis.set("fitq:room", "", px=1)


@contextlib.contextmanager
def reporting_unreachable(settings: Settings) -> Iterator[None]:
    """Turn a failure to reach Redis into QueueUnreachable, which says what to do."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError) as error:
        what, todo = _unreachable(error, settings)
        raise QueueUnreachable(f"Redis at {settings.shown_redis_url} {what}", todo) from error
    except redis.OutOfMemoryError as error:
        raise QueueUnreachable(
            f"Redis at {settings.shown_redis_url} is full: it has reached its maxmemory",
            "make room: raise maxmemory, or remove old jobs with `fitq gc`; "
            "running jobs go on, and wait for room to record their end",
        ) from error
    except redis.RedisError as error:
        raise QueueUnreachable(
            f"Redis at {settings.shown_redis_url} refuses the request: {error}",
            "check the rights of this user (ACL) and the version of Redis",
        ) from error


def _unreachable(error: Exception, settings: Settings) -> tuple[str, str]:
    """What is wrong with a Redis that does not answer, and what to do."""
    text = str(error)
    if isinstance(error, redis.AuthenticationError):
        return "refuses the password", "check user and password in FITQ_REDIS_URL"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return (
            f"shows a certificate that is not trusted: {text}",
            "name the file of the authority that signed it: rediss://...?ssl_ca_certs=FILE",
        )
    todo = "start it (`fitq up` for a local stack), or correct FITQ_REDIS_URL"
    if settings.redis_url.startswith("rediss:"):
        todo += (
            "; check that this port speaks TLS (else it is redis://), and whether it wants a "
            "certificate of yours (?ssl_certfile=FILE&ssl_keyfile=FILE)"
        )
    elif "closed" in text or "reset" in text:
        todo += "; check whether this port speaks TLS (then it is rediss://)"
    return f"does not answer: {text}", todo
