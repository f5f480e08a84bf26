from rnnlite.lite.ir import Builder, Model, Quantization


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
