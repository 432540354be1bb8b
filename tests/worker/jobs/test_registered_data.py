"""Jobs on data that users have registered, from `fitq datasets add` to what a worker leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fitq.data.registering import add
from fitq.data.source import Declared
from fitq.queue import Queue
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.datasets import description_path
from fitq_shared.record import JobRecord
from fitq_shared.registrations import Registration

Register = Callable[..., Registration]
ROWS = 60


@pytest.fixture(scope="session")
def register(queue: Queue) -> Register:
    """Register what is at a path, in the store of the shared worker."""

    def run(name: str, path: Path | str, **declared: Any) -> Registration:
        done = add(
            queue.artifacts.store, name, str(path), Declared(**declared), "ann", lambda *_: None
        )
        return done.registration

    return run


@pytest.fixture(scope="session")
def houses(register: Register, tmp_path_factory: pytest.TempPathFactory) -> Registration:
    """A CSV with a number that is the double of another."""
    path = tmp_path_factory.mktemp("data") / "houses.csv"
    rows = [f"{at},{'Ulm' if at % 3 else 'Bonn'},{2 * at}" for at in range(ROWS)]
    path.write_text("\n".join(["size,town,price", *rows]))
    return register("houses", path, targets=("price",))


@pytest.fixture(scope="session")
def pictures(register: Register, tmp_path_factory: pytest.TempPathFactory) -> Registration:
    """Dark and bright images in folders of two classes."""
    root = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(1)
    for label, offset in (("dark", 0), ("light", 155)):
        (root / label).mkdir()
        for at in range(10):
            pixels = offset + random.integers(0, 100, (8, 10, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(root / label / f"{at}.png")
    return register("pictures", root)


def test_a_table_is_described(
    client: Queue, fill: Any, finish: Callable[..., JobRecord], houses: Registration
) -> None:
    # When a registered table is described
    record = finish(fill(kind="describe", dataset=houses.ref.model_dump()))
    # Then its folder says what is in it
    found = json.loads(client.artifacts.folder(record).read(AttemptFolder.description))
    assert record.metrics == {"train_rows": ROWS}
    assert found["columns"][0]["splits"]["train"]["max"] == ROWS - 1
    assert found["counts"]["town"]["train"] == {"Bonn": 20, "Ulm": 40}
    # And the store keeps it beside the data
    assert json.loads(client.artifacts.store.read(description_path(houses.manifest))) == found


def test_images_are_described_and_drawn(
    client: Queue, fill: Any, finish: Callable[..., JobRecord], pictures: Registration
) -> None:
    # When a folder of images is described
    record = finish(fill(kind="describe", dataset=pictures.ref.model_dump()))
    # Then some of them are drawn, and one as a heat map
    folder = client.artifacts.folder(record)
    for name in (AttemptFolder.samples, AttemptFolder.heat_map):
        assert folder.read(name).startswith(b"\x89PNG")
    found = json.loads(folder.read(AttemptFolder.description))
    assert found["counts"]["class"]["train"] == {"dark": 10, "light": 10}


def test_what_code_makes_is_described(
    client: Queue,
    fill: Any,
    finish: Callable[..., JobRecord],
    register: Register,
    tmp_path: Path,
) -> None:
    # Given a generator in a file that imports another
    (tmp_path / "numbers_of_mine.py").write_text("FIRST = 5\n")
    (tmp_path / "maker.py").write_text(
        "import numbers_of_mine\n"
        "def rows(count):\n"
        "    for at in range(count):\n"
        "        yield [float(at + numbers_of_mine.FIRST)], at % 2\n"
    )
    made = register("made", f"{tmp_path / 'maker.py'}:rows", options={"count": 4})
    # When it is described
    record = finish(fill(kind="describe", dataset=made.ref.model_dump()))
    # Then its rows are there
    found = json.loads(client.artifacts.folder(record).read(AttemptFolder.description))
    assert found["columns"][0]["splits"]["train"]["mean"] == 6.5
    assert found["counts"] == {"y": {"train": {"0": 2, "1": 2}}}


def test_what_code_makes_is_learnt(
    client: Queue, learn: Callable[..., JobRecord], register: Register, tmp_path: Path
) -> None:
    # Given a function that makes a line and its double
    (tmp_path / "line.py").write_text(
        "import numpy as np\n"
        "def rows(count):\n"
        "    x = np.arange(count, dtype='float32')\n"
        "    return {'size': x}, {'price': 2 * x}\n"
    )
    made = register("line", f"{tmp_path / 'line.py'}:rows", options={"count": 40})
    assert made.ref.code
    # When a model by name learns it
    model = {"type": "mlp", "units": [8]}
    optimizer = {"name": "adam", "learning_rate": 0.03}
    record = learn(made, model=model, optimizer=optimizer, epochs=30, validation_split=0.2)
    # Then only a worker that allows code may have run it, and it is learnt
    assert record.needs.code
    losses = [
        row["loss"] for row in client.artifacts.folder(record).read_json(AttemptFolder.history_json)
    ]
    assert losses[-1] < losses[0] / 4


def test_images_that_are_broken_fail_the_job_in_the_users_words(
    client: Queue,
    fill: Any,
    train: Callable[..., JobRecord],
    register: Register,
    tmp_path: Path,
) -> None:
    # Given an image whose inside is missing, which looks whole from outside
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    Image.effect_noise((64, 64), 50).save(tmp_path / "a/1.png")
    Image.effect_noise((64, 64), 50).save(tmp_path / "b/2.png")
    whole = (tmp_path / "b/2.png").read_bytes()
    (tmp_path / "b/2.png").write_bytes(whole[:500] + whole[-100:])
    broken = register("broken", tmp_path)
    # When it is described
    record = client.wait(client.submit(fill(kind="describe", dataset=broken.ref.model_dump())), 120)
    # Then the job says which
    assert record.reason is not None
    assert record.reason.kind == "bad-job"
    assert "the image b/2.png cannot be read: it is broken" in record.reason.message


@pytest.fixture(scope="session")
def learn(fill: Any, finish: Callable[..., JobRecord]) -> Callable[..., JobRecord]:
    """Train a model by name on registered data, with what suits its target."""

    def run(data: Registration, state: str = "succeeded", **changes: Any) -> JobRecord:
        values = {"kind": "train", "dataset": data.ref.model_dump(), "batch_size": 8, "seed": 1}
        return finish(fill(**values, **changes), state)

    return run


def test_numbers_are_learnt_from_a_table(
    client: Queue, learn: Callable[..., JobRecord], houses: Registration
) -> None:
    # When a number is to be learnt from the columns of a CSV, one of them a category
    model = {"type": "mlp", "units": [8]}
    optimizer = {"name": "adam", "learning_rate": 0.03}
    record = learn(houses, model=model, optimizer=optimizer, epochs=30, validation_split=0.2)
    # Then it is learnt
    folder = client.artifacts.folder(record)
    losses = [row["loss"] for row in folder.read_json(AttemptFolder.history_json)]
    assert losses[-1] < losses[0] / 4


def test_classes_are_learnt_from_folders_of_images(
    client: Queue, learn: Callable[..., JobRecord], pictures: Registration
) -> None:
    # When the classes of images are to be learnt
    model = {"type": "cnn", "filters": [4]}
    optimizer = {"name": "adam", "learning_rate": 0.03}
    record = learn(pictures, model=model, optimizer=optimizer, epochs=8)
    # Then they are learnt, by their names
    assert record.metrics is not None
    assert record.metrics["accuracy"] > 0.9
    interface = client.artifacts.folder(record).read_json(AttemptFolder.interface)
    assert interface["outputs"][0]["classes"] == ["dark", "light"]
    assert interface["inputs"][0]["shape"] == [8, 10, 3]


def test_images_of_several_sizes_are_brought_to_one(
    client: Queue,
    learn: Callable[..., JobRecord],
    register: Register,
    tmp_path: Path,
) -> None:
    # Given images of two sizes
    for at, label in enumerate("ab"):
        (tmp_path / label).mkdir()
        for side in (8, 12):
            image = Image.new("L", (side, side), 200 * at)
            image.save(tmp_path / label / f"{side}.png")
    sizes = register("sizes", tmp_path)
    values = {"model": {"type": "mlp", "units": [4]}, "epochs": 1}
    # When a job says no size, then it fails, and names two of them and what to do
    record = learn(sizes, "failed", **values)
    assert record.reason is not None
    assert "a/12.png is 12 × 12 (height × width), but a/8.png is 8 × 8" in record.reason.message
    assert "--preprocess image=resize:height=64,width=64" in record.reason.hint
    # When it does, then they have it
    resize = {"image": [{"type": "resize", "height": 6, "width": 7}]}
    record = learn(sizes, preprocessing=resize, **values)
    interface = client.artifacts.folder(record).read_json(AttemptFolder.interface)
    assert interface["inputs"][0]["shape"] == [6, 7, 3]
