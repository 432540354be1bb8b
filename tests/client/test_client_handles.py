"""The Python client where no worker is there: waiting, cancelling, listing, and what it imports."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fitq import AsyncClient, Client, FitqError, InvalidInput, Job, JobFailed, NotEnded
from fitq.keras_models import fields_of, is_model
from fitq.screens import NotebookScreen
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.attempts import Attempts
from fitq_shared.record import Attempt, JobRecord, Reason
from fitq_shared.records import Records
from fitq_shared.settings import Settings

pytestmark = pytest.mark.services

HISTORY = [
    {"epoch": 1, "loss": 0.5, "val_loss": 0.6, "learning_rate": 0.001, "seconds": 1.5},
    {"epoch": 2, "loss": 0.25, "val_loss": 0.4, "learning_rate": 0.001, "seconds": 1.25},
]


@pytest.fixture
def api(queue: Settings) -> Client:
    return Client(queue)


def test_importing_it_needs_no_keras_and_no_redis() -> None:
    # Given a Python in which neither Keras nor TensorFlow can be imported
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('keras', 'tensorflow')))\n"
        "import fitq; print([m for m in ('redis', 'celery', 'numpy') if m in sys.modules])\n"
        "from fitq import Client, AsyncClient, Job, JobFailed, NotEnded\n"
    )
    # When fitq is imported, and the client
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    # Then nothing was missing, and fitq alone has imported none of these
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_a_history_is_as_keras_has_it(api: Client, succeeded: Callable[..., JobRecord]) -> None:
    record = succeeded(artifacts={AttemptFolder.history_json: json.dumps(HISTORY)})
    job = api.job(record.name)
    assert job.history == {
        "loss": [0.5, 0.25],
        "val_loss": [0.6, 0.4],
        "learning_rate": [0.001, 0.001],
    }
    assert job.metrics == {"val_accuracy": 0.9876}
    assert job.read(AttemptFolder.history_json) == json.dumps(HISTORY).encode()
    with pytest.raises(InvalidInput, match=r"has no model\.keras"):
        job.model()


def test_waiting_for_what_failed_says_why(
    api: Client,
    records: Records,
    claim: Callable[[JobRecord], Attempt],
    train_job: Callable[..., Any],
) -> None:
    record = records.create(train_job())
    job = api.job(record.id)
    with pytest.raises(InvalidInput, match="has published nothing: the job is queued"):
        job.read(AttemptFolder.model)
    Attempts(records).fail(
        claim(record), Reason("bad-job", "the loss is NaN", "lower the learning rate")
    )
    for wait in (job.wait, job.watch):
        with pytest.raises(JobFailed, match="brave-otter failed: the loss is NaN") as caught:
            wait()
        assert (
            caught.value.hint
            == "lower the learning rate; see job.logs(); job.retry() runs it again"
        )
    assert "the loss is NaN" in job._repr_html_()
    assert job.logs() == ""
    assert job.retry() is job
    assert job.state == "queued"
    assert repr(job) == f"<Job brave-otter ({job.id}): train, queued>"


def test_a_job_that_does_not_end_in_time_goes_on(
    api: Client, records: Records, train_job: Callable[..., Any]
) -> None:
    job = api.job(records.create(train_job()).id)
    with pytest.raises(NotEnded) as caught:
        job.wait(0.01)
    assert isinstance(caught.value, TimeoutError)
    assert isinstance(caught.value, FitqError)
    assert "goes on" in caught.value.hint
    assert job.cancel() == "cancelled"
    with pytest.raises(JobFailed, match="brave-otter was cancelled"):
        job.wait()


def test_jobs_are_listed_as_the_command_line_lists_them(
    api: Client, records: Records, train_job: Callable[..., Any]
) -> None:
    mine = records.create(train_job(name="mine", tags=["a"]))
    records.create(train_job(name="theirs", owner="bob"))
    assert [job.name for job in api.jobs()] == ["theirs", "mine"]
    assert [job.id for job in api.jobs(mine=True)] == [mine.id]
    assert [job.name for job in api.jobs(tags=["a"], states=["queued"], limit=1)] == ["mine"]
    assert api.jobs(kind="predict") == []
    with pytest.raises(InvalidInput, match=r"state = 'runing'.*did you mean 'running'") as caught:
        api.jobs(states=["runing"], kind="trian")
    assert "did you mean 'train'" in caught.value.message


def test_a_job_may_wait_for_others(api: Client) -> None:
    first = api.train(dataset="mnist", model="mlp")
    second = api.train(dataset="mnist", model="mlp", after=[first, first.name])
    assert (first.state, second.state) == ("queued", "waiting")
    assert second.record.after == (first.id,)
    with pytest.raises(NotEnded):
        api.predict(second, dataset="mnist", after=second, timeout=0.01)
    (prediction,) = api.jobs(kind="predict")
    assert prediction.record.after == (second.id,)
    first.cancel()
    assert [job.state for job in (second, prediction)] == ["cancelled", "cancelled"]


def test_what_waits_may_take_a_registered_model(
    api: Client, succeeded: Callable[..., JobRecord], train_job: Callable[..., Any]
) -> None:
    registered = succeeded(train_job(model_name="digits"))
    first = api.train(dataset="mnist", model="mlp")
    measured = api.evaluate("digits@1", after=first)
    assert measured.record.spec["model"]["job"] == registered.id
    assert measured.state == "waiting"


def test_names_that_are_none_are_told(api: Client, succeeded: Callable[..., JobRecord]) -> None:
    with pytest.raises(InvalidInput, match="there is no job 'nobody'"):
        api.predict("nobody", np.zeros((1, 2)))
    with pytest.raises(InvalidInput, match="a job, a job's name or id"):
        api.evaluate(3)
    succeeded()
    with pytest.raises(InvalidInput, match="either arrays or a data set"):
        api.predict("brave-otter", np.zeros((1, 2)), dataset="mnist")
    with pytest.raises(InvalidInput, match="does not say what its model takes"):
        api.predict("brave-otter", np.zeros((1, 2)))


def test_asyncio_has_the_same_names(queue: Settings, records: Records) -> None:
    async def use() -> None:
        remote = AsyncClient(queue)
        first = await remote.train(dataset="mnist", model="mlp", name="first")
        second = await remote.train(dataset="mnist", model="mlp", after=[first])
        assert (await first.state(), await second.state()) == ("queued", "waiting")
        with pytest.raises(NotEnded, match=r"not ended within 0\.01 s"):
            await first.wait(0.01)
        assert await first.cancel() == "cancelled"
        with pytest.raises(JobFailed, match="was cancelled: after first"):
            await second.wait()
        assert {job.id for job in await remote.jobs()} == {first.id, second.id}
        assert (await remote.job("first")).id == first.id

    asyncio.run(use())


def test_a_task_that_waits_can_be_cancelled(
    queue: Settings, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = threading.Event()
    wait = Job.wait

    def told(job: Job, timeout: float | None = None) -> Job:
        looks.set()
        return wait(job, timeout)

    monkeypatch.setattr(Job, "wait", told)

    async def use() -> str:
        remote = AsyncClient(queue)
        job = await remote.train(dataset="mnist", model="mlp")
        waiting = asyncio.create_task(job.wait())
        assert await asyncio.to_thread(looks.wait, 60)
        assert not waiting.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return await job.state()

    assert asyncio.run(use()) == "queued"


def test_arrays_are_named_as_the_model_names_them() -> None:
    class Model:
        inputs = (type("Tensor", (), {"name": "left"}), type("Tensor", (), {"name": "right"}))
        output_names = ("out",)

    a, b = np.zeros((3, 2)), np.ones((3, 4))
    assert [*fields_of(Model, [a, b], b).inputs] == ["left", "right"]
    assert [*fields_of(Model, {"right": b, "left": a}, b).targets] == ["y"]
    assert [*fields_of(None, a, a).targets] == ["y"]
    with pytest.raises(InvalidInput, match="2 arrays, for left, right"):
        fields_of(Model, [a], b)
    with pytest.raises(InvalidInput, match="a dict or a list of arrays"):
        fields_of(Model, a, b)
    assert not is_model("mlp")
    assert not is_model(Model())


def test_a_notebook_is_shown_lines_and_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a notebook
    display = pytest.importorskip("IPython.display")
    pages: list[str] = []

    class Handle:
        def update(self, page: Any) -> None:
            pages.append(page.data)

    def show(page: Any, display_id: bool) -> Handle:
        pages.append(page.data)
        return Handle()

    monkeypatch.setattr(display, "display", show)
    # When something is said and done
    screen = NotebookScreen()
    screen.say("attempt <1>")
    screen.move("training 1/2", 10, 5, "loss 0.5")
    # Then one output shows both, with nothing in it that is HTML of the job's
    assert pages[0] == "<pre>attempt &lt;1&gt;\n</pre>"
    assert pages[1].startswith("<pre>attempt &lt;1&gt;\ntraining 1/2 <progress value='5' max='10'>")
    # And when all is over, only the lines stay
    screen.end()
    assert pages[2:] == ["<pre>attempt &lt;1&gt;\n</pre>"]


def test_a_job_is_a_job(api: Client, succeeded: Callable[..., JobRecord]) -> None:
    record = succeeded()
    assert isinstance(api.job(record.id), Job)
    assert api.job(record.id).wait().state == "succeeded"
    assert api.job(record.id).artifacts == ["manifest.json", "model.keras"]
