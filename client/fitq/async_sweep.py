"""A sweep at hand for asyncio: the same names, each to be awaited."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fitq.async_waiting import until_ended

if TYPE_CHECKING:
    from fitq.async_client import AsyncJob
    from fitq.sweep import RankedTrial, Sweep
    from fitq_shared.sweeps.record import SweepRecord, SweepState


class AsyncSweep:
    """One sweep: `Sweep`, with what asks Redis or the store as coroutines."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep

    @property
    def id(self) -> str:
        """Its id, which no other sweep has."""
        return self._sweep.id

    @property
    def name(self) -> str:
        """Its name; its trials are called by it and their numbers."""
        return self._sweep.name

    async def record(self) -> SweepRecord:
        """All that the queue knows of it now."""
        return await asyncio.to_thread(lambda: self._sweep.record)

    async def state(self) -> SweepState:
        """Its state now."""
        return await asyncio.to_thread(lambda: self._sweep.state)

    async def leaderboard(self) -> list[RankedTrial]:
        """The trials that were begun, the best first: see `Sweep.leaderboard`."""
        return await asyncio.to_thread(self._sweep.leaderboard)

    async def best(self) -> AsyncJob:
        """The job of the best completed trial so far: see `Sweep.best`."""
        from fitq.async_client import AsyncJob

        return AsyncJob(await asyncio.to_thread(lambda: self._sweep.best))

    async def wait(self, timeout: float | None = None) -> AsyncSweep:
        """Wait until it has ended: see `Sweep.wait`. Cancelling this leaves the sweep as it is."""
        await until_ended(self._sweep.wait, self.name, timeout)
        return self

    async def cancel(self) -> AsyncSweep:
        """Stop it: see `Sweep.cancel`."""
        await asyncio.to_thread(self._sweep.cancel)
        return self

    async def resume(self) -> AsyncSweep:
        """Let it go on after its end: see `Sweep.resume`."""
        await asyncio.to_thread(self._sweep.resume)
        return self

    async def remove(self) -> None:
        """Forget it; the jobs of its trials stay: see `Sweep.remove`."""
        await asyncio.to_thread(self._sweep.remove)

    def __repr__(self) -> str:
        return repr(self._sweep).replace("<Sweep", "<AsyncSweep", 1)

    def _repr_html_(self) -> str:
        return self._sweep._repr_html_()
