"""What a file asks of the runtime, demand by demand, and that older releases would refuse it."""

import numpy as np
import pytest

from graphs import KERNEL, SHAPE, Graph, Model, nested, one_loop
from rnnlite.lite import ir
from rnnlite.lite.ir import Quantization
from rnnlite.lite.releases import RELEASES, first_with, where_text
from rnnlite.lite.requirements import (
    METADATA,
    least_release,
    raise_versions,
    refuse_older,
    requirement,
    set_least_release,
)
from rnnlite.lite.schema import SAME_PADDING


def single(op, inputs, output, options="", **fields):
    """A model of one op; `inputs` and `output`: dtype and quantization, or a constant's values."""
    model = Model()
    main = model.main
    tensors = []
    for entry in (*inputs, output):
        if isinstance(entry, np.ndarray):
            tensors.append(main.constant(entry, entry.dtype.name))
            if entry.dtype == np.int8:
                tensors[-1].quantization = Quantization.of(np.ones(len(entry)))
        else:
            dtype, params = entry
            tensors.append(main.tensor(SHAPE, dtype, quantization=params))
    main.add(op, tensors[:-1], tensors[-1:], options, **fields)
    main.ends(tensors[:1], tensors[-1:])
    return model.ir


def asked(tree):
    found = requirement(tree)
    return found.release.name, found.reason


def test_plain_float():
    assert asked(one_loop()[0].ir) == ("TFLite 2.9", "")


def test_version_of_an_op():
    tree = single("FULLY_CONNECTED", [("float32", None), np.float32(KERNEL)], ("float32", None))
    tree.raise_version(tree.main.ops[0], 12)
    assert asked(tree) == ("LiteRT 1.0", "FULLY_CONNECTED in version 12")


def test_a_scale_a_channel():
    kernel = np.ones((3, 3), np.int8)
    tree = single(
        "FULLY_CONNECTED", [("int8", Quantization.of(1.0)), kernel], ("int8", Quantization.of(1.0))
    )
    assert asked(tree) == ("TFLite 2.10", "FULLY_CONNECTED in int8 with a scale a channel")
    tree.main.values[1].quantization = Quantization.of(1.0)
    assert asked(tree)[0] == "TFLite 2.9"


def test_widening_in_one_op():
    tree = single("QUANTIZE", [("int8", Quantization.of(1.0))], ("int16", Quantization.of(0.1)))
    assert asked(tree) == ("LiteRT 2.1.3", "QUANTIZE of int8 to int16")
    raise_versions(tree)
    (op,) = tree.main.ops
    assert op.version == 2


def test_rows_of_int16_are_version_4():
    params = Quantization.of(0.1)
    tree = single("DYNAMIC_UPDATE_SLICE", [("int16", params), ("int16", params)], ("int16", params))
    raise_versions(tree)
    assert asked(tree) == ("LiteRT 1.3", "DYNAMIC_UPDATE_SLICE in version 4")


@pytest.mark.parametrize("scale", [0.1, 0.2])
def test_sums_of_int16_wrap_around_before(scale):
    operand, axis = ("int16", Quantization.of(0.1)), np.array([1], np.int32)
    tree = single("SUM", [operand, axis], ("int16", Quantization.of(scale)))
    assert asked(tree) == ("LiteRT 1.3", "SUM of int16")


@pytest.mark.parametrize(
    ("kind", "dtype", "name"),
    [
        ("TILE", "int16", "LiteRT 2.1.3"),
        ("TILE", "int8", "TFLite 2.9"),
        ("DIV", "int16", "LiteRT 2.0"),
        ("DIV", "float32", "TFLite 2.9"),
        ("SUM", "int8", "TFLite 2.14"),
        ("BATCH_MATMUL", "int8", "LiteRT 2.1.3"),
    ],
)
def test_kernels_that_came_later_than_their_op(kind, dtype, name):
    params = None if dtype == "float32" else Quantization.of(0.1)
    operand = (dtype, params)
    other = operand if kind in ("DIV", "BATCH_MATMUL") else np.array([1], np.int32)
    tree = single(kind, [operand, other], operand)
    reason = "" if name == "TFLite 2.9" else f"{kind} of {dtype}"
    assert asked(tree) == (name, reason)


def test_filling_with_what_is_computed():
    shape = np.array(SHAPE, np.int32)
    for value, name in ((("float32", None), "LiteRT 1.1"), (np.float32([1]), "TFLite 2.9")):
        tree = single("FILL", [shape, value], ("float32", None))
        assert asked(tree)[0] == name


def test_operands_spread_over_five_axes():
    model = Model()
    main = model.main
    shape = (1, 2, 1, 1, 3)
    a, b, y = main.tensor(shape), main.tensor((1, 1, 1, 1, 3)), main.tensor(shape)
    main.add("MUL", [a, b], [y], "MulOptions")
    main.ends([a, b], [y])
    assert asked(model.ir) == ("LiteRT 1.0", "MUL over 5 axes")
    model.ir.main.ops[0].set_input(1, a)
    assert asked(model.ir)[0] == "TFLite 2.9"


def test_a_bias_of_int64():
    params = Quantization.of(0.1)
    kernel = np.ones((3, 3), np.int8)
    for bias, name in (
        (np.zeros(3, np.int64), "LiteRT 1.1"),
        (np.zeros(3, np.int32), "TFLite 2.9"),
    ):
        tree = single("FULLY_CONNECTED", [("int16", params), kernel, bias], ("int16", params))
        assert asked(tree)[0] == name


@pytest.mark.parametrize(("batch", "padding"), [(-1, 0), (-1, 1), (1, 0)])
def test_padded_convolutions_by_int8_over_a_batch_that_grows(batch, padding):
    """It is the batch that grows, where each step of a sequence is a picture."""
    model = ir.Model()
    main = model.graph("main")
    x, y = (main.value("float32", [1, 5, 4, 2], [batch, 5, 4, 2], name=name) for name in "xy")
    kernel = main.constant(np.ones((2, 3, 3, 2), np.int8), quantization=Quantization.of(1.0, 0))
    options = {"padding": padding, "strideH": 1, "strideW": 1}
    main.append(main.op("CONV_2D", [x, kernel], [y], options=options))
    main.inputs, main.outputs = [x], [y]
    needed = asked(model)
    assert (needed[0] == "LiteRT 1.3") == ((batch, padding) == (-1, SAME_PADDING))


def test_loops_within_loops():
    assert asked(nested().ir) == ("LiteRT 1.0", "loops within loops")


def test_mask_in_a_loop():
    model, *_ = one_loop()
    body = Graph(model.ir.graphs[2])
    operands = [body.constant(True, "bool"), body.ir.outputs[1], body.ir.inputs[2]]
    body.add("SELECT", operands, [body.tensor(SHAPE)], "SelectOptions")
    assert asked(model.ir)[0] == "TFLite 2.9"
    model.main.ir.inputs[0].signature = [-1, 3]
    assert asked(model.ir) == ("LiteRT 1.0", "a mask in a loop")


def test_free_batch():
    tree = one_loop()[0].ir
    (x,) = tree.main.inputs
    x.signature = [-1, 3]
    assert asked(tree)[0] == "TFLite 2.9"
    x.signature = [-1, -1]
    assert asked(tree) == ("LiteRT 1.0", "a free batch")


@pytest.mark.parametrize(
    ("op", "places", "name"),
    [("FULLY_CONNECTED", (0, 1), "TFLite 2.9"), ("GATHER", (1, 0), "LiteRT 1.1")],
)
def test_float16_elsewhere_than_in_kernels(op, places, name):
    model = Model()
    x, plain = model.main.tensor(SHAPE), model.main.tensor((3, 3))
    model.main.add("DEQUANTIZE", [model.main.constant(KERNEL, "float16")], [plain])
    y = model.main.tensor(SHAPE)
    operands = [(x, plain)[k] for k in places]
    model.main.add(op, operands, [y])
    model.main.ends([x], [y])
    assert asked(model.ir)[0] == name


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"])
@pytest.mark.parametrize("half", [False, True])
def test_a_convolution_by_float16_has_a_bias_of_float16(kind, half):
    """Another bias is read as float16 all the same."""
    model = Model()
    main = model.main
    x, y, kernel, bias = (main.tensor(SHAPE) for _ in range(4))
    main.add("DEQUANTIZE", [main.constant(KERNEL, "float16")], [kernel])
    if half:
        main.add("DEQUANTIZE", [main.constant([1.0, 2.0, 3.0], "float16")], [bias])
    else:
        bias = main.constant([1.0, 2.0, 3.0])
    main.add(kind, [x, kernel, bias], [y])
    main.ends([x], [y])
    wrong = not half and kind != "TRANSPOSE_CONV"
    assert asked(model.ir)[0] == ("LiteRT 2.0" if wrong else "TFLite 2.9")


@pytest.mark.parametrize("needed", RELEASES[1:], ids=lambda r: r.name)
def test_older_releases_refuse(needed):
    tree = one_loop()[0].ir
    before = len(tree.codes)
    refuse_older(tree, type(requirement(tree))(needed, "a test"))
    assert least_release(tree) == needed
    assert len(tree.codes) == before + 1
    refuse_older(tree, type(requirement(tree))(needed, "a test"))
    assert len(tree.codes) == before + 1


def test_metadata():
    tree = one_loop()[0].ir
    set_least_release(tree, requirement(nested().ir))
    assert tree.metadata[METADATA] == b"2.18.0" + bytes(10)


def test_unknown_ops_have_no_release():
    assert first_with("FULLY_CONNECTED", 99) is None
    assert where_text("") == "runs on no release of the standard runtime that is known here"


def test_where_text():
    assert where_text("TFLite 2.11") == "runs on TFLite 2.11, LiteRT 1.0 or newer"
    assert where_text("LiteRT 1.3") == "runs on LiteRT 1.3 (TensorFlow 2.20) or newer"


def test_releases_only_add():
    known = {}
    for release in RELEASES:
        assert release.new
        for op, version in release.new.items():
            assert version > known.get(op, 0)
            known[op] = version
