"""Images, texts, tables and several arrays, given to `fitq predict`: looked at before they are
sent."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from fitq.prediction_rows import rows_of
from fitq_shared.errors import InvalidInput
from fitq_shared.packed import unpack

pytestmark = pytest.mark.services


def png(size=(5, 4), mode="RGB"):
    content = io.BytesIO()
    Image.new(mode, size).save(content, "PNG")
    return content.getvalue()


def npz(**arrays):
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


@pytest.fixture
def predict(fitq, nowhere, succeeded):
    """Predict files with these names and contents, with a model that was trained on MNIST."""
    succeeded()

    def run(*arguments, **files):
        for name, content in files.items():
            path = nowhere / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        return fitq("predict", "brave-otter", *arguments, "--no-wait", "--json")

    return run


@pytest.fixture
def check(tmp_path):
    """The rows of a file for a model with these inputs, or what is wrong with them."""

    def run(name, content, inputs, array=None):
        (tmp_path / name).write_bytes(content)
        try:
            with rows_of([tmp_path / name], array, inputs) as (rows, _):
                return rows
        except InvalidInput as error:
            return error.message

    return run


def one(name, shape=(), dtype="float64"):
    return {"name": name, "shape": shape, "dtype": dtype, "columns": [name]}


def test_images_travel_as_one_archive_in_their_order(predict, store):
    ran = predict("b.png", "a.jpg", b_png=png(), a_jpg=b"\xff\xd8\xff and so on")
    assert ran.code == 0, ran.err
    rows = ran.json["spec"]["rows"]
    assert rows["type"] == "images"
    assert rows["file"] == "b.png and 1 more"
    found = list(unpack(io.BytesIO(store.read(rows["path"])), "x"))
    assert [name for name, _ in found] == ["b.png", "a.jpg"]
    assert found[0][1] == png()


def test_a_folder_stands_for_the_images_in_it(predict, store):
    ran = predict("d", d__b_png=png(), d__a_PNG=png(), d__notes_md=b"no image")
    rows = ran.json["spec"]["rows"]
    found = list(unpack(io.BytesIO(store.read(rows["path"])), "x"))
    assert [name for name, _ in found] == ["d/a.PNG", "d/b.png"]


def test_texts_travel_likewise(predict):
    ran = predict("a.txt", a_txt=b"hello")
    assert ran.json["spec"]["rows"]["type"] == "texts"
    assert ran.json["spec"]["rows"]["file"] == "a.txt"


def test_files_that_are_no_images_are_all_named(predict, store):
    ran = predict("a.png", "b.jpg", "c.png", "d.png", a_png=png(), b_jpg=b"", c_png=b"\x1f\x8b12")
    assert ran.code == 2
    assert "FILE = 'b.jpg': expected a PNG or JPEG image; this is empty" in ran.err
    assert "FILE = 'c.png': expected a PNG or JPEG image; this is a gzip file" in ran.err
    assert "FILE = 'd.png': expected a file (No such file or directory)" in ran.err
    assert store.files("inputs") == []


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("a.png", "b.txt"), "FILE = 'images and texts': expected files of one kind"),
        (("a.gif", "b.gif"), "FILE = 'b.gif': expected a file named *.npy"),
        (("a.csv", "b.csv"), "expected one file, or several images or texts; not 2 of table"),
    ],
)
def test_files_that_do_not_go_together(predict, names, words):
    ran = predict(*names, **{name.replace(".", "_"): b"x" for name in names})
    assert ran.code == 2
    assert words in ran.err


def test_an_array_of_an_image_makes_no_sense(predict):
    ran = predict("a.png", "--array", "x", a_png=png())
    assert "--array = 'x': expected nothing, since the files are images" in ran.err


@pytest.mark.parametrize(
    ("content", "separator"),
    [
        (b"age,city\n1,x\n", ","),
        (b"\xef\xbb\xbfage;city;n,ame\n1;x;y\n", ";"),
        (b"city\tage\r\nx\t1\r\n", "\t"),
        (b'\n"age"|"city"\n1|x\n', "|"),
    ],
)
def test_the_separator_of_a_table_is_found_out(check, content, separator):
    rows = check("rows.csv", content, [one("age"), one("city", dtype="str")])
    assert (rows["type"], rows["separator"]) == ("table", separator)
    assert rows["path"].endswith(".csv")


def test_columns_that_are_not_there_are_all_named(check):
    message = check("rows.csv", b"a,b\n1,2\n", [one("a"), one("age"), one("city")])
    assert "expected columns named 'age', 'city': it has ['a', 'b']" in message
    assert "this is empty" in check("rows.csv", b" \n", [one("a")])
    assert "this is empty" in check("rows.csv", b"", None)


def test_several_arrays_go_by_the_inputs_names(check):
    inputs = [one("left", [2, 2], "uint8"), one("right", [2, None], "float32")]
    left, right = np.zeros((3, 2, 2), np.uint8), np.zeros((3, 2, 7))
    rows = check("pairs.npz", npz(left=left, right=right, other=left), inputs)
    assert (rows["type"], rows["array"]) == ("file", None)
    assert "'right' in it: it has 'left'" in check("pairs.npz", npz(left=left), inputs)
    message = check("pairs.npz", npz(left=left + 0.5, right=right[:2, :1]), inputs)
    assert "FILE (left) = 'fractions of dtype float64" in message
    assert "FILE (right) = 'array of shape (2, 1, 7)': expected shape (n, 2, ?)" in message
    assert "{'left': 3, 'right': 2}: expected arrays with as many rows each" in message
    content = io.BytesIO()
    np.save(content, left)
    assert "no arrays with names" in check("one.npy", content.getvalue(), inputs)


def test_what_nobody_knows_is_left_to_the_worker(check):
    rows = check("x.npz", npz(x=np.zeros((1, 9))), None)
    assert json.loads(json.dumps(rows))["type"] == "file"
