"""The jobs of the storm: a few distinct trainings of 2,000 rows, again and again."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fitq.drafts import complete
from fitq.queue import Queue
from fitq_shared.errors import QueueUnreachable
from fitq_shared.record import JobRecord
from fitq_shared.specs.base import JobSpec
from storm.auditor import Answer

ROWS = 2000

# Two to six seconds each on one thread, of several owners and priorities, so that they wait in
# several queues. By name; a job is called after the spec it is of.
SPECS: dict[str, dict[str, Any]] = {
    "plain": {"model": {"type": "mlp", "units": [64]}, "epochs": 16, "seed": 1},
    "dropout": {
        "model": {"type": "mlp", "units": [128, 64], "dropout": 0.3},
        "optimizer": "adamw",
        "epochs": 14,
        "seed": 2,
        "priority": "high",
    },
    "stopping": {
        "model": {"type": "mlp", "units": [128]},
        "optimizer": {"name": "rmsprop", "learning_rate": 0.002},
        "epochs": 60,
        "early_stopping": {"monitor": "val_loss", "patience": 2, "restore_best_weights": True},
        "seed": 3,
    },
    "convolution": {
        "model": {"type": "cnn", "filters": [8, 16], "units": 32, "dropout": 0.4},
        "epochs": 3,
        "seed": 4,
        "owner": "ann",
    },
    "recurrent": {
        "model": {"type": "rnn", "cell": "gru", "units": [24]},
        "epochs": 4,
        "seed": 5,
        "priority": "low",
    },
    "momentum": {
        "model": {"type": "mlp", "units": [96, 32], "activation": "tanh"},
        "optimizer": {"name": "nadam", "learning_rate": 0.0005},
        "loss": "categorical_crossentropy",
        "epochs": 14,
        "seed": 6,
        "owner": "bob",
    },
}
CANCELLED_OF_EACH_ROUND = 3


def spec_of(client: Queue, reference: str, name: str) -> JobSpec:
    """One of SPECS as a job of this name."""
    values = {
        "kind": "train",
        "dataset": "mnist",
        "rows": ROWS,
        "batch_size": 64,
        "validation_split": 0.2,
        **SPECS[reference],
        "name": name,
    }
    return complete(values, client.settings)


def reference_of(name: str) -> str:
    """Which of SPECS the job of this name is of."""
    return name.partition(".")[0]


@dataclass
class Workload:
    """Submits rounds of jobs, and cancels a few of each.

    A submission whose answer is lost is made again, so a round may get more jobs than asked
    for; all of them must end well.

    Attributes:
        acknowledged: the ids of the jobs whose submission was answered.
        cancelled: the names of the jobs that were to be cancelled.
        answers: what was answered to that, by the job's id.
    """

    client: Queue
    references: Sequence[str]
    rng: random.Random
    rounds: int = 0
    acknowledged: list[str] = field(default_factory=list)
    cancelled: set[str] = field(default_factory=set)
    answers: dict[str, Answer] = field(default_factory=dict)
    outages: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def new_name(self) -> str:
        """A name for one more job, of one of the specs."""
        with self._lock:
            reference = self.rng.choice(self.references)
            return f"{reference}.{self.rounds}.{self.rng.randrange(10**9):09d}"

    def submit_round(self, jobs: int) -> None:
        """Submit so many jobs, each as soon as Redis takes it, and cancel three of them."""
        self.rounds += 1
        cancel = set(self.rng.sample(range(jobs), min(CANCELLED_OF_EACH_ROUND, 1 + jobs // 20)))
        for number in range(jobs):
            name = self.new_name()
            if number in cancel:
                # Before it is sent: the answer may be lost, and the job be there all the same.
                self.cancelled.add(name)
            record = self._until_taken(name)
            if number in cancel:
                self._cancel(record)

    def _until_taken(self, name: str) -> JobRecord:
        while True:
            try:
                record = self.client.submit(spec_of(self.client, reference_of(name), name))
            except QueueUnreachable:
                self.outages += 1
                time.sleep(0.5)
            else:
                self.acknowledged.append(record.id)
                return record

    def _cancel(self, record: JobRecord) -> None:
        while True:
            try:
                answer = self.client.cancel(record)
            except QueueUnreachable:
                self.outages += 1
                time.sleep(0.5)
            else:
                self.answers[record.id] = Answer(answer, time.time())
                return
