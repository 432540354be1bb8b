"""Riding out an outage of Redis: how long a command is tried again, and who is told.

redis-py tries a command again where it notices that a connection is lost, so a caller sees
nothing of an outage that ends in time. For that each command must be safe to repeat.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import redis
import redis.exceptions as redis_errors
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

# What a Redis says that is full, is still loading its data, or has just become a replica.
ITS_STATE = (redis.OutOfMemoryError, redis.BusyLoadingError, redis.ReadOnlyError)
# A connection that is lost: worth a quick try more. A limit of time is not: it was waited for.
LOST = (redis.ConnectionError,)
PASSING = (*LOST, redis.TimeoutError, *ITS_STATE)
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 2.0
_TRIES_UNTIL_TOLD = 3


class Outage:
    """Whether Redis is away, as all connections of one client see it.

    Args:
        seconds: for how long a command is tried again; 0: not at all.
        away: called once when an outage lasts; it is given the error. By default nobody is told.
        back: called when that has ended.

    Attributes:
        lasts: a command was given up, and none was answered since.
        was_there: Redis has answered at least once.
    """

    def __init__(
        self,
        seconds: float,
        away: Callable[[Exception], None] | None = None,
        back: Callable[[], None] | None = None,
    ) -> None:
        self.seconds = seconds
        self._away = away
        self._back = back
        self._told = False
        self.lasts = False
        self.was_there = False

    @classmethod
    def logged(cls, seconds: float) -> Outage:
        """One that a process without a person in front of it writes into its log."""
        return cls(seconds, _log_away, lambda: log.warning("Redis is back"))

    def goes_on(self, error: Exception, tries: int) -> None:
        """A try has failed."""
        if tries >= _TRIES_UNTIL_TOLD and not self._told:
            self._told = True
            if self._away:
                self._away(error)

    def outlasted(self) -> None:
        """A command was given up."""
        self.lasts = True

    def ended(self) -> None:
        """A connection was made, or a command answered."""
        self.lasts, self.was_there = False, True
        if self._told:
            self._told = False
            if self._back:
                self._back()


class Persistence(Retry):
    """Tries a command again for the seconds of an outage, from the first failure on.

    When a command was given up, the next ones are tried once each until one is answered.
    redis-py nests its retries (a command connects again, and connecting is retried, too), which
    would multiply the time: loops within a loop try once.

    Args:
        errors: after which a command is tried again.
    """

    __hash__ = Retry.__hash__

    def __init__(self, outage: Outage, errors: Iterable[type[Exception]] = LOST) -> None:
        super().__init__(NoBackoff(), 0, tuple(errors))
        self._outage = outage
        self._within = False

    def __deepcopy__(self, memo: dict[int, Any]) -> Persistence:
        """Each connection has its own; all share the outage."""
        return Persistence(self._outage, self._supported_errors)

    def call_with_retry(
        self,
        do: Callable[[], Answer],
        fail: Callable[..., Any],
        is_retryable: Callable[[Exception], bool] | None = None,
        with_failure_count: bool = False,
    ) -> Answer:
        """As redis-py's own, with a limit of time in place of a number of tries."""
        outermost, self._within = not self._within, True
        started: float | None = None
        tries = 0
        try:
            while True:
                try:
                    answer = do()
                except self._supported_errors as error:
                    tries += 1
                    fail(error, tries) if with_failure_count else fail(error)
                    hopeless = _is_hopeless(error) or (is_retryable and not is_retryable(error))
                    if not outermost or hopeless:
                        raise
                    started = time.monotonic() if started is None else started
                    self._wait(error, tries, started)
                else:
                    if outermost:
                        self._outage.ended()
                    return answer
        finally:
            self._within = not outermost

    def _wait(self, error: Exception, tries: int, started: float) -> None:
        pause = min(_FIRST_PAUSE_SECONDS * 2 ** (tries - 1), _LONGEST_PAUSE_SECONDS)
        over = time.monotonic() + pause - started > self._outage.seconds
        if over or self._outage.lasts:
            self._outage.outlasted()
            raise error
        self._outage.goes_on(error, tries)
        time.sleep(pause)


def _is_hopeless(error: Exception) -> bool:
    """Whether only a person can end this: a password, rights, or a certificate."""
    refused = isinstance(error, (redis.AuthenticationError, redis_errors.AuthorizationError))
    return refused or "CERTIFICATE_VERIFY_FAILED" in str(error)


def _log_away(error: Exception) -> None:
    if isinstance(error, ITS_STATE):
        log.warning("waiting for Redis to take writes: %s", error)
    else:
        log.warning("Redis does not answer, waiting for it to come back: %s", error)
