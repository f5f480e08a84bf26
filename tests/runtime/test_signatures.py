"""What the signature of a stream takes and gives, and a signature run on arrays of any length."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from graphs import Model
from rnnlite.lite import schema
from rnnlite.lite.ir import Quantization, Signature
from rnnlite.runtime.signatures import SignatureRun, stream_signature
from rnnlite.specs import TensorSpec
from rnnlite.streaming.layout import Layout, StreamInput, StreamOutput, StreamState
from rnnlite.streaming.rows import Rows
from runtime.files import LAYOUT, rows, summing, two

WHOLE = (
    TensorSpec("x", (1, None, 2), "float32", mask_value=-1.0, least=(1, 5, 2), time_axis=1),
    TensorSpec("sums", (1, None, 2), "float32"),
)


def test_what_a_stream_takes_and_gives():
    found = stream_signature(schema.read(summing()), LAYOUT, WHOLE)
    assert found.layout is LAYOUT
    (x,), (sums,), (state,) = found.inputs, found.outputs, found.states
    assert (x.name, x.shape, x.dtype) == ("x", (1, 1, 2), "float32")
    assert (sums.name, sums.shape) == ("sums", (1, 1, 2))
    # A state has no batch axis of its own: it is kept as it is.
    assert state == TensorSpec("state/sum/h", (1, 1, 2), "float32", batch_axis=None)


def test_an_input_keeps_what_is_known_of_it_but_its_least_length():
    """A chunk may be shorter than the shortest sequence."""
    (x,) = stream_signature(schema.read(summing()), LAYOUT, WHOLE).inputs
    assert (x.mask_value, x.time_axis, x.batch_axis, x.least) == (-1.0, 1, 0, ())


def test_what_the_whole_does_not_have_is_read_off_the_file():
    (x,) = stream_signature(schema.read(summing()), LAYOUT, ()).inputs
    assert x == TensorSpec("x", (1, 1, 2), "float32", batch_axis=None)


def quantized():
    """A stream of int8, whose state is of int16, with free batch and any chunk."""
    model = Model()
    main = model.main
    x = main.tensor((-1, -1, 2), "int8", "x", Quantization((0.5,), (3,)))
    h = main.tensor((-1, 4), "int16", "state/gru/h", Quantization((0.25,), (0,)))
    y = main.tensor((-1, 4), "int8", "label", Quantization((0.125,), (-7,)))
    main.ends([x, h], [y, h])
    named = (("x", x), ("state/gru/h", h)), (("label", y), ("state/gru/h", h))
    model.ir.signatures = [Signature("stream", main.ir, *named)]
    return model.ir


def test_a_stream_of_integers():
    layout = Layout(
        chunk=None,
        multiple=1,
        longest=64,
        tail=False,
        inputs=(StreamInput("x", 1),),
        outputs=(StreamOutput("label", Rows(1), so_far=True),),
        states=(StreamState("state/gru/h", 0.0, 0, "int16", 0.25, 0),),
    )
    whole = (TensorSpec("x", (None, None, 2), "int8", quantization=(9.0, 9)),)
    found = stream_signature(quantized(), layout, whole)
    # The parameters are those of the signature, not those of the whole sequence's function.
    assert found.inputs[0].quantization == (0.5, 3)
    assert (found.inputs[0].shape, found.inputs[0].dtype) == ((None, None, 2), "int8")
    assert found.outputs[0].quantization == (0.125, -7)
    assert (found.states[0].shape, found.states[0].quantization) == ((None, 4), (0.25, 0))


def runner(key="second"):
    interpreter = Interpreter(model_content=two().bytes())
    return SignatureRun(interpreter, key, ["x"], [f"of_{key}"])


@pytest.mark.parametrize(("key", "factor"), [("first", 2), ("second", 3)])
def test_a_signature_runs_at_any_length(key, factor):
    run = runner(key)
    for length in (3, 1, 7, 7, 2):
        (y,) = run([rows(length, 2)])
        np.testing.assert_array_equal(y, factor * rows(length, 2))


def test_two_runs_of_one_file_do_not_disturb_each_other():
    one, other = runner("first"), runner("second")
    a, b = one([rows(3, 2)])[0], other([rows(5, 2)])[0]
    np.testing.assert_array_equal(one([rows(3, 2)])[0], a)
    np.testing.assert_array_equal(other([rows(5, 2)])[0], b)


def test_results_outlive_the_next_run():
    run = runner()
    (first,) = run([rows(3, 2)])
    kept = first.copy()
    run([rows(3, 2) + 100])
    np.testing.assert_array_equal(first, kept)


class Counted:
    """A wrapper of an interpreter that counts allocations."""

    def __init__(self, wrapper):
        self._wrapper, self.allocated = wrapper, 0

    def __getattr__(self, name):
        return getattr(self._wrapper, name)

    def AllocateTensors(self, graph):  # noqa: N802 - the runtime's name
        self.allocated += 1
        return self._wrapper.AllocateTensors(graph)


def test_memory_is_allocated_where_shapes_change_alone():
    run = runner()
    counted = run._wrapper = Counted(run._wrapper)
    for length in (3, 3, 3, 4, 4, 3):
        run([rows(length, 2)])
    assert counted.allocated == 3


def test_shapes_that_the_runtime_refuses_are_not_remembered():
    run = runner()
    run([rows(3, 2)])
    with pytest.raises((ValueError, RuntimeError)):
        run([np.zeros((1, 3, 5, 2), np.float64)])
    (y,) = run([rows(3, 2)])
    np.testing.assert_array_equal(y, 3 * rows(3, 2))


def held(run, value):
    """Bytes of a sum so far, before and behind a run."""
    arrays = np.full((1, 1, 2), value, np.float32), np.zeros((1, 1, 2), np.float32)
    return *arrays, *([a.reshape(-1).view(np.uint8).data] for a in arrays)


def streaming():
    names = ["x", "state/sum/h"], ["sums", "state/sum/h"]
    return SignatureRun(Interpreter(model_content=summing()), "stream", *names)


def test_a_run_on_the_memory_of_states():
    run = streaming()
    x = rows(1, 2)
    before, after, given, made = held(run, 5)
    assert run.run_in_place([x], given, made) is None  # Nothing has been allocated.
    assert after.tolist() == [[[0, 0]]]
    run([x, before])
    (sums,) = run.run_in_place([x], given, made)
    (again,) = run.run_in_place([x], made, given)
    np.testing.assert_array_equal(after, x + 5)
    np.testing.assert_array_equal(sums, x + 5)
    np.testing.assert_array_equal(before, 2 * x + 5)
    np.testing.assert_array_equal(again, 2 * x + 5)


def test_memory_that_may_have_moved_is_not_used():
    run = streaming()
    before, _after, given, made = held(run, 5)
    run([rows(1, 2), before])
    run.allocate([(1, 1, 2), (1, 1, 2)])
    assert run.run_in_place([rows(1, 2)], given, made) is None


def test_memory_of_what_a_run_allocates_is_not_used():
    """FILL of a size that is given: its result has no memory before it runs."""
    model = Model()
    size, h = model.main.tensor((2,), "int32", "size"), model.main.tensor((1,), "float32", "h")
    y, g = model.main.tensor((-1, -1), name="y"), model.main.tensor((1,), name="g")
    model.main.add("FILL", [size, model.main.constant(1.0)], [y])
    model.main.add("ADD", [h, h], [g], "AddOptions")
    model.main.ends([size, h], [y, g])
    named = (("size", size), ("h", h)), (("y", y), ("g", g))
    model.ir.signatures = [Signature("ones", model.main.ir, *named)]
    interpreter = Interpreter(model_content=model.bytes())
    run = SignatureRun(interpreter, "ones", ["size", "h"], ["y", "g"])
    run([np.array([2, 3], np.int32), np.ones(1, np.float32)])
    state = memoryview(bytearray(4))
    assert run.run_in_place([np.array([2, 3], np.int32)], [state], [state]) is None


def test_arrays_are_in_the_callers_order():
    """A runner sorts names; the caller's order is another one."""
    model = Model()
    main = model.main
    b, a = main.tensor((2,), name="b"), main.tensor((2,), name="a")
    z, y = main.tensor((2,), name="z"), main.tensor((2,), name="y")
    main.add("SUB", [b, a], [z], "SubOptions")
    main.add("ADD", [b, a], [y], "AddOptions")
    main.ends([b, a], [z, y])
    named = (("b", b), ("a", a)), (("z", z), ("y", y))
    model.ir.signatures = [Signature("s", main.ir, *named)]
    run = SignatureRun(Interpreter(model_content=model.bytes()), "s", ["b", "a"], ["z", "y"])
    found = run([np.array([5, 5], np.float32), np.array([1, 2], np.float32)])
    assert [f.tolist() for f in found] == [[4.0, 3.0], [6.0, 7.0]]
