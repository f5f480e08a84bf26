"""What a file asks of the runtime, demand by demand, and that older releases would refuse it."""

import numpy as np
import pytest

from graphs import KERNEL, SHAPE, Model, nested, one_loop
from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import at_version, parameters
from rnnlite.lite.releases import RELEASES, first_with, where_text
from rnnlite.lite.requirements import (
    METADATA,
    least_release,
    raise_versions,
    refuse_older,
    requirement,
    set_least_release,
)


def single(op, inputs, output, options="", **fields):
    """A model of one op; `inputs` and `output`: dtype and grid, or a constant's values."""
    model = Model()
    main = model.main
    tensors = []
    for entry in (*inputs, output):
        if isinstance(entry, np.ndarray):
            tensors.append(main.constant(entry, entry.dtype.name))
            grid = parameters(np.ones(len(entry))) if entry.dtype == np.int8 else None
        else:
            dtype, grid = entry
            tensors.append(main.tensor(SHAPE, dtype))
        main.content.tensors[tensors[-1]].quantization = grid
    main.add(op, tensors[:-1], tensors[-1:], options, **fields)
    main.ends(tensors[:1], tensors[-1:])
    return model.tree


def asked(tree):
    found = requirement(tree)
    return found.release.name, found.reason


def test_plain_float():
    assert asked(one_loop()[0].tree) == ("TFLite 2.9", "")


def test_version_of_an_op():
    tree = single("FULLY_CONNECTED", [("float32", None), np.float32(KERNEL)], ("float32", None))
    at_version(tree, tree.subgraphs[0].operators[0], 12)
    assert asked(tree) == ("LiteRT 1.0", "FULLY_CONNECTED in version 12")


def test_a_scale_a_channel():
    kernel = np.ones((3, 3), np.int8)
    tree = single("FULLY_CONNECTED", [("int8", parameters(1.0)), kernel], ("int8", parameters(1.0)))
    assert asked(tree) == ("TFLite 2.10", "FULLY_CONNECTED in int8 with a scale a channel")
    tree.subgraphs[0].tensors[1].quantization = parameters(1.0)
    assert asked(tree)[0] == "TFLite 2.9"


def test_widening_in_one_op():
    tree = single("QUANTIZE", [("int8", parameters(1.0))], ("int16", parameters(0.1)))
    assert asked(tree) == ("LiteRT 2.1.3", "QUANTIZE of int8 to int16")
    raise_versions(tree)
    (op,) = tree.subgraphs[0].operators
    assert tree.operatorCodes[op.opcodeIndex].version == 2


def test_rows_of_int16_are_version_4():
    grid = parameters(0.1)
    tree = single("DYNAMIC_UPDATE_SLICE", [("int16", grid), ("int16", grid)], ("int16", grid))
    raise_versions(tree)
    assert asked(tree) == ("LiteRT 1.3", "DYNAMIC_UPDATE_SLICE in version 4")


@pytest.mark.parametrize(("scale", "name"), [(0.1, "TFLite 2.9"), (0.2, "LiteRT 1.3")])
def test_sum_to_another_scale(scale, name):
    operand, axis = ("int16", parameters(0.1)), np.array([1], np.int32)
    tree = single("SUM", [operand, axis], ("int16", parameters(scale)))
    assert asked(tree)[0] == name


def test_loops_within_loops():
    assert asked(nested().tree) == ("LiteRT 1.0", "loops within loops")


def test_mask_in_a_loop():
    model, *_ = one_loop()
    body = model.tree.subgraphs[2]
    h, x = int(body.outputs[1]), int(body.inputs[2])
    flag = model.main.constant(True, "bool")
    body.tensors.append(model.tree.subgraphs[0].tensors[flag])
    body.tensors.append(body.tensors[h])
    select = model.main.add(
        "SELECT", [len(body.tensors) - 2, h, x], [len(body.tensors) - 1], "SelectOptions"
    )
    model.main.content.operators.remove(select)
    body.operators.append(select)
    assert asked(model.tree)[0] == "TFLite 2.9"
    x = model.tree.subgraphs[0].tensors[int(model.tree.subgraphs[0].inputs[0])]
    x.shapeSignature = [-1, 3]
    assert asked(model.tree) == ("LiteRT 1.0", "a mask in a loop")


def test_free_batch():
    tree = one_loop()[0].tree
    tensor = tree.subgraphs[0].tensors[int(tree.subgraphs[0].inputs[0])]
    tensor.shapeSignature = [-1, 3]
    assert asked(tree)[0] == "TFLite 2.9"
    tensor.shapeSignature = [-1, -1]
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
    assert asked(model.tree)[0] == name


@pytest.mark.parametrize("needed", RELEASES[1:], ids=lambda r: r.name)
def test_older_releases_refuse(needed):
    tree = one_loop()[0].tree
    before = len(tree.operatorCodes)
    refuse_older(tree, type(requirement(tree))(needed, "a test"))
    assert least_release(tree) == needed
    assert len(tree.operatorCodes) == before + 1
    refuse_older(tree, type(requirement(tree))(needed, "a test"))
    assert len(tree.operatorCodes) == before + 1


def test_metadata():
    tree = one_loop()[0].tree
    set_least_release(tree, requirement(nested().tree))
    assert flatbuffer.metadata(tree, METADATA) == b"2.18.0" + bytes(10)


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
