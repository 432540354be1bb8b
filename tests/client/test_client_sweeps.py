"""The Python client's sweeps and chains: what is submitted, and how they are steered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitq import AsyncClient, Client, InvalidInput, JobFailed, NotEnded, Sweep
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import UnknownJob
from fitq_shared.record import JobRecord
from fitq_shared.settings import Settings
from fitq_shared.sweeps.record import Trial

pytestmark = pytest.mark.services

LR = "optimizer.learning_rate"
BASE: dict[str, Any] = {"dataset": "mnist", "model": "mlp"}
LINKS = {"name": "digits", "links": {"train": BASE, "evaluate": {"model": "train"}}}


@pytest.fixture
def api(queue: Settings) -> Client:
    return Client(queue)


def end(api: Client, sweep: Sweep, state: Any, *trials: Trial) -> None:
    """Let a sweep have ended so, without a worker."""
    done = replace(sweep.record, state=state, finished=1e9)
    assert api.queue.sweeps.write(done, trials, unfinished=False)


def test_a_sweep_is_the_one_that_the_command_line_makes(
    api: Client, fitq: Callable[..., Any]
) -> None:
    # Given a sweep by flags
    flags = ("--dataset", "mnist", "--model", "mlp", "--epochs", 2, "--seed", 7, "--trials", 3)
    space = ("--grid", "lr=1e-2,1e-3", "--random", "units=64..512", "--random", "dropout=0,0.5")
    ran = fitq("sweep", *flags, *space, "--name", "calm-fox", "--tag", "a", "--dry-run")
    assert ran.code == 0, ran.err
    said = ran.json
    drawn = said.pop("drawn")
    # When the same is said in Python, the grid by an array
    sweep = api.sweep(
        **{"dataset": "mnist", "model": {"type": "mlp"}},
        **{"epochs": 2, "seed": 7, "trials": 3, "name": "calm-fox", "tags": ["a"]},
        grid={"lr": np.array([1e-2, 1e-3])},
        random={"units": (64, 512), "dropout": [0, 0.5]},
    )
    # Then it is the same, and draws the same values
    parsed = sweep.record.parsed()
    assert parsed.model_dump(mode="json") == said
    assert [parsed.drawn(n) for n in (1, 2, 3)] == drawn


def test_all_mistakes_of_a_sweep_are_named_at_once(api: Client) -> None:
    with pytest.raises(InvalidInput) as caught:
        api.sweep(dataset="mnst", model="mlp", epochs=0, grid={"lr": [-1]}, stop="medan")
    for part in ("mnst", "epochs", "-1", "medan"):
        assert part in caught.value.message
    with pytest.raises(InvalidInput, match="lr = 'grid and random': expected one of both"):
        api.sweep(**BASE, grid={"lr": [0.1]}, random={"lr": (0.1, 0.2)})
    with pytest.raises(InvalidInput, match="either arrays or a data set"):
        api.sweep(**BASE, x=np.zeros((2, 2)), grid={"lr": [0.1]})
    assert api.sweeps() == []


def test_a_model_at_hand_is_told_what_a_sweep_takes(
    api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fitq.client_sweeps.is_model", lambda given: given is not None)
    with pytest.raises(InvalidInput, match=r"model at hand.*a builder such as net"):
        api.sweep(model=object(), dataset="mnist", grid={"lr": [0.1]})


def test_arrays_stand_for_the_data_set(api: Client, nowhere: Path) -> None:
    # Given a builder, and arrays
    (nowhere / "net.py").write_text("def build(units): pass")
    x, y = np.zeros((8, 2), dtype="float32"), np.zeros(8, dtype="int64")
    # When variants of it are to be trained on these
    sweep = api.sweep(x=x, y=y, model="net.py:build", grid={"units": [4, 8]})
    # Then its trials name what is in the store, and begin after whatever is said
    first = api.train(**BASE)
    again = api.sweep(x=x, y=y, model="net.py:build", grid={"units": [4]}, after=first)
    train = sweep.record.spec["train"]
    assert train["model"]["type"] == "code"
    assert train["dataset"] == again.record.spec["train"]["dataset"]
    assert again.record.after == (first.id,)


def test_trials_may_begin_from_a_model_that_is_yet_to_come(api: Client) -> None:
    first = api.train(**BASE)
    sweep = api.sweep(**BASE, init_from=first, after=[first], grid={"lr": [0.1]})
    assert sweep.record.spec["train"]["init_from"]["job"] == first.id


def test_a_leaderboard_has_the_best_first(api: Client, succeeded: Callable[..., JobRecord]) -> None:
    # Given a sweep that has ended, with trials that did well and badly
    sweep = api.sweep(**BASE, name="calm-fox", grid={"lr": [0.1, 0.2, 0.3]})
    with pytest.raises(InvalidInput, match="calm-fox has no best trial"):
        _ = sweep.best
    job = succeeded(artifacts={AttemptFolder.model: b"a model"})
    end(
        *(api, sweep, "succeeded"),
        Trial(1, sweep.record.job_of(1), {LR: 0.1}, state="failed", reason="NaN"),
        Trial(2, sweep.record.job_of(2), {LR: 0.2}, state="completed", value=0.5, curve=(0.5,)),
        Trial(3, job.id, {LR: 0.3}, state="completed", value=0.75, curve=(0.5, 0.75)),
    )
    # When it is asked for
    board = sweep.wait().leaderboard()
    # Then the best is at the top, and is a job like any other
    assert [(one.name, one.value, one.epochs, one.state, one.reason) for one in board] == [
        ("calm-fox-3", 0.75, 2, "completed", ""),
        ("calm-fox-2", 0.5, 1, "completed", ""),
        ("calm-fox-1", None, 0, "failed", "NaN"),
    ]
    assert board[0].params == {LR: 0.3}
    assert sweep.best.read(AttemptFolder.model) == b"a model"
    assert "<caption>calm-fox succeeded: 2 completed, 1 failed" in sweep._repr_html_()
    assert repr(sweep) == f"<Sweep calm-fox ({sweep.id}): succeeded>"
    assert sweep.watch() is sweep


def test_a_sweep_is_found_cancelled_resumed_and_removed(api: Client) -> None:
    first, second = (api.sweep(**BASE, name=name, grid={"lr": [0.1]}) for name in ("one", "two"))
    assert [one.name for one in api.sweeps()] == ["two", "one"]
    assert [one.id for one in api.sweeps(limit=1)] == [second.id]
    found = api.get_sweep("one")
    assert found.id == first.id
    with pytest.raises(NotEnded, match=r"one has not ended within 0\.01 s: it is running"):
        found.wait(0.01)
    assert found.cancel().state == "cancelled"
    for wait in (first.wait, first.watch):
        with pytest.raises(JobFailed, match="one was cancelled") as caught:
            wait()
        assert "sweep.resume()" in caught.value.hint
    with pytest.raises(InvalidInput, match="had already ended"):
        first.cancel()
    assert first.resume().state == "running"
    end(api, first, "cancelled")
    first.remove()
    with pytest.raises(UnknownJob):
        api.get_sweep("one")


def test_a_chain_is_its_jobs_by_link(api: Client, nowhere: Path) -> None:
    # Given a chain as a dict, and as a file
    (nowhere / "chain.toml").write_text(
        '[links.train]\ndataset = "mnist"\nmodel = "mlp"\n[links.evaluate]\nmodel = "train"\n'
    )
    for links in (LINKS, "chain.toml", nowhere / "chain.toml"):
        # When it is submitted
        jobs = api.chain(links)
        # Then each link has its job, which waits for those before it
        assert [*jobs] == ["train", "evaluate"]
        assert [job.state for job in jobs.values()] == ["queued", "waiting"]
        assert jobs["evaluate"].record.after == (jobs["train"].id,)
    with pytest.raises(InvalidInput, match=r"evaluate\.epoch"):
        api.chain({"links": {"train": BASE, "evaluate": {"model": "train", "epoch": 1}}})


def test_asyncio_has_sweeps_and_chains(queue: Settings) -> None:
    async def use() -> None:
        remote = AsyncClient(queue)
        before = await remote.train(**BASE)
        sweep = await remote.sweep(**BASE, name="one", grid={"lr": [0.1]}, after=[before])
        assert (await sweep.record()).after == (before.id,)
        with pytest.raises(NotEnded, match=r"one has not ended within 0\.01 s"):
            await sweep.wait(0.01)
        assert await sweep.leaderboard() == []
        with pytest.raises(InvalidInput, match="no best trial"):
            await sweep.best()
        assert await (await sweep.cancel()).state() == "cancelled"
        assert await (await sweep.resume()).state() == "running"
        assert (await remote.get_sweep("one")).id == sweep.id
        assert [one.name for one in await remote.sweeps()] == ["one"]
        jobs = await remote.chain(LINKS)
        assert await jobs["evaluate"].state() == "waiting"

    asyncio.run(use())
