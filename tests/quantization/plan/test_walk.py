"""One walk through a model: what is handed on, what needs the true value, and where paths end."""

import numpy as np
import pytest

from graphs import SHAPE, Model, below
from rnnlite.quantization.plan.origins import Origins
from rnnlite.quantization.plan.walk import Softened, Walk
from rnnlite.quantization.recipes import all_int8, int16_states

LOGITS = (-3.0, 5.0)
MASK = -1e9


class Start(Model):
    """x, a truth, and SELECT(truth, x, -1e9) to begin with."""

    def __init__(self):
        super().__init__()
        self.x, self.flag = self.main.tensor(SHAPE), self.main.tensor(SHAPE, "bool")
        self.ranges = {self.x: LOGITS}
        self.selected = self.make("SELECT_V2", [self.flag, self.x, self.number(MASK)])
        self.outputs = []

    def number(self, value, dtype="float32"):
        return self.main.constant(value, dtype)

    def make(self, kind, inputs, options="", dtype="float32", seen=None, **fields):
        y = self.main.tensor(SHAPE, dtype)
        self.main.add(kind, inputs, [y], options, **fields)
        if seen is not None:
            self.ranges[y] = seen
        return y

    def walk(self, *outputs, precision=all_int8, binary=()):
        self.main.ends([self.x, self.flag], outputs)
        origins = Origins(self.ir)
        return Walk(self.ir, self.ranges, precision, binary, origins).run()


def refused(walk):
    return sorted(walk.refused)


def test_a_mask_that_ends_is_not_refused():
    model = Start()
    p = model.make("SOFTMAX", [model.selected], "SoftmaxOptions", beta=1.0)
    walk = model.walk(p)
    assert refused(walk) == []
    value = walk.values[model.selected]
    assert value.is_moved
    assert value.plain == LOGITS
    # -8 lies not 8 below the smallest logit, -11: 3 are lacking.
    assert walk.lacking == {frozenset({0}): pytest.approx(3.0)}


def test_what_the_caller_sees_needs_the_true_value():
    model = Start()
    assert refused(model.walk(model.selected)) == [0]


NEEDING = {
    "a product with weights": lambda m: m.make(
        "FULLY_CONNECTED", [m.selected, m.number(np.ones((3, 3)))], "FullyConnectedOptions"
    ),
    "a mean": lambda m: m.make("MEAN", [m.selected, m.number([1], "int32")]),
    "an op that nothing is known of": lambda m: m.make("CEIL", [m.selected]),
    "a divisor of unknown range": lambda m: m.make(
        "DIV", [m.selected, m.make("ABS", [m.x])], "DivOptions"
    ),
    "a divisor that may be zero": lambda m: m.make("DIV", [m.selected, m.x], "DivOptions"),
    "a function within a sum": lambda m: m.make(
        "ADD", [m.selected, m.x], "AddOptions", fusedActivationFunction=1
    ),
    "a concatenation with what nobody saw": lambda m: m.make(
        "CONCATENATION", [m.selected, m.make("ABS", [m.x])], "ConcatenationOptions"
    ),
    "a comparison with what nobody saw": lambda m: m.make(
        "LESS", [m.selected, m.make("ABS", [m.x])], "LessOptions", "bool"
    ),
    "a cast to whole numbers": lambda m: m.make("CAST", [m.selected], "CastOptions", "int32"),
    "a logarithm": lambda m: m.make("LOG", [m.make("MUL", [m.selected, m.selected], "MulOptions")]),
    "an exponential upwards": lambda m: m.make(
        "EXP", [m.make("SELECT_V2", [m.flag, m.x, m.number(1e9)])]
    ),
    "a relu upwards": lambda m: m.make("RELU", [m.make("SELECT_V2", [m.flag, m.x, m.number(1e9)])]),
    "a maximum of what is masked upwards": lambda m: m.make(
        "REDUCE_MAX", [m.make("SELECT_V2", [m.flag, m.x, m.number(1e9)]), m.number([1], "int32")]
    ),
}


@pytest.mark.parametrize("name", NEEDING)
def test_readers_that_need_the_true_value(name):
    model = Start()
    y = NEEDING[name](model)
    p = model.make("SOFTMAX", [model.selected], "SoftmaxOptions", beta=1.0)
    walk = model.walk(*([y] if y.type == "float32" else []), p)
    assert walk.refused


ENDING = {
    "SOFTMAX": -11.0,
    "EXP": -11.0,
    "LOG_SOFTMAX": -11.0,
    "LOGISTIC": -12.0,
    "TANH": -6.0,
    "RELU": -3.0,
    "RELU6": -3.0,
    "RELU_0_TO_1": -3.0,
    "ELU": -8.0,
    "REDUCE_MAX": -3.0 - 0.05 * 8 - 1e-3,
}
"""How far down a mask has to reach for values from -3 to 5."""


@pytest.mark.parametrize("kind", ENDING)
def test_ends_that_masks_point_down_to(kind):
    model = Start()
    more = [model.number([1], "int32")] if kind == "REDUCE_MAX" else []
    y = model.make(kind, [model.selected, *more])
    walk = model.walk(y)
    assert refused(walk) == []
    lacking = max(0.0, -8.0 - ENDING[kind])
    assert walk.lacking.get(frozenset({0}), 0.0) == pytest.approx(lacking)
    low, high = walk.outcome().ranges[model.selected]
    assert (low, high) == (pytest.approx(max(-8.0, ENDING[kind])), 5.0)


def test_of_two_ends_the_one_further_off_counts():
    model = Start()
    a, b = model.make("TANH", [model.selected]), model.make("ELU", [model.selected])
    assert model.walk(a, b).outcome().ranges[model.selected] == (-8.0, 5.0)


def test_a_reader_of_the_whole_range_leaves_it():
    model = Start()
    y = model.make("TANH", [model.selected])
    total = model.make("ADD", [model.selected, model.x], "AddOptions")
    z = model.make("TANH", [total])
    found = model.walk(y, z).outcome().ranges
    # The sum needs all of it, the tangent of the sum no more than -6.
    assert found[model.selected] == (-8.0, 5.0)
    assert found[total] == (-6.0, 10.0)


def test_paths_that_only_move_have_the_bound_of_their_end():
    model = Start()
    y = model.selected
    for kind in ("RESHAPE", "REVERSE_V2", "SLICE"):
        y = model.make(kind, [y])
    z = model.make("TANH", [y])
    found = model.walk(z).outcome().ranges
    assert found[model.selected] == found[y] == (-6.0, 5.0)


def test_padding_adds_zeros():
    model = Start()
    model.ranges[model.x] = (2.0, 5.0)
    y = model.make("PAD", [model.selected, model.number([[0, 1], [0, 0]], "int32")], "PadOptions")
    z = model.make("TANH", [y])
    walk = model.walk(z)
    assert walk.values[model.selected].plain == (2.0, 5.0)
    assert walk.values[y].plain == (0.0, 5.0)


def test_arithmetic_goes_on_with_both_values():
    model = Start()
    half = model.make("MUL", [model.selected, model.number(0.5)], "MulOptions")
    y = model.make("TANH", [half])
    walk = model.walk(y)
    (moved,) = walk.values[half].moved
    assert (moved.old, moved.new) == ((-5e8, -5e8), (-4.0, -4.0))
    assert walk.values[half].plain == (-1.5, 2.5)


def test_constants_that_meet_are_noted():
    model = Start()
    other = model.make("SELECT_V2", [model.flag, model.x, model.number(-1e8)])
    total = model.make("ADD", [model.selected, other], "AddOptions")
    walk = model.walk(model.make("TANH", [total]))
    assert frozenset({0, 1}) in walk.meetings


@pytest.mark.parametrize(("kind", "mask"), [("MAXIMUM", -1e9), ("MINIMUM", 1e9)])
def test_a_bound_by_another_value_ends_a_mask(kind, mask):
    model = Start()
    masked = model.make("SELECT_V2", [model.flag, model.x, model.number(mask)])
    floor = model.make("RELU", [model.x], seen=(0.0, 5.0))
    y = model.make(kind, [masked, floor], "MaximumMinimumOptions")
    walk = model.walk(y)
    assert refused(walk) == []
    # Nothing of it is left behind: the range is what calibration saw.
    assert y not in walk.values
    bound = {"MAXIMUM": -0.1 - 1e-6, "MINIMUM": 5.1 + 1e-6}[kind]
    low, high = walk.outcome().ranges[masked]
    assert (low if kind == "MAXIMUM" else high) == pytest.approx(bound)
    assert (high if kind == "MAXIMUM" else low) == (5.0 if kind == "MAXIMUM" else -3.0)


def test_a_bound_on_the_other_side_keeps_the_mask():
    model = Start()
    y = model.make("MINIMUM", [model.selected, model.number(1.0)], "MaximumMinimumOptions")
    walk = model.walk(model.make("TANH", [y]))
    assert refused(walk) == []
    assert walk.values[y].is_moved
    assert walk.values[y].plain == (-3.0, 1.0)


def test_comparisons_that_come_out_alike_do_no_harm():
    model = Start()
    far = model.make("LESS", [model.selected, model.number(-40.0)], "LessOptions", "bool")
    p = model.make("TANH", [model.selected])
    # -1e9 is less than -40, its stand-in of -8 is not.
    assert refused(model.walk(p, far)) == [0]
    model = Start()
    near = model.make("LESS", [model.selected, model.number(-5.0)], "LessOptions", "bool")
    p = model.make("TANH", [model.selected])
    assert refused(model.walk(p, near)) == []


# Masks themselves


def test_truths_are_zeros_and_ones():
    model = Start()
    m = model.make("CAST", [model.flag], "CastOptions")
    kept = model.make("SUB", [model.number(1.0), m], "SubOptions")
    root = model.make("SQRT", [kept])
    walk = model.walk(root)
    for value in (m, kept, root):
        assert {c.old for c in walk.values[value].cases} == {(0.0, 0.0), (1.0, 1.0)}
    assert walk.outcome().ranges[root] == (0.0, 1.0)


def test_inputs_of_zeros_and_ones_are_known_to_be():
    model = Start()
    model.ranges[model.x] = (0.0, 1.0)
    y = model.make("SUB", [model.number(1.0), model.x], "SubOptions")
    assert model.walk(y, binary=[0]).values[y].is_finite
    assert y not in model.walk(y).values


def test_whole_numbers_of_truths_and_of_other_values():
    model = Start()
    m = model.make("CAST", [model.flag], "CastOptions")
    count = model.make("CAST", [m], "CastOptions", "int32")
    walk = model.walk(m)
    assert walk.values[count].is_finite
    half = model.make("MUL", [m, model.number(0.5)], "MulOptions")
    count = model.make("CAST", [half], "CastOptions", "int32")
    assert count not in model.walk(m).values


@pytest.mark.parametrize(
    ("low", "lost"), [(0.0, None), (1e-6, (1e-6, 1.0 + 1e-6)), (0.25, (0.25, 1.25))]
)
def test_logarithms_of_masks(low, lost):
    """log(m + low): a line where the larger value is 1, or known in both values."""
    model = Start()
    m = model.make("CAST", [model.flag], "CastOptions")
    y = model.make("LOG", [model.make("ADD", [m, model.number(low)], "AddOptions")])
    walk = model.walk(model.make("TANH", [y]))
    number = walk.origins.numbers[y.producer, -1]
    if lost is None:
        assert walk.logarithms[number] == (0.0, 1.0)
        assert walk.values[y].is_moved
    else:
        assert (number in walk.logarithms) is (low < 1e-5)
        held = sorted(c.old[0] for c in walk.values[y].cases)
        np.testing.assert_allclose(held, np.log(lost), rtol=1e-6, atol=1e-7)


def test_logarithms_of_what_lies_below_zero_are_left():
    model = Start()
    m = model.make("CAST", [model.flag], "CastOptions")
    less = model.make("SUB", [m, model.number(1.0)], "SubOptions")
    y = model.make("LOG", [less])
    root = model.make("SQRT", [less])
    walk = model.walk(y, root)
    assert y not in walk.values
    assert root not in walk.values


# Loops


def loop(model, step, *, start=None):
    """Three times h' = step(h, x), x the same throughout; gives h at the end and the body's."""
    body = model.graph()
    t, h, x = body.tensor([], "int32"), body.tensor(SHAPE), body.tensor(SHAPE)
    later = body.tensor([], "int32")
    body.add("ADD", [t, body.constant(1, "int32")], [later], "AddOptions")
    body.ends([t, h, x], [later, step(body, h, x), x])
    cond = below(model, 3, 2, SHAPE)
    results = [model.main.tensor([], "int32"), model.main.tensor(SHAPE), model.main.tensor(SHAPE)]
    begin = [model.number(0, "int32"), start or model.number(np.zeros(SHAPE)), model.selected]
    model.loop(model.main, begin, results, cond, body)
    return results[1], body, x


def op(body, kind, inputs, options=""):
    y = body.tensor(SHAPE)
    body.add(kind, inputs, [y], options)
    return y


def test_a_mask_reaches_the_end_within_a_body():
    model = Start()
    y, _, x = loop(model, lambda body, h, x: op(body, "TANH", [x]))
    walk = model.walk(y)
    assert refused(walk) == []
    assert walk.values[x].is_moved
    assert walk.values[x].plain == LOGITS


@pytest.mark.parametrize("seen", [True, False])
def test_a_state_that_is_the_largest_so_far_ends_a_mask_if_its_range_is_known(seen):
    model = Start()

    def step(body, h, x):
        y = op(body, "MAXIMUM", [h, x], "MaximumMinimumOptions")
        if seen:
            model.ranges |= {h: (0.0, 5.0), y: (0.0, 5.0)}
        return y

    y, _, x = loop(model, step)
    walk = model.walk(y)
    assert refused(walk) == ([] if seen else [0])
    assert walk.values[x].is_moved


def test_a_state_that_grows_without_end_gives_the_mask_up():
    model = Start()
    y, _, _ = loop(model, lambda body, h, x: op(body, "ADD", [h, x], "AddOptions"))
    assert refused(model.walk(model.make("TANH", [y]))) == [0]


def test_the_type_within_loops_says_how_far_a_mask_lies():
    """int16 within: 16 below the smallest logit, not 8."""
    for precision, margin in ((all_int8, 8.0), (int16_states, 16.0)):
        model = Start()
        y, _, _ = loop(model, lambda body, h, x: op(body, "SOFTMAX", [x], "SoftmaxOptions"))
        walk = model.walk(y, precision=precision)
        assert walk.lacking == {frozenset({0}): pytest.approx(3.0 + margin - 8.0)}


def test_both_branches_give_what_follows():
    model = Start()
    branches = []
    for kind in ("TANH", "NEG"):
        graph = model.graph()
        a = graph.tensor(SHAPE)
        graph.ends([a], [a if kind == "NEG" else op(graph, "TANH", [a])])
        branches.append(graph)
    flag, y = model.main.tensor([], "bool"), model.main.tensor(SHAPE)
    model.main.add("IF", [flag, model.selected], [y], "IfOptions", branches=branches)
    walk = model.walk(y)
    # One branch hands the mask to the caller; what the other gives is not known.
    assert refused(walk) == [0]
    assert all(walk.values[b.ir.inputs[0]].is_moved for b in branches)


def test_ops_as_they_are_now():
    model = Start()
    first, second = model.make("ABS", [model.x]).producer, model.make("NEG", [model.x]).producer
    third = model.make("EXP", [model.x]).producer
    softened = Softened({}, again=False, replaced={first: second})
    assert softened.present(frozenset({first, third})) == {second, third}
