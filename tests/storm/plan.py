"""Which faults happen, in which order: the seed alone decides."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

# How often each kind is drawn, next to the times that every kind is sure of. What costs a
# worker its Keras is drawn less often, since on two cores each start takes ten seconds.
WEIGHTS = {
    "kill-parent": 3,
    "kill-child": 3,
    "stop": 3,
    "drain": 3,
    "kill-redis": 2,
    "cut": 4,
    "cut-long": 2,
    "full-volume": 2,
    "client-killed": 2,
    "duplicate": 4,
    "kill-before-commit": 2,
    "late-commit": 3,
}
KINDS = tuple(WEIGHTS)
SURE_TIMES = 5
PAUSE_SECONDS = (0.5, 3.5)


@dataclass(frozen=True)
class Planned:
    """One fault to come.

    Attributes:
        number: from 1.
        kind: one of KINDS.
        worker: which worker it is for, from 0; faults of other things ignore it.
        pause: seconds to wait before it.
        chance: from 0 to 1, for what else the fault has to choose.
    """

    number: int
    kind: str
    worker: int
    pause: float
    chance: float


def plan(seed: int, faults: int, workers: int, kinds: Sequence[str] = KINDS) -> list[Planned]:
    """So many faults, with each kind at least five times where there is room for that."""
    rng = random.Random(seed)
    sure = [kind for kind in kinds for _ in range(min(SURE_TIMES, faults // len(kinds)))]
    drawn = rng.choices(kinds, [WEIGHTS[kind] for kind in kinds], k=faults - len(sure))
    chosen = [*sure, *drawn]
    rng.shuffle(chosen)
    return [
        Planned(
            number=number,
            kind=kind,
            worker=rng.randrange(workers),
            pause=rng.uniform(*PAUSE_SECONDS),
            chance=rng.random(),
        )
        for number, kind in enumerate(chosen, 1)
    ]
