"""Real texts by class: the documentation strings of three libraries, one file for each.

python make_data.py FOLDER MOST_PER_CLASS

The names of the libraries are taken out of the texts, else there would be nothing to learn.
"""

import importlib
import inspect
import random
import re
import sys
from pathlib import Path

CLASSES = {
    "networks": ["keras.layers", "keras.losses", "keras.optimizers", "keras.ops", "keras.metrics"],
    "numbers": ["numpy", "numpy.linalg", "numpy.fft", "numpy.random", "numpy.ma"],
    "python": ["os", "asyncio", "email.message", "logging", "pathlib", "subprocess", "socket",
               "threading", "tarfile", "zipfile", "unittest.mock", "urllib.request", "argparse",
               "decimal", "fractions", "datetime", "ipaddress", "collections", "tkinter"],
}  # fmt: skip
NAMES = re.compile(r"\b(keras|tensorflow|tf|numpy|np|python)\b", re.IGNORECASE)


def texts(modules: list[str]) -> set[str]:
    """What the classes, functions and methods of some modules say of themselves."""
    found = set()
    for name in modules:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        things = [thing for _, thing in inspect.getmembers(module)]
        things += [
            part for thing in things if inspect.isclass(thing) for part in vars(thing).values()
        ]
        for thing in things:
            text = thing.__doc__ if isinstance(getattr(thing, "__doc__", None), str) else ""
            if len(text) > 150:
                found.add(NAMES.sub(" ", text))
    return found


def main(target: str, most: int) -> None:
    for name, modules in CLASSES.items():
        chosen = sorted(texts(modules))
        random.Random(1).shuffle(chosen)
        chosen = chosen[:most]
        for number, text in enumerate(chosen):
            split = "test" if number % 5 == 0 else "train"
            folder = Path(target) / split / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number:04}.txt").write_text(text, encoding="utf-8")
        print(name, len(chosen))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
