"""In which order queues are looked into: the order alone; test_taking.py has Redis and Celery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu.utils.scheduling import cycle_by_name

from fitq_shared.queues import LANES, PRIORITIES, QueueName, queue_for, queues_served_by
from fitq_worker.queue_cycle import STRATEGY, TURNS, QueueCycle, Turns
from support.fuzzing import few

SERVED = queues_served_by("gpu", 2**33)
Jobs = dict[str, int]


def cycle_on(turns: Turns) -> QueueCycle:
    """The cycle as kombu makes and fills it: it keeps the queues of a channel in a set."""
    cycle: QueueCycle = cycle_by_name(partial(QueueCycle, turns))()
    cycle.update(set(SERVED))
    return cycle


def take(cycle: QueueCycle, jobs: Mapping[str, int]) -> str | None:
    """What BRPOP does: the first of the queues that is not empty."""
    for queue in cycle.consume(len(SERVED)):
        if jobs.get(queue):
            cycle.rotate(queue)
            return queue
    return None


def take_all(
    jobs: Jobs, refill: Callable[[Jobs, str], None] = lambda jobs, queue: None
) -> list[str]:
    """The queues from which jobs are taken, in order, until there are none."""
    jobs, cycle, taken = dict(jobs), cycle_on(Turns()), []
    while queue := take(cycle, jobs):
        jobs[queue] -= 1
        taken.append(queue)
        refill(jobs, queue)
    return taken


def priority(queue: str) -> str:
    return QueueName.parse(queue).priority


some_jobs = st.dictionaries(st.sampled_from(SERVED), st.integers(1, 30), min_size=1, max_size=30)


@few
@given(jobs=some_jobs)
def test_all_that_is_there_is_taken(jobs: Jobs) -> None:
    assert Counter(take_all(jobs)) == jobs


def test_every_queue_is_asked_for_each_time() -> None:
    cycle = cycle_on(Turns())
    for _ in range(30):
        asked = cycle.consume(len(SERVED))
        assert sorted(asked) == sorted(SERVED)
        cycle.rotate(asked[7])


def test_in_the_long_run_each_priority_has_its_share() -> None:
    # Given three queues that never become empty
    endless = {queue_for("any", priority): 1 for priority in PRIORITIES}
    cycle = cycle_on(Turns())
    # When many jobs are taken
    taken = Counter(priority(take(cycle, endless) or "") for _ in range(1200))
    # Then the shares are 8 : 3 : 1, and already so of each twelve jobs
    assert taken == {"high": 800, "normal": 300, "low": 100}
    assert Counter(TURNS) == {"high": 8, "normal": 3, "low": 1}


@few
@given(
    before=st.lists(st.sampled_from(SERVED), max_size=40),
    others=st.sets(st.sampled_from(SERVED), max_size=40),
    mine=st.sampled_from(SERVED),
)
def test_nobody_starves(before: list[str], others: set[str], mine: str) -> None:
    # Given any history of what was taken, and queues that never become empty
    turns = Turns()
    for queue in before:
        turns.took(queue)
    cycle, endless = cycle_on(turns), dict.fromkeys({*others, mine}, 1)
    # When a job waits in one more queue
    rivals = sum(priority(queue) == priority(mine) for queue in endless)
    # Then it is taken within one turn of each queue of its priority
    rounds = rivals * len(TURNS) // TURNS.count(priority(mine)) + len(TURNS)  # type: ignore[arg-type]
    assert mine in [take(cycle, endless) for _ in range(rounds)]


@few
@given(jobs=some_jobs)
def test_the_highest_goes_first_and_has_most_turns(jobs: Jobs) -> None:
    taken = [priority(queue) for queue in take_all(jobs)]
    # The first is of the highest priority that there is
    assert taken[0] == min((priority(queue) for queue in jobs), key=PRIORITIES.index)  # type: ignore[arg-type]
    # And where a lower one went before a higher one that waited, it was its turn
    left = Counter(priority(queue) for queue, count in jobs.items() for _ in range(count))
    for turn, found in enumerate(taken):
        higher = [
            p for p in PRIORITIES if left[p] and PRIORITIES.index(p) < PRIORITIES.index(found)
        ]  # type: ignore[arg-type]
        assert not higher or found == TURNS[turn % len(TURNS)]
        left[found] -= 1


@few
@given(
    counts=st.lists(st.integers(1, 60), min_size=2, max_size=len(LANES)),
    priority_=st.sampled_from(PRIORITIES),
)
def test_lanes_take_turns_however_long_they_are(counts: list[int], priority_: str) -> None:
    # Given lanes of different length
    lanes = {queue_for("gpu", priority_, n): count for n, count in enumerate(counts)}  # type: ignore[arg-type]
    # When all is taken, Then no lane is served twice while another waits
    left = dict(lanes)
    served: Counter[str] = Counter()
    for queue in take_all(lanes):
        assert served[queue] <= min(served[other] for other, count in left.items() if count)
        served[queue] += 1
        left[queue] -= 1


def test_whoever_was_served_the_longest_ago_is_next_whatever_the_need() -> None:
    """Else a stream of jobs for GPUs would keep those waiting that any device could run."""
    gpu, large, any_ = queue_for("gpu"), queue_for("gpu-8g"), queue_for("any", lane=5)
    taken = take_all({gpu: 4, large: 2, any_: 3})
    assert taken[:3] == [gpu, large, any_]
    assert taken[3:6] == [gpu, large, any_]
    assert taken[6:] == [gpu, any_, gpu]


@pytest.mark.parametrize("priority_", PRIORITIES)
def test_at_first_the_device_s_own_queue_comes_before_any(priority_: str) -> None:
    own, any_ = queue_for("gpu", priority_, 7), queue_for("any", priority_, 0)  # type: ignore[arg-type]
    assert take_all({own: 1, any_: 1}) == [own, any_]


def test_a_new_connection_goes_on_with_the_turns() -> None:
    # Given a worker whose connection breaks after each job
    turns = Turns()
    endless = {queue_for("any", priority): 1 for priority in PRIORITIES}
    # When jobs are taken
    taken = Counter(priority(take(cycle_on(turns), endless) or "") for _ in range(24))
    # Then low ones are among them as ever
    assert taken == {"high": 16, "normal": 6, "low": 2}


def test_all_connections_of_a_worker_share_its_turns() -> None:
    # Given the cycles that kombu makes for two connections, by the name that it is given
    before, after = cycle_by_name(STRATEGY)(), cycle_by_name(STRATEGY)()
    first, second = queue_for("any", lane=1), queue_for("any", lane=2)
    for cycle in (before, after):
        cycle.update({first, second})
    # When the one has taken a job
    assert before.consume(2) == [first, second]
    before.rotate(first)
    # Then the other goes on from there
    assert after.consume(2) == [second, first]


def test_what_is_no_queue_of_jobs_comes_first_and_counts_for_nothing() -> None:
    cycle = cycle_on(Turns())
    cycle.update({*SERVED, "remote-control"})
    assert cycle.consume(1) == ["remote-control"]
    before = cycle.consume(len(SERVED) + 1)
    assert cycle.rotate("remote-control") == "remote-control"
    assert cycle.consume(len(SERVED) + 1) == before
