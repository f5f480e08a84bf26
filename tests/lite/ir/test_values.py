import numpy as np
import pytest

from rnnlite.lite.ir import Model, Origin, Quantization, Use


def pair():
    """b = TANH(a); c = ADD(a, b), given back twice."""
    graph = Model().graph("main")
    a, b, c = (graph.value("float32", [1, 2], [-1, 2], name=name) for name in "abc")
    tanh, add = graph.op("TANH", [a], [b]), graph.op("ADD", [a, b], [c], options={})
    graph.append(tanh, add)
    graph.inputs, graph.outputs = [a], [c, c]
    return graph, (a, b, c), (tanh, add)


def test_uses_and_producers_follow_the_ops():
    _, (a, b, c), (tanh, add) = pair()
    assert a.producer is None
    assert b.producer is tanh
    assert c.producer is add
    assert a.uses == (Use(tanh, 0), Use(add, 0))
    assert b.readers == (add,)
    assert c.is_result
    assert c.is_read
    assert not c.uses
    assert not a.is_result


def test_an_op_that_reads_twice_is_one_reader_with_two_uses():
    graph, (a, _, _), _ = pair()
    square = graph.value("float32", [1, 2])
    graph.append(op := graph.op("MUL", [a, a], [square], options={}))
    assert [u.place for u in a.uses if u.op is op] == [0, 1]
    assert a.readers.count(op) == 1


def test_all_that_read_a_value_read_another_one():
    graph, (a, b, c), (_, add) = pair()
    c.replace_uses(b)
    assert graph.outputs == (b, b)
    assert not c.is_read
    b.replace_uses(a, results=False)
    assert add.inputs == (a, a)
    assert b.uses == ()
    assert graph.outputs == (b, b)


def test_shape_and_signature():
    _, (a, _, _), _ = pair()
    assert a.shape == (1, 2)
    assert a.dims == (-1, 2)
    assert a.is_free
    assert a.size == 2
    assert a.rank == 2
    a.signature = None
    assert a.dims == (1, 2)
    assert not a.is_free
    a.shape = [0, 2]
    assert a.is_empty
    assert a.size == 0


def test_a_constant_keeps_type_shape_and_elements():
    graph = Model().graph()
    numbers = graph.constant(np.array([[1, 2]], np.int32), name="n")
    assert numbers.type == "int32"
    assert numbers.shape == (1, 2)
    assert numbers.is_constant
    assert numbers.integers() == [1, 2]
    assert numbers.constant("float32") is None
    assert graph.constant(np.array(2.5, np.float32)).constant("float32") == 2.5


def test_a_constant_without_elements_has_no_content():
    empty = Model().graph().constant(np.zeros(0, np.int32))
    assert empty.is_empty
    assert not empty.is_constant
    assert empty.integers() is None


def test_a_value_like_another_takes_part_in_the_same_step():
    _, (a, _, _), _ = pair()
    a.origin = Origin(("lstm/MatMul",), ("ADD", 7))
    first, second = a.graph.like(a, "int8"), a.graph.like(a)
    assert first.origin == Origin(("lstm/MatMul",), ("ADD", 7, 1))
    assert second.origin == Origin(("lstm/MatMul",), ("ADD", 7, 2))
    assert (first.type, first.dims, first.name) == ("int8", (-1, 2), "a")
    assert first.data is None
    assert first.producer is None


def test_quantization_from_numbers_and_arrays():
    one = Quantization.of(0.1, -3)
    assert one.scales == (float(np.float32(0.1)),)
    assert one.zero_points == (-3,)
    assert Quantization.of([0.5, 0.25], 0, 3) == Quantization((0.5, 0.25), (0, 0), 3)
    assert Quantization((), ()).is_empty
    assert not one.is_empty


def test_scale_and_zero_point_of_a_value():
    graph = Model().graph()
    value = graph.value("int8", [2], quantization=Quantization.of(0.5, 3))
    assert value.scale == 0.5
    assert value.zero_point == 3
    value.quantization = Quantization.of([0.5, 0.5])
    with pytest.raises(ValueError, match="no single scale"):
        value.scale  # noqa: B018
    with pytest.raises(ValueError, match="no single zero point"):
        value.zero_point  # noqa: B018


def test_labels_and_reprs():
    _, (a, _, c), (_, add) = pair()
    assert repr(a) == "'a': float32[-1, 2]"
    assert repr(add) == "'c': float32[-1, 2] = ADD('a', 'b')"
    c.name = ""
    assert c.label == "tensor 2 of subgraph 0"
