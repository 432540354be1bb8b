"""The volume's copies of records tell how jobs have ended, whoever has ended them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fitq.removal import remove_job
from fitq_shared import snapshots
from fitq_shared.attempts import Attempts
from fitq_shared.changes import Changes
from fitq_shared.record import Attempt, Reason
from fitq_shared.record_keys import UNKEPT, job_key
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from fitq_shared.settings import Settings
from fitq_shared.store import Store
from fitq_worker.record_copies import RecordCopies
from support.waiting import wait_until

pytestmark = pytest.mark.services

DRAIN = Reason("drain", "the worker blue was told to leave")


@pytest.fixture
def records(redis: Redis) -> Records:
    return Records(redis)


@pytest.fixture
def store(settings: Settings) -> Store:
    return Store(settings.store_url or "")


@pytest.fixture
def begun(redis: Redis, records: Records, store: Store, attempt: Attempt) -> Attempt:
    """An attempt that runs, and of which the volume knows so."""
    snapshots.keep(store, records.get(attempt.job_id))
    assert redis.smembers(UNKEPT) == set()
    return attempt


@pytest.fixture
def copies(settings: Settings) -> Iterator[RecordCopies]:
    made = RecordCopies(settings)
    yield made
    made.stop()


def known(store: Store) -> list[tuple[int, str]]:
    return [(record.attempt, record.state) for record in snapshots.newest(store)]


def give_back_and_cancel(records: Records, attempt: Attempt) -> None:
    Attempts(records).give_back(attempt, DRAIN, counts="")
    assert Changes(records).cancel(records.get(attempt.job_id)) == "cancelled"


def cancel_and_lose(records: Records, attempt: Attempt) -> None:
    Changes(records).cancel(records.get(attempt.job_id))
    Attempts(records).give_back(attempt, DRAIN, counts="lost")


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (
            lambda records, attempt: Attempts(records).succeed(attempt, "a" * 64, {}),
            (1, "succeeded"),
        ),
        (lambda records, attempt: Attempts(records).fail(attempt, DRAIN), (1, "failed")),
        (cancel_and_lose, (1, "cancelled")),
        (give_back_and_cancel, (2, "cancelled")),
    ],
    ids=["succeeded", "failed", "cancelled-and-lost", "cancelled-while-queued"],
)
def test_the_end_is_kept(
    redis: Redis,
    records: Records,
    store: Store,
    begun: Attempt,
    copies: RecordCopies,
    end: Callable[[Records, Attempt], None],
    expected: tuple[int, str],
) -> None:
    # Given a job that has ended
    end(records, begun)
    # When a worker lives
    copies.start()
    # Then the volume knows the end, and nothing more is to be kept
    wait_until(lambda: known(store) == [expected], 20, "the copy")
    wait_until(lambda: not redis.exists(UNKEPT), 20, "nothing to keep")


def test_a_volume_that_is_away_is_waited_for(
    redis: Redis,
    records: Records,
    store: Store,
    settings: Settings,
    begun: Attempt,
    copies: RecordCopies,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Given a volume that cannot be written when a job ends
    volume = Path(settings.store_url or "")
    volume.rename(volume.with_name("elsewhere"))
    volume.write_text("in the way")
    Attempts(records).succeed(begun, "a" * 64, {})
    copies.start()
    wait_until(lambda: "must wait" in caplog.text, 20, "a try")
    # When it is back
    volume.unlink()
    volume.with_name("elsewhere").rename(volume)
    # Then it is told
    wait_until(lambda: known(store) == [(1, "succeeded")], 20, "the copy")


def test_a_job_that_was_never_begun_needs_no_copy(redis: Redis, records: Records) -> None:
    from fitq_shared.specs.describe import DescribeJob

    record = records.create(DescribeJob(name="one", owner="tester", dataset="mnist"))
    Changes(records).cancel(record)
    assert not redis.exists(UNKEPT)


def test_a_job_that_was_removed_meanwhile_leaves_nothing(
    redis: Redis,
    records: Records,
    store: Store,
    begun: Attempt,
    copies: RecordCopies,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a job that is removed for good just before its copy is written
    Attempts(records).succeed(begun, "a" * 64, {})
    keep = snapshots.keep

    def late(*arguments: object) -> None:
        remove_job(records, store, records.get(begun.job_id))
        keep(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(snapshots, "keep", late)
    # When it is to be kept
    copies.start()
    # Then nothing of it is in the volume
    wait_until(lambda: not redis.exists(UNKEPT), 20, "nothing to keep")
    wait_until(lambda: not store.exists(f"jobs/{begun.job_id}"), 20, "nothing in the volume")


def test_what_redis_has_lost_is_not_taken_from_the_volume(
    redis: Redis,
    records: Records,
    store: Store,
    begun: Attempt,
    copies: RecordCopies,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a job with artifacts, which Redis forgets just before the copy is written
    Attempts(records).succeed(begun, "a" * 64, {})
    store.write(f"jobs/{begun.job_id}/attempt-1/spec.json", b"{}")
    keep = snapshots.keep

    def late(*arguments: object) -> None:
        redis.delete(job_key(begun.job_id))
        keep(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(snapshots, "keep", late)
    copies.start()
    wait_until(lambda: not redis.exists(UNKEPT), 20, "nothing to keep")
    copies.stop()
    # Then its copy is there, for `fitq reindex`
    assert known(store) == [(1, "succeeded")]


def test_an_end_that_is_undone_meanwhile_is_kept_when_there_is_another(
    redis: Redis, records: Records, begun: Attempt
) -> None:
    # Given a copy of a failed job, which its owner has retried and cancelled since
    Attempts(records).fail(begun, DRAIN)
    failed = records.get(begun.job_id)
    Changes(records).retry(failed, fresh=False)
    Changes(records).cancel(records.get(begun.job_id))
    # When the first end was kept, Then the second one is still to be
    assert Changes(records).kept(failed.id, failed.state, failed.attempt) == "changed"
    assert redis.smembers(UNKEPT) == {failed.id}
    # And once more when a slow worker writes the first one over the second
    ended = records.get(failed.id)
    assert Changes(records).kept(ended.id, ended.state, ended.attempt) == "kept"
    assert Changes(records).kept(failed.id, failed.state, failed.attempt) == "changed"
    assert redis.smembers(UNKEPT) == {failed.id}
