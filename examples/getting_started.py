"""The classic "Getting started with Keras", run through a queue.

    python examples/getting_started.py

Starts a local stack in this folder, trains, evaluates and predicts MNIST and Fashion-MNIST
with the same commands that a person types, checks what came out with plain Keras, and stops
what it started. The state stays in .fitq/.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from run import PROGRAMS, leave, run, stack

JOBS = Path(__file__).parent / "jobs"

MNIST = """train --name mnist-mlp --tag getting-started --dataset mnist
    --model mlp --option units=256,128 --option dropout=0.4,0.3 --option activation=relu
    --optimizer rmsprop --loss categorical_crossentropy
    --epochs 30 --batch-size 128 --validation-split 0.2 --seed 1"""
LEAST_ACCURACY = {"mnist": 0.975, "fashion_mnist": 0.85}


def main() -> int:
    """Run the example; 0 when all of it came out as it should."""
    signal.signal(signal.SIGTERM, leave)
    with stack():
        fitq("datasets describe mnist")
        fitq(MNIST)
        results = [_measure("mnist-mlp", "mnist")]
        fitq("datasets describe fashion_mnist")
        fitq(f"train -f {shlex.quote(os.path.relpath(JOBS / 'fashion.toml'))}")
        results.append(_measure("fashion-mlp", "fashion_mnist"))
        fitq("jobs --tag getting-started")
        for result in results:
            _check_with_plain_keras(result)
        _print_results(results)
    return 0


def fitq(line: str) -> None:
    """Show a command as a person would type it, and run it. Ends the example if it fails."""
    run(f"fitq {shlex.join(shlex.split(line))}", Path.cwd())


def ask(line: str) -> Any:
    """What a command prints with --json."""
    words = [PROGRAMS / "fitq", *shlex.split(line), "--json"]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        sys.stderr.write(done.stderr)
        raise SystemExit(done.returncode)
    return json.loads(done.stdout)


def _measure(name: str, dataset: str) -> dict[str, Any]:
    """Evaluate and predict the test split; recompute the accuracy from the predictions."""
    fitq(f"history {name}")
    print(Path(ask(f"show {name}")["artifacts"], "summary.txt").read_text())
    fitq(f"evaluate {name} --name {name}-test --tag getting-started")
    fitq(f"predict {name} --dataset {dataset} --name {name}-predictions --tag getting-started")
    trained, evaluated, predicted = (
        ask(f"show {job}") for job in (name, f"{name}-test", f"{name}-predictions")
    )
    with np.load(Path(predicted["artifacts"]) / "predictions.npz") as arrays:
        classes, true = arrays["classes"], arrays["true"]
    recomputed = float((classes == true).mean())
    accuracy = evaluated["metrics"]["accuracy"]
    print(f"first six predictions: {' '.join(map(str, classes[:6]))}")
    print(
        f"accuracy recomputed from the predictions: {recomputed:.4f} (evaluation: {accuracy:.4f})"
    )
    _expect(
        abs(recomputed - accuracy) < 1e-6, "the predictions give the accuracy of the evaluation"
    )
    _expect(
        accuracy >= LEAST_ACCURACY[dataset], f"test accuracy at least {LEAST_ACCURACY[dataset]}"
    )
    if dataset == "mnist":
        _expect(classes[:6].tolist() == [7, 2, 1, 0, 4, 1], "the first six are 7 2 1 0 4 1")
    return {
        "dataset": dataset,
        "metrics": evaluated["metrics"],
        "jobs": [trained, evaluated, predicted],
    }


def _check_with_plain_keras(result: dict[str, Any]) -> None:
    """Load model.keras without fitq, evaluate it on raw test images, check every sum."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras

    trained = Path(result["jobs"][0]["artifacts"])
    volume = trained.parents[2]
    with np.load(volume / "datasets" / result["dataset"] / "arrays.npz") as arrays:
        x, y = arrays["x_test"], arrays["y_test"]
    model = keras.models.load_model(trained / "model.keras")
    if "sparse" not in result["jobs"][0]["spec"]["loss"]:
        y = keras.utils.to_categorical(y, 10)
    plain = model.evaluate(x, y, batch_size=128, verbose=0, return_dict=True)
    for name, value in result["metrics"].items():
        _expect(abs(plain[name] - value) < 1e-5, f"plain Keras gives the same {name}")
    print(f"\nplain Keras on {trained / 'model.keras'}: accuracy {plain['accuracy']:.4f}")
    for job in result["jobs"]:
        _check_sums(Path(job["artifacts"]))


def _check_sums(folder: Path) -> None:
    sums = json.loads((folder / "manifest.json").read_text())
    for name, expected in sums.items():
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        _expect(found == expected, f"{folder / name} is as its sum says")


def _print_results(results: list[dict[str, Any]]) -> None:
    for result in results:
        print(f"\n{result['dataset']}: test accuracy {result['metrics']['accuracy']:.4f}")
        for job in result["jobs"]:
            print(f"  {job['kind']:<9}{job['artifacts']}")
            for name in job["files"]:
                print(f"             {name}")


def _expect(holds: bool, what: str) -> None:
    if not holds:
        print(f"FAILED: {what}", file=sys.stderr)
        raise SystemExit(1)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
