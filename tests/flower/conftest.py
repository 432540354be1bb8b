"""A local stack with a real worker and Flower, Flower's API, and jobs to look at."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from conftest import missing
from fitq.drafts import complete
from fitq.model_references import find_model
from fitq.queue import Queue
from fitq.stack.addresses import Addresses
from fitq.stack.flower import check_flower
from fitq.stack.local_stack import LocalStack
from fitq.stack.redis_server import find_redis_server
from fitq.stack.worker_plan import WorkerPlan, find_worker_program
from fitq_shared.errors import StackError
from fitq_shared.record import JobRecord
from fitq_shared.settings import Settings
from fitq_shared.specs.base import JobSpec
from support.jobs import training
from support.waiting import wait_until


class Flower:
    """Flower's HTTP API, asked as a program would ask it."""

    def __init__(self, addresses: Addresses) -> None:
        self.address = urlsplit(addresses.flower_url)
        self.login = f"{addresses.flower_user}:{addresses.flower_password}"

    def get(self, path: str, login: str | None = None) -> tuple[int, str]:
        """(status, text) of a path; with an empty login, without one."""
        login = self.login if login is None else login
        headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
        connection = http.client.HTTPConnection(
            self.address.hostname or "", self.address.port, timeout=30
        )
        try:
            connection.request("GET", path, headers=headers if login else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def json(self, path: str) -> Any:
        """What the API answers, which must be there."""
        status, text = self.get(path)
        assert status == http.HTTPStatus.OK, text
        return json.loads(text)

    def tasks(self, record: JobRecord) -> list[dict[str, Any]]:
        """The tasks of a job, one for each message of it that Flower has heard of."""
        found = self.json("/api/tasks")
        return [task for uuid, task in found.items() if uuid.startswith(f"{record.id}-")]

    def task_in(self, record: JobRecord, state: str) -> dict[str, Any]:
        """All that Flower says of the job's one task, as soon as it is in this state."""

        def ask() -> dict[str, Any] | None:
            tasks = self.tasks(record)
            assert len(tasks) < 2, "the job has sent more than one message"
            return tasks[0] if tasks and tasks[0]["state"] == state else None

        task = wait_until(ask, 30, f"{state} of {record.name} in Flower")
        assert task
        return dict(self.json(f"/api/task/info/{quote(task['uuid'])}"))


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """Where the parts of a stack with one worker on all cores are."""
    try:
        check_flower()
        find_redis_server()
        find_worker_program()
    except StackError as error:
        missing(error.message)
    stack = LocalStack(tmp_path_factory.mktemp("stack"))
    try:
        yield stack.up([WorkerPlan("cpu")])[0]
    finally:
        stack.down()


@pytest.fixture(scope="session")
def flower(addresses: Addresses) -> Flower:
    return Flower(addresses)


@pytest.fixture(scope="session")
def client(addresses: Addresses) -> Queue:
    """A client of the stack that Flower belongs to."""
    return Queue(Settings(addresses.redis_url, store_url=addresses.store, owner="tester"))


@pytest.fixture
def submit(client: Queue) -> Iterator[Callable[[JobSpec], JobRecord]]:
    """Submit jobs; what has not ended with the test is cancelled."""
    records: list[JobRecord] = []

    def send(spec: JobSpec) -> JobRecord:
        records.append(client.submit(spec))
        return records[-1]

    yield send
    for record in reversed(records):
        client.cancel(record)
        client.wait(record, timeout=60)


@pytest.fixture(scope="session")
def trained(client: Queue) -> JobRecord:
    """A training that has succeeded."""
    record = client.submit(training(client, name="brave-otter", batch_size=4096))
    record = client.wait(record, timeout=120)
    assert record.state == "succeeded", record.reason
    return record


@pytest.fixture(scope="session")
def failed(client: Queue, trained: JobRecord) -> JobRecord:
    """A prediction that has failed: the model's files are not those that it asks for."""
    _, model = find_model(client, trained.name)
    wrong = model.model_copy(update={"manifest": "0" * 64})
    rows = {"type": "dataset", "dataset": "mnist", "split": "test"}
    spec = complete(
        {"kind": "predict", "name": "sad-badger", "model": wrong.model_dump(), "rows": rows},
        client.settings,
    )
    record = client.wait(client.submit(spec), timeout=120)
    assert record.state == "failed"
    return record
