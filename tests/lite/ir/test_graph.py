import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.lite.ir import Model, Origin, Quantization


def chain(length):
    """x -> TANH -> TANH -> ..."""
    graph = Model().graph()
    graph.inputs = [graph.value("float32", [1])]
    last = graph.inputs[0]
    for _ in range(length):
        made = graph.value("float32", [1])
        graph.append(graph.op("TANH", [last], [made]))
        last = made
    graph.outputs = [last]
    return graph


def kinds(graph):
    return [op.kind for op in graph.ops]


def is_sound(graph):
    """Whether producers, uses and the order of links say what the ops and the ends say."""
    ops = list(graph.ops)
    assert ops == list(reversed(list(reversed(graph.ops))))
    assert len(graph.ops) == len(ops)
    for value in graph.values:
        assert value.uses == () or all(use.op.inputs[use.place] is value for use in value.uses)
        read = sum(v is value for op in ops for v in op.inputs)
        assert len([u for u in value.uses if u.op.graph is graph]) == read
        makers = [op for op in ops if any(v is value for v in op.outputs)]
        assert makers == ([value.producer] if value.producer is not None else [])
        assert value.is_result == any(v is value for v in graph.outputs)
    return True


def test_insert_in_front_behind_and_at_the_end():
    graph = chain(2)
    first, second = graph.ops
    x = graph.inputs[0]
    ops = [graph.op(kind, [x], [graph.value("float32", [1])]) for kind in ("ABS", "NEG", "EXP")]
    graph.insert(first, ops[0])
    graph.insert_behind(first, ops[1])
    graph.insert_behind(second, ops[2])
    assert kinds(graph) == ["ABS", "TANH", "NEG", "TANH", "EXP"]
    assert is_sound(graph)


def test_a_removed_op_reads_and_makes_nothing():
    graph = chain(3)
    _, middle, last = graph.ops
    source, result = middle.input(0), middle.output
    result.replace_uses(source)
    graph.remove(middle)
    assert source.readers == (last,)
    assert result.producer is None
    assert middle.graph is None
    assert len(graph.ops) == 2
    assert is_sound(graph)


def test_replace_makes_the_same_result():
    graph = chain(1)
    (op,) = graph.ops
    x, y = op.input(0), op.output
    middle = graph.value("float32", [1])
    graph.replace(op, graph.op("ABS", [x], [middle]), graph.op("NEG", [middle], [y]))
    assert kinds(graph) == ["ABS", "NEG"]
    assert y.producer is graph.ops[1]
    assert is_sound(graph)


def test_a_sweep_may_insert_and_remove():
    graph = chain(4)
    met = 0
    for op in graph.ops:
        met += 1
        graph.insert(op, graph.op("ABS", [op.input(0)], [graph.value("float32", [1])]))
        if op.output.readers:
            following = op.output.readers[0]
            if following.kind == "TANH":
                following.output.replace_uses(op.output)
                graph.remove(following)
    # The second and the fourth went before their turn came.
    assert met == 2
    assert kinds(graph) == ["ABS", "TANH", "ABS", "TANH"]
    assert is_sound(graph)


def test_results_are_counted():
    graph = chain(1)
    (op,) = graph.ops
    graph.outputs = [op.output, op.output]
    graph.outputs = [op.output]
    assert op.output.is_result
    graph.outputs = []
    assert not op.output.is_result
    assert not op.output.is_read


def test_an_op_stands_in_one_place():
    graph = chain(1)
    with pytest.raises(ValueError, match="stands in a graph already"):
        graph.append(graph.ops[0])


def test_unused_values_are_dropped_in_order():
    graph = chain(2)
    graph.value("float32", [1], name="unused")
    kept = graph.values[:3]
    graph.drop_unused_values()
    assert graph.values == kept


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["append", "insert", "behind", "remove", "replace", "swap", "results"]),
        st.integers(0, 99),
        st.integers(0, 99),
    ),
    max_size=15,
)


def edit(graph, order, what, first, second):
    """One edit of a graph, and of the plain list that its ops are to be."""
    values = graph.values
    one, other = values[first % len(values)], values[second % len(values)]
    if what == "swap":
        other.replace_uses(one)
    elif what == "results":
        graph.outputs = [other, one]
    elif what == "append" or not order:
        order.append(graph.op("MUL", [one, other], [graph.value("float32", [1])]))
        graph.append(order[-1])
    else:
        place = first % len(order)
        op = order[place]
        if what == "remove":
            graph.remove(order.pop(place))
            return
        made = op.outputs if what == "replace" else [graph.value("float32", [1])]
        new = graph.op("MUL", [one, other], made)
        if what == "replace":
            graph.replace(op, new)
            order[place] = new
        elif what == "insert":
            graph.insert(op, new)
            order.insert(place, new)
        else:
            graph.insert_behind(op, new)
            order.insert(place + 1, new)


@settings(max_examples=30, deadline=None)
@given(EDITS)
def test_any_edits_leave_a_graph_sound(edits):
    """Uses and producers always say what the ops say; the order is that of a plain list."""
    graph = chain(2)
    order = list(graph.ops)
    for one in edits:
        edit(graph, order, *one)
    assert list(graph.ops) == order
    assert [o.following for o in order] == [*order[1:], None][: len(order)]
    assert is_sound(graph)


def test_ops_by_number_and_in_slices():
    graph = chain(3)
    ops = list(graph.ops)
    assert graph.ops[0] is ops[0]
    assert graph.ops[-1] is ops[2]
    assert graph.ops[1:] == ops[1:]
    with pytest.raises(IndexError):
        graph.ops[3]


def test_a_sweep_backward_leaves_out_what_goes_meanwhile():
    graph = chain(3)
    met = []
    for op in reversed(graph.ops):
        met.append(op)
        if op.input(0).producer is not None:
            graph.remove(op.input(0).producer)
    assert len(met) == 2
    assert kinds(graph) == ["TANH", "TANH"]


def test_several_ops_are_put_in_order():
    graph = chain(1)
    x = graph.inputs[0]

    def two(*names):
        return [graph.op(kind, [x], [graph.value("float32", [1])]) for kind in names]

    (tanh,) = graph.ops
    graph.insert(tanh, *two("ABS", "NEG"))
    graph.insert_behind(tanh, *two("EXP", "LOG"))
    graph.append(*two("SIN", "COS"))
    assert kinds(graph) == ["ABS", "NEG", "TANH", "EXP", "LOG", "SIN", "COS"]
    graph.remove(*list(graph.ops)[1:])
    assert kinds(graph) == ["ABS"]


def test_all_ops_may_go():
    graph = chain(2)
    graph.remove(*graph.ops)
    assert (len(graph.ops), list(graph.ops)) == (0, [])
    graph.append(graph.op("ABS", [graph.inputs[0]], [graph.value("float32", [1])]))
    assert kinds(graph) == ["ABS"]


def test_an_op_that_was_removed_may_stand_again():
    graph = chain(1)
    (op,) = graph.ops
    source, result = op.input(0), op.output
    graph.remove(op)
    op.inputs, op.outputs = [source], [result]
    graph.append(op)
    assert result.producer is op
    assert is_sound(graph)


def test_inputs_and_outputs_are_tuples():
    """Changing them means setting them: nothing is changed behind the graph's back."""
    graph = chain(1)
    ends = [graph.value("float32", [1])]
    graph.inputs = ends
    ends.append(graph.values[0])
    assert len(graph.inputs) == 1
    assert isinstance(graph.outputs, tuple)


def test_the_number_of_a_graph_is_its_place():
    model = Model()
    first, second = model.graph(), model.graph()
    assert (first.number, second.number) == (0, 1)
    model.graphs.remove(first)
    assert second.number == 0


def test_texts():
    graph = chain(1)
    graph.name = "main"
    graph.inputs[0].name, graph.outputs[0].name = "x", "y"
    assert repr(graph) == "Graph 'main' ('x': float32[1]), 1 ops"
    assert str(graph).splitlines()[1:] == ["    'y': float32[1] = TANH('x')", "    return 'y'"]


def test_constants_are_stored_in_one_piece():
    rows = np.arange(6, dtype=np.float32).reshape(2, 3).T
    made = Model().graph().constant(rows, name="w", quantization=Quantization.of(0.5))
    assert made.data.flags.c_contiguous
    np.testing.assert_array_equal(made.data, rows)
    assert (made.shape, made.name, made.scale) == ((3, 2), "w", 0.5)


def test_a_value_like_another():
    graph = Model().graph()
    old = graph.value("float32", [1, 3], [-1, 3], name="x", quantization=Quantization.of(1.0))
    old.is_variable, old.extra = True, {"kept": 1}
    plain, small = graph.like(old), graph.like(old, "int8", Quantization.of(0.5))
    assert (plain.type, plain.dims, plain.quantization) == ("float32", (-1, 3), None)
    assert (small.type, small.scale, small.is_variable) == ("int8", 0.5, True)
    assert plain.extra == {"kept": 1}
    assert graph.values == [old, plain, small]


def test_values_of_ops_without_steps_derive_nothing():
    graph = Model().graph()
    old = graph.value("float32", [1])
    old.origin = Origin(("dense/MatMul",))
    assert graph.like(old).origin == Origin(("dense/MatMul",))
    assert graph.like(graph.value("float32", [1])).origin is None


def test_values_that_are_named_anywhere_stay():
    graph = chain(1)
    (op,) = graph.ops
    kept = [graph.value("float32", [1]) for _ in range(3)]
    op.intermediates = (kept[0], None)
    graph.outputs = [*graph.outputs, kept[1]]
    graph.inputs = [*graph.inputs, kept[2]]
    lost = graph.value("float32", [1])
    graph.drop_unused_values()
    assert set(kept) <= set(graph.values)
    assert lost not in graph.values


def test_options_need_a_table():
    graph = chain(1)
    x = graph.inputs[0]
    with pytest.raises(KeyError, match="TANH"):
        graph.op("TANH", [x], [graph.value("float32", [1])], options={})
    assert graph.op("TANH", [x], [graph.value("float32", [1])]).table == ""
