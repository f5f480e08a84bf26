import numpy as np
import pytest

from rnnlite.lite.ir import FREE, Model, Origin, Quantization, Use


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


@pytest.mark.parametrize(
    ("shape", "signature", "dims", "rank", "size", "free", "empty"),
    [
        ([], None, (), 0, 1, False, False),
        ([3], None, (3,), 1, 3, False, False),
        ([1, 4], [FREE, 4], (-1, 4), 2, 4, True, False),
        ([2, 0], None, (2, 0), 2, 0, False, True),
        ([1, 1], [FREE, FREE], (-1, -1), 2, 1, True, False),
        ([0, 3], [FREE, 3], (-1, 3), 2, 0, True, True),
    ],
)
def test_sizes(shape, signature, dims, rank, size, free, empty):
    value = Model().graph().value("float32", shape, signature)
    assert (value.dims, value.rank, value.size) == (dims, rank, size)
    assert (value.is_free, value.is_empty) == (free, empty)


def test_sizes_are_plain_numbers():
    value = Model().graph().value("float32", np.array([2, 3]), np.array([-1, 3]))
    assert all(type(n) is int for n in (*value.shape, *value.signature))


def test_a_new_shape_leaves_the_signature():
    value = Model().graph().value("float32", [1, 3], [-1, 3])
    value.shape = (5, 3)
    assert (value.shape, value.dims) == ((5, 3), (-1, 3))
    value.signature = (-1, -1)
    assert value.dims == (-1, -1)


def test_what_may_stand_in_a_file_once_has_one_layout():
    graph = Model().graph()
    one, same = (graph.value("float32", [2], name=n) for n in "ab")
    assert one.layout == same.layout
    for other in (
        graph.value("int8", [2]),
        graph.value("float32", [2, 1]),
        graph.value("float32", [2], [-1]),
    ):
        assert other.layout != one.layout
    same.rank_is_said = False
    assert same.layout != one.layout


@pytest.mark.parametrize(
    ("array", "wanted"),
    [
        (np.array([1, 2], np.int32), [1, 2]),
        (np.array([[3], [-4]], np.int64), [3, -4]),
        (np.array(5, np.int32), [5]),
        (np.array([1.0], np.float32), None),
        (np.array([1], np.int8), None),
        (np.array([True]), None),
    ],
)
def test_integers_of_constants(array, wanted):
    assert Model().graph().constant(array).integers() == wanted


def test_a_value_without_content_has_no_elements():
    value = Model().graph().value("int32", [2])
    assert (value.integers(), value.constant("int32"), value.is_constant) == (None, None, False)


def test_content_of_one_of_several_types():
    value = Model().graph().constant(np.array([1.5], np.float32))
    assert value.constant("int8", "float32") is value.data
    assert value.constant("int8", "float16") is None


def test_results_that_are_given_twice_are_replaced_twice():
    graph, (a, _, c), _ = pair()
    c.replace_uses(a)
    assert graph.outputs == (a, a)
    assert (a.is_result, c.is_result) == (True, False)


def test_a_value_that_is_no_result_changes_no_results():
    graph, (a, b, c), _ = pair()
    a.replace_uses(b)
    assert graph.outputs == (c, c)


def test_readers_stand_in_the_order_in_which_they_came():
    _, (a, b, _), (tanh, add) = pair()
    assert a.readers == (tanh, add)
    tanh.set_input(0, b)
    tanh.set_input(0, a)
    assert a.readers == (add, tanh)


@pytest.mark.parametrize("value", [None, Quantization((), ()), Quantization.of([1.0, 2.0])])
def test_no_single_scale(value):
    made = Model().graph().value("int8", [2], name="it", quantization=value)
    with pytest.raises(ValueError, match=r"'it': int8\[2\] has no single scale"):
        made.scale  # noqa: B018
    with pytest.raises(ValueError, match=r"'it': int8\[2\] has no single zero point"):
        made.zero_point  # noqa: B018


@pytest.mark.parametrize(
    ("made", "empty"),
    [
        (Quantization((), ()), True),
        (Quantization((), (), 3), True),
        (Quantization((), (), range=((0.0,), ())), False),
        (Quantization((), (), details="of another kind"), False),
        (Quantization((), (0,)), False),
    ],
)
def test_what_says_nothing(made, empty):
    assert made.is_empty == empty


@pytest.mark.parametrize("points", [0, [1, 2, 3], np.array([1, 2, 3], np.int8)])
def test_scales_are_float32_numbers(points):
    made = Quantization.of(np.array([0.1, 0.2, 0.3]), points, axis=1)
    assert made.scales == tuple(float(np.float32(s)) for s in (0.1, 0.2, 0.3))
    assert made.zero_points == (tuple(points) if np.ndim(points) else (0, 0, 0))
    assert all(type(n) is int for n in made.zero_points)
    assert hash(made) == hash(Quantization.of([0.1, 0.2, 0.3], points, 1))


def test_derived_values_of_equal_steps_are_equal():
    """Two steps of one recurrence, whose passes do the same."""
    graph = Model().graph()
    steps = [graph.value("float32", [1]) for _ in range(2)]
    for value in steps:
        value.origin = Origin((f"step_{steps.index(value)}/MatMul",), ("ADD", 7))
    made = [[graph.like(value).origin.value for _ in range(2)] for value in steps]
    assert made[0] == made[1] == [("ADD", 7, 1), ("ADD", 7, 2)]
    again = graph.like(graph.values[2])
    assert again.origin.value == ("ADD", 7, 1, 1)


def test_labels_count_subgraphs():
    model = Model()
    model.graph()
    inner = model.graph()
    inner.value("float32", [1])
    assert inner.value("float32", [1]).label == "tensor 1 of subgraph 1"
