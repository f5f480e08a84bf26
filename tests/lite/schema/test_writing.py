"""From a model to the schema's objects: numbers of tensors, codes and buffers."""

import numpy as np
import pytest

from graphs import Model, branches, one_loop
from rnnlite.lite import schema
from rnnlite.lite.ir import OpCode, Quantization, Signature
from rnnlite.lite.schema.tables import OPS, PLACEHOLDER, tables
from rnnlite.lite.schema.writing import _code_table


@pytest.mark.parametrize(
    ("kind", "builtin", "old", "custom"),
    [
        ("FULLY_CONNECTED", 9, 9, None),
        ("GELU", tables.BuiltinOperator.GELU, PLACEHOLDER, None),
        ("CUSTOM:Frobnicate", 32, 32, "Frobnicate"),
        ("OP_9999", 9999, PLACEHOLDER, None),
    ],
)
def test_codes_for_old_and_new_readers(kind, builtin, old, custom):
    table = _code_table(OpCode(kind, 3))
    found = table.builtinCode, table.deprecatedBuiltinCode, table.customCode, table.version
    assert found == (builtin, old, custom, 3)


def test_every_kind_is_read_as_it_was_written():
    for number, kind in OPS.items():
        if kind != "CUSTOM":
            table = _code_table(OpCode(kind, 1))
            assert max(table.builtinCode, table.deprecatedBuiltinCode) == number


def test_contents_stand_once_and_the_first_buffer_is_empty():
    model = Model()
    main = model.main
    x, y = main.tensor((2,)), main.tensor((2,))
    held = [main.constant([1.0, 2.0]) for _ in range(3)]
    main.constant(np.zeros((0,)))
    # The same bytes in another type.
    bits = main.constant(np.array([1.0, 2.0], np.float32).view(np.int32), "int32")
    main.ends([x], [y])
    model.ir.metadata = {"a": held[0].data.tobytes(), "b": b""}
    tree = schema.to_tree(model.ir)
    assert tree.buffers[0].data is None
    assert len(tree.buffers) == 2
    numbers = {t.name: t.buffer for t in tree.subgraphs[0].tensors}
    assert [numbers[v.name] for v in (*held, bits)] == [1, 1, 1, 1]
    assert numbers[x.name] == 0
    assert [(m.name, m.buffer) for m in tree.metadata] == [("a", 1), ("b", 0)]


def test_numbers_of_graphs_and_tensors():
    model = branches()
    tree = schema.to_tree(model.ir)
    (op,) = tree.subgraphs[0].operators
    assert (op.builtinOptions.thenSubgraphIndex, op.builtinOptions.elseSubgraphIndex) == (1, 2)
    assert op.inputs == [0, 1]
    assert op.outputs == [2]
    # Each graph counts its own.
    for graph in tree.subgraphs[1:]:
        assert graph.operators[0].inputs == [0, 2]
        assert graph.operators[0].outputs == [1]


def test_operands_that_are_left_out_are_minus_one():
    tree = schema.to_tree(one_loop()[0].ir)
    assert tree.subgraphs[2].operators[1].inputs[2] == -1
    assert tree.subgraphs[2].operators[1].intermediates is None


def test_names_that_are_none_are_not_written():
    model = Model()
    x = model.main.ir.value("float32", [1])
    model.main.ends([x], [x])
    tree = schema.to_tree(model.ir)
    assert tree.description is None
    assert tree.subgraphs[0].name is None
    assert tree.subgraphs[0].tensors[0].name is None


def test_shapes_with_free_axes():
    model = Model()
    model.main.tensor((1, -1, 3))
    model.main.tensor((1, 2, 3))
    free, fixed = schema.to_tree(model.ir).subgraphs[0].tensors
    assert (list(free.shape), list(free.shapeSignature)) == ([1, 1, 3], [1, -1, 3])
    assert (list(fixed.shape), fixed.shapeSignature) == ([1, 2, 3], None)


def test_scales_and_ranges():
    model = Model()
    model.main.tensor((1,), "int8", quantization=Quantization.of(0.5, 3))
    model.main.tensor((1,), "int8", quantization=Quantization((), (), 0, ((-1.0,), (2.0,))))
    model.main.tensor((1,))
    params, stated, none = (t.quantization for t in schema.to_tree(model.ir).subgraphs[0].tensors)
    assert (params.scale.tolist(), params.zeroPoint.tolist()) == ([0.5], [3])
    assert params.min is None
    assert (stated.min.tolist(), stated.max.tolist()) == ([-1.0], [2.0])
    assert stated.scale is None
    assert none is None


def test_options_and_branches_that_do_not_go_together():
    model, _, _ = one_loop()
    (loop,) = [op for op in model.main.ir.ops if op.kind == "WHILE"]
    loop.branches = loop.branches[:1]
    with pytest.raises(ValueError, match="zip"):
        schema.to_tree(model.ir)
    model = Model()
    x = model.main.tensor((1,))
    model.main.add("ADD", [x, x], [model.main.tensor((1,))], "AddOptions", beta=1.0)
    with pytest.raises(AttributeError, match="AddOptions has no field beta"):
        schema.to_tree(model.ir)


def test_signatures_name_tensors_of_their_graph():
    model = branches()
    then = model.ir.graphs[1]
    ends = (("b", then.outputs[0]), ("a", then.inputs[0]))
    model.ir.signatures = [Signature("inner", then, (("x", then.inputs[0]),), ends)]
    (entry,) = schema.to_tree(model.ir).signatureDefs
    assert (entry.signatureKey, entry.subgraphIndex) == ("inner", 1)
    assert [(m.name, m.tensorIndex) for m in entry.inputs] == [("x", 0)]
    # In the caller's order.
    assert [(m.name, m.tensorIndex) for m in entry.outputs] == [("b", 1), ("a", 0)]
