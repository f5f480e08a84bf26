"""Bytes in which what is equal stands once, and tuples that tell what is equal."""

from types import SimpleNamespace

import numpy as np
import pytest

from graphs import Model, one_loop, run
from rnnlite.lite import schema
from rnnlite.lite.ir import Quantization
from rnnlite.lite.schema.packing import IDENTIFIER, LARGE_VECTOR, pack, plain


def many(shapes, params=(None,)):
    """A model of one addition for each shape and quantization."""
    model = Model()
    main = model.main
    x = main.tensor(shapes[0], name="x")
    for k, shape in enumerate(shapes):
        y = main.tensor(shape, name=f"y{k}", quantization=params[k % len(params)])
        main.add("ADD", [x, x], [y], "AddOptions")
    main.ends([x], [y])
    return model


def test_the_bytes_are_a_file_of_the_format():
    data = pack(schema.to_tree(one_loop()[0].ir))
    assert data[4:8] == IDENTIFIER == b"TFL3"
    assert [g.name for g in schema.read(data).graphs] == ["", "", ""]


def test_equal_shapes_cost_nothing_more():
    """Each further op has its own name, operands and place; 16 bytes of a shape it has not."""
    few, more, others = (
        len(many([(1, 2, 3, 4)] * n + rest).bytes())
        for n, rest in ((2, []), (102, []), (2, [(1, 2, 3, k) for k in range(5, 105)]))
    )
    assert more - few < others - few - 100 * 16


def test_equal_scales_stand_once():
    params = [Quantization.of(0.5, 3)], [Quantization.of(0.5 + k, 3) for k in range(100)]
    one, each = (len(many([(1, 2)] * 100, g).bytes()) for g in params)
    assert each - one > 99 * 16


def test_packing_leaves_the_objects_as_they_were():
    tree = schema.to_tree(one_loop()[0].ir)
    first, second = pack(tree), pack(tree)
    assert first == second
    tensor = tree.subgraphs[0].tensors[0]
    assert "Pack" not in vars(tensor)
    assert "Pack" not in vars(tree.subgraphs[2].operators[0].builtinOptions)


def test_a_failure_leaves_them_too():
    tree = schema.to_tree(one_loop()[0].ir)
    tree.description = 3.5
    with pytest.raises(TypeError):
        pack(tree)
    assert "Pack" not in vars(tree.subgraphs[0].tensors[0])


@pytest.mark.parametrize("size", [LARGE_VECTOR // 4 - 1, LARGE_VECTOR // 4 + 1])
def test_large_constants_are_kept(size):
    model = Model()
    main = model.main
    x, y = main.tensor((size,)), main.tensor((size,))
    numbers = np.arange(size, dtype=np.float32)
    main.add("ADD", [x, main.constant(numbers)], [y], "AddOptions")
    main.ends([x], [y])
    (found,) = run(model.bytes(), np.ones(size, np.float32))
    np.testing.assert_array_equal(found, numbers + 1)


# What is equal


def test_arrays_differ_by_type_shape_and_elements():
    a = np.array([1, 2], np.int32)
    assert plain(a) == plain(np.array([1, 2], np.int32))
    for other in (a.astype(np.int64), a.reshape(1, 2), a + 1):
        assert plain(a) != plain(other)


def test_lists_and_tuples_are_one():
    assert plain([1, [2, 3]]) == plain((1, (2, 3)))
    assert plain([1, 2]) != plain([2, 1])


def test_tables_differ_by_kind_and_fields():
    a, b = SimpleNamespace(x=1, y=[2]), SimpleNamespace(x=1, y=[2])
    assert plain(a) == plain(b)
    assert plain(a) != plain(SimpleNamespace(x=1, y=[3]))
    other = type("Other", (), {})()
    other.__dict__ = {"x": 1, "y": [2]}
    assert plain(a) != plain(other)
    assert hash(plain(SimpleNamespace(inner=a))) == hash(plain(SimpleNamespace(inner=b)))


def test_fields_may_be_left_out_of_the_outermost_table():
    inner = SimpleNamespace(x=1, Pack=print)
    a, b = SimpleNamespace(v=inner, Pack=1), SimpleNamespace(v=inner, Pack=2)
    assert plain(a) != plain(b)
    assert plain(a, without=("Pack",)) == plain(b, without=("Pack",))
    with pytest.raises(AssertionError):
        plain({1: 2})
