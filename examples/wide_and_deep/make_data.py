"""Homes with their price and whether they sell within a month: data that this file makes.

Both follow from the other columns, but for some chance: small homes that are new go quickly.

python make_data.py FILE.csv ROWS
"""

import csv
import sys
from pathlib import Path

import numpy as np

DISTRICTS = {"harbour": 1.5, "old-town": 1.3, "hill": 1.1, "station": 0.9, "fields": 0.7}
CONDITIONS = {"new": 1.2, "good": 1.0, "worn": 0.8}


def main(target: str, count: int) -> None:
    random = np.random.default_rng(1)
    with Path(target).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["district", "condition", "area", "rooms", "year", "price", "quick"])
        for _ in range(count):
            district = str(random.choice(list(DISTRICTS)))
            condition = str(random.choice(list(CONDITIONS)))
            area = round(float(random.gamma(9.0, 10.0)) + 20, 1)
            rooms = max(1, round(area / 25 + float(random.normal(0, 0.6))))
            year = int(random.integers(1900, 2025))
            worth = area * 2.5 * DISTRICTS[district] * CONDITIONS[condition]
            price = round(worth * float(random.normal(1.0, 0.08)), 1)
            wanted = (100 - area) / 8 + (CONDITIONS[condition] - 1) * 20 + (year - 1960) / 20
            quick = "yes" if float(random.random()) < 1 / (1 + np.exp(-wanted)) else "no"
            writer.writerow([district, condition, area, rooms, year, price, quick])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
