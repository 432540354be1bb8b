from __future__ import annotations

import json

import pytest

from fitq_shared.errors import UnknownJob
from fitq_shared.queues import queue_for
from fitq_shared.record import ENDED, STATES
from fitq_shared.record_keys import job_key, name_key
from fitq_shared.records import Records

pytestmark = pytest.mark.services


def test_a_new_job_is_queued_as_its_first_attempt(records, train_job):
    # Given a spec
    spec = train_job(tags=["a", "b"], device="gpu", epochs=7)

    # When its record is made
    record = records.create(spec)

    # Then it holds the spec, and all that is known at the beginning
    assert (record.state, record.attempt, record.losses) == ("queued", 1, 0)
    assert (record.name, record.kind, record.owner) == ("brave-otter", "train", "ann")
    assert record.tags == ("a", "b")
    assert record.queue == queue_for("gpu")
    assert record.summary == "mlp on mnist, 7 epochs"
    assert record.spec == json.loads(spec.canonical())
    assert record.spec_hash == spec.digest()
    assert record.created == record.sent > 0
    assert (record.started, record.finished, record.worker, record.reason) == (None,) * 4
    assert not record.ended
    assert not record.cancel


def test_ids_are_short_and_none_is_given_twice(records, train_job):
    ids = {records.create(train_job()).id for _ in range(50)}
    assert len(ids) == 50
    assert all(len(job_id) == 8 and job_id.isalnum() for job_id in ids)


def test_an_id_that_is_taken_is_not_given_again(records, train_job, redis, monkeypatch):
    # Given a generator of ids that begins with one that is taken
    taken = records.create(train_job())
    letters = iter(taken.id + "zzzzzzzz")
    monkeypatch.setattr("fitq_shared.new_job.secrets.choice", lambda _: next(letters))

    # When another job is made
    other = records.create(train_job(name="other"))

    # Then it has the next id, and the first job is as it was
    assert other.id == "zzzzzzzz"
    assert records.get(taken.id) == taken


def test_a_job_is_found_by_id_by_its_beginning_and_by_name(records, train_job):
    record = records.create(train_job())
    for reference in (record.id, record.id[:5], "brave-otter"):
        assert records.find(reference) == record


def test_a_name_means_the_newest_job_that_carries_it(records, train_job):
    old, new = records.create(train_job()), records.create(train_job())
    assert records.find("brave-otter") == new
    assert records.find(old.id) == old


def test_an_id_goes_before_a_name(records, train_job):
    """Else a job could be named so that it hides another."""
    record = records.create(train_job())
    records.create(train_job(name=record.id))
    assert records.find(record.id) == record


def test_the_beginning_of_several_ids_is_ambiguous(records, train_job, monkeypatch):
    # Given two jobs whose ids begin alike
    letters = iter("abcdefghabcdzzzz")
    monkeypatch.setattr("fitq_shared.new_job.secrets.choice", lambda _: next(letters))
    records.create(train_job())
    records.create(train_job())

    # When I give what they share
    with pytest.raises(UnknownJob) as caught:
        records.find("abcd")

    # Then both are listed, and one letter more is enough
    assert "several jobs begin with 'abcd'" in caught.value.message
    assert "abcdefgh" in caught.value.message
    assert "abcdzzzz" in caught.value.message
    assert records.find("abcde").id == "abcdefgh"


def test_one_letter_is_not_the_beginning_of_an_id(records, train_job):
    record = records.create(train_job())
    with pytest.raises(UnknownJob):
        records.find(record.id[0])


@pytest.mark.parametrize("reference", ["", "*", "../x", "a" * 10_000, "fitq:jobs", "\x00"])
def test_what_no_job_goes_by_is_not_found(records, train_job, reference):
    records.create(train_job())
    with pytest.raises(UnknownJob) as caught:
        records.find(reference)
    assert caught.value.exit_code == 2
    assert "fitq jobs" in caught.value.hint


def test_a_name_that_is_almost_right_is_met_with_the_right_one(records, train_job):
    records.create(train_job())
    with pytest.raises(UnknownJob, match="did you mean 'brave-otter'"):
        records.find("brave-oter")


def test_an_id_that_is_not_there_cannot_be_got(records):
    with pytest.raises(UnknownJob, match="there is no job 'abcd2345'"):
        records.get("abcd2345")


def test_jobs_are_listed_newest_first(records, train_job):
    made = [records.create(train_job(name=f"job-{n}")).id for n in range(5)]
    assert [record.id for record in records.all()] == made[::-1]
    assert [record.id for record in records.all(limit=2)] == made[:2:-1]


def test_more_jobs_than_are_read_at_once_are_all_listed(records, train_job, redis):
    # Given more records than one request reads
    fields = redis.hgetall(job_key(records.create(train_job()).id))
    with redis.pipeline() as pipe:
        for n in range(450):
            pipe.hset(job_key(f"copy{n}"), mapping={**fields, "id": f"copy{n}"})
            pipe.zadd("fitq:jobs", {f"copy{n}": n})
        pipe.execute()
    # Then none is left out
    assert len({record.id for record in records.all()}) == 451


def test_a_job_whose_record_has_gone_is_left_out(records, train_job, redis):
    gone, here = records.create(train_job()), records.create(train_job())
    redis.delete(job_key(gone.id))
    assert [record.id for record in records.all()] == [here.id]


def test_a_job_s_place_is_how_many_are_before_it(records, lanes, train_job, claim):
    # Given three jobs in one queue, and one in another
    first, second, third = (records.create(train_job()) for _ in range(3))
    other = records.create(train_job(device="gpu"))
    assert [lanes.place(record).before for record in (first, second, third, other)] == [
        0,
        1,
        2,
        0,
    ]

    # When the first is claimed
    claim(first)

    # Then it has no place any more, and the others move up
    assert lanes.place(first) is None
    assert [lanes.place(record).before for record in (second, third)] == [0, 1]


def test_what_is_shown_of_a_job_has_no_secret(records, train_job, claim):
    record = records.create(train_job())
    claim(record, "secret-token")
    running = records.get(record.id)
    assert running.token == "secret-token"
    shown = json.dumps(running.public())
    assert "lease" not in running.public()
    assert '"token"' not in shown
    assert json.loads(shown)["state"] == "running"


def test_all_who_connect_see_the_same(settings, records, train_job):
    from fitq_shared.redis_link import open_redis

    record = records.create(train_job())
    assert Records(open_redis(settings)).get(record.id) == record
    assert set(ENDED) < set(STATES)
    assert records.redis.zcard(name_key(record.name)) == 1
