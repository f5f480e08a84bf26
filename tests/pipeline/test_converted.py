"""What `convert` gives: how it shows itself, and that it is written whole or not at all."""

import pytest

from rnnlite.errors import OutputError
from rnnlite.pipeline.converted import Converted
from rnnlite.report.parity import OutputParity, Parity
from rnnlite.report.records import Report

PARITY = Parity((OutputParity("y", 1e-7, 2e-7, 0.5, 1e-5),), (4, 9), (1,), 2)


def converted(size=12_345, parity=PARITY):
    report = Report("graph 'a.pb'", (), (), size, 3, {"ADD": 1}, (), parity, (), {})
    return Converted(b"x" * size, report)


@pytest.mark.parametrize(
    ("parity", "text"),
    [
        (PARITY, "Converted(12,345 bytes, from graph 'a.pb', equal within 2.0e-07)"),
        (None, "Converted(12,345 bytes, from graph 'a.pb', not compared)"),
        (
            Parity((OutputParity("y", 1.0, 0.25, 4.0, 1e-5),), (4,), (1,), 1),
            "Converted(12,345 bytes, from graph 'a.pb', differs by 2.5e-01)",
        ),
    ],
    ids=["equal", "not compared", "differs"],
)
def test_in_one_line(parity, text):
    assert repr(converted(parity=parity)) == text


def test_as_tables():
    console = pytest.importorskip("rich.console").Console(width=100, file=None)
    with console.capture() as shown:
        console.print(converted())
    assert "graph 'a.pb'" in shown.get()
    assert "ADD" in shown.get()


@pytest.mark.parametrize("kind", [str, lambda p: p])
def test_saved(tmp_path, kind):
    path = tmp_path / "m.tflite"
    assert converted(7).save(kind(path)) == path
    assert path.read_bytes() == 7 * b"x"
    assert [p.name for p in tmp_path.iterdir()] == ["m.tflite"]


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(OutputError, match="no_such_folder"):
        converted().save(tmp_path / "no_such_folder" / "m.tflite")
    assert list(tmp_path.iterdir()) == []


def test_two_of_equal_content_are_two():
    """Comparing files byte by byte is no part of `==`."""
    one = converted()
    assert one != converted()
    assert one == one
