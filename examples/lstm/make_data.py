"""Windows of real share prices, from the table that matplotlib ships as sample data.

python make_data.py FILE.npz [STRIDE]

Each row is 24 months of the logarithm of a price, less that of its last month; the target is
the same of the month after. The last five years are the test split.
"""

import csv
import sys
from pathlib import Path

import matplotlib
import numpy as np

WINDOW = 24
TEST_MONTHS = 60


def main(target: str, stride: int) -> None:
    source = Path(matplotlib.get_data_path()) / "sample_data" / "Stocks.csv"
    with source.open() as file:
        lines = [line for line in file if not line.startswith("#")]
    months = [row for row in csv.DictReader(lines) if row["Date"].endswith("-01")]
    splits: dict[str, list[tuple[np.ndarray, float]]] = {"train": [], "test": []}
    for share in (name for name in months[0] if name != "Date"):
        prices = np.log([float(row[share] or "nan") for row in months])
        for start in range(0, len(prices) - WINDOW, stride):
            window = prices[start : start + WINDOW + 1]
            if np.isfinite(window).all():
                split = "test" if start + WINDOW >= len(prices) - TEST_MONTHS else "train"
                splits[split].append((window[:-1] - window[-2], window[-1] - window[-2]))
    arrays = {}
    for split, rows in splits.items():
        arrays[f"x_{split}"] = np.array([row[0] for row in rows], "float32")[..., None]
        arrays[f"y_{split}"] = np.array([row[1] for row in rows], "float32")
    np.savez(target, **arrays)
    print({name: array.shape for name, array in arrays.items()})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1)
