"""Asks Optuna for the values of trials: JSON on standard input, JSON on standard output.

The sampler is the tree-structured Parzen estimator (J. Bergstra, R. Bardenet, Y. Bengio and
B. Kégl, "Algorithms for Hyper-Parameter Optimization", NIPS 2011). It knows the trials that run as
well, and keeps away from them. Nothing is kept between two questions.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from typing import Any

import optuna

from fitq_shared.sweeps.space import Parameter
from fitq_shared.sweeps.spec import SweepSpec
from fitq_worker.sweeps.study import distribution, study_of

# So many trials are drawn before the others are chosen by what they have shown; fewer if there
# are few trials at all.
MOST_DRAWN = 10


def main() -> None:
    """Answer one question."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    question = json.load(sys.stdin)
    spec = SweepSpec.parse(question["spec"])
    told = sorted(question["trials"])
    answer: dict[int, dict[str, Any]] = {}
    for number in question["numbers"]:
        answer[number] = _suggestion(spec, number, told)
        told.append([number, "open", answer[number], None])
    json.dump(answer, sys.stdout)


def _suggestion(spec: SweepSpec, number: int, told: Sequence[Any]) -> dict[str, Any]:
    study = study_of(spec.space, spec.goal, told)
    study.sampler = optuna.samplers.TPESampler(
        seed=random.Random(f"{spec.seed}:{number}").randrange(2**31),  # noqa: S311
        n_startup_trials=min(MOST_DRAWN, max(1, spec.trials // 3)),
        constant_liar=True,
    )
    distributions = {path: distribution(one) for path, one in spec.space.items()}
    found = study.ask(distributions).params
    return {path: _ours(one, found[path]) for path, one in spec.space.items()}


def _ours(parameter: Parameter, value: Any) -> Any:
    return json.loads(value) if parameter.values is not None else parameter.tidy(value)


if __name__ == "__main__":
    main()
