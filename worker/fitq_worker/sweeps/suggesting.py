"""Which values the next trials of a sweep have."""

from __future__ import annotations

import functools
import importlib.util
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fitq_shared.sweeps.record import Trial
    from fitq_shared.sweeps.spec import SweepSpec

# Optuna imports in a second and answers in less; a machine may be busy.
ANSWER_SECONDS = 120.0


class NoSuggestion(Exception):
    """The sampler did not answer; the text says why."""


@functools.cache
def has_optuna() -> bool:
    """Whether Optuna is here; it is not imported."""
    return importlib.util.find_spec("optuna") is not None


def suggest(
    spec: SweepSpec, numbers: Sequence[int], trials: Sequence[Trial]
) -> dict[int, dict[str, Any]]:
    """The values of the trials of these numbers.

    Grid and random choose by seed and number alone. Optuna chooses by seed, number and the trials
    that there are: the same of these give the same values.

    Raises:
        NoSuggestion: Optuna is not here, or has failed.
    """
    if spec.sampler != "optuna":
        return {number: spec.drawn(number) for number in numbers}
    question = {
        "spec": spec.model_dump(mode="json"),
        "numbers": list(numbers),
        "trials": [[t.number, t.state, t.params, t.value] for t in trials],
    }
    return {int(number): params for number, params in _ask(question).items()}


def _ask(question: dict[str, Any]) -> dict[str, Any]:
    """Ask Optuna in a process of its own: the parent forks, and stays as light as it is."""
    command = [sys.executable, "-m", "fitq_worker.sweeps.optuna_process"]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(question),
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoSuggestion(f"Optuna gave no answer: {error}") from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise NoSuggestion(f"Optuna gave no answer: {last}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
