"""Pairs of MNIST digits: half of them the same digit twice, half of them two digits.

python make_data.py FILE.npz TRAIN_PAIRS TEST_PAIRS

The images are those of the stack's volume; `fitq datasets describe mnist` brings them there.
"""

import sys

import numpy as np

from fitq_shared.settings import Settings


def pairs(images: np.ndarray, labels: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, ...]:
    """Left and right images, uint8 (count, 28, 28), and whether both are the same digit."""
    random = np.random.default_rng(seed)
    left = random.integers(len(images), size=count)
    same = np.arange(count) % 2
    rows_of = [np.flatnonzero(labels == digit) for digit in range(10)]
    digits = np.where(same, labels[left], (labels[left] + random.integers(1, 10, count)) % 10)
    right = np.array([random.choice(rows_of[digit]) for digit in digits])
    return images[left], images[right], same.astype("uint8")


def main(target: str, train: int, test: int) -> None:
    with np.load(f"{Settings.load().store_url}/datasets/mnist/arrays.npz") as mnist:
        arrays = {}
        for split, count, seed in (("train", train, 1), ("test", test, 2)):
            made = pairs(mnist[f"x_{split}"], mnist[f"y_{split}"], count, seed)
            for name, array in zip(("left", "right", "same"), made, strict=True):
                arrays[f"{name}_{split}"] = array
    np.savez_compressed(target, **arrays)
    print({name: array.shape for name, array in arrays.items()})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
