"""No copy has one end in XNNPACK's memory and one outside."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from graphs import Model, kinds, one_loop
from rnnlite.lite import schema
from rnnlite.lite.ir import Quantization
from rnnlite.lite.passes.borders import crossings, guard_copies
from rnnlite.lite.record import record
from rnnlite.lite.structure import check_structure


def names(model):
    return kinds(model.main)


def run(tree, x):
    """What a model gives, and the ends of what XNNPACK takes of it."""
    interpreter = Interpreter(model_content=schema.write(tree), num_threads=1)
    place = interpreter.get_input_details()[0]["index"]
    interpreter.allocate_tensors()
    interpreter.set_tensor(place, x)
    interpreter.invoke()
    ends = set()
    for op in interpreter._get_ops_details():
        if op["op_name"] == "DELEGATE":
            ends |= {int(t) for t in (*op["inputs"], *op["outputs"])}
    outputs = [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
    return outputs, ends


def split_model():
    """TANH -> SPLIT -> MUL of two parts; the third is read by what XNNPACK does not take."""
    model = Model()
    graph = model.main
    x, y = graph.tensor([2, 6], name="x"), graph.tensor([2, 6])
    parts = [graph.tensor([2, 2]) for _ in range(3)]
    product, total = graph.tensor([2, 2]), graph.tensor([2, 2])
    graph.add("TANH", [x], [y])
    axis = graph.constant(1, "int32")
    graph.add("SPLIT", [axis, y], parts, "SplitOptions", numSplits=3)
    graph.add("MUL", parts[:2], [product], "MulOptions")
    graph.add("CUMSUM", [parts[2], graph.constant(0, "int32")], [total], "CumsumOptions")
    graph.ends([x], [product, total])
    # The rows are free: something may grow.
    x.signature = [-1, 6]
    return model, [graph.ir.values.index(v) for v in (y, *parts)]


def test_where_nothing_can_grow_nothing_is_held():
    model, _ = split_model()
    model.main.ir.inputs[0].signature = None
    assert guard_copies(model.ir) == 0


def test_all_ends_of_a_copy_at_the_border_are_held_outside():
    model, ends = split_model()
    x = np.random.default_rng(0).standard_normal((2, 6)).astype(np.float32)
    expected, outside = run(model.ir, x)
    assert not outside >= set(ends), "the runtime has a copy across the border"
    assert crossings(model.ir) == [(0, "SPLIT")]
    assert guard_copies(model.ir) == 4
    check_structure(model.ir)
    assert names(model.ir) == ["TANH", "SHAPE", "SPLIT", *["SHAPE"] * 3, "MUL", "CUMSUM"]
    assert crossings(model.ir) == []
    assert guard_copies(model.ir) == 0
    found, outside = run(model.ir, x)
    assert outside >= set(ends)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_copy_inside_is_left_alone():
    model, _ = split_model()
    main = model.main.ir
    main.remove(main.ops[3])
    main.outputs = main.outputs[:1]
    assert crossings(model.ir) == []
    assert guard_copies(model.ir) == 0
    assert names(model.ir) == ["TANH", "SPLIT", "MUL"]


def test_what_one_copy_puts_outside_is_seen_by_the_next():
    model = Model()
    graph = model.main
    x, y = graph.tensor([2, 6], name="x"), graph.tensor([2, 6])
    flat, back, z = graph.tensor([12]), graph.tensor([3, 4]), graph.tensor([3, 4])
    graph.add("TANH", [x], [y])
    graph.add("RESHAPE", [y, graph.constant([12], "int32")], [flat], "ReshapeOptions")
    graph.add("RESHAPE", [flat, graph.constant([3, 4], "int32")], [back], "ReshapeOptions")
    graph.add("CUMSUM", [back, graph.constant(0, "int32")], [z], "CumsumOptions")
    graph.ends([x], [z])
    x.signature = [-1, 6]
    assert crossings(model.ir) == [(0, "RESHAPE")]
    # CUMSUM might be taken some day: what it reads is held outside as well.
    assert guard_copies(model.ir) == 3
    expected = ["TANH", "SHAPE", "RESHAPE", "SHAPE", "RESHAPE", "SHAPE", "CUMSUM"]
    assert names(model.ir) == expected


def product_model(shape):
    model = Model()
    graph = model.main
    x, y = graph.tensor(shape, name="x"), graph.tensor([int(np.prod(shape[:-1])), 2])
    kernel = graph.constant(np.arange(8.0).reshape(2, 4))
    graph.add("FULLY_CONNECTED", [x, kernel, None], [y], "FullyConnectedOptions")
    graph.ends([x], [y])
    x.signature = [-1, *shape[1:]]
    return model


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((3, 4), ["FULLY_CONNECTED"]), ((2, 3, 4), ["RESHAPE", "SHAPE", "FULLY_CONNECTED"])],
)
def test_products_keep_the_rank_of_their_input(shape, expected):
    model = product_model(shape)
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    before = run(model.ir, x)[0]
    assert crossings(model.ir) == [(0, "FULLY_CONNECTED")]
    guard_copies(model.ir)
    assert names(model.ir) == expected
    assert crossings(model.ir) == []
    product = model.main.ir.ops[-1]
    assert product.flag("keepNumDims")
    assert product.version == 5
    check_structure(model.ir)
    np.testing.assert_array_equal(run(model.ir, x)[0][0], before[0])


def test_loop_bodies_are_guarded():
    model = one_loop()[0]
    model.main.ir.inputs[0].signature = [-1, 3]
    assert (2, "FULLY_CONNECTED") in crossings(model.ir)
    guard_copies(model.ir)
    assert crossings(model.ir) == []


def test_converted_files_are_guarded_and_say_so(exits):
    model = schema.read(exits.tflite)
    assert crossings(model) == []
    assert record(model)["guarded_copies"] is True


def joined_model(signatures, sizes=((2, 3, 4), (5, 3, 4))):
    """Two parts, joined along the first axis: all ends are at the subgraph's border."""
    model = Model()
    graph = model.main
    parts = [graph.tensor(list(s), name=f"x{k}") for k, s in enumerate(sizes)]
    y = graph.tensor([sum(s[0] for s in sizes), *sizes[0][1:]])
    graph.add("CONCATENATION", parts, [y], "ConcatenationOptions", axis=0)
    graph.ends(parts, [y])
    for t, signature in zip((*parts, y), signatures, strict=True):
        t.signature = signature
    return model


def test_a_join_to_a_place_that_moves_is_not_xnnpacks():
    model = joined_model([[-1, -1, 4]] * 3)
    assert crossings(model.ir) == [(0, "CONCATENATION")]
    guard_copies(model.ir)
    check_structure(model.ir)
    assert crossings(model.ir) == []
    assert names(model.ir) == ["STRIDED_SLICE", "GATHER", "CONCATENATION"]
    interpreter = Interpreter(model_content=model.bytes(), num_threads=1)
    rng = np.random.default_rng(0)
    for batch, first, second in [(1, 4, 2), (3, 5, 7), (2, 1, 1)]:
        arrays = [rng.standard_normal((n, batch, 4)).astype(np.float32) for n in (first, second)]
        for detail, a in zip(interpreter.get_input_details(), arrays, strict=True):
            interpreter.resize_tensor_input(detail["index"], a.shape)
        interpreter.allocate_tensors()
        for detail, a in zip(interpreter.get_input_details(), arrays, strict=True):
            interpreter.set_tensor(detail["index"], a)
        interpreter.invoke()
        found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        np.testing.assert_array_equal(found, np.concatenate(arrays))
    assert not [d for d in interpreter._get_ops_details() if d["op_name"] == "DELEGATE"]


def test_a_join_to_places_that_stay_is_left():
    # All but the last operand is of fixed size.
    model = joined_model([None, [-1, 3, 4], [-1, 3, 4]])
    assert crossings(model.ir) == []
    guard_copies(model.ir)
    assert names(model.ir) == ["CONCATENATION"]


def parts_model(dims, axis, type="float32"):
    """A SPLIT in two whose ends are all at the subgraph's border."""
    model = Model()
    graph = model.main
    params = None if type == "float32" else Quantization.of(0.1, 3)
    sizes = [4 if d < 0 else d for d in dims]
    half = [n // 2 if k == axis else n for k, n in enumerate(sizes)]
    x = graph.tensor(sizes, type, "x", params)
    parts = [graph.tensor(half, type, f"y{k}", params) for k in range(2)]
    graph.add("SPLIT", [graph.constant(axis, "int32"), x], parts, "SplitOptions", numSplits=2)
    model.ir.raise_version(model.ir.main.ops[0], 1 if type == "float32" else 2)
    graph.ends([x], parts)
    x.signature = list(dims)
    for part in parts:
        part.signature = [d // 2 if k == axis and d > 0 else d for k, d in enumerate(dims)]
    return model


CUT = ["SPLIT_V", "SQUEEZE", "SQUEEZE"]


@pytest.mark.parametrize("type", ["float32", "int8"])
@pytest.mark.parametrize(
    ("dims", "axis", "expected"),
    [
        ((2, -1, 4), 0, ["SPLIT_V"]),
        ((1, -1, 4), 1, ["RESHAPE", *CUT]),
        ((-1, -1, 4), 0, ["STRIDED_SLICE", "CONCATENATION", "RESHAPE", *CUT]),
        ((-1, -1, 4), 1, [*["STRIDED_SLICE"] * 2, "CONCATENATION", "RESHAPE", *CUT]),
    ],
)
def test_a_split_of_places_that_move_is_not_xnnpacks(dims, axis, expected, type):
    model = parts_model(dims, axis, type)
    assert crossings(model.ir) == [(0, "SPLIT")]
    guard_copies(model.ir)
    check_structure(model.ir)
    assert crossings(model.ir) == []
    # SHAPEs that hold the ends of the RESHAPE and the SQUEEZEs outside are between.
    assert [n for n in names(model.ir) if n != "SHAPE"] == expected
    interpreter = Interpreter(model_content=model.bytes(), num_threads=1)
    place = interpreter.get_input_details()[0]["index"]
    rng = np.random.default_rng(0)
    for length in (4, 12, 2, 6, 18):
        x = (10 * rng.standard_normal([length if d < 0 else d for d in dims])).astype(type)
        interpreter.resize_tensor_input(place, x.shape)
        interpreter.allocate_tensors()
        wanted = np.split(x, 2, axis)
        details = interpreter.get_output_details()
        # Known before a run.
        assert [tuple(d["shape"]) for d in details] == [w.shape for w in wanted]
        interpreter.set_tensor(place, x)
        interpreter.invoke()
        for detail, part in zip(details, wanted, strict=True):
            np.testing.assert_array_equal(interpreter.get_tensor(detail["index"]), part)


@pytest.mark.parametrize(("dims", "axis"), [((-1, 4, 6), 2), ((-1, 4, 6), 1)])
def test_a_split_of_places_that_stay_is_left(dims, axis):
    model = parts_model(dims, axis)
    assert crossings(model.ir) == []
    guard_copies(model.ir)
    assert names(model.ir) == ["SPLIT"]
