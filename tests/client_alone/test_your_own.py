"""The page for newcomers, in the set-up that it is about: a client that has Redis and a service.

The client has an environment of its own, without Keras, and knows no folder of the store. A
worker that allows code, and the store service as its image starts it, are elsewhere.
"""

from __future__ import annotations

import functools
import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fitq_shared.settings import Settings
from support.webdav_server import WebdavServer

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/your-own.md"
EXAMPLE = ROOT / "examples/wide_and_deep"
LEFT_OUT = "…"
DIFFERENT = (
    (r"(Valkey|Redis) [\d.]+", "Redis"),
    (r"cpu\S*@\S+?(?=:|$)", "WORKER"),
    (r"CPU, \d+ cores? \(.*?\)", "CPU"),
    (r"\bjob [a-z0-9]{8} \([a-z-]+\)", "job ID"),
    (r"^[a-z0-9]{8} ", "ID "),
    (r"jobs/[a-z0-9]{8}/", "jobs/ID/"),
    (r"(-|\b)\d[\d.,]*", "N"),
    (r"\bN (yes|no) N$", "CLASS"),
)

pytestmark = pytest.mark.usefixtures("shared_worker")


@pytest.fixture(scope="module")
def typed(
    laptop, session_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., tuple[int, str]]]:
    """Type a command on the laptop: its exit code, and what the terminal shows."""
    volume = Path(session_settings.store_url or "")
    service = WebdavServer(volume, tmp_path_factory.mktemp("service"))

    def run(line: str, folder: Path) -> tuple[int, str]:
        ran = laptop.run(
            *shlex.split(line),
            folder=folder,
            together=True,
            FITQ_REDIS_URL=session_settings.redis_url,
            FITQ_STORE=service.url(),
            FITQ_OWNER="ann",
        )
        return ran.code, ran.out

    yield run
    service.stop()


def blocks(kind: str) -> list[str]:
    """What stands in the page's blocks of this kind."""
    return re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(), re.DOTALL)


def session() -> Iterator[tuple[str, str]]:
    """Each command of the page, and what it prints there."""
    for part in "".join(blocks("console")).split("$ fitq ")[1:]:
        line, _, printed = part.partition("\n")
        yield f"fitq {line}", printed


def alike(text: str) -> list[str]:
    """Lines without what differs from run to run: numbers, ids, machines, how long it waited."""
    found = []
    for printed in text.splitlines():
        line = " ".join(printed.split())
        if line.startswith("waiting: "):
            continue
        found.append(functools.reduce(lambda text, pair: re.sub(*pair, text), DIFFERENT, line))
    return found


def same(printed: list[str], shown: list[str]) -> bool:
    """Whether these lines are what the page shows, where it may leave some out."""
    if LEFT_OUT not in shown:
        return printed == shown
    cut = shown.index(LEFT_OUT)
    before, after = shown[:cut], shown[cut + 1 :]
    whole = len(printed) > len(before) + len(after)
    return whole and printed[:cut] == before and printed[-len(after) :] == after


def test_the_session_of_the_page(typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given the files of the page, which are those of the example, and nothing else
    shutil.copy(EXAMPLE / "wide.py", tmp_path)
    assert (tmp_path / "wide.py").read_text() == blocks("python")[0]
    code, text = typed(f"python {EXAMPLE / 'make_data.py'} homes.csv 2560", tmp_path)
    assert code == 0, text
    first, rows = blocks("csv")
    assert (tmp_path / "homes.csv").read_text().startswith(first)
    (tmp_path / "rows.csv").write_text(rows)
    # When the commands of the page are typed in their order
    count = 0
    for line, shown in session():
        code, text = typed(line, tmp_path)
        # Then they print what the page shows
        assert same(alike(text), alike(shown)), f"$ {line}\n{text}"
        assert (code == 0) == (not text.startswith("error: ")), text
        count += 1
    assert count >= 12
    # And where Keras is, the model that was pulled predicts what the worker has predicted
    monkeypatch.chdir(tmp_path)
    names: dict[str, dict[str, np.ndarray]] = {}
    exec(blocks("python")[1], names)  # as its reader would
    with np.load(tmp_path / "homes-rows/predictions.npz") as said:
        assert np.allclose(names["predicted"]["price"].ravel(), said["price_values"].ravel())


def test_images_and_data_made_by_code(typed, tmp_path: Path) -> None:
    # Given images in all forms that are told of, and a function in a file that imports another
    for at, label in enumerate(("dark", "light")):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for suffix in ("png", "jpg", "gif", "bmp"):
            image = Image.new("RGB", (8, 8), (200 * at,) * 3)
            image.save(tmp_path / "pictures" / label / f"one.{suffix}")
    shutil.copy(tmp_path / "pictures/light/one.png", tmp_path / "new.png")
    (tmp_path / "how_many.py").write_text("ROWS = 64\n")
    (tmp_path / "maker.py").write_text(
        "import how_many\n"
        "def rows(slope):\n"
        "    for at in range(how_many.ROWS):\n"
        "        yield {'x': float(at % 8)}, {'y': slope * (at % 8) + 0.5}\n"
    )
    (tmp_path / "line.py").write_text(
        "import keras\n"
        "def build():\n"
        "    x = keras.Input((1,), name='x')\n"
        "    return keras.Model(x, keras.layers.Dense(1, name='y')(x))\n"
    )
    # When they are added, trained on and predicted with
    lines = (
        "fitq datasets add pictures pictures",
        "fitq train --dataset pictures --model cnn --option filters=2 --epochs 2 --name seen",
        "fitq predict seen new.png --name seen-new",
        "fitq datasets add made maker.py:rows --option slope=2.0",
        "fitq models check line.py:build --dataset made",
        "fitq train --dataset made --model line.py:build --epochs 2 --name learnt",
        "fitq predict learnt --dataset made --name learnt-rows",
    )
    for line in lines:
        code, text = typed(line, tmp_path)
        assert code == 0, f"$ {line}\n{text}"
    # Then the image and all rows of the data set, which has no test part, were predicted
    assert _metrics(typed, "seen-new", tmp_path)["rows"] == 1
    assert _metrics(typed, "learnt-rows", tmp_path)["rows"] == 64


def _metrics(typed, name: str, folder: Path) -> dict[str, float]:
    code, text = typed(f"fitq show {name} --json", folder)
    assert code == 0, text
    return json.loads(text)["metrics"]
