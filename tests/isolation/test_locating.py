"""Which op ends a process: models of a few ops, and workers that are only told of."""

import numpy as np
import pytest

from graphs import SHAPE, Model
from rnnlite.isolation import locating
from rnnlite.isolation.locating import _beginning, _keep, _single, beginning, culprit
from rnnlite.isolation.process import WorkerDied
from rnnlite.lite import schema
from rnnlite.lite.ir import Signature


def chain(*kinds):
    """A model of unary ops, one behind the other; their results are called r0, r1, ..."""
    model = Model()
    value = first = model.main.tensor(SHAPE, name="x")
    for k, kind in enumerate(kinds):
        value, before = model.main.tensor(SHAPE, name=f"r{k}"), value
        model.main.add(kind, [before], [value])
    model.main.ends([first], [value])
    return model


def kinds(data):
    return [op.kind for op in schema.read(data).main.ops]


class Told:
    """In place of `_Probes`: says which models end the process."""

    def __init__(self, ends):
        self._ends, self.asked, self.closed = ends, [], False

    def ends(self, data):
        self.asked.append(kinds(data))
        return self._ends(kinds(data))

    def close(self):
        self.closed = True


@pytest.fixture
def told(monkeypatch):
    def use(ends):
        probes = Told(ends)
        monkeypatch.setattr(locating, "_Probes", lambda: probes)
        return probes

    return use


OPS = ["ABS", "EXP", "FLOOR", "NEG", "SQRT"]


@pytest.mark.parametrize("guilty", OPS)
def test_an_op_that_falls_alone(told, guilty):
    probes = told(lambda ops: ops == [guilty])
    assert culprit(chain(*OPS).bytes()) == f"{guilty} (it makes 'r{OPS.index(guilty)}')"
    # One after the other, none behind it.
    assert probes.asked == [[k] for k in OPS[: OPS.index(guilty) + 1]]
    assert probes.closed


@pytest.mark.parametrize("place", range(1, 6))
def test_the_shortest_beginning_that_falls(told, place):
    """No op falls alone: one falls on what those in front of it made."""
    probes = told(lambda ops: len(ops) >= place and len(ops) > 1)
    wanted = max(place, 2)
    assert culprit(chain(*OPS).bytes()) == f"{OPS[wanted - 1]} (it makes 'r{wanted - 1}')"
    # By halving, not one after the other.
    assert len(probes.asked) <= len(OPS) + 1 + 3


def test_a_model_that_does_not_fall_again(told):
    probes = told(lambda ops: False)
    assert culprit(chain("ABS", "NEG").bytes()) == ""
    assert probes.asked == [["ABS"], ["NEG"], ["ABS", "NEG"]]
    assert probes.closed


def test_a_file_that_cannot_be_read(told):
    probes = told(lambda ops: pytest.fail("nothing to run"))
    assert culprit(b"no model") == ""
    assert not probes.closed


def test_a_model_without_ops():
    model = Model()
    x = model.main.tensor(SHAPE)
    model.main.ends([x], [x])
    assert _beginning(model.ir, Told(lambda ops: True)) == ""


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_first_ops_alone(count):
    data = beginning(chain("ABS", "EXP", "NEG").ir, count)
    part = schema.read(data)
    assert kinds(data) == ["ABS", "EXP", "NEG"][:count]
    assert [v.name for v in part.main.outputs] == [f"r{count - 1}"]
    assert part.signatures == []


def test_an_op_by_itself():
    """Its values are inputs, its constants stay what they are."""
    model = Model()
    x, y = model.main.tensor((1, 3)), model.main.tensor((1, 3))
    c = model.main.constant(np.array([[1.0, 2.0, 3.0]]), name="c")
    before = model.main.tensor((1, 3))
    model.main.add("NEG", [x], [before])
    op = model.main.add("ADD", [before, c], [y], "AddOptions", fusedActivationFunction=1)
    model.main.ends([x], [y])
    alone = schema.read(_single(op))
    (found,) = alone.main.ops
    assert found.kind == "ADD"
    assert found.options["fusedActivationFunction"] == 1
    assert [v.is_constant for v in found.inputs] == [False, True]
    np.testing.assert_array_equal(found.inputs[1].data, [[1, 2, 3]])
    assert list(alone.main.inputs) == [found.inputs[0]]
    assert list(alone.main.outputs) == [found.outputs[0]]


def test_what_a_signature_runs_is_the_model():
    """Its graph comes first, with what it calls; the others are gone."""
    model = chain("ABS")
    other = model.graph()
    a, b = other.tensor(SHAPE, name="a"), other.tensor(SHAPE, name="b")
    other.add("EXP", [a], [b])
    other.ends([a], [b])
    graphs = {"main": model.main.ir, "other": other.ir}
    model.ir.signatures = [Signature(k, g, (), ()) for k, g in graphs.items()]
    _keep(model.ir, "other")
    assert [op.kind for op in model.ir.main.ops] == ["EXP"]
    assert len(model.ir.graphs) == 1
    assert model.ir.signatures == []


def test_a_worker_that_falls_is_replaced(monkeypatch):
    """One worker takes all probes until one ends it."""
    made, closed = [], []

    class Worker:
        def __init__(self):
            made.append(self)

        def call(self, path, data, *, seconds):
            assert path == "rnnlite.isolation.held:probe"
            if data == b"falls":
                raise WorkerDied("signal 6", "")
            if data == b"refuses":
                raise ValueError("as runtimes should")

        def close(self):
            closed.append(self)

    monkeypatch.setattr(locating, "Worker", Worker)
    probes = locating._Probes()
    answers = [probes.ends(d) for d in (b"runs", b"refuses", b"falls", b"falls", b"runs")]
    assert answers == [False, False, True, True, False]
    assert len(made) == 3
    assert closed == made[:2]
    probes.close()
    assert closed == made
