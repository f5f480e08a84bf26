"""One interpreter at changing shapes: results, when it is replaced, refusals."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from graphs import Model
from rnnlite.errors import ModelError, SampleError
from rnnlite.lite import schema
from rnnlite.lite.ir import Signature
from rnnlite.runtime.calls import calls_of
from rnnlite.runtime.engine import Engine, _fits
from rnnlite.runtime.signatures import SignatureRun
from runtime.files import summing


def doubled():
    """y = x + x, x (1, any, 3)."""
    model = Model()
    x, y = model.main.tensor((1, -1, 3)), model.main.tensor((1, -1, 3))
    model.main.add("ADD", [x, x], [y], "AddOptions")
    model.main.ends([x], [y])
    return model.bytes()


DATA = doubled()
CALL = calls_of(schema.read(DATA))[""][0]


def engine(**options):
    return Engine(DATA, CALL, num_threads=1, **{"delegates": False, **options})


def run(made, length):
    x = np.arange(3 * length, dtype=np.float32).reshape(1, length, 3)
    (y,) = made.run([x])
    np.testing.assert_array_equal(y, 2 * x)


@pytest.mark.parametrize("delegates", [True, False])
@pytest.mark.parametrize("grows", [True, False])
def test_any_length_gives_its_result(delegates, grows):
    made = engine(delegates=delegates, grows=grows)
    for length in (3, 1, 7, 7, 2, 30):
        run(made, length)


def test_a_longer_sequence_gets_a_fresh_interpreter():
    made = engine()
    first = made.interpreter
    for length in (5, 2, 5):
        run(made, length)
        assert made.interpreter is first
    run(made, 6)
    assert made.interpreter is not first


def test_a_file_that_is_safe_keeps_it():
    made = engine(grows=True)
    first = made.interpreter
    for length in (5, 6, 60):
        run(made, length)
    assert made.interpreter is first


def test_the_same_shapes_are_not_allocated_again(monkeypatch):
    made = engine()
    run(made, 5)
    monkeypatch.setattr(
        type(made.interpreter), "allocate_tensors", lambda self: pytest.fail("allocated again")
    )
    run(made, 5)


def test_shapes_of_results_are_known_before_a_run():
    made = engine()
    assert made.shapes_before_run(((1, 9, 3),)) == ((1, 9, 3),)


def test_what_the_runtime_refuses_is_refused_and_forgotten():
    made = engine()
    with pytest.raises(SampleError, match=r"cannot run on inputs of shapes \[\(1, 4, 3\)\]"):
        made.run([np.zeros((1, 4, 3), np.float64)])
    before = made.interpreter
    run(made, 2)
    assert made.interpreter is not before


def test_no_model():
    with pytest.raises(ModelError, match="cannot load the model"):
        Engine(b"no flatbuffer", CALL, num_threads=1, delegates=False)


@pytest.mark.parametrize("whole", [True, False])
def test_a_result_without_elements(whole):
    """FILL of a size that is given: the runtime shows no memory of what has none."""
    model = Model()
    size, y = model.main.tensor((2,), "int32"), model.main.tensor((-1, -1))
    model.main.add("FILL", [size, model.main.constant(1.0)], [y])
    model.main.ends([size], [y])
    model.ir.signatures = [Signature("ones", model.main.ir, (("size", size),), (("y", y),))]
    data = model.bytes()
    if whole:
        call, _ = calls_of(schema.read(data))["ones"]
        ask = Engine(data, call, num_threads=1, delegates=False).run
    else:
        ask = SignatureRun(Interpreter(model_content=data), "ones", ["size"], ["y"])
    for shape in ((2, 3), (0, 3), (2, 0), (1, 1)):
        (y,) = ask([np.array(shape, np.int32)])
        np.testing.assert_array_equal(y, np.ones(shape, np.float32), strict=True)


def stream_engine(data):
    call, _ = calls_of(schema.read(data))["stream"]
    return Engine(data, call, num_threads=1, delegates=False)


def test_a_run_in_place_is_of_the_shapes_before():
    made = stream_engine(summing())
    x, state = np.ones((1, 1, 2), np.float32), np.full((1, 1, 2), 2, np.float32)
    memory = [state.reshape(-1).view(np.uint8).data]
    assert made.run_in_place([x], memory, memory) is None
    made.run([x, state])
    assert made.run_in_place([np.ones((1, 2, 2), np.float32)], memory, memory) is None
    (y,) = made.run_in_place([x], memory, memory)
    assert (y.tolist(), state.tolist()) == ([[[3, 3]]], [[[3, 3]]])
    assert engine().run_in_place([x], memory, memory) is None


def test_what_is_refused_in_place_is_forgotten():
    made = stream_engine(summing())
    x = np.ones((1, 1, 2), np.float32)
    made.run([x, x])
    memory = [x.reshape(-1).view(np.uint8).data]
    before = made.interpreter
    with pytest.raises(SampleError, match=r"cannot run on inputs of shapes \[\(1, 1, 2\), "):
        made.run_in_place([x.astype(np.float64)], memory, memory)
    assert made.run_in_place([x], memory, memory) is None
    made.run([x, x])
    assert made.interpreter is not before


@pytest.mark.parametrize(
    ("shapes", "largest", "fits"),
    [
        (((1, 2),), ((1, 2),), True),
        (((1, 2), (3,)), ((4, 2), (3,)), True),
        (((1, 3),), ((9, 2),), False),
        (((1,),), ((1, 2),), False),
        (((1,),), ((1,), (1,)), False),
    ],
)
def test_what_fits(shapes, largest, fits):
    assert _fits(shapes, largest) is fits
