"""Waiting in asyncio: again and again for a moment, so that no thread outlives the task."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fitq_shared.errors import NotEnded

# How long one look at what is waited for lasts.
LOOK_SECONDS = 1.0


async def until_ended(wait: Callable[[float], object], name: str, timeout: float | None) -> None:
    """Wait until a job or a sweep has ended.

    Args:
        wait: waits for so many seconds in a thread, and raises NotEnded if they were too few.
        timeout: for so many seconds at most; None: for as long as it takes.

    Raises:
        NotEnded: the time is over.
    """
    end = None if timeout is None else asyncio.get_running_loop().time() + timeout
    while True:
        left = LOOK_SECONDS if end is None else end - asyncio.get_running_loop().time()
        try:
            await asyncio.to_thread(wait, min(LOOK_SECONDS, max(left, 0.0)))
        except NotEnded as error:
            if left <= LOOK_SECONDS and end is not None:
                raise NotEnded(f"{name} has not ended within {timeout:g} s", error.hint) from None
        else:
            return
