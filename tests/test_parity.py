"""The check can fail: a changed weight is found; bounds are derived, not guessed."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tf_keras

import rnnlite
from rnnlite import parity
from rnnlite.errors import ParityError, SampleError
from rnnlite.frontends.program import Entry
from rnnlite.lengths.lengths import Lengths
from rnnlite.lengths.sizes import Axis
from rnnlite.lite import schema
from rnnlite.parity import (
    CONFIDENCE,
    SAMPLES,
    TOLERANCE,
    check,
    difference,
    sample_inputs,
    scale_of,
)
from rnnlite.pipeline import pass_order
from rnnlite.specs import TensorSpec


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(3)
    return keras.Sequential([keras.Input((None, 2)), keras.layers.LSTM(6), keras.layers.Dense(2)])


def tampered(data, factor, count=6 * 24):
    """One weight matrix, of `count` weights, times a factor."""
    model = schema.read(data)
    values = [v for g in model.graphs for v in g.values if v.type == "float32" and v.is_constant]
    weights = next(value.data for value in values if value.size == count)
    for value in values:
        if value.data is weights:
            value.data = weights * np.float32(factor)
    return schema.write(model)


def test_an_equal_model_passes_with_all_its_cases(model):
    parity = rnnlite.convert(model, batch_size=None).report.parity
    assert parity.within
    assert parity.lengths == (19, 1, 5, 8)
    assert parity.batches == (1, 3)
    # (4 lengths x 2 batches + the long one again) x twice x with and without delegates
    assert parity.runs == 36
    assert parity.outputs[0].bound == TOLERANCE


def test_a_changed_weight_is_found(model):
    data = rnnlite.convert(model).tflite
    report = rnnlite.verify(model, tampered(data, 1.001))
    assert not report.parity.within
    with pytest.raises(rnnlite.ParityError, match=r"differs from Keras 3 .*within 1.0e-05"):
        report.require_parity()
    assert rnnlite.verify(model, tampered(data, 1.0)).parity.within


def test_convert_refuses_a_result_that_differs(model, monkeypatch):
    finalize = pass_order.finalize

    def changed(file):
        return replace(file, data=tampered(file.data, 1.001))

    monkeypatch.setattr(pass_order, "finalize", lambda *a: changed(finalize(*a)))
    with pytest.raises(rnnlite.ParityError):
        rnnlite.convert(model)
    assert rnnlite.convert(model, verify=False).report.parity is None


def test_samples_of_the_user_are_compared_too(model):
    data = rnnlite.convert(model).tflite
    report = rnnlite.verify(model, data, [np.ones((t, 2)) for t in (40, 2)])
    assert report.parity.lengths == (19, 1, 5, 8, 40, 2)
    assert report.parity.within


def test_a_model_of_another_source_is_refused(model, exits):
    with pytest.raises(rnnlite.ModelError, match=r"was not made from.*expected inputs"):
        rnnlite.verify(model, exits.tflite)


def test_a_network_that_amplifies_rounding_gets_a_derived_bound():
    """Sums of large numbers that nearly cancel: float32 itself is off by more than 1e-5."""
    keras.utils.set_random_seed(0)
    layer = keras.layers.SimpleRNN(4, activation="linear")
    source = keras.Sequential([keras.Input((None, 2)), layer, keras.layers.Dense(1)])
    w, u, b = layer.get_weights()
    layer.set_weights([np.tile(w[:, :1] * 1000, (1, 4)) + w, np.full_like(u, 0.1), b])
    kernel = np.array([[1.0], [-1.0], [1.0], [-1.0]], np.float32)
    source.layers[-1].set_weights([kernel, np.zeros(1, np.float32)])
    data = rnnlite.convert(source).tflite
    (output,) = rnnlite.verify(source, data).parity.outputs
    assert TOLERANCE < output.max_rel <= output.bound < 1e-2
    assert not rnnlite.verify(source, tampered(data, 1.02, count=2 * 4)).parity.within


@pytest.mark.parametrize("K", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_the_rounding_of_an_exponential_unit_is_the_source_s_own(K):
    """exp(x) - 1 of 1e-4 in float32 is off by 1e-3 of it in TensorFlow, and exact in LiteRT."""
    source = K.Sequential([K.Input((None, 2)), K.layers.LSTM(4, activation="elu")])
    rng = np.random.default_rng(0)
    source.set_weights([1e-4 * rng.standard_normal(w.shape) for w in source.get_weights()])
    data = rnnlite.convert(source).tflite
    (output,) = rnnlite.verify(source, data).parity.outputs
    assert output.scale < 1e-3
    assert TOLERANCE < output.max_rel <= output.bound < 1e-2
    assert not rnnlite.verify(source, tampered(data, 1.02, count=2 * 16)).parity.within


def test_a_length_past_a_block_is_checked():
    source = keras.Sequential([keras.Input((None, 2)), keras.layers.LSTM(4, return_sequences=True)])
    parity = rnnlite.convert(source, schedule="chunk=32,depth=3,peeled_chunks=1").report.parity
    # Past the block that comes first, and past one of those that follow.
    assert parity.lengths == (67, 19, 1, 5, 8)
    parity = rnnlite.convert(source, schedule="chunk=32,depth=3").report.parity
    assert parity.lengths == (35, 19, 1, 5, 8)
    assert rnnlite.convert(source, schedule="chunk=8").report.parity.lengths == (19, 1, 5, 8)


def test_lengths_leave_a_step_behind_convolutions_and_strides():
    layers = keras.layers
    source = keras.Sequential(
        [keras.Input((None, 2)), layers.Conv1D(2, 7), layers.MaxPooling1D(2), layers.GRU(2)]
    )
    parity = rnnlite.convert(source).report.parity
    # 19, 1, 5 and 8 steps behind them; 8 is the least length.
    assert parity.lengths == (45, 8, 17, 22)
    assert not parity.skipped


def test_a_source_that_gives_no_number_is_refused():
    model = keras.Sequential([keras.Input((None, 2)), keras.layers.GRU(3), keras.layers.Dense(1)])
    model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
    with pytest.raises(
        rnnlite.SourceError,
        match=r"Keras 3 Sequential '.*' gives no finite number as 'dense.*'; expected numbers to "
        r"compare the LiteRT model with; found nan throughout, on random inputs\. Look for NaN",
    ):
        rnnlite.convert(model)
    assert rnnlite.convert(model, verify=False).tflite


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1.0, 2.0], [1.0, 2.5], 0.5),
        ([np.nan, 1.0], [np.nan, 1.0], 0.0),
        ([np.inf], [np.inf], 0.0),
        ([np.inf], [-np.inf], np.inf),
        ([np.nan], [1.0], np.inf),
        ([0.0, 1.5], [np.nan, 1.0], 0.5),
        ([np.inf], [1.0], np.inf),
        ([1.0], [1.0, 2.0], np.inf),
        ([True], [False], 1.0),
    ],
)
def test_difference(a, b, expected):
    assert difference(np.array(a), np.array(b)) == expected


def test_no_sequence_of_the_check_is_masked_throughout():
    inputs = keras.Input((None, 3))
    valid = keras.Input((None,), dtype="bool", name="valid")
    x = keras.layers.GRU(4, return_sequences=True)(inputs, mask=valid)
    # A mean over no step is 0 / 0; a relu behind it makes anything of that.
    x = keras.layers.GlobalAveragePooling1D()(x, mask=valid)
    model = keras.Model([inputs, valid], keras.layers.Dense(2, activation="relu", name="y")(x))
    report = rnnlite.convert(model, batch_size=None).report
    assert 1 in report.parity.lengths
    assert report.parity.within
    assert report.parity.undefined == ()


def test_values_that_the_source_does_not_define_are_noted():
    inputs = keras.Input((None, 3))
    x = keras.layers.GRU(4, return_sequences=True)(inputs)
    # The mean of the steps whose first feature is above 1; there may be none.
    picked = keras.ops.cast(inputs[..., :1] > 1.0, "float32")
    mean = keras.ops.sum(x * picked, 1) / keras.ops.sum(picked, 1)
    model = keras.Model(inputs, keras.layers.Activation("linear", name="y")(mean))
    report = rnnlite.convert(model).report
    assert report.parity.undefined == ("y",)
    assert any("gives NaN in 'y' for some inputs" in note for note in report.notes)
    assert report.parity.within


X, Y = TensorSpec("x", (None, None, 2), "float32"), TensorSpec("y", (None, 3), "float32")
KERNEL = np.random.default_rng(0).standard_normal((2, 3)).astype(np.float32)


def computed(inputs):
    """The sum over time, times a kernel."""
    (x,) = inputs
    return [np.asarray(x.sum(1) @ KERNEL)]


def entry(**changed):
    made = Entry(
        origin="a sum",
        inputs=(X,),
        outputs=(Y,),
        function=None,
        reference=computed,
        perturbed=lambda amount, seed: (
            lambda inputs: [y * (1 + 1e5 * amount) for y in computed(inputs)]
        ),
        recurrences=(),
        lengths=Lengths(axes=(Axis(0, 1),)),
    )
    return replace(made, **changed)


class File:
    """What `ModelApart` is to the check: a function of NumPy, and what was asked of it."""

    is_main = True

    def __init__(self, function, known, log):
        self.function, self.known, self.log = function, known, log

    def run(self, inputs):
        self.log.append(tuple(inputs[0].shape))
        return self.function(inputs)

    def shapes_before_run(self, shapes):
        return self.known

    def close(self):
        self.log.append("closed")


@pytest.fixture
def checked(monkeypatch):
    """Checks functions of NumPy; what ran is in its `log`, delegates and signatures in `made`."""

    def run(function=computed, given=None, samples=None, known=((1, 3),)):
        run.log, run.made = [], []

        def make(data, *, delegates, signature):
            run.made.append((data, delegates, signature))
            return File(function, list(known), run.log)

        monkeypatch.setattr(parity, "ModelApart", make)
        return check(given or entry(), b"file", samples, "serve")

    return run


def test_each_case_runs_twice_with_delegates_and_without(checked):
    found = checked()
    assert checked.made == [(b"file", True, "serve"), (b"file", False, "serve")]
    assert (found.lengths, found.batches, found.runs) == ((19, 1, 5, 8), (1, 3), 36)
    half = checked.log[: len(checked.log) // 2]
    assert half[-1] == "closed"
    # One interpreter sees short, long and short again, each twice.
    assert [shape[1] for shape in half[:6]] == [1, 1, 19, 19, 1, 1]
    assert checked.log == half * 2


def test_equal_results_are_within_the_plain_bound(checked):
    (output,) = checked().outputs
    assert (output.max_abs, output.max_rel, output.bound) == (0.0, 0.0, TOLERANCE)
    assert output.by_length == {1: 0.0, 5: 0.0, 8: 0.0, 19: 0.0}
    assert output.scale > 1


def test_a_difference_is_told_at_its_length(checked):
    def run(inputs):
        (y,) = computed(inputs)
        return [y + 0.5 * (inputs[0].shape[1] == 5)]

    (output,) = checked(run).outputs
    assert output.max_abs == pytest.approx(0.5)
    off = pytest.approx(0.5 / output.scale)
    assert output.by_length == {1: 0.0, 5: off, 8: 0.0, 19: 0.0}


def test_the_bound_is_what_the_sources_rounding_comes_to(checked):
    (output,) = checked(lambda inputs: [1.01 * y for y in computed(inputs)]).outputs
    assert output.max_rel == pytest.approx(0.01, rel=1e-3)
    assert output.bound == pytest.approx(CONFIDENCE * 1e5 * 2.0**-24, rel=1e-2)
    assert output.within


def test_a_fixed_batch_is_the_only_one(checked):
    given = entry(inputs=(replace(X, shape=(4, None, 2)),), outputs=(replace(Y, shape=(4, 3)),))
    found = checked(given=given)
    assert found.batches == (4,)
    assert {shape[0] for shape in checked.log if shape != "closed"} == {4}


def test_without_a_free_length_there_is_none_to_tell(checked):
    given = entry(inputs=(replace(X, shape=(1, 7, 2)),), lengths=Lengths())
    found = checked(given=given)
    assert found.lengths == ()
    assert found.outputs[0].by_length == {}
    assert found.shapes == (((1, 7, 2),),)


def test_a_length_that_the_caller_fixed_is_the_only_one(checked):
    found = checked(given=entry(inputs=(replace(X, shape=(1, 7, 2)),)))
    assert found.shapes == (((1, 7, 2),),)


def test_samples_come_behind_the_random_inputs(checked):
    found = checked(samples=[[np.ones((2, 40, 2), np.float32)], [np.ones((1, 3, 2), np.float32)]])
    assert found.lengths == (19, 1, 5, 8, 40, 3)
    assert found.batches == (1, 3, 2)


def test_a_sample_that_the_source_refuses_is_named(checked):
    def refusing(inputs):
        if inputs[0].shape[1] == 40:
            raise ValueError("far  too\nlong")
        return computed(inputs)

    samples = [[np.ones((1, n, 2), np.float32)] for n in (3, 40)]
    with pytest.raises(
        rnnlite.SampleError, match=r"a sum refuses sample 1; found far too long\."
    ) as error:
        checked(given=entry(reference=refusing), samples=samples)
    assert isinstance(error.value.__cause__, ValueError)


def test_lengths_that_are_refused_are_replaced_by_longer_ones(checked):
    def refusing(inputs):
        if inputs[0].shape[1] < 6:
            raise ValueError("too short")
        return computed(inputs)

    found = checked(given=entry(reference=refusing))
    assert found.skipped == {1: "too short", 5: "too short"}
    assert found.lengths == (19, 8, 33, 64)


def test_a_source_that_runs_nowhere_is_refused(checked):
    def refusing(inputs):
        raise RuntimeError("out of order")

    with pytest.raises(
        rnnlite.ShapeError,
        match=r"a sum runs at none of the lengths \[19, 1, 5, 8.*\]; found out of order\. Convert "
        "with a sequence_length that the model takes, or with verify off",
    ):
        checked(given=entry(reference=refusing))


def test_a_model_that_does_not_run_is_told(model, monkeypatch):
    def run(self, arrays):
        raise SampleError("the model cannot run on inputs of shapes [(1,)]: no memory")

    monkeypatch.setattr(parity.ModelApart, "run", run)
    with pytest.raises(
        ParityError, match=r"does not run on inputs that its source takes; .*memory"
    ):
        rnnlite.convert(model)


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_numbers_are_needed_to_compare(checked, number):
    given = entry(reference=lambda inputs: [np.full((len(inputs[0]), 3), number, np.float32)])
    with pytest.raises(
        rnnlite.SourceError,
        match=f"a sum gives no finite number as 'y'; expected numbers to compare the LiteRT model "
        f"with; found {number} throughout, on random inputs",
    ):
        checked(given=given)


def test_values_that_are_undefined_somewhere_are_told(checked):
    def some(inputs):
        (y,) = computed(inputs)
        return [np.where(inputs[0].shape[1] == 1, np.float32(np.nan), y)]

    found = checked(some, entry(reference=some))
    assert found.undefined == ("y",)
    assert found.outputs[0].max_abs == 0
    assert checked().undefined == ()


@pytest.mark.parametrize(("known", "late"), [((1, 3), ()), ((1, 1), ("y",)), ((3, 3), ("y",))])
def test_outputs_whose_size_comes_late(checked, known, late):
    assert checked(known=(known,)).late == late


def test_a_result_of_another_shape_is_infinitely_far(checked):
    (output,) = checked(lambda inputs: [computed(inputs)[0][:, :2]]).outputs
    assert output.max_abs == float("inf")
    assert not output.within


def test_a_source_of_zeros_is_compared_absolutely(checked):
    given = entry(reference=lambda inputs: [np.zeros((len(inputs[0]), 3), np.float32)])
    (output,) = checked(lambda inputs: [np.full((len(inputs[0]), 3), 1e-4)], given).outputs
    assert (output.scale, output.bound) == (0.0, TOLERANCE)
    assert output.max_rel == output.max_abs == pytest.approx(1e-4)
    assert not output.within


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1.0, -3.0], 3.0),
        ([np.inf, 2.0], 2.0),
        ([np.nan, -np.inf], 0.0),
        ([], 0.0),
        ([True, False], 1.0),
        ([-128, 127], 128.0),
    ],
)
def test_what_differences_are_relative_to(values, scale):
    found = np.array(values, np.int8) if 127 in values else np.array(values)
    assert scale_of(found) == scale


def test_samples_where_none_were_given():
    """Of the lengths that are compared in turn, without the batch."""
    samples = sample_inputs(entry())
    assert len(samples) == SAMPLES
    assert [x.shape for (x,) in samples] == [(n, 2) for n in (19, 19, 1, 1, 5, 5, 8, 8)]
    assert len({x.tobytes() for (x,) in samples}) == SAMPLES


def test_inputs_of_unequal_lengths_are_tried_where_there_are_several(checked):
    other = replace(X, name="z")
    given = entry(
        inputs=(X, other),
        reference=lambda inputs: computed(inputs[:1]),
        lengths=Lengths(axes=(Axis(0, 1), Axis(1, 1))),
    )
    found = checked(lambda inputs: computed(inputs[:1]), given)
    assert len([s for s in found.shapes if s[0][1] != s[1][1]]) > 0

    def equal(inputs):
        if inputs[0].shape != inputs[1].shape:
            raise ValueError("unequal")
        return computed(inputs[:1])

    found = checked(lambda inputs: computed(inputs[:1]), replace(given, reference=equal))
    assert [s for s in found.shapes if s[0][1] != s[1][1]] == []
