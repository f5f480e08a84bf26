"""A kernel that ends its process ends a worker, and is named."""

import gc
import re

import numpy as np
import pytest

from graphs import SHAPE, Model
from rnnlite.errors import AbortError, SampleError
from rnnlite.isolation import interpreter
from rnnlite.isolation.interpreter import ModelApart, ValuesApart, WatchedApart
from rnnlite.isolation.process import WorkerDied
from rnnlite.lite.ir import Quantization, Signature


def scaled(graph, scale, name=""):
    return graph.tensor(SHAPE, "int8", name, Quantization.of(scale))


def aborting(graph, *, result=1e-3, name="sum"):
    """An ADD whose scales its kernel's check does not let pass."""
    a, b, y = scaled(graph, 1e7), scaled(graph, 0.1), scaled(graph, result, name)
    graph.add("ADD", [a, b], [y], "AddOptions")
    return a, b, y


def test_an_aborting_kernel_is_named_with_its_tensor():
    model = Model()
    a, b, y = aborting(model.main)
    z = scaled(model.main, 1e-3)
    model.main.add("RESHAPE", [y], [z])
    model.main.ends([a, b], [z])
    apart = ModelApart(model.bytes(), delegates=False)
    with pytest.raises(AbortError, match=r"in ADD \(it makes 'sum'\); expected .*signal 6"):
        apart.run([np.zeros(SHAPE, np.int8)] * 2)


def test_an_op_in_a_loop_body_is_named():
    model = Model()
    cond, body = model.graph(), model.graph()
    h, go = scaled(cond, 1e-3), cond.tensor((), "bool")
    cond.ends([h], [go])
    small = cond.tensor((), "int8", quantization=Quantization.of(1e-3))
    cond.add("REDUCE_MAX", [h, cond.constant([0, 1], "int32")], [small], "ReducerOptions")
    cond.add("LESS", [small, small], [go], "LessOptions")
    k = scaled(body, 1e-3)
    a, y = scaled(body, 1e7), scaled(body, 1e-3, "inner")
    body.add("QUANTIZE", [k], [a])
    body.add("ADD", [a, k], [y], "AddOptions")
    body.ends([k], [y])
    x, r = scaled(model.main, 1e-3), scaled(model.main, 1e-3)
    model.loop(model.main, [x], [r], cond, body)
    model.main.ends([x], [r])
    with pytest.raises(AbortError, match=r"in ADD \(it makes 'inner'\)"):
        ModelApart(model.bytes(), delegates=False).run([np.zeros(SHAPE, np.int8)])


def test_an_op_of_another_signature_is_named():
    model = Model()
    x, y = scaled(model.main, 1e-3), scaled(model.main, 1e-3)
    model.main.add("ABS", [x], [y])
    model.main.ends([x], [y])
    other = model.graph()
    a, b, z = aborting(other, name="far")
    other.ends([a, b], [z])
    first, second = model.ir.graphs
    model.ir.signatures = [
        Signature("first", first, (("x", x),), (("y", y),)),
        Signature("second", second, (("a", a), ("b", b)), (("z", z),)),
    ]
    zeros = np.zeros(SHAPE, np.int8)
    assert np.array_equal(ModelApart(model.bytes(), delegates=False).run([zeros])[0], zeros)
    with pytest.raises(AbortError, match=r"in ADD \(it makes 'far'\)"):
        ModelApart(model.bytes(), delegates=False, signature="second").run([zeros] * 2)


def product():
    model = Model()
    x, y = model.main.tensor(SHAPE), model.main.tensor(SHAPE)
    model.main.add("MUL", [x, model.main.constant(2.0)], [y], "MulOptions")
    model.main.ends([x], [y])
    return model, x, y


def test_a_model_runs_apart_as_it_does_here():
    apart = ModelApart(product()[0].bytes())
    (found,) = apart.run([np.array([[1.0, 2.0, 3.0]], np.float32)])
    assert found.tolist() == [[2.0, 4.0, 6.0]]
    assert [spec.dtype for spec in apart.inputs] == ["float32"]
    with pytest.raises(SampleError):
        apart.run([np.zeros((2, 2, 2, 2, 2, 2, 2, 2), np.float32), np.zeros(1)])
    apart.close()


def test_ranges_are_seen_apart():
    model, x, y = product()
    x.name, y.name = "0:0", "0:2"
    watched = WatchedApart(model.bytes(), [0], [0])
    for value in (1.0, -3.0):
        watched.run([np.full(SHAPE[1:], value, np.float32)], "sample")
    assert watched.ranges()["0:0"] == (-3.0, 1.0)
    assert watched.ranges()["0:2"] == (-6.0, 2.0)
    watched.close()


class Worker:
    """Stands for a worker: notes calls, and dies of one.

    Args:
        dies: the function whose call ends it.
    """

    def __init__(self, dies=""):
        self.calls, self.dies, self.alive, self.given_back = [], dies, True, 0

    def call(self, path, *args, seconds=0, meanwhile=None):
        name = path.rpartition(":")[2]
        self.calls.append((name, *args))
        if name == self.dies:
            self.alive = False
            raise WorkerDied("signal 11", "")
        return (7, "in", "out", None, True) if name == "open_model" else (8,)


@pytest.fixture
def use(monkeypatch):
    """Sets the worker that is taken; gives it."""

    def used(dies=""):
        worker = Worker(dies)

        def back(kind, one):
            assert (kind, one) == (interpreter.KIND, worker)
            worker.given_back += 1

        monkeypatch.setattr(interpreter, "take", lambda kind: worker)
        monkeypatch.setattr(interpreter, "give_back", back)
        monkeypatch.setattr(interpreter, "culprit", lambda data, signature: "ADD of 'far'")
        return worker

    return used


def test_calls_go_to_the_object_that_was_opened(use):
    worker = use()
    apart = ModelApart(b"file", delegates=False, signature="second")
    assert (apart.inputs, apart.outputs, apart.is_main) == ("in", "out", True)
    apart.run(["x"])
    apart.run_chunk(["x", "h"])
    apart.shapes_before_run(((1, 2),))
    assert worker.calls == [
        ("open_model", b"file", False, "second"),
        ("run_model", 7, ["x"]),
        ("run_chunk", 7, ["x", "h"]),
        ("shapes_before_run", 7, [(1, 2)]),
    ]


def test_calls_of_what_is_watched(use):
    worker = use()
    watched = WatchedApart(b"file", (0,), (None, 1))
    watched.run(["x"], "sample 3")
    watched.call(("x",), (4,), "a batch")
    watched.ranges()
    watched.counts()
    assert worker.calls == [
        ("open_watched", b"file", [0], [None, 1]),
        ("watch", 8, ["x"], "sample 3"),
        ("watch_arrays", 8, ["x"], [4], "a batch"),
        ("ranges", 8),
        ("counts", 8),
    ]


def test_calls_for_values(use):
    worker = use()
    ValuesApart(b"file", (3,), (0,)).run(("x",))
    assert worker.calls[:2] == [("open_values", b"file", [3], [0]), ("values", 8, ["x"])]


@pytest.mark.parametrize("how", ["close", "forget"])
def test_what_was_opened_is_dropped_once(use, how):
    worker = use()
    apart = ModelApart(b"file")
    if how == "close":
        apart.close()
        apart.close()
    del apart
    gc.collect()
    assert worker.calls[1:] == [("drop", 7)]
    assert worker.given_back == 1


@pytest.mark.parametrize(
    ("make", "dies", "what"),
    [
        (lambda: ModelApart(b"file"), "open_model", "the converted model"),
        (lambda: ModelApart(b"file").run([]), "run_model", "the converted model"),
        (lambda: WatchedApart(b"file", [], []).run([], ""), "watch", "calibrating the model"),
        (lambda: ValuesApart(b"file", [], []).run([]), "values", "the model"),
    ],
)
def test_an_end_is_told_with_what_and_where(use, make, dies, what):
    worker = use(dies)
    expected = (
        f"{what} ends the process of the LiteRT runtime, in ADD of 'far'; expected kernels that "
        "run, or refuse with an error; found signal 11. Convert it in another mode, or without the "
        "layer that this op comes from, and please report it with the source model."
    )
    with pytest.raises(AbortError, match=f"^{re.escape(expected)}$"):
        make()
    # A worker that has ended is asked for nothing more, but given back to be closed.
    assert worker.calls[-1][0] == dies
    assert worker.given_back == 1


def test_an_end_whose_op_is_not_found(use, monkeypatch):
    use("open_model")
    monkeypatch.setattr(interpreter, "culprit", lambda data, signature: "")
    with pytest.raises(AbortError, match="ends the process of the LiteRT runtime; expected kern"):
        ModelApart(b"file")


def test_a_worker_that_ends_while_it_drops_is_no_error(use):
    worker = use("drop")
    ModelApart(b"file").close()
    assert worker.given_back == 1


def test_a_worker_gets_ready(monkeypatch):
    asked = []
    monkeypatch.setattr(interpreter, "start_early", lambda *given: asked.append(given))
    interpreter.warm()
    assert asked == [("interpreter", "rnnlite.isolation.held")]
