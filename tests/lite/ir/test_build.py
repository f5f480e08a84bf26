import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tables

from rnnlite.lite.ir import Builder, Model, Quantization
from rnnlite.lite.ir.build import VERSIONS
from rnnlite.lite.ir.ops import TABLES


def test_ops_stand_where_the_builder_was_put():
    graph = Model().graph()
    (x,) = graph.inputs = [graph.value("int32", [2])]
    graph.append(last := graph.op("NEG", [x], [graph.value("int32", [2])]))
    builder = Builder(graph, last)
    total = builder.make("ADD", [x, builder.constant([1, 2])], [2])
    builder.add("SUB", [total, builder.constant([1, 2])], [graph.value("int32", [2])])
    assert [op.kind for op in graph.ops] == ["ADD", "SUB", "NEG"]
    assert graph.ops[1].version == 2
    assert total.producer is graph.ops[0]
    assert graph.ops[0].input(1) is graph.ops[1].input(1)


def test_constants_differ_by_type_shape_and_scale():
    builder = Builder(Model().graph())
    params = Quantization.of(0.5)
    made = [
        builder.constant(1, "int8"),
        builder.constant([1], "int8"),
        builder.constant(1, "int8", params),
        builder.constant(1),
    ]
    assert len(set(made)) == 4
    assert builder.constant(1, "int8", Quantization.of(0.5)) is made[2]


def test_arguments_are_inputs_and_may_be_free():
    builder = Builder(Model().graph())
    made = [builder.argument([]), builder.argument([1, 3], "float32", free=True)]
    assert builder.graph.inputs == tuple(made)
    assert made[0].dims == ()
    assert made[1].dims == (-1, 3)
    assert made[1].shape == (1, 3)


def test_options_and_kind_of_a_result():
    builder = Builder(Model().graph())
    x = builder.argument([2], "int8")
    made = builder.make("CONCATENATION", [x, x], [4], "int8", Quantization.of(1.0), axis=0)
    op = made.producer
    assert op is not None
    assert op.table == "ConcatenationOptions"
    assert op.options == {"axis": 0}
    assert (made.type, made.quantization) == ("int8", Quantization.of(1.0))


def test_ops_come_last_without_a_place():
    builder = Builder(Model().graph())
    x = builder.argument([2])
    first = builder.make("ADD", [x, x], [2])
    second = builder.make("MUL", [first, x], [2])
    assert [op.kind for op in builder.graph.ops] == ["ADD", "MUL"]
    assert [v.producer for v in (x, first, second)] == [None, *builder.graph.ops]


def test_two_builders_at_one_place_stand_in_order():
    graph = Model().graph()
    (x,) = graph.inputs = [graph.value("int32", [2])]
    graph.append(last := graph.op("NEG", [x], [graph.value("int32", [2])]))
    for kind in ("ADD", "SUB", "MUL"):
        Builder(graph, last).make(kind, [x, x], [2])
    assert [op.kind for op in graph.ops] == ["ADD", "SUB", "MUL", "NEG"]


@pytest.mark.parametrize("kind", sorted(VERSIONS))
def test_ops_on_integers_have_the_version_that_takes_them(kind):
    builder = Builder(Model().graph())
    x = builder.argument([2])
    made = builder.make(kind, [x, x], [2])
    assert made.producer.version == VERSIONS[kind] == 2
    plain = builder.make("ADD", [x, x], [2])
    assert plain.producer.version == 1


@pytest.mark.parametrize("kind", sorted(TABLES))
def test_every_table_of_options_is_one_of_the_schema(kind):
    assert hasattr(tables, f"{TABLES[kind]}T")
    assert hasattr(tables.BuiltinOperator, kind)


def test_an_op_without_a_table_is_refused():
    builder = Builder(Model().graph())
    with pytest.raises(KeyError, match="NEG"):
        builder.make("NEG", [builder.argument([2])], [2])


def test_an_operand_may_be_left_out():
    builder = Builder(Model().graph())
    x = builder.argument([1, 2], "float32")
    made = builder.make("FULLY_CONNECTED", [x, x, None], [1, 1], "float32")
    assert made.producer.inputs == (x, x, None)


def test_graphs_that_an_op_runs():
    model = Model()
    main, then, other = (model.graph(n) for n in ("main", "then", "else"))
    builder = Builder(main)
    x = builder.argument([], "bool")
    op = builder.add("IF", [x], [builder.value([2])], branches=[then, other])
    assert op.branches == (then, other)
    assert op.table == "IfOptions"


def test_several_results():
    builder = Builder(Model().graph())
    x = builder.argument([4])
    parts = [builder.value([2]), builder.value([2])]
    op = builder.add("UNPACK", [x], parts, num=2, axis=0)
    assert [v.producer for v in parts] == [op, op]
    assert (op.integer("num"), op.integer("axis")) == (2, 0)


@pytest.mark.parametrize(
    ("values", "type", "shape"),
    [
        (3, "int32", ()),
        ([1, 2], "int64", (2,)),
        ([[0.5]], "float32", (1, 1)),
        ([True], "bool", (1,)),
    ],
)
def test_constants_have_the_type_that_is_asked_for(values, type, shape):
    made = Builder(Model().graph()).constant(values, type)
    assert (made.type, made.shape, made.data.dtype.name) == (type, shape, type)
    np.testing.assert_array_equal(made.data, values)


def test_equal_constants_of_two_builders_are_two():
    """A pass finds them equal at the end (`prune`)."""
    graph = Model().graph()
    assert Builder(graph).constant(1) is not Builder(graph).constant(1)


def test_a_value_of_any_size():
    made = Builder(Model().graph()).value([1, 2, 3], "float32", free=True)
    assert (made.dims, made.shape, made.producer) == ((-1, 2, 3), (1, 2, 3), None)
