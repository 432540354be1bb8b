from __future__ import annotations

from typing import Literal

import keras
import numpy as np
import pytest

from fitq_shared.errors import BadJob
from fitq_worker.examples import Field
from fitq_worker.targets import Target

LABELS = np.array([2, 0, 9], np.uint8)


def target(classes: int = 10, *, one_hot: bool = False) -> Target:
    names = tuple(str(number) for number in range(classes))
    form: Literal["one_hot", "index"] = "one_hot" if one_hot else "index"
    return Target("said", "label", Field((), "uint8", names), form)


def test_whole_numbers_stay_whole_numbers() -> None:
    encoded = target().encode(LABELS)
    assert encoded.dtype == np.int32
    assert encoded.tolist() == [2, 0, 9]


def test_one_hot_has_a_column_for_each_class() -> None:
    encoded = target(one_hot=True).encode(LABELS)
    assert encoded.dtype == np.float32
    assert encoded.shape == (3, 10)
    assert encoded.argmax(axis=1).tolist() == [2, 0, 9]
    assert encoded.sum() == 3


def test_no_labels_are_no_problem() -> None:
    assert target(one_hot=True).encode(LABELS[:0]).shape == (0, 10)
    target().check(LABELS[:0], "fashion_mnist")


@pytest.mark.parametrize("one_hot", [False, True])
def test_accuracy_and_top_5_count_what_is_right(one_hot: bool) -> None:
    # Given three predictions: right, third best, and worst
    targets = target(one_hot=one_hot)
    share = np.zeros((3, 10), "float32")
    share[0, 2], share[1, [5, 6, 0]] = 1.0, [0.5, 0.3, 0.2]
    share[2, :9] = 1 / 9
    # When a model that gives them is measured
    model = keras.Sequential([keras.Input((10,)), keras.layers.Activation("linear")])
    loss = "categorical_crossentropy" if one_hot else "sparse_categorical_crossentropy"
    model.compile(loss=loss, metrics=targets.metrics(["accuracy", "top_5_accuracy"]))
    measured = model.evaluate(share, targets.encode(LABELS), verbose=0, return_dict=True)
    # Then a third is right, and two thirds are among the best five
    assert measured["accuracy"] == pytest.approx(1 / 3)
    assert measured["top_5_accuracy"] == pytest.approx(2 / 3)


def test_precision_recall_and_auc_go_by_their_names() -> None:
    # Given four predictions of two classes, of which one is wrong and one is unsure
    targets = target(2, one_hot=True)
    truth = targets.encode(np.array([0, 0, 1, 1], np.uint8))
    share = np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.5, 0.5]], "float32")
    # When they are measured
    measured = {}
    for metric in targets.metrics(["precision", "recall", "auc"]):
        metric.update_state(truth, share)
        measured[metric.name] = float(metric.result())
    # Then two of the three that are sure are right, and two of the four are found
    assert measured["precision"] == pytest.approx(2 / 3)
    assert measured["recall"] == pytest.approx(2 / 4)
    assert 0.5 < measured["auc"] < 1


def test_metrics_keep_their_order() -> None:
    names = ["auc", "top_5_accuracy", "precision"]
    made = target(one_hot=True).metrics(names)
    assert [metric.name for metric in made] == names


def test_each_training_gets_metrics_of_its_own() -> None:
    targets = target(one_hot=True)
    assert targets.metrics(["auc"])[0] is not targets.metrics(["auc"])[0]


def test_labels_that_the_model_does_not_know_are_refused() -> None:
    # Given a model of 9 classes, and labels up to 9
    with pytest.raises(BadJob) as caught:
        target(9).check(LABELS, "fashion_mnist")
    # Then the message names the data set and both numbers
    assert caught.value.message == (
        "fashion_mnist has labels up to 9, but the model tells 9 classes apart"
    )
    assert caught.value.hint


def test_labels_that_the_model_knows_are_fine() -> None:
    target().check(LABELS, "fashion_mnist")


def test_classes_of_other_data_go_by_their_names() -> None:
    # Given a model of a, b and c, and data that numbers b and c from 0
    learnt = Target("said", "kind", Field((), "uint8", ("a", "b", "c")), "index", 3, ("b", "c"))
    # When its rows are read
    encoded = learnt.encode(np.array([0, 1, 0], np.uint8))
    # Then they have the model's numbers
    assert encoded.tolist() == [1, 2, 1]
    assert learnt.names == ("a", "b", "c")


def test_classes_that_the_model_does_not_know_are_named() -> None:
    # Given a model of b and c, and data that has a class more, of which there is a row
    learnt = Target("said", "kind", Field((), "uint8", ("b", "c")), "one_hot", 2, ("a", "b", "c"))
    assert learnt.encode(np.array([1, 2], np.uint8)).argmax(axis=1).tolist() == [0, 1]
    # When that row is read
    with pytest.raises(BadJob) as caught:
        learnt.encode(np.array([1, 0], np.uint8))
    # Then the message names it, and those that the model knows
    assert "the classes 'a', which the model does not know" in caught.value.message
    assert "'b', 'c'" in caught.value.message


def test_classes_that_the_model_does_not_know_may_be_left_out() -> None:
    # Given classes by name, by numbers that go too far, and no classes at all
    field = Field((), "uint8", ("b", "c"))
    named = Target("said", "kind", field, "index", 2, ("a", "b", "c"))
    numbered = Target("said", "kind", field, "index", 2)
    numbers = Target("said", "price", Field((), "float32"), "number")
    # Then what is not known is -1, and named as the data does
    assert named.known(np.array([0, 1, 2], np.uint8)).tolist() == [-1, 0, 1]
    assert named.called(np.array([0, 0], np.uint8)) == ["a"]
    assert numbered.known(np.array([0, 1, 2], np.uint8)).tolist() == [0, 1, -1]
    assert numbered.called(np.array([2], np.uint8)) == ["2"]
    assert numbers.known(np.array([-2.0, 0.5])).tolist() == [-2.0, 0.5]


def test_classes_with_other_names_altogether_go_by_number() -> None:
    learnt = Target("said", "label", Field((), "uint8", ("0", "1")), "index", 2, ("shoe", "shirt"))
    assert learnt.encode(np.array([1, 0], np.uint8)).tolist() == [1, 0]
    assert learnt.names == ("shoe", "shirt")
