"""Labels told apart and read: every kind, and every refusal's text."""

import numpy as np
import pytest

from rnnlite.errors import DataError
from rnnlite.evaluation.labels import LabelReader, as_labels, is_file_of_labels, labels_of_file


@pytest.mark.parametrize(
    ("label", "names", "task"),
    [
        (3, (), "classification"),
        (np.int8(3), (), "classification"),
        (True, (), "classification"),
        ([1, 0, 2], (), "classification"),
        ("cat", ("cat", "dog"), "classification"),
        ("3", (), "classification"),
        ("3.0", (), "classification"),
        ("3.5", (), "regression"),
        (["1", "2.5"], (), "regression"),
        ("3.5", ("3.5", "4"), "classification"),
        (3.0, (), "regression"),
        ([0.5, 1.5], (), "regression"),
    ],
)
def test_the_task_goes_by_the_first_label(label, names, task):
    reader = LabelReader("auto", names, 2)
    assert reader.settle(label) == task
    assert reader.settle("another") == task, "it is settled once"


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_task_that_is_said_stays(task):
    assert LabelReader(task, (), 4).settle(0.5) == task


@pytest.mark.parametrize(
    ("label", "count", "found"),
    [
        (2, 1, [2]),
        (2.0, 1, [2]),
        ("2", 1, [2]),
        (np.array([[0, 1], [2, 0]]), 4, [0, 1, 2, 0]),
        (["b", "a", "c"], 3, [1, 0, 2]),
        (True, 1, [1]),
    ],
)
def test_classes(label, count, found):
    classes = LabelReader("classification", ("a", "b", "c"), 3).classes(label, count, 0)
    assert classes.tolist() == found
    assert classes.dtype.kind == "i"


@pytest.mark.parametrize(
    ("label", "names", "message"),
    [
        ([1, 2], (), "row 7 has another number of labels than results; expected 1; found 2"),
        ("x", (), "row 7 has a label that is no class: 'x'; expected numbers. Give the names of"),
        ("x", ("a", "b", "c"), "row 7 has a label that is no class: 'x'; expected a, b, c"),
        (3, (), "row 7 has a label that is no class; expected 0 to 2; found 3"),
        (-1, (), "row 7 has a label that is no class; expected 0 to 2; found -1"),
        (0.5, (), "row 7 has a label that is no class; expected 0 to 2; found 0.5"),
        (float("nan"), (), "row 7 has a label that is no class; expected 0 to 2; found nan"),
        (float("inf"), (), "row 7 has a label that is no class; expected 0 to 2; found inf"),
    ],
)
def test_labels_that_are_no_classes(label, names, message):
    with pytest.raises(DataError) as found:
        LabelReader("classification", names, 3).classes(label, 1, 7)
    assert message in str(found.value)


def test_numbers_take_the_shape_of_the_result():
    reader = LabelReader("regression", (), 1)
    assert reader.numbers([1, 2, 3, 4], (2, 2), 0).tolist() == [[1, 2], [3, 4]]
    assert reader.numbers("1.5", (1,), 0).tolist() == [1.5]
    assert reader.numbers(2, (), 0) == 2


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("x", "row 7 has a label that is no number; found x"),
        ([1, 2, 3], "another number of labels than results; expected shape (2,); found shape (3,)"),
        (1.0, "found shape (). If labels are classes, say task='classification' (--task"),
        ([1, float("nan")], "row 7 has a label that is NaN or infinite"),
        ([1, float("inf")], "row 7 has a label that is NaN or infinite"),
    ],
)
def test_labels_that_are_no_numbers(label, message):
    with pytest.raises(DataError) as found:
        LabelReader("regression", (), 1).numbers(label, (2,), 7)
    assert message in str(found.value)


@pytest.mark.parametrize(
    ("task", "names", "message"),
    [
        ("ranking", (), "unknown task; expected auto, classification, regression; found ranking"),
        ("auto", ("a",), "names of the classes are not as many as the output has; expected 3; fou"),
        ("auto", ("a", "b", "c", "d"), "expected 3; found 4"),
    ],
)
def test_readers_that_cannot_be(task, names, message):
    with pytest.raises(DataError, match=message):
        LabelReader(task, names, 3)


def test_one_score_stands_for_two_classes():
    assert LabelReader("auto", ("no", "yes"), 1).classes("yes", 1, 0).tolist() == [1]


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("y.txt", "3\n1\n\n2\n", ["3", "1", "2"]),
        ("y.csv", "cat\r\n dog \r\n", ["cat", "dog"]),
        ("y.csv", '"a, b"\nc\n', ["a, b", "c"]),
        ("y.txt", "", []),
    ],
)
def test_lines(tmp_path, name, content, found):
    (tmp_path / name).write_text(content, newline="")
    assert list(labels_of_file(tmp_path / name)) == found


@pytest.mark.parametrize(
    ("arrays", "found"),
    [
        ({"labels": np.arange(3), "x": np.ones((3, 2))}, [0, 1, 2]),
        ({"y": np.arange(3)}, [0, 1, 2]),
        ({f"arr_{k}": np.array(k) for k in range(3)}, [0, 1, 2]),
    ],
)
def test_arrays(tmp_path, arrays, found):
    np.savez(tmp_path / "y.npz", **arrays)
    assert [int(label) for label in labels_of_file(tmp_path / "y.npz")] == found
    np.save(tmp_path / "y.npy", np.arange(3))
    assert [int(label) for label in labels_of_file(str(tmp_path / "y.npy"))] == [0, 1, 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1,2\n", "has several values a line; expected one label; found 1, 2"),
        (b"\xff\xfe\x00", "cannot read the labels"),
    ],
)
def test_texts_that_hold_no_labels(tmp_path, content, message):
    (tmp_path / "y.txt").write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(labels_of_file(tmp_path / "y.txt"))


def test_where_labels_come_from(tmp_path):
    (tmp_path / "y.txt").write_text("a\nb\n")
    assert is_file_of_labels(tmp_path / "y.txt")
    assert not is_file_of_labels("speaker")
    assert not is_file_of_labels(tmp_path)
    assert list(as_labels(tmp_path / "y.txt")) == ["a", "b"]
    assert list(as_labels(iter([1, 2]))) == [1, 2]
    with pytest.raises(DataError, match="labels is no list of labels; found int"):
        list(as_labels(5))
    with pytest.raises(DataError, match=r"cannot read the labels '.*none\.txt'.*No such file"):
        list(as_labels(tmp_path / "none.txt"))
