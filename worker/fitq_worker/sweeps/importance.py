"""How much each parameter of a sweep mattered."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

from fitq_shared.sweeps.space import Parameter

log = logging.getLogger("fitq.job")

FEWEST_TRIALS = 4
# Optuna: "it is preferable to include at least 5 trials above target_quantile"; its default of a
# tenth would be one of ten, which shows nothing.
BEST_TRIALS = 5
SMALLEST_SHARE, LARGEST_SHARE = 0.1, 0.5
METHOD = "PED-ANOVA (Watanabe, Bansal, Hutter, IJCAI 2023), by Optuna"


def importance(table: Mapping[str, Any]) -> tuple[dict[str, float], str]:
    """The share of each parameter, the greatest first, and by which method it was found.

    It is about how much the values of the best trials (five, or a tenth of them if that is more;
    half of fewer than ten) differ from those of all trials of this sweep, of each parameter alone.
    With too few trials, or equal ones, there is none.

    Args:
        table: the sweep and its trials, as the report's input has them.

    Returns:
        Shares from 0 to 1, which add up to 1, by the parameter's path.
    """
    trials = [trial for trial in table["trials"] if trial["value"] is not None]
    values = {trial["value"] for trial in trials}
    if len(trials) < FEWEST_TRIALS or len(values) < 2:
        return {}, f"none: it takes {FEWEST_TRIALS} trials or more that differ"
    try:
        import optuna
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

        from fitq_worker.sweeps.study import study_of
    except ImportError:
        return {}, "none: this worker has no Optuna"
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = {path: Parameter.model_validate(one) for path, one in table["space"].items()}
    told = [[t["number"], t["state"], t["params"], t["value"]] for t in trials]
    study = study_of(space, table["goal"], told)
    best = min(max(BEST_TRIALS / len(trials), SMALLEST_SHARE), LARGEST_SHARE)
    try:
        evaluator = PedAnovaImportanceEvaluator(target_quantile=best)
        found = get_param_importances(study, evaluator=evaluator)
    except (RuntimeError, ValueError) as error:
        log.warning("the importance of parameters cannot be measured: %s", error)
        return {}, f"none: {error}"
    shares = {path: float(share) for path, share in found.items() if math.isfinite(share)}
    return dict(sorted(shares.items(), key=lambda item: -item[1])), METHOD
