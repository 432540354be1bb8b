"""Windows of a real recording, the potential of a nerve cell's membrane that matplotlib ships.

python make_data.py FILE.npz [STRIDE]

A row is 24 samples of the potential, in standard deviations from its mean; the target is the
sample after them. The last fifth of the recording is the test split.
"""

import sys
from pathlib import Path

import matplotlib
import numpy as np

WINDOW = 24


def main(target: str, stride: int) -> None:
    source = Path(matplotlib.get_data_path()) / "sample_data" / "membrane.dat"
    potential = np.fromfile(source, "<f4")
    end = len(potential) * 4 // 5
    mean, deviation = potential[:end].mean(), potential[:end].std()
    potential = (potential - mean) / deviation
    arrays = {}
    for split, samples in {"train": potential[:end], "test": potential[end:]}.items():
        windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW + 1)[::stride]
        arrays[f"x_{split}"] = windows[:, :-1, None]
        arrays[f"y_{split}"] = windows[:, -1]
    np.savez(target, **arrays)
    print({name: array.shape for name, array in arrays.items()})
    same = np.mean((arrays["y_test"] - arrays["x_test"][:, -1, 0]) ** 2)
    print(f"to say that nothing changes has a mean squared error of {same:.4f} in the test split")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1)
