import pytest

from rnnlite.lite.ir import Model


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
