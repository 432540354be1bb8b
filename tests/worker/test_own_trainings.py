"""Trainings of any model on any examples, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import keras
import pytest

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import BadJob
from fitq_worker.array_examples import Selected
from fitq_worker.models.own import OwnModel
from support import own_models
from support.trainings import PREPARING, Job, assert_same_end

Start = Callable[..., Job]


pytestmark = pytest.mark.usefixtures("quick_trainings")


def interface(training: Job) -> Any:
    return json.loads(training.folder.read(AttemptFolder.interface))


# -- several inputs and outputs ------------------------------------------------------------------


def test_several_outputs_are_learnt_and_named_as_keras_does(start_own: Start) -> None:
    # Given a model with two inputs and two outputs, one of classes and one of numbers
    training = start_own(own_models.pairs(), own_models.siamese, epochs=8)
    # When it is trained without a word on how
    training.run()
    # Then each output has its own loss and metrics, and both are learnt
    first, last = training.history()[0], training.history()[-1]
    assert {"larger_loss", "gap_loss", "larger_accuracy", "gap_mean_absolute_error"} <= set(first)
    assert last["val_larger_loss"] < first["val_larger_loss"]
    assert last["val_gap_loss"] < first["val_gap_loss"]
    # And what it takes and gives is kept
    said = interface(training)
    assert [one["name"] for one in said["inputs"]] == ["left", "right"]
    assert [(one["name"], one["kind"], one["classes"]) for one in said["outputs"]] == [
        ("larger", "class", ["no", "yes"]),
        ("gap", "number", None),
    ]


def test_losses_weights_and_metrics_are_those_of_each_output(start_own: Start) -> None:
    # Given a job that says what each output is measured by
    training = start_own(
        own_models.pairs(),
        own_models.siamese,
        loss={"gap": "huber", "larger": "categorical_crossentropy"},
        loss_weights={"gap": 0.0},
        metrics={"larger": ["auc"], "gap": ["r2_score"]},
        epochs=1,
    )
    training.run()
    # Then the sum counts them by their weights
    (row,) = training.history()
    assert row["loss"] == pytest.approx(row["larger_loss"], rel=1e-5)
    assert {"larger_auc", "gap_r2_score", "val_larger_auc", "val_gap_r2_score"} <= set(row)
    assert "larger_accuracy" not in row


def test_a_model_of_a_class_of_its_own_learns_what_it_gives_by_name(start_own: Start) -> None:
    training = start_own(own_models.pairs(), own_models.Subclassed, epochs=2)
    training.run()
    assert {"larger_loss", "gap_loss"} <= set(training.history()[0])
    assert [one["name"] for one in interface(training)["outputs"]] == ["larger", "gap"]


@pytest.mark.parametrize("steps", [{}, {"image": "normalize"}], ids=["as they are", "prepared"])
def test_a_class_of_its_own_may_be_the_last_layer(start_own: Start, steps: Any) -> None:
    # Given layers of which the last is a model of a class of the user's
    training = start_own(own_models.pictures(), own_models.with_head, epochs=1, preprocessing=steps)
    # When it is trained
    training.run()
    # Then it is one model, whatever its last layer is
    assert not interface(training)["behind_steps"]


def test_a_class_of_its_own_behind_steps_is_told_so(start_own: Start) -> None:
    steps = {"left": "normalize"}
    training = start_own(own_models.pairs(), own_models.Subclassed, epochs=1, preprocessing=steps)
    training.run()
    assert interface(training)["behind_steps"]


# -- resumed to the bit --------------------------------------------------------------------------


def _plateau() -> keras.callbacks.Callback:
    """Halves the rate after each epoch but the first, since nothing is good enough for it."""
    return keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=100)


RESUMED: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "two-inputs": (own_models.pairs, own_models.siamese, {}),
    "subclassed": (own_models.pairs, own_models.Subclassed, {}),
    "own-step": (lambda: Selected(own_models.pictures(), ("image",), ()), own_models.Vae, {}),
    "plateau": (
        own_models.pairs,
        lambda: OwnModel(own_models.siamese(), {}, {"callbacks": [_plateau()]}),
        {},
    ),
    "class-weights": (
        own_models.pictures,
        None,
        {
            "model": {"type": "mlp", "units": [8], "dropout": 0.3, "activation": "tanh"},
            "loss": "categorical_crossentropy",
            "class_weight": "balanced",
            "optimizer": {"name": "sgd", "momentum": 0.9, "schedule": "cosine_decay"},
        },
    ),
}


@pytest.mark.parametrize("case", sorted(RESUMED))
def test_a_drained_training_ends_as_an_undisturbed_one(start_own: Start, case: str) -> None:
    # Given a training that is drained within its second epoch
    examples, build, changes = RESUMED[case]
    undisturbed = start_own(examples(), build, "-undisturbed", **changes)
    calls = (undisturbed.run().asked - PREPARING) // undisturbed.spec.epochs
    training = start_own(examples(), build, **changes)
    training.run("drain", PREPARING + calls + 2)
    (position,) = training.checkpoints().positions().values()
    assert (position.epoch, position.batch > 0) == (1, True)
    # When it goes on
    training.run()
    # Then it ends the same, to the last bit
    assert_same_end(training, undisturbed)


# -- what is learnt, and how ---------------------------------------------------------------------


def test_a_number_is_learnt_from_columns(start_own: Start) -> None:
    # Given columns of numbers and a target without classes
    training = start_own(own_models.table(), model="mlp", epochs=30)
    training.run()
    # Then the model gives numbers, and is measured as such
    last = training.history()[-1]
    assert last["val_mean_absolute_error"] < 1.0
    assert last["val_loss"] < training.history()[0]["val_loss"]
    said = interface(training)
    assert [one["name"] for one in said["inputs"]] == ["a", "b"]
    assert said["outputs"][0]["kind"] == "number"


def test_columns_of_numbers_go_into_one_vector(start_own: Start) -> None:
    def build() -> keras.Model:
        return keras.Sequential([keras.Input((2,), name="x"), keras.layers.Dense(1)])

    training = start_own(own_models.table(), build, epochs=1)
    training.run()
    (one,) = interface(training)["inputs"]
    assert (one["name"], one["columns"]) == ("x", ["a", "b"])


def test_an_autoencoder_learns_its_input(start_own: Start) -> None:
    examples = own_models.pictures()
    training = start_own(
        Selected(examples, ("image",), ("image",)), own_models.autoencoder, epochs=4
    )
    training.run()
    rows = training.history()
    assert rows[-1]["val_loss"] < rows[0]["val_loss"]
    (said,) = interface(training)["outputs"]
    assert (said["kind"], said["shape"], said["target"]) == ("array", [8, 8], "image")


def test_a_loss_of_the_model_s_own_is_validated_by(start_own: Start) -> None:
    # Given a model with a training step and a loss of its own, and no test step
    class Steps(keras.Model):
        def compute_loss(self, x: Any, y: Any, y_pred: Any, *_: Any, **__: Any) -> Any:
            return keras.ops.mean((y_pred - keras.ops.cast(y, "float32")) ** 2)

        def train_step(self, data: Any) -> Any:
            return super().train_step(data)

    def build() -> keras.Model:
        plain = own_models.autoencoder()
        return Steps(plain.inputs, plain.outputs)

    examples = Selected(own_models.pictures(), ("image",), ("image",))
    training = start_own(examples, build, epochs=4)
    training.run()
    # Then it is measured on the rows that it does not see, as Keras can
    rows = training.history()
    assert rows[-1]["val_loss"] < rows[0]["val_loss"]


def test_a_compiled_model_keeps_what_the_job_does_not_name(start_own: Start) -> None:
    # Given a model that its builder compiled
    def build() -> keras.Model:
        model = keras.Sequential(
            [keras.Input((8, 8)), keras.layers.Flatten(), keras.layers.Dense(3, "softmax")]
        )
        model.compile(keras.optimizers.SGD(0.25), "categorical_crossentropy", metrics=["precision"])
        return model

    # When the job names nothing, and when it names metrics
    one = start_own(own_models.pictures(), build, "-1", epochs=1, optimizer=None)
    one.run()
    other = start_own(
        own_models.pictures(), build, "-2", epochs=1, optimizer=None, metrics=["accuracy"]
    )
    other.run()
    # Then all else is the model's own
    assert one.history()[0]["learning_rate"] == other.history()[0]["learning_rate"] == 0.25
    assert "precision" in one.history()[0]
    assert "accuracy" in other.history()[0]
    assert one.history()[0]["loss"] == other.history()[0]["loss"]
    assert interface(one)["outputs"][0]["form"] == "one_hot"


def test_callbacks_of_the_builder_are_called(start_own: Start) -> None:
    seen: list[int] = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seen.append(epoch)

    training = start_own(
        own_models.pictures(),
        lambda: OwnModel(_classifier(3), {}, {"callbacks": [Watch()]}),
        epochs=2,
    )
    training.run()
    assert seen == [0, 1]


def test_rows_are_weighed_by_their_class(start_own: Start) -> None:
    # Given a class that weighs nothing
    pictures = own_models.pictures()
    changes = {"epochs": 4, "model": "mlp", "validation_split": 0.0}
    training = start_own(pictures, class_weight={"b": 0.0, "2": 0.0}, **changes)
    training.run()
    # Then only the other is learnt
    said = keras.models.load_model(training.folder.local(AttemptFolder.model)).predict(
        pictures.input_arrays["image"], verbose=0
    )
    assert (said.argmax(axis=1) == 0).all()


def test_weights_of_unknown_classes_are_named(start_own: Start) -> None:
    training = start_own(own_models.pictures(), model="mlp", class_weight={"aa": 2.0})
    with pytest.raises(BadJob, match=r"class_weight = 'aa': expected one of a, b, c"):
        training.run()


def test_mixed_precision_ends_with_the_job(start_own: Start) -> None:
    before = keras.config.dtype_policy().name
    training = start_own(own_models.pictures(), model="mlp", mixed_precision=True, epochs=1)
    training.run()
    model = keras.models.load_model(training.folder.local(AttemptFolder.model))
    assert model.layers[-2].compute_dtype in ("bfloat16", "float16")
    assert model.layers[-1].compute_dtype == "float32"
    assert keras.config.dtype_policy().name == before


def test_a_schedule_changes_the_learning_rate(start_own: Start) -> None:
    schedule = {"type": "piecewise_constant", "boundaries": [1, 2], "values": [0.1, 0.05, 0.01]}
    training = start_own(
        own_models.pictures(), model="mlp", optimizer={"name": "sgd", "schedule": schedule}
    )
    training.run()
    rates = [row["learning_rate"] for row in training.history()]
    assert rates == pytest.approx([0.1, 0.05, 0.01])


def test_early_stopping_does_not_wait_for_what_is_not_measured(start_own: Start) -> None:
    training = start_own(own_models.pictures(), early_stopping={"monitor": "val_los"})
    with pytest.raises(BadJob, match=r"early_stopping\.monitor = 'val_los'.*did you mean"):
        training.run()


# -- what does not fit ---------------------------------------------------------------------------


def _classifier(classes: int, shape: tuple[int, ...] = (8, 8)) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(shape, name="image"),
            keras.layers.Flatten(),
            keras.layers.Dense(classes, "softmax", name="said"),
        ]
    )


@pytest.mark.parametrize(
    ("examples", "build", "changes", "words"),
    [
        (
            *(own_models.pictures, lambda: _classifier(3, (9, 8)), {}),
            "the input layer 'image' takes (n, 9, 8), but 'image' has (n, 8, 8)",
        ),
        (
            *(own_models.pictures, lambda: _classifier(2), {}),
            "the output layer 'said' gives (n, 2), but the target 'label' has 3 classes",
        ),
        (
            *(own_models.pictures, own_models.autoencoder, {}),
            "the output layer 'again' gives (n, 8, 8), but the target 'label' has 3 classes",
        ),
        (
            *(own_models.table, own_models.siamese, {}),
            "the model's inputs are left, right, but the data set's inputs are a, b",
        ),
        (
            *(own_models.pairs, own_models.siamese, {"loss": {"larger": "huber", "gapp": "huber"}}),
            "loss = 'gapp': expected one of gap, larger",
        ),
        (
            *(own_models.table, None, {"loss": "categorical_crossentropy"}),
            "the loss categorical_crossentropy takes classes, but the target 'price' is numbers",
        ),
        (*(own_models.table, None, {"model": "cnn"}), "the cnn takes images"),
        (*(own_models.pairs, None, {}), "the mlp learns one target"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_said_before_anything_is_trained(
    start_own: Start, examples: Any, build: Any, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadJob) as caught:
        start_own(examples(), build, **changes).run()
    assert words in caught.value.message
    assert caught.value.hint


def test_a_layer_that_cannot_take_what_comes_is_named(start_own: Start) -> None:
    # Given a model of a class of its own, whose layers are known only when it is called
    class Odd(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.first = keras.layers.Dense(4, name="first")
            self.first.build((None, 7))

        def call(self, inputs: Any) -> Any:
            return self.first(inputs["left"])

    with pytest.raises(BadJob) as caught:
        start_own(own_models.pairs(), Odd).run()
    assert "first" in caught.value.message
    assert "4" in caught.value.message
