"""How long a small training takes through a warm worker, against a plain Keras script.

    python benchmarks/warm_worker.py [PAIRS]

Runs both in turn, so that the machine's speed weighs on both alike, and prints the ratio of
each pair and their median. The plain script is what people write without a queue: it imports
Keras, loads the arrays, fits one epoch and saves the model. The job does more: its pictures,
its manifest, its environment.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FITQ = str(Path(sys.executable).parent / "fitq")
MODEL = ["--dataset", "mnist", "--model", "mlp", "--option", "units=256,128"]
TRAIN = ["train", *MODEL, "--epochs", "1", "--seed", "1"]
PLAIN = """
import sys
import keras, numpy as np
with np.load(sys.argv[1]) as arrays:
    x, y = arrays["x_train"], arrays["y_train"]
layers = keras.layers
model = keras.Sequential([
    keras.Input((28, 28), dtype="uint8"), layers.Rescaling(1 / 255), layers.Flatten(),
    layers.Dense(256, activation="relu"), layers.Dense(128, activation="relu"),
    layers.Dense(10, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, batch_size=128, epochs=1, validation_split=0.2, verbose=0)
model.save(sys.argv[2])
"""


def seconds(command: list[str], folder: Path) -> float:
    """How long a command takes; it must succeed."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    """Print one line for each pair, and the median ratio."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds([FITQ, "up", "--no-flower"], folder)
        try:
            seconds([FITQ, *TRAIN], folder)
            stack = json.loads((folder / ".fitq/stack.json").read_text())
            arrays = str(Path(stack["store"]) / "datasets/mnist/arrays.npz")
            plain = [sys.executable, "-c", PLAIN, arrays, str(folder / "plain.keras")]
            ratios = []
            for pair in range(1, pairs + 1):
                queued, script = seconds([FITQ, *TRAIN], folder), seconds(plain, folder)
                ratios.append(script / queued)
                print(f"pair {pair}: job {queued:.1f} s, script {script:.1f} s, {ratios[-1]:.2f}×")
            print(f"script / job: median {statistics.median(ratios):.2f}×")
        finally:
            seconds([FITQ, "down"], folder)


if __name__ == "__main__":
    main()
