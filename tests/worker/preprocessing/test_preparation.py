from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from fitq_shared.errors import BadJob
from fitq_worker.datasets.columns import Table
from fitq_worker.preprocessing.preparation import Preparation
from worker.preprocessing.conftest import everything, table

Learn = Callable[..., Preparation]


@pytest.fixture
def mixed() -> Table:
    """Twelve rows of each kind of input."""
    random = np.random.default_rng(5)
    ages = random.normal(40, 12, 12)
    ages[3] = np.nan
    return table(
        age=ages,
        city=["oslo", "rome", "oslo", "", *["rome"] * 8],
        review=["a good film", "bad", "good good", "a film", *["a bad film"] * 8],
        photo=random.integers(0, 256, (12, 6, 5), np.uint8),
        vector=random.normal(3, 2, (12, 4)).astype("float32"),
        categories=("city",),
    )


STEPS = {
    "age": ["fill_missing", "normalize"],
    "@category": "one_hot",
    "review": {"type": "vectorize", "output_mode": "tf_idf", "max_tokens": 20},
    "photo": [{"type": "resize", "height": 4, "width": 4}, "rescale", "flatten"],
    "vector": "normalize",
}


def network(preparation: Preparation) -> keras.Model:
    """A model of what comes after preprocessing."""
    inputs = [
        keras.Input(field.shape, dtype=field.dtype, name=name)
        for name, field in preparation.fields.items()
    ]
    x = keras.layers.Concatenate()(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, name="answer")(x), name="net")


def test_the_saved_model_takes_raw_input_and_predicts_the_same(
    mixed: Table, learn: Learn, saved: Any
) -> None:
    # Given a model behind steps for every kind of input
    preparation = learn(mixed, STEPS)
    model = network(preparation)
    raw = everything(mixed)
    expected = np.asarray(model(preparation.apply(raw)))

    # When it is saved with its preprocessing, and loaded in safe mode
    loaded = saved(preparation.wrap(model))

    # Then it takes texts, pixels and numbers as the data has them, by name
    np.testing.assert_allclose(loaded.predict(raw, verbose=0), expected, rtol=1e-5, atol=1e-5)
    assert [tensor.name for tensor in loaded.inputs] == list(mixed.inputs)
    assert loaded.get_layer("answer").get_weights()[0].shape == (loaded.count_params() // 2 - 1, 2)


def test_only_training_rows_are_learnt_from(mixed: Table, learn: Learn) -> None:
    # Given two tables whose rows to train on are the same, and whose others are not
    rows = np.array([0, 1, 2, 5, 7, 9])
    others = np.setdiff1d(np.arange(12), rows)
    changed = {name: value.copy() for name, value in everything(mixed).items()}
    for value in changed.values():
        value[others] = "paris" if value.dtype == object else 255
    other = table(
        categories=("city",),
        **{
            name: value.astype(str) if value.dtype == object else value
            for name, value in changed.items()
        },
    )

    # When both are learnt from
    one, two = learn(mixed, STEPS, rows), learn(other, STEPS, rows)

    # Then the same was learnt
    assert one.fields == two.fields
    for name, value in one.apply(everything(mixed)).items():
        np.testing.assert_array_equal(value, two.apply(everything(mixed))[name])
    # But not if all rows are training rows
    assert learn(other, STEPS).fields != one.fields


def test_rows_of_any_order_and_batches_of_any_size_teach_the_same(
    mixed: Table, learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = learn(mixed, STEPS).apply(everything(mixed))
    monkeypatch.setattr("fitq_worker.preprocessing.preparation.MOST_ROWS", 5)
    found = learn(mixed, STEPS, np.arange(12)[::-1]).apply(everything(mixed))
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6)


def test_what_a_zoo_model_needs_is_done_by_default(mixed: Table, learn: Learn) -> None:
    # Given no steps at all, and one for an input
    preparation = learn(mixed, {"photo": "flatten"}, defaults=True)
    prepared = preparation.apply(everything(mixed))
    # Then there are only numbers
    assert {value.dtype.kind for value in prepared.values()} <= {"f", "u", "i"}
    assert preparation.fields["age"].shape == (1,)
    assert preparation.fields["city"].shape == (3,)
    assert preparation.fields["photo"].shape == (30,)
    assert not np.isnan(prepared["age"]).any()
    assert abs(float(prepared["age"].mean())) < 1e-6


def test_without_steps_nothing_changes(mixed: Table, learn: Learn) -> None:
    preparation = learn(mixed)
    raw = everything(mixed)
    model = keras.Sequential([keras.Input((4,), name="vector"), keras.layers.Dense(1)])
    assert preparation.empty
    assert preparation.apply(raw) is raw
    assert preparation.wrap(model) is model


def test_a_wrapped_model_keeps_layers_outputs_and_optimizer(learn: Learn, saved: Any) -> None:
    # Given a model of two named outputs, some of whose inputs have steps, that was trained
    examples = table(a=np.arange(8.0), b=np.ones((8, 2), "float32"))
    preparation = learn(examples, {"a": "normalize"})
    a, b = keras.Input((1,), name="a"), keras.Input((2,), name="b")
    x = keras.layers.Dense(3, name="hidden")(keras.layers.Concatenate(name="both")([b, a]))
    outputs = {name: keras.layers.Dense(1, name=name)(x) for name in ("price", "quick")}
    model = keras.Model([a, b], outputs, name="net")
    losses = dict.fromkeys(outputs, "mean_squared_error")
    model.compile("adam", losses)
    targets = {name: np.ones((8, 1), "float32") for name in outputs}
    raw = everything(examples)
    model.fit(preparation.apply(raw), targets, verbose=0)

    # When it is wrapped, and compiled with the same optimizer
    wrapped = preparation.wrap(model)
    wrapped.compile(model.optimizer, losses)
    loaded = saved(wrapped)

    # Then its layers are those of the model, after those of the preprocessing
    assert [layer.name for layer in loaded.layers if layer.name in ("hidden", "price")]
    assert loaded.output_names == model.output_names
    assert loaded.evaluate(raw, targets, verbose=0, return_dict=True) == pytest.approx(
        model.evaluate(preparation.apply(raw), targets, verbose=0, return_dict=True), rel=1e-5
    )
    for one, two in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())


@pytest.mark.parametrize("axis", [(), (1,)])
def test_inputs_go_in_by_their_names_in_whatever_order_the_model_lists_them(
    learn: Learn, saved: Any, axis: tuple[int, ...]
) -> None:
    # Given a model that lists its inputs otherwise than by the alphabet, one of them without steps
    examples = table(b=np.arange(4.0), c=np.arange(4.0) * 10, a=np.arange(4.0) * 100)
    preparation = learn(examples, {"b": "rescale", "c": "rescale"})
    b, c = keras.Input((1,), name="b"), keras.Input((1,), name="c")
    a = keras.Input(axis, name="a")
    line = a if axis else keras.layers.Reshape((1,))(a)
    model = keras.Model([b, c, a], keras.layers.Concatenate()([b, c, line]))
    # When it is put behind them with inputs by name, and saved
    raw = everything(examples)
    loaded = saved(preparation.wrap(model, lambda inputs: inputs, ["b", "c", "a"]))
    # Then each input still goes where it went while the model was trained
    expected = model.predict(preparation.apply(raw), verbose=0)
    np.testing.assert_allclose(expected[3], [3 / 255, 30 / 255, 300], rtol=1e-5)
    np.testing.assert_allclose(loaded.predict(raw, verbose=0), expected, rtol=1e-5)


@keras.saving.register_keras_serializable("preparation_tests")
class Doubled(keras.Model):
    """A model with a training step of its own."""

    def train_step(self, data: Any) -> dict[str, Any]:
        self.seen = data[0]
        return {"loss": keras.ops.mean(data[0]["a"])}

    def call(self, inputs: Any) -> Any:
        return inputs["a"] * 2


def test_a_class_of_the_user_s_own_is_one_layer(learn: Learn) -> None:
    examples = table(a=np.arange(8.0))
    preparation = learn(examples, {"a": {"type": "rescale", "scale": 0.5, "offset": 1}})
    wrapped = preparation.wrap(Doubled(name="doubled"), lambda inputs: inputs, ["a"])
    assert isinstance(wrapped.get_layer("doubled"), Doubled)
    np.testing.assert_allclose(
        np.ravel(wrapped.predict(everything(examples), verbose=0)), np.arange(8) + 2
    )


def test_all_that_does_not_fit_is_named_at_once(mixed: Table, learn: Learn) -> None:
    with pytest.raises(BadJob) as caught:
        learn(
            mixed,
            {
                "agee": "normalize",
                "city": "normalize",
                "age": ["one_hot", "rescale", "vectorize"],
            },
        )
    message = caught.value.message
    assert "'agee'" in message and "did you mean 'age'?" in message
    assert "preprocessing.city[0] = 'normalize'" in message
    assert "preprocessing.age[2] = 'vectorize'" in message


def test_an_input_that_the_data_does_not_have_is_named(learn: Learn) -> None:
    examples = table(a=np.arange(3.0))
    preparation = learn(examples, {"a": "normalize"})
    model = keras.Sequential([keras.Input((1,), name="b"), keras.layers.Dense(1)])
    with pytest.raises(BadJob, match=r"the model takes an input 'b'.* it has 'a'"):
        preparation.wrap(model)


def test_a_slash_in_a_name_is_refused(learn: Learn) -> None:
    with pytest.raises(BadJob, match="'km/h' has a '/'"):
        learn(table(**{"km/h": np.arange(3.0)}), {"km/h": "normalize"})
