"""The Python client for asyncio: the same names, each to be awaited.

Each call runs the plain client in a thread of its own, so nothing here holds up the event loop. A
task that is cancelled while it awaits a call returns at once; what the call has begun ends in its
thread: a job that was being submitted may then be there. Waiting ends with the task: it looks again
and again, and leaves no thread behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fitq.async_sweep import AsyncSweep
from fitq.async_waiting import until_ended
from fitq.client import Client
from fitq.job import Job
from fitq_shared.record import JobRecord, State
from fitq_shared.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


class AsyncJob:
    """One job: `Job`, with what asks Redis or the store as coroutines."""

    def __init__(self, job: Job) -> None:
        self._job = job

    @property
    def id(self) -> str:
        """Its id, which no other job has."""
        return self._job.id

    @property
    def name(self) -> str:
        """Its name, which can be said aloud; several jobs may have the same."""
        return self._job.name

    @property
    def kind(self) -> str:
        """What kind of job it is."""
        return self._job.kind

    async def record(self) -> JobRecord:
        """All that the queue knows of it now."""
        return await asyncio.to_thread(lambda: self._job.record)

    async def state(self) -> State:
        """Its state now."""
        return await asyncio.to_thread(lambda: self._job.state)

    async def metrics(self) -> dict[str, float]:
        """The metrics that it ended with; none before it has succeeded."""
        return await asyncio.to_thread(lambda: self._job.metrics)

    async def history(self) -> dict[str, list[float]]:
        """The metrics of each epoch so far: see `Job.history`."""
        return await asyncio.to_thread(lambda: self._job.history)

    async def artifacts(self) -> list[str]:
        """The names of the files that it has made so far."""
        return await asyncio.to_thread(lambda: self._job.artifacts)

    async def wait(self, timeout: float | None = None) -> AsyncJob:
        """Wait until it has ended: see `Job.wait`. Cancelling this leaves the job as it is."""
        await until_ended(self._job.wait, self.name, timeout)
        return self

    async def logs(self) -> str:
        """The log of its newest attempt."""
        return await asyncio.to_thread(self._job.logs)

    async def read(self, name: str) -> bytes:
        """A file that it has published."""
        return await asyncio.to_thread(self._job.read, name)

    async def pull(self, folder: str | Path | None = None) -> Path:
        """Copy what it has published to a folder: see `Job.pull`."""
        return await asyncio.to_thread(self._job.pull, folder)

    async def model(self) -> Any:
        """The Keras model that it has trained, loaded."""
        return await asyncio.to_thread(self._job.model)

    async def predict(self, x: Any, **options: Any) -> Any:
        """Predict with the model that it has trained: as `AsyncClient.predict`."""
        return await asyncio.to_thread(lambda: self._job.predict(x, **options))

    async def cancel(self) -> str:
        """Stop it: see `Job.cancel`."""
        return await asyncio.to_thread(self._job.cancel)

    async def retry(self, *, fresh: bool = False) -> AsyncJob:
        """Run it again: see `Job.retry`."""
        await asyncio.to_thread(lambda: self._job.retry(fresh=fresh))
        return self

    def __repr__(self) -> str:
        return repr(self._job).replace("<Job", "<AsyncJob", 1)

    def _repr_html_(self) -> str:
        return self._job._repr_html_()


class AsyncClient:
    """`Client`, with what asks Redis or the store as coroutines.

    Where a job is taken, an `AsyncJob` is taken too.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._client = Client(settings)

    async def fit(self, model: Any, x: Any, y: Any = None, **options: Any) -> AsyncJob:
        """Train a Keras model on arrays: see `Client.fit`."""
        return await self._job(lambda: self._client.fit(model, x, y, **_plain(options)))

    async def train(self, **options: Any) -> AsyncJob:
        """Train by the names of model and data set: see `Client.train`."""
        return await self._job(lambda: self._client.train(**_plain(options)))

    async def evaluate(self, model: Any, x: Any = None, y: Any = None, **options: Any) -> AsyncJob:
        """Measure a trained model: see `Client.evaluate`."""
        given = _sync(model)
        return await self._job(lambda: self._client.evaluate(given, x, y, **_plain(options)))

    async def predict(self, model: Any, x: Any = None, **options: Any) -> Any:
        """Predict on a worker, and wait for the predictions: see `Client.predict`."""
        given = _sync(model)
        return await asyncio.to_thread(lambda: self._client.predict(given, x, **_plain(options)))

    async def job(self, reference: str) -> AsyncJob:
        """The job that an id, the beginning of one, or a name refers to."""
        return await self._job(lambda: self._client.job(reference))

    async def jobs(self, **options: Any) -> list[AsyncJob]:
        """The jobs that match, newest first: see `Client.jobs`."""
        found = await asyncio.to_thread(lambda: self._client.jobs(**options))
        return [AsyncJob(job) for job in found]

    async def chain(self, links: Any, **options: Any) -> dict[str, AsyncJob]:
        """Submit several jobs of which some come after others: see `Client.chain`."""
        made = await asyncio.to_thread(lambda: self._client.chain(links, **options))
        return {name: AsyncJob(job) for name, job in made.items()}

    async def sweep(self, **options: Any) -> AsyncSweep:
        """Train many variants of a model: see `Client.sweep`."""
        return AsyncSweep(await asyncio.to_thread(lambda: self._client.sweep(**_plain(options))))

    async def get_sweep(self, reference: str) -> AsyncSweep:
        """The sweep that an id, the beginning of one, or a name refers to."""
        return AsyncSweep(await asyncio.to_thread(self._client.get_sweep, reference))

    async def sweeps(self, limit: int | None = 20) -> list[AsyncSweep]:
        """The sweeps, newest first."""
        return [AsyncSweep(one) for one in await asyncio.to_thread(self._client.sweeps, limit)]

    async def _job(self, call: Callable[[], Job]) -> AsyncJob:
        return AsyncJob(await asyncio.to_thread(call))


def _sync(value: Any) -> Any:
    if isinstance(value, AsyncJob):
        return value._job
    return [_sync(one) for one in value] if isinstance(value, list | tuple) else value


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    """Options for the plain client, whose jobs are plain ones."""
    return {k: _sync(v) if k in ("after", "init_from") else v for k, v in options.items()}
