"""`fitq predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fitq.commands._options import VALUE, chosen_before, submission
from fitq.drafts import complete

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq_shared.record import JobRecord


MODEL_SUFFIXES = (".keras", ".h5", ".hdf5", ".pkl", ".pickle", ".joblib", ".pt", ".pth", ".onnx")


@click.command()
@click.argument("model")
@click.option("--input", "file", type=click.Path(path_type=Path), help="An .npz or .npy of images.")
@click.option("--array", help="Which array of an .npz.")
@click.option("--dataset", help="Predict a data set's split instead of a file.")
@click.option("--split", help="train or test. Default: test.")
@click.option("--format", "output_format", help="npz or csv. Default: npz.")
@click.option(
    "--rows",
    type=click.IntRange(0, 100),
    default=6,
    show_default=True,
    help="Print so many of the predictions.",
)
@click.option("--batch-size", type=VALUE, help="Default: 128.")
@submission
def command(
    model: str,
    file: Path | None,
    array: str | None,
    dataset: str | None,
    split: str | None,
    rows: int,
    no_wait: bool,
    dry_run: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Predict classes with a trained MODEL: a job's name or id, NAME@3, NAME@ALIAS or NAME.

    Prints the first rows; all of them lie in the job's artifacts.
    """
    from fitq.outcome import submit_and_follow
    from fitq.queue import Queue
    from fitq.tables import print_json
    from fitq_shared.errors import InvalidInput

    if (file is None) == (dataset is None):
        raise InvalidInput("give either --input FILE or --dataset NAME to predict")
    _refuse_model_file(model)
    client = Queue()
    trained, reference = client.model_after(model, chosen_before())
    values = {"kind": "predict", "model": reference.model_dump(), **flags}
    if dataset is not None:
        values["rows"] = {"type": "dataset", "dataset": dataset, "split": split or "test"}
    elif file is not None:
        values["rows"] = _file_rows(file, array, trained)
    spec = complete(values, client.settings)
    if dry_run:
        print_json(spec.model_dump(mode="json"))
        return
    if file is not None:
        client.upload(file, values["rows"]["path"])
    record = submit_and_follow(client, spec, wait=not no_wait, as_json=as_json)
    if record and rows and not as_json:
        _print_head(client, record, rows)


def _refuse_model_file(model: str) -> None:
    """A model is named by the job that trained it; say so to who gives a file of one."""
    from fitq_shared.archives import kind_of
    from fitq_shared.errors import InvalidInput, Mistake

    path = Path(model)
    if not model.isprintable() or path.suffix.lower() not in MODEL_SUFFIXES:
        return
    kind = None
    if path.is_file():
        with path.open("rb") as file:
            kind = kind_of(file.read(8))
    found = f", and not a file; this one is {kind}" if kind else ", and not a file"
    raise InvalidInput(
        [Mistake("MODEL", model, f"the name or id of a training job{found}")],
        "see the models that there are with `fitq jobs --kind train --state succeeded`",
    )


def _file_rows(file: Path, array: str | None, trained: JobRecord) -> dict[str, Any]:
    """Check the file here, where its mistakes can still be mended, and name its place."""
    import hashlib

    from fitq_shared.array_files import read_array
    from fitq_shared.catalogue import DATASETS
    from fitq_shared.errors import InvalidInput, Mistake
    from fitq_shared.pixels import PIXELS, PIXELS_HINT, no_pixels

    if file.suffix not in (".npy", ".npz"):
        raise InvalidInput([Mistake("--input", str(file), "a file named *.npy or *.npz")])
    try:
        with file.open("rb") as content:
            images = read_array(content, str(file), array)
    except OSError as error:
        raise InvalidInput([Mistake("--input", str(file), f"a file ({error.strerror})")]) from None
    except ValueError as error:  # a name that no file can have
        raise InvalidInput([Mistake("--input", str(file), f"a file ({error})")]) from None
    expected = DATASETS[trained.spec["dataset"]].image_shape
    if images.shape[1:] != expected or len(images) == 0:
        shape = f"(n, {', '.join(map(str, expected))})"
        raise InvalidInput(
            [Mistake("--input", f"array of shape {images.shape}", f"shape {shape}, n at least 1")],
            "reshape the array to what the model was trained on",
        )
    if found := no_pixels(images):
        raise InvalidInput([Mistake("--input", found, PIXELS)], PIXELS_HINT)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    return {
        "type": "file",
        "path": f"inputs/{sha256}{file.suffix}",
        "sha256": sha256,
        "array": array,
        "file": file.name[-255:],
    }


def _print_head(client: Queue, record: JobRecord, count: int) -> None:
    from fitq.tables import print_table
    from fitq_shared.attempt_folder import AttemptFolder

    if not client.has_store:
        click.echo("the predictions are in the store, which this client cannot read", err=True)
        return
    head: Any = client.folder(record).read_json(AttemptFolder.predictions_head)
    known = bool(head) and "true" in head[0]
    headers = ["row", "class", "name", "probability", *(["true"] if known else [])]
    shown = [
        [
            r["row"],
            r["class"],
            r["name"],
            f"{r['probability']:.4f}",
            *([r["true"]] if known else []),
        ]
        for r in head[:count]
    ]
    print_table(headers, shown)
    click.echo(f"next: fitq pull {record.name}")
