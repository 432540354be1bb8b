from __future__ import annotations

from collections.abc import Callable

import pytest

from fitq_shared.celery_app import make_app
from fitq_shared.record import Attempt, Reason
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from fitq_shared.settings import Settings
from fitq_shared.store import Store
from fitq_worker import attempt_run
from fitq_worker.attempt_run import NotPublished, run_claimed
from fitq_worker.identity import Identity


@pytest.fixture
def prepared(settings: Settings, identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a child sets up, until the test is over."""
    monkeypatch.setattr(attempt_run, "_child", None, raising=False)
    attempt_run.prepare(make_app(settings), settings, identity)


@pytest.mark.usefixtures("prepared")
def test_an_attempt_that_is_outdated_when_it_begins_leaves_the_next_one_alone(
    settings: Settings, redis: Redis, claim: Callable[[Redis], Attempt]
) -> None:
    # Given a worker that claimed a job, and was paused until the job was given back
    attempt = claim(redis)
    records = Records(redis)
    records.give_back(attempt, Reason("worker-lost", "gone"), counts="lost")
    before = records.get(attempt.job_id)
    assert before.attempt == 2
    # When it goes on
    with pytest.raises(NotPublished, match="outdated"):
        run_claimed(attempt)
    # Then it has neither written into the folder of the next attempt nor changed the record
    assert Store(settings.store_url or "").files("jobs") == []
    assert records.get(attempt.job_id) == before
