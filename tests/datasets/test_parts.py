"""The unfinished results of a run: what stays, what goes, and who may go on."""

import json

import pytest

from rnnlite.datasets.parts import GO_ON, Parts
from rnnlite.errors import OutputError

ASKED = {"model": "m", "data": [["a", 1, 2]], "options": {"raw": False}}


class Lines:
    """A format of text: a line a row."""

    def part(self, columns, first):
        return "".join(f"{first + k} {v}\n" for k, v in enumerate(columns["y"])).encode()

    def join(self, parts, out):
        out.write_bytes(b"".join(p.read_bytes() for p in parts))


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.txt"


def folder(out):
    return out.parent / "out.txt.unfinished"


def parts(out, *, resume=False, asked=ASKED):
    return Parts(out, Lines(), asked, resume=resume)


def leave(out, *bounds):
    """A run that ended with these parts."""
    with parts(out) as run:
        for first, end in bounds:
            run.add({"y": ["v"] * (end - first)}, first, end - first)


@pytest.mark.parametrize("rows", [0, 2])
def test_an_interrupt_says_whether_parts_are_kept(out, rows):
    def interrupted():
        with parts(out) as run:
            if rows:
                run.add({"y": ["v"] * rows}, 0, rows)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        interrupted()
    assert caught.value.args == ((GO_ON,) if rows else ())


def test_a_whole_run(out):
    with parts(out) as run:
        assert run.done() == 0
        run.add({"y": ["a", "b"]}, 0, 2)
        run.add({"y": ["c"]}, 2, 1)
        assert run.done() == 3
        assert not out.exists()
        run.finish()
    assert out.read_text() == "0 a\n1 b\n2 c\n"
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.parametrize(
    ("bounds", "done"),
    [
        ([(0, 2), (2, 5)], 5),
        ([(0, 2), (3, 5)], 2),
        ([(0, 3), (3, 4), (4, 9)], 9),
    ],
)
def test_rows_count_up_to_the_first_gap(out, bounds, done):
    leave(out, *bounds)
    with parts(out, resume=True) as run:
        assert run.done() == done


@pytest.mark.parametrize("bounds", [[], [(2, 5)]])
def test_nothing_stays_where_nothing_can_be_gone_on_with(out, bounds):
    leave(out, *bounds)
    assert not list(out.parent.iterdir())


def test_what_is_left_is_not_overwritten_unasked(out):
    leave(out, (0, 2))
    with pytest.raises(OutputError, match=r"has left '.*unfinished'; found 2 rows done.*--resume"):
        parts(out).__enter__()
    with parts(out, resume=True) as run:
        assert run.done() == 2


@pytest.mark.parametrize(
    ("asked", "odd"),
    [
        ({**ASKED, "model": "n"}, "model"),
        ({**ASKED, "data": [["a", 1, 3]]}, "data"),
        ({**ASKED, "options": {"raw": True}}, "options"),
        ({**ASKED, "model": "n", "options": {}}, "model, options"),
    ],
)
def test_another_run_does_not_go_on(out, asked, odd):
    leave(out, (0, 2))
    with pytest.raises(OutputError, match=f"asked for something else; expected the same {odd}"):
        parts(out, resume=True, asked=asked).__enter__()
    assert folder(out).exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_damaged_record_is_another_run(out, content):
    leave(out, (0, 2))
    (folder(out) / "run.json").write_text(content)
    with pytest.raises(OutputError, match="expected the same model, data, options"):
        parts(out, resume=True).__enter__()


def test_parts_without_a_record_are_begun_anew(out):
    leave(out, (0, 2))
    (folder(out) / "run.json").unlink()
    with parts(out, resume=True) as run:
        assert run.done() == 0
        assert json.loads((folder(out) / "run.json").read_text()) == ASKED


def test_one_run_at_a_time(out):
    with parts(out) as run:
        run.add({"y": ["a"]}, 0, 1)
        for resume in (False, True):
            with pytest.raises(OutputError, match=r"another run is writing '.*out\.txt'. Wait for"):
                parts(out, resume=resume).__enter__()
        assert run.done() == 1
    with parts(out, resume=True) as run:
        assert run.done() == 1


def test_a_disk_that_is_full_keeps_what_is_done(out, monkeypatch):
    def full(*_):
        raise OutputError("cannot write 'x': No space left on device")

    def add_more():
        with parts(out) as run:
            run.add({"y": ["a"]}, 0, 1)
            monkeypatch.setattr("rnnlite.datasets.parts.write_whole", full)
            run.add({"y": ["b"]}, 1, 1)

    with pytest.raises(
        OutputError, match=r"No space left on device\. The parts that are there are"
    ):
        add_more()
    monkeypatch.undo()
    with parts(out, resume=True) as run:
        assert run.done() == 1


def test_a_join_that_fails_keeps_the_parts(out, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    leave(out, (0, 2))
    out.write_text("old")
    monkeypatch.setattr(Lines, "join", full)
    with (
        parts(out, resume=True) as run,
        pytest.raises(OutputError, match=r"cannot write '.*out\.txt': No space left.*--resume"),
    ):
        run.finish()
    assert out.read_text() == "old"
    monkeypatch.undo()
    with parts(out, resume=True) as run:
        run.finish()
    assert out.read_text() == "0 v\n1 v\n"
