"""Float graphs with WHILE and IF to integers, on models built in code."""

import numpy as np
import pytest

import rnnlite
from graphs import KERNEL, SHAPE, Model, below, branches, nested, one_loop, recurrence, run
from rnnlite.lite import schema
from rnnlite.lite.passes.prune import prune
from rnnlite.lite.structure import check_structure
from rnnlite.quantization.calibration import Samples, calibrate
from rnnlite.quantization.plan.plan import make_plan
from rnnlite.quantization.recipes import all_int8, all_int16, int16_states
from rnnlite.quantization.rewrite.check import check_quantization
from rnnlite.quantization.rewrite.integer import rewrite_to_integers

PRECISIONS = {"int8": all_int8, "int16": all_int16, "mixed": int16_states}


def arrays(count=8):
    rng = np.random.default_rng(0)
    return [rng.uniform(-1, 1, SHAPE).astype(np.float32) for _ in range(count)]


def integers(model, precision, io):
    """Calibrate, plan, rewrite and check a model built in code; gives the flatbuffer."""
    tree = model.ir
    rows = [[a[0]] for a in arrays()]
    ranges = calibrate(tree, Samples(rows, [], ()))
    plan = make_plan(tree, ranges.values, PRECISIONS[precision], allow_float=False)
    rewrite_to_integers(tree, plan, io)
    prune(tree)
    check_structure(tree)
    check_quantization(tree)
    return schema.write(tree)


def float_tensors(data):
    graphs = schema.read(data).graphs
    return [value.name for graph in graphs for value in graph.values if value.type == "float32"]


def shared_body():
    """Two loops in a row that share condition and body; both results are wanted."""
    model = Model()
    cond, body = below(model, 2, 2, SHAPE), recurrence(model, KERNEL, SHAPE)
    main = model.main
    x = main.tensor(SHAPE)
    zero, start = main.constant(0, "int32"), main.constant(np.zeros(SHAPE))
    outs = []
    for _ in range(2):
        results = [main.tensor([], "int32"), main.tensor(SHAPE), main.tensor(SHAPE)]
        model.loop(main, [zero, start, x], results, cond, body)
        start = results[1]
        outs.append(results[1])
    main.ends([x], outs)
    return model


BUILDERS = {
    "one": lambda: one_loop()[0],
    "nested": nested,
    "shared": shared_body,
}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", BUILDERS)
def test_loops_compute_the_same_in_integers(name, precision):
    expected = [run(BUILDERS[name]().bytes(), a) for a in arrays()]
    data = integers(BUILDERS[name](), precision, "float32")
    for delegates in (False, True):
        found = [run(data, a, delegates=delegates) for a in arrays()]
        error = np.max(np.abs(np.array(found) - np.array(expected)))
        assert error < (0.03 if precision != "int16" else 0.004)


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize(("precision", "io"), [("int8", "int8"), ("int16", "int16")])
def test_no_float_is_left(name, precision, io):
    data = integers(BUILDERS[name](), precision, io)
    assert float_tensors(data) == []
    main = schema.read(data).main
    assert {value.type for value in (*main.inputs, *main.outputs)} == {io}


def test_both_branches_of_an_if_get_the_same_scale():
    condition = np.array(True)
    model = branches()
    main, then, other = model.ir.graphs
    ranges = {
        main.inputs[1]: (-1.0, 1.0),
        then.outputs[0]: (0.0, 2.0),
        other.outputs[0]: (-2.0, 2.0),
    }
    plan = make_plan(model.ir, ranges, all_int8, allow_float=False)
    rewrite_to_integers(model.ir, plan, "float32")
    prune(model.ir)
    check_structure(model.ir)
    check_quantization(model.ir)
    x = arrays()[0]
    data = model.bytes()
    assert np.allclose(run(data, condition, x)[0], x + 1, atol=0.04)
    assert np.allclose(run(data, np.array(False), x)[0], x * 2, atol=0.04)


def test_an_initial_state_that_is_not_zero_keeps_its_value():
    model, start, _ = one_loop()
    start[1].data = np.array([[0.9, -0.8, 0.7]], np.float32)
    plain = model.bytes()
    expected = [run(plain, a)[0] for a in arrays()]
    found = [run(integers(model, "int8", "float32"), arrays()[0])[0]]
    assert np.max(np.abs(found[0] - expected[0])) < 0.03


def floor():
    model = Model()
    x, y = model.main.tensor(SHAPE), model.main.tensor(SHAPE, name="odd")
    model.main.add("FLOOR", [x], [y])
    model.main.ends([x], [y])
    return model


def test_an_op_without_integer_kernel_is_refused_by_name():
    with pytest.raises(
        rnnlite.UnsupportedError,
        match=r"FLOOR \(it makes 'odd'\) has no integer kernel.*allow_float",
    ):
        make_plan(floor().ir, {}, all_int8, allow_float=False)


def test_or_kept_in_float_on_request():
    model = floor()
    (op,) = model.main.ir.ops
    ranges = calibrate(model.ir, Samples([[a[0]] for a in arrays()], [], ()))
    plan = make_plan(model.ir, ranges.values, all_int8, allow_float=True)
    assert plan.kept == {op: "no integer kernel"}
    rewrite_to_integers(model.ir, plan, "int8")
    prune(model.ir)
    check_structure(model.ir)
    assert model.main.kinds == ["DEQUANTIZE", "FLOOR", "QUANTIZE"]
    ((source,), (result,)) = model.main.ir.inputs, model.main.ir.outputs
    scale, zero_point = source.scale, source.zero_point
    q = np.clip(np.rint(arrays()[0] / scale) + zero_point, -128, 127).astype(np.int8)
    found = (run(model.bytes(), q)[0].astype(float) - result.zero_point) * result.scale
    expected = np.floor((q.astype(np.float64) - zero_point) * scale)
    assert np.max(np.abs(found - expected)) < 0.03


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_a_product_with_a_computed_kernel(dtype):
    model = Model()
    main = model.main
    x, w, k, y = main.tensor((2, 3)), main.tensor((4, 3)), main.tensor((4, 3)), main.tensor((2, 4))
    bias = main.constant([0.1, -0.2, 0.3, 0.4])
    main.add("TANH", [w], [k])
    main.add("FULLY_CONNECTED", [x, k, bias], [y], "FullyConnectedOptions")
    main.ends([x, w], [y])
    rng = np.random.default_rng(0)
    a, b = (rng.uniform(-1, 1, shape).astype(np.float32) for shape in ((2, 3), (4, 3)))
    expected = run(model.bytes(), a, b)[0]
    ranges = {x: (-1.0, 1.0), w: (-1.0, 1.0), k: (-0.8, 0.8), y: (-2.0, 2.0)}
    precision = all_int8 if dtype == "int8" else all_int16
    plan = make_plan(model.ir, ranges, precision, allow_float=False)
    rewrite_to_integers(model.ir, plan, "float32")
    check_quantization(model.ir)
    for delegates in (False, True):
        assert np.max(np.abs(run(model.bytes(), a, b, delegates=delegates)[0] - expected)) < 0.05
