"""Values that mark masked time steps do not widen the range of an input."""

import numpy as np
import pytest

from graphs import Model
from rnnlite.lite.passes.prune import prune
from rnnlite.quantization.calibration import Samples, calibrate
from rnnlite.quantization.plan.markers import marked_ranges
from rnnlite.quantization.plan.plan import make_plan
from rnnlite.quantization.recipes import all_int8, all_int16
from rnnlite.quantization.rewrite.integer import rewrite_to_integers
from rnnlite.runtime.model import load

FEATURES = (1, 3, 2)
STEP = (1, 3, 1)


class Marked(Model):
    """An input `x` (B, T, 2) that is compared with -999, and whether a step is not masked."""

    def __init__(self, marker=-999.0, name="NOT_EQUAL"):
        super().__init__()
        self.marker = self.main.constant(marker)
        self.x = self.main.tensor(FEATURES)
        self.each = self.make(name, [self.x, self.marker], FEATURES, "bool")
        self.kept = self.make(
            "REDUCE_ANY", [self.each, self.axis(2)], STEP, "bool", "ReducerOptions"
        )

    def axis(self, number):
        return self.main.constant([number], "int32")

    def make(self, name, inputs, shape=FEATURES, dtype="float32", options=""):
        y = self.main.tensor(shape, dtype)
        fields = {"keepDims": True} if options == "ReducerOptions" else {}
        self.main.add(name, inputs, [y], options, **fields)
        return y

    def selected(self, condition):
        return self.make("SELECT_V2", [condition, self.x, self.main.constant(0.0)])

    def ranges(self, *outputs, rows=None):
        self.main.ends([self.x], outputs)
        return marked_ranges(self.ir, ROWS if rows is None else rows)


ROWS = [[np.array([[1.0, -2.0], [3.0, 0.5], [-999.0, -999.0]], np.float32)]]
PLAIN = (pytest.approx(-2.025), 3.0)


def test_a_selected_input():
    model = Marked()
    assert model.ranges(model.selected(model.kept)) == {model.x: PLAIN}


def test_an_input_times_its_mask():
    model = Marked()
    mask = model.make("CAST", [model.kept], STEP)
    product = model.make("MUL", [model.x, mask], options="MulOptions")
    assert model.ranges(product) == {model.x: PLAIN}


def test_equality_points_the_other_way():
    model = Marked(name="EQUAL")
    gone = model.make("REDUCE_ALL", [model.each, model.axis(-1)], STEP, "bool", "ReducerOptions")
    kept = model.make("LOGICAL_NOT", [gone], STEP, "bool")
    assert model.ranges(model.selected(kept)) == {model.x: PLAIN}
    model = Marked(name="EQUAL")
    assert model.ranges(model.selected(model.kept)) == {}


def test_a_marker_above_and_no_marked_step_at_all():
    model = Marked(999.0)
    rows = [[np.array([[1.0, 0.0], [3.0, 0.5]], np.float32)]]
    assert model.ranges(model.selected(model.kept), rows=rows) == {model.x: (0.0, 3.015)}


def test_a_step_that_is_marked_in_part_is_none():
    rows = [[np.array([[1.0, -2.0], [3.0, -999.0]], np.float32)]]
    model = Marked()
    assert model.ranges(model.selected(model.kept), rows=rows) == {}
    # where each element is told by itself, it is
    model = Marked()
    assert model.ranges(model.selected(model.each), rows=rows) == {model.x: PLAIN}


def test_a_marker_within_the_range_stays_there():
    model = Marked(0.0)
    assert model.ranges(model.selected(model.kept)) == {}


def test_what_else_reads_the_input_needs_its_values():
    model = Marked()
    y = model.make("TANH", [model.x])
    assert model.ranges(model.selected(model.kept), y) == {}
    model = Marked()
    assert model.ranges(model.selected(model.kept), model.x) == {}


def test_any_over_time_says_nothing_of_a_step():
    model = Marked()
    some = model.make(
        "REDUCE_ANY", [model.each, model.axis(1)], (1, 1, 2), "bool", "ReducerOptions"
    )
    assert model.ranges(model.selected(some)) == {}


@pytest.mark.parametrize("precision", [all_int8, all_int16])
def test_the_end_of_the_range_is_the_markers_own(precision):
    model = Marked()
    y = model.selected(model.kept)
    marked = model.ranges(y)
    samples = Samples(ROWS, ROWS, ())
    ranges = {**calibrate(model.ir, samples).values, **marked}
    plan = make_plan(model.ir, ranges, precision, allow_float=False, marked=frozenset(marked))
    params = plan.params(model.x)
    assert params.range[1] < 7.0
    limit = np.iinfo(params.dtype).min
    assert params.quantize(np.float32(-999.0)) == limit
    assert params.quantize(np.float32(-2.0)) > limit
    # Without negative values too
    rows = [[np.abs(ROWS[0][0][:2])]]
    marked = model.ranges(y, rows=rows)
    plan = make_plan(
        model.ir, {**ranges, **marked}, precision, allow_float=False, marked=frozenset(marked)
    )
    assert plan.params(model.x).quantize(np.float32(0.0)) > limit


@pytest.mark.parametrize("marker", [-999.0, -1.3, 1e4])
@pytest.mark.parametrize("io", ["int8", "int16", "float32"])
@pytest.mark.parametrize("precision", [all_int8, all_int16])
def test_masked_steps_are_told_at_every_border(marker, io, precision):
    model = Marked(marker)
    y = model.selected(model.kept)
    rows = [[np.array([[1.0, -2.0], [3.0, 0.5], [0.25, -1.3]], np.float32)]]
    marked = model.ranges(y, rows=rows)
    ranges = {**calibrate(model.ir, Samples(rows, rows, ())).values, **marked}
    plan = make_plan(model.ir, ranges, precision, allow_float=False, marked=frozenset(marked))
    rewrite_to_integers(model.ir, plan, io)
    prune(model.ir)
    padded = np.array([[1.0, -2.0], [marker, marker], [0.25, -1.3]], np.float32)
    (found,) = load(model.bytes()).predict([padded])
    np.testing.assert_array_equal(found[1], [0.0, 0.0])
    np.testing.assert_allclose(found[[0, 2]], padded[[0, 2]], atol=0.03)
