"""What a job needs, as it is given and shown, and what is said when no worker there has it."""

from __future__ import annotations

import pytest

from fitq_shared.changes import Changes
from fitq_shared.queues import GIB
from fitq_shared.workers import WorkerInfo, announce

pytestmark = pytest.mark.services

LEAST = ("train", "--dataset", "mnist", "--model", "mlp", "--name", "big-fox")
L4 = 23_034 * 2**20


@pytest.fixture
def there(queue, redis):
    """Announce workers."""

    def tell(name, device, device_name, memory=None, devices=1, state="ready", code=False):
        info = WorkerInfo(
            *(name, f"{name}@h", "h", 1, device, device_name, state, "0", 1.0),
            memory=memory,
            devices=devices,
            allows_code=code,
        )
        announce(redis, info, 600)

    return tell


def test_needs_and_priority_are_kept_and_shown(queue, fitq):
    # When a job is submitted that needs two large GPUs, and is urgent
    needs = ("--min-gpu-memory", "20GiB", "--gpus", 2, "--priority", "high")
    record = fitq(*LEAST, *needs, "--no-wait", "--json").json
    # Then its record says so, for programs
    assert record["queue"] == "fitq.v1.2gpu-20g.high.0"
    assert (record["device"], record["priority"]) == ("gpu", "high")
    [listed] = fitq("jobs", "--json").json
    assert (listed["spec"]["min_gpu_memory"], listed["spec"]["gpus"]) == (20 * GIB, 2)
    assert listed["spec"]["priority"] == listed["priority"] == "high"
    # And for people
    shown = fitq("show", "big-fox").out
    assert "  needs    2 GPUs of one worker of 20 GB or more each\n" in shown
    assert "  priority high\n" in shown


def test_a_job_file_says_what_the_flags_say(queue, fitq, nowhere):
    job = 'dataset = "mnist"\nmodel = "mlp"\nmin_gpu_memory = "24GB"\npriority = "low"\n'
    (nowhere / "job.toml").write_text(job)
    spec = fitq("train", "-f", "job.toml", "--gpus", "4", "--dry-run").json
    assert (spec["device"], spec["min_gpu_memory"], spec["gpus"]) == ("gpu", 24 * 10**9, 4)
    assert spec["priority"] == "low"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--min-gpu-memory", "20"), "min_gpu_memory = '20': expected a size with its unit"),
        (("--gpus", "17"), "gpus = 17: expected a number of at most 16"),
        (("--gpus", "2", "--device", "cpu"), "device = 'cpu': expected gpu or nothing, since gpus"),
        (("--priority", "hi"), "priority = 'hi': expected one of high, low, normal"),
    ],
)
def test_a_need_that_makes_no_sense_is_refused(queue, fitq, flags, words):
    ran = fitq(*LEAST, *flags)
    assert ran.code == 2
    assert words in ran.err
    assert fitq("jobs", "--json").json == []


def test_who_submits_what_no_worker_can_run_is_told_at_once(fitq, there):
    # Given a GPU that is too small, one that has not started, and a CPU
    there("gpu0", "gpu", "NVIDIA L4, 22 GiB", L4)
    there("gpu1", "gpu", "H100, 80 GiB", 80 * GIB, state="waiting")
    there("cpu", "cpu", "CPU, 4 cores")
    # When a job is submitted that needs more
    ran = fitq(*LEAST, "--min-gpu-memory", "40GiB", "--no-wait")
    # Then what is missing is said, and what there is
    assert ran.code == 0
    assert (
        "waiting: no worker takes jobs for a GPU of 40 GB or more now; start one with "
        "`fitq-worker --device gpu`, or a local stack with `fitq up`; there are: "
        "cpu@h (CPU, 4 cores), gpu0@h (NVIDIA L4, 22 GiB), gpu1@h (H100, 80 GiB, waiting)"
    ) in ran.err
    # And by whoever looks at it later
    shown = fitq("show", "big-fox").out
    assert "  waits    no worker takes jobs for a GPU of 40 GB or more now; start" in shown


def test_who_needs_several_gpus_is_told_how_to_start_a_worker_with_so_many(fitq, there):
    there("gpu0", "gpu", "H100, 80 GiB", 80 * GIB)
    ran = fitq(*LEAST, "--gpus", "2", "--no-wait")
    assert "no worker takes jobs for 2 GPUs of one worker now" in ran.err
    assert "`fitq-worker --device gpu --gpus 2`; there are: gpu0@h (H100, 80 GiB)" in ran.err


def test_of_many_workers_some_are_named(fitq, there):
    for n in range(8):
        there(f"cpu{n}", "cpu", "4 cores")
    ran = fitq(*LEAST, "--device", "gpu", "--no-wait")
    assert "cpu4@h (4 cores) and 3 more" in ran.err


@pytest.mark.parametrize(
    ("flags", "worker"),
    [
        (("--min-gpu-memory", "24GiB"), ("gpu", "NVIDIA L4, 22 GiB", L4)),
        (("--gpus", "2"), ("gpu", "2 × L4", L4, 2)),
        ((), ("cpu", "4 cores")),
    ],
)
def test_nothing_is_said_when_a_worker_is_there(fitq, there, flags, worker):
    there("blue", *worker)
    ran = fitq(*LEAST, *flags, "--no-wait")
    assert "no worker" not in ran.err
    assert "  waits    it is next, 1 worker\n" in fitq("show", "big-fox").out


def test_a_place_tells_of_the_others_who_take_turns(fitq, there, records, train_job):
    # Given a worker, and jobs of two owners, of which one is urgent
    there("blue", "cpu", "4 cores")
    records.create(train_job(name="first"))
    records.create(train_job(name="other", owner="bob"))
    records.create(train_job(name="urgent", owner="bob", priority="high"))
    records.create(train_job(name="mine"))
    # Then each one's place says what may go first
    assert (
        "  waits    1 before it, in turn with 1 of others, "
        "1 of higher priority, which mostly go first, 1 worker\n"
    ) in fitq("show", "mine").out
    assert "  waits    it is next, 1 worker\n" in fitq("show", "urgent").out


def test_who_retries_what_no_worker_can_run_is_told(queue, fitq, records, train_job):
    record = records.create(train_job(device="gpu"))
    Changes(records).cancel(record)
    ran = fitq("retry", record.name, "--no-wait")
    assert ran.code == 0
    assert "waiting: no worker takes jobs for a GPU now" in ran.err


def test_code_waits_for_a_worker_that_allows_it(queue, fitq, nowhere, there):
    # Given a worker that does not allow code
    there("cpu0-3", "cpu", "CPU, 4 cores (0-3)")
    (nowhere / "net.py").write_text("def build(): pass")
    # When a job with code is submitted
    ran = fitq("train", "--dataset", "mnist", "--model", "net.py:build", "--no-wait")
    # Then that is said at once, with what to do
    assert ran.code == 0
    assert "no worker that allows code takes jobs for any device now" in ran.err
    assert "`fitq-worker --allow-code`" in ran.err
    assert "there are: cpu0-3@h" in ran.err
    # And with one that allows it, nothing is missing
    there("cpu4-7", "cpu", "CPU, 4 cores (4-7)", code=True)
    again = fitq("train", "--dataset", "mnist", "--model", "net.py:build", "--no-wait")
    assert "allow" not in again.err
    [without, allowing] = fitq("workers", "--json").json
    assert (without["allows_code"], allowing["allows_code"]) == (False, True)
    assert [line.count("allowed") for line in fitq("workers").out.splitlines()[1:]] == [0, 1]
