"""Any message at all: it is refused, or it claims the one attempt that it names, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitq_shared.attempts import Attempts
from fitq_shared.errors import InvalidInput
from fitq_shared.job_message import JobMessage
from fitq_shared.lease import Lease
from fitq_shared.record import Attempt
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from fitq_shared.specs.describe import DescribeJob
from fitq_worker.identity import Identity
from support.fuzzing import few_and_many
from support.json_values import SCALARS, json_values

IDS = ("abcdefgh", "ijkmnpqr", "zzzzzzzz")


@pytest.fixture
def state(redis: Redis) -> Callable[[], dict[str, Any]]:
    """All that Redis keeps, key by key."""

    def read() -> dict[str, Any]:
        keys: Any = sorted(redis.keys("*"))
        raw = Redis(connection_pool=redis.connection_pool)
        return {key: raw.execute_command("DUMP", key, NEVER_DECODE=True) for key in keys}

    return read


@few_and_many
def test_any_message_claims_what_it_names_or_nothing(
    redis: Redis,
    identity: Identity,
    state: Callable[[], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    cases: Any,
) -> None:
    # Given two jobs that wait, and a worker that holds its device
    records = Records(redis)
    lease = Lease(redis, identity.resource, identity.token, 3600)
    assert lease.acquire()
    letters = iter("".join(IDS))
    monkeypatch.setattr("fitq_shared.new_job.secrets.choice", lambda _: next(letters))
    spec = DescribeJob(name="one", owner="tester", dataset="mnist")
    waiting = [records.create(spec) for _ in range(2)]
    hashes = [spec.digest(), "f" * 64]

    right = {
        "job": st.sampled_from(IDS),
        "kind": st.just("describe"),
        "attempt": st.integers(0, 3),
        "spec_hash": st.sampled_from(hashes),
    }
    # All that a message needs, with one thing or another in the place of some of it.
    odd = [{**right, name: st.booleans() | SCALARS} for name in right]

    @cases
    @given(
        st.one_of(st.fixed_dictionaries(right), *map(st.fixed_dictionaries, odd))
        | json_values("job", "kind", "attempt", "spec_hash", *IDS, *hashes)
    )
    def check(arguments: Any) -> None:
        before = state()
        # When a message says this
        try:
            message = JobMessage.parse(arguments)
        except InvalidInput as error:
            # Then it is refused in plain words
            assert error.message.replace("\n", "").isprintable()
            assert max(map(len, error.message.split("\n"))) < 600
            return
        answer = Attempts(records).claim(
            *(message.job, message.attempt, message.spec_hash, lease),
            worker=identity.name,
            device_name=identity.device_name,
            threads=identity.threads,
        )
        # Or it claims the attempt that it names, of the spec that it names; or nothing changes
        queued = (message.attempt, message.spec_hash) == (1, hashes[0])
        if queued and message.job in [record.id for record in waiting]:
            attempt = Attempt(message.job, 1, identity.token)
            assert answer == attempt
            assert records.get(message.job).state == "running"
            redis.flushdb()
            for key, value in before.items():
                redis.restore(key, 0, value)
            assert lease.acquire()
        else:
            assert answer in ("stale", "altered")
            assert state() == before

    check()


@few_and_many
def test_what_reaches_the_record_changes_only_what_it_names(
    redis: Redis, identity: Identity, state: Callable[[], dict[str, Any]], cases: Any
) -> None:
    """Texts and numbers that no client sends, past the check of the message."""
    records = Records(redis)
    lease = Lease(redis, identity.resource, identity.token, 3600)
    assert lease.acquire()
    record = records.create(DescribeJob(name="one", owner="tester", dataset="mnist"))
    odd = ["", "*", "a b", "\x00", "fitq:jobs", "9" * 400]
    texts = st.sampled_from(odd) | st.text(max_size=30)

    @cases
    @given(
        job=st.just(record.id) | texts,
        number=st.integers(0, 2) | st.integers() | st.sampled_from([10**400, -(10**400)]),
        spec_hash=st.just(record.spec_hash) | texts,
    )
    def check(job: str, number: int, spec_hash: str) -> None:
        if (job, number, spec_hash) == (record.id, 1, record.spec_hash):
            return
        before = state()
        answer = Attempts(records).claim(
            *(job, number, spec_hash, lease), worker="w", device_name="d", threads=1
        )
        assert answer in ("stale", "altered")
        assert state() == before

    check()
