"""The large constants of a model: which are found, how their stand-ins grow, what is written."""

import numpy as np
import pytest

from graphs import SHAPE, Model, below, run
from rnnlite.errors import InternalError
from rnnlite.quantization.plan.origins import (
    FIRST_SIZE,
    LARGE,
    ROUNDS,
    Origins,
    constant_values,
)


class Sums(Model):
    """x plus constants, one behind the other."""

    def __init__(self, *numbers):
        super().__init__()
        self.x = y = self.main.tensor(SHAPE, name="x")
        self.sums = []
        for number in numbers:
            y = self.main.tensor(SHAPE)
            before = self.sums[-1].output if self.sums else self.x
            inputs = [before, self.main.constant(number, name="mask")]
            self.sums.append(self.main.add("ADD", inputs, [y], "AddOptions"))
        self.main.ends([self.x], [y])


def sizes(origins, model):
    """The sizes of the stand-ins of what the additions read; None for those that stay."""
    return [None if (s := origins.size(op, 1)) is None else s[1] for op in model.sums]


@pytest.mark.parametrize(
    ("number", "large"),
    [
        (49.9, False),
        (LARGE, True),
        (-1e9, True),
        (np.inf, True),
        ([[0.0, 0.5, -60.0]], True),
        ([[0.0, 0.5, 1.0]], False),
    ],
)
def test_constants_are_large_from_a_limit_on(number, large):
    model = Sums(number)
    found = Origins(model.ir).size(model.sums[0], 1)
    assert found == ((0, FIRST_SIZE) if large else None)


def test_whole_numbers_are_no_masks():
    model = Model()
    x, y = model.main.tensor(SHAPE, "int32"), model.main.tensor(SHAPE, "int32")
    number = model.main.constant(1000, "int32")
    op = model.main.add("ADD", [x, number], [y], "AddOptions")
    model.main.ends([x], [y])
    origins = Origins(model.ir)
    assert origins.size(op, 1) is None
    assert origins.constant(number).far == (1000.0,)


def test_ops_that_need_true_values_have_none():
    model = Model()
    x, y = model.main.tensor((1, 3)), model.main.tensor((1, 2))
    kernel = model.main.constant(np.full((2, 3), 100.0))
    op = model.main.add("FULLY_CONNECTED", [x, kernel, None], [y], "FullyConnectedOptions")
    model.main.ends([x], [y])
    assert Origins(model.ir).size(op, 1) is None


def test_an_initial_state_may_be_a_mask():
    model = Model()
    body = model.graph()
    t, h, later = body.tensor([], "int32"), body.tensor(SHAPE), body.tensor([], "int32")
    body.add("ADD", [t, body.constant(1, "int32")], [later], "AddOptions")
    body.ends([t, h], [later, h])
    cond = below(model, 2, 1, SHAPE)
    results = [model.main.tensor([], "int32"), model.main.tensor(SHAPE)]
    start = [model.main.constant(0, "int32"), model.main.constant(np.full(SHAPE, -1e9))]
    op = model.loop(model.main, start, results, cond, body)
    model.main.ends([], results[1:])
    assert Origins(model.ir).size(op, 1) == (0, FIRST_SIZE)


def test_what_a_constant_holds():
    model = Model()
    origins = Origins(model.ir)
    number = model.main.constant([[-1e9, 0.0, 2.0]])
    held = origins.constant(number)
    assert (held.far, held.near) == ((-1e9,), (0.0, 2.0))
    assert origins.constant(number) is held
    assert origins.constant(model.main.tensor(SHAPE)) is None
    assert origins.constant(model.main.constant([True], "bool")) is None
    np.testing.assert_array_equal(constant_values(number), [[-1e9, 0.0, 2.0]])
    assert constant_values(model.main.constant([True], "bool")) is None


# Sizes


def test_nothing_changes_where_nothing_is_asked_for():
    model = Sums(-1e9, 1e9)
    origins = Origins(model.ir)
    assert not origins.enlarge([], {})
    assert sizes(origins, model) == [FIRST_SIZE, FIRST_SIZE]


def test_a_stand_in_grows_by_a_little_more_than_it_lacks():
    model = Sums(-1e9, 1e9)
    origins = Origins(model.ir)
    assert origins.enlarge([], {frozenset({0}): 100.0})
    assert sizes(origins, model) == [FIRST_SIZE + 101.0, FIRST_SIZE]


def test_late_ones_grow_faster():
    model = Sums(-1e9)
    origins = Origins(model.ir)
    for _ in range(ROUNDS // 6):
        origins.enlarge([], {})
    assert origins.enlarge([], {frozenset({0}): 10.0})
    assert sizes(origins, model) == [FIRST_SIZE + 40.0]


def test_those_that_meet_have_one_size_from_then_on():
    model = Sums(-1e9, 1e9, -1e9)
    origins = Origins(model.ir)
    origins.enlarge([], {frozenset({1}): 100.0})
    assert origins.enlarge([frozenset({0, 1})], {})
    assert sizes(origins, model) == [FIRST_SIZE + 101.0] * 2 + [FIRST_SIZE]
    # They meet again, which changes nothing.
    assert not origins.enlarge([frozenset({0, 1})], {})
    origins.enlarge([], {frozenset({0}): 100.0})
    assert sizes(origins, model)[:2] == [FIRST_SIZE + 202.0] * 2


def test_groups_that_meet_become_one():
    model = Sums(-1e9, 1e9, -1e9, 1e9)
    origins = Origins(model.ir)
    origins.enlarge([frozenset({0, 1}), frozenset({2, 3})], {})
    origins.enlarge([frozenset({1, 2})], {})
    origins.enlarge([], {frozenset({3}): 50.0})
    assert sizes(origins, model) == [FIRST_SIZE + 50.5] * 4


def test_more_than_half_of_the_constant_is_no_stand_in():
    model = Sums(-100.0, -1e9)
    origins = Origins(model.ir)
    assert origins.enlarge([], {frozenset({0}): 41.0, frozenset({1}): 41.0})
    assert sizes(origins, model) == [pytest.approx(49.41), pytest.approx(49.41)]
    assert origins.enlarge([], {frozenset({0}): 1.0, frozenset({1}): 1.0})
    assert sizes(origins, model) == [None, pytest.approx(50.42)]


def test_what_never_settles_is_given_up():
    model = Sums(-1e30)
    origins = Origins(model.ir)
    for _ in range(ROUNDS):
        origins.enlarge([], {frozenset({0}): 1.0})
    assert sizes(origins, model) != [None]
    origins.enlarge([], {frozenset({0}): 1.0})
    assert sizes(origins, model) == [None]


def test_dropped_ones_stay_in_the_model():
    model = Sums(-1e9, 1e9)
    origins = Origins(model.ir)
    origins.drop(frozenset({0}))
    assert sizes(origins, model) == [None, FIRST_SIZE]
    origins.write({})
    held = [float(op.input(1).data) for op in model.sums]
    assert held == [-1e9, FIRST_SIZE]


# Writing


def test_large_elements_alone_are_replaced_with_their_sign():
    model = Sums([[-1e9, 0.25, np.inf]])
    origins = Origins(model.ir)
    assert origins.write({}) == {}
    made = model.sums[0].input(1)
    np.testing.assert_array_equal(made.data, [[-FIRST_SIZE, 0.25, FIRST_SIZE]])
    assert (made.name, made.type) == ("mask", "float32")


def test_a_constant_that_another_op_reads_is_written_for_each():
    model = Sums(-1e9)
    number, other = model.sums[0].input(1), model.main.tensor(SHAPE)
    op = model.main.add("FLOOR_DIV", [model.x, number], [other], "FloorDivOptions")
    Origins(model.ir).write({})
    assert float(model.sums[0].input(1).data) == -FIRST_SIZE
    assert float(op.input(1).data) == -1e9


class Logarithm(Model):
    """log(m)."""

    def __init__(self):
        super().__init__()
        self.m, y = self.main.tensor(SHAPE, name="m"), self.main.tensor(SHAPE)
        self.op = self.main.add("LOG", [self.m], [y])
        self.main.ends([self.m], [y])


@pytest.mark.parametrize(
    ("low", "at_low"), [(0.0, -FIRST_SIZE), (1e-9, np.log(1e-9)), (0.5, np.log(0.5))]
)
def test_the_logarithm_of_a_mask_is_a_line_through_both_values(low, at_low):
    model = Logarithm()
    origins = Origins(model.ir)
    (number,) = origins.numbers.values()
    replaced = origins.write({number: (low, 1.0)})
    assert model.main.kinds == ["SUB", "MUL"]
    assert replaced == {model.op: model.main.ir.ops[0]}
    less = model.main.ir.ops[0].output
    assert origins.written == {less: (low - 1.0, 0.0)}
    (found,) = run(model.bytes(), np.array([[low, 1.0, low]], np.float32))
    np.testing.assert_allclose(found, [[at_low, 0.0, at_low]], rtol=1e-6)


def test_a_constant_without_content_is_a_fault():
    model = Sums(-1e9)
    origins = Origins(model.ir)
    model.sums[0].set_input(1, model.main.tensor(()))
    with pytest.raises(InternalError, match=r"a constant without content\. This is a fault"):
        origins.write({})
