"""From the schema's objects to a model: kinds, contents, scales and what is missing."""

from types import SimpleNamespace

import numpy as np
import pytest

from graphs import branches, one_loop
from rnnlite.lite import schema
from rnnlite.lite.schema.packing import pack
from rnnlite.lite.schema.reading import _kind, _text, graph_fields, ints
from rnnlite.lite.schema.tables import tables


@pytest.fixture
def tree():
    return schema.to_tree(one_loop()[0].ir)


def code(builtin, deprecated=0, custom=None, version=1):
    table = tables.OperatorCodeT()
    table.builtinCode, table.deprecatedBuiltinCode = builtin, deprecated
    table.customCode, table.version = custom, version
    return table


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        (code(0), "ADD"),
        # An old file has the first field alone, a new one a number beyond it in the second.
        (code(0, 9), "FULLY_CONNECTED"),
        (code(tables.BuiltinOperator.GELU, 127), "GELU"),
        (code(tables.BuiltinOperator.CUSTOM, 32, b"Frobnicate"), "CUSTOM:Frobnicate"),
        (code(tables.BuiltinOperator.CUSTOM, 32), "CUSTOM:"),
        (code(9999, 127), "OP_9999"),
    ],
)
def test_kinds(table, kind):
    assert _kind(table) == kind


def test_texts_and_vectors_that_are_missing():
    assert _text(None) == ""
    assert _text(b"caf\xc3\xa9") == "café"
    assert _text(b"\xff!") == "\ufffd!"
    assert _text("as it is") == "as it is"
    # The generated code gives 0 for an empty vector of some fields.
    assert ints(None) == ints(0) == ints([]) == []
    assert ints(np.array([3, -1], np.int64)) == [3, -1]


def test_graphs_among_the_options(tree):
    loop = tree.subgraphs[0].operators[0]
    assert graph_fields(loop) == ("condSubgraphIndex", "bodySubgraphIndex")
    assert graph_fields(tree.subgraphs[2].operators[0]) == ()
    assert graph_fields(SimpleNamespace(builtinOptionsType=9999)) == ()


@pytest.mark.parametrize("build", [lambda: one_loop()[0], branches])
def test_what_an_op_runs_is_no_option(build):
    model = schema.read(build().bytes())
    (op,) = [op for op in model.main.ops if op.branches]
    assert op.branches == tuple(model.graphs[1:3])
    assert not [field for field in op.options if "Subgraph" in field]


def test_constants_of_one_content_are_one_array(tree):
    numbers = [v.data for v in schema.from_tree(tree).graphs[2].values if v.is_constant]
    again = schema.read(pack(tree))
    assert len(numbers) == 2
    held = next(v for v in again.graphs[2].values if v.type == "float32" and v.is_constant)
    np.testing.assert_array_equal(
        held.data, np.array([[0.5, 0.2, -0.1], [-0.3, 0.4, 0.3], [0.1, -0.6, 0.7]], np.float32)
    )


def constant(tree):
    """A float constant of the body."""
    return next(t for t in tree.subgraphs[2].tensors if t.buffer and t.type == 0)


@pytest.mark.parametrize(
    ("number", "dtype", "shape"),
    [
        (tables.TensorType.INT32, np.int32, (3, 3)),
        (tables.TensorType.FLOAT32, np.float32, (3, 3)),
        # Twice as many bytes an element as there are.
        (tables.TensorType.FLOAT64, np.uint8, (36,)),
        # Without a type of NumPy's: bytes.
        (tables.TensorType.INT4, np.uint8, (36,)),
        (tables.TensorType.STRING, np.uint8, (36,)),
        (tables.TensorType.RESOURCE, np.uint8, (36,)),
    ],
)
def test_content_in_its_type_or_as_bytes(tree, number, dtype, shape):
    constant(tree).type = number
    model = schema.from_tree(tree)
    place = tree.subgraphs[2].tensors.index(constant_of(tree, number))
    held = model.graphs[2].values[place].data
    assert held.dtype == dtype
    assert held.shape == shape


def constant_of(tree, number):
    return next(t for t in tree.subgraphs[2].tensors if t.buffer and t.type == number and rank(t))


def rank(tensor):
    return len(ints(tensor.shape)) == 2


def test_one_scale_and_many(tree):
    held = constant(tree)
    params = tables.QuantizationParametersT()
    params.scale, params.zeroPoint = np.array([0.5, 0.25, 2], np.float32), np.array([0, 1, 2])
    params.min, params.max = [0.0], [2.0]
    params.quantizedDimension = 1
    held.quantization = params
    model = schema.from_tree(tree)
    found = model.graphs[2].values[tree.subgraphs[2].tensors.index(held)].quantization
    assert found.scales == (0.5, 0.25, 2.0)
    assert found.zero_points == (0, 1, 2)
    assert found.axis == 1
    assert found.range == ((0.0,), (2.0,))
    held.quantization = tables.QuantizationParametersT()
    model = schema.from_tree(tree)
    empty = model.graphs[2].values[tree.subgraphs[2].tensors.index(held)].quantization
    assert empty.is_empty


def test_operands_that_are_left_out(tree):
    op = schema.from_tree(tree).graphs[2].ops[1]
    assert op.kind == "FULLY_CONNECTED"
    assert op.inputs[2] is None
    assert op.intermediates == ()


def test_metadata_without_bytes_is_empty(tree):
    entry = tables.MetadataT()
    entry.name, entry.buffer = b"nothing", 0
    tree.metadata = [entry]
    assert schema.from_tree(tree).metadata == {"nothing": b""}
