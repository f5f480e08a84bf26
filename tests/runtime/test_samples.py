"""Samples: what fits, what becomes of it, and what is refused."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.errors import SampleError
from rnnlite.runtime.samples import (
    RepeatedCheck,
    as_array,
    by_input,
    check_sample,
    listed,
    require_arrays,
    require_samples,
)
from rnnlite.specs import TensorSpec

FRAMES = TensorSpec("frames", (1, None, 3), "float32")
IDS = TensorSpec("ids", (1, None), "int32", ids=(0, 9))
GATE = TensorSpec("valid", (None, None), "bool")
LEVEL = TensorSpec("level", (1, None, 2), "int8", quantization=(0.1, 3))


def one(value, spec=FRAMES):
    return check_sample(value, [spec], "sample 4")[0]


def test_floats_of_any_width_become_float32_and_the_callers_array_is_left_alone():
    mine = np.ones((5, 3))
    found = one(mine)
    assert found.dtype == np.float32
    assert mine.dtype == np.float64
    assert one(np.ones((5, 3), np.int16)).dtype == np.float32
    assert one([[1, 2, 3]]).shape == (1, 3)
    assert one(np.ones((5, 2)), LEVEL).dtype == np.float32


def test_integers_stay_integers():
    assert one(np.array([1, 2], np.int64), IDS).dtype == np.int32


@pytest.mark.parametrize(
    ("value", "spec", "message"),
    [
        (
            np.ones((1, 5, 3)),
            FRAMES,
            r"wrong rank; expected shape \(T, 3\).*found shape \(1, 5, 3\)",
        ),
        (np.ones((5, 4)), FRAMES, r"wrong shape; expected \(T, 3\); found \(5, 4\)"),
        (np.ones((0, 3)), FRAMES, "is empty; expected at least one time step"),
        (np.full((5, 3), np.nan), FRAMES, "holds NaN"),
        (np.full((5, 3), -np.inf), FRAMES, "holds infinity"),
        (np.array([["a"] * 3]), FRAMES, "wrong dtype; expected float32; found <U1"),
        (np.array(["a"] * 3), IDS, r"wrong dtype; expected integers \(int32\); found <U1"),
        (
            np.array([3.0, 7.5]),
            IDS,
            r"no whole numbers; expected integers \(int32\), or floats such as 7.0; found 7.5",
        ),
        (np.array([np.nan]), IDS, "no whole numbers; expected .* found nan"),
        (np.array([1e18]), IDS, "values out of range"),
        (np.array([3, 10]), IDS, "out of range; expected 0 to 9; found 3 to 10"),
        (np.array([-1]), IDS, "out of range"),
        (np.ones(3), GATE, "wrong dtype; expected bool"),
        ([[1, 2], [3]], FRAMES, "is no array"),
    ],
)
def test_what_does_not_fit_is_named(value, spec, message):
    with pytest.raises(SampleError, match=f"sample 4.*{message}"):
        one(value, spec)


def test_several_inputs_by_order_and_by_name():
    frames, ids = np.ones((2, 3)), np.array([1, 2, 3])
    by_order = check_sample((frames, ids), [FRAMES, IDS], "sample 0")
    by_name = check_sample({"ids": ids, "frames": frames}, [FRAMES, IDS], "sample 0")
    assert [a.shape for a in by_order] == [a.shape for a in by_name] == [(2, 3), (3,)]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.ones((2, 3)), "is one array, the model has 2 inputs"),
        ((np.ones((2, 3)),), "wrong number of arrays; expected 2"),
        ({"frames": np.ones((2, 3)), "id": 1}, "names other inputs.*expected frames, ids"),
    ],
)
def test_several_inputs_refused(value, message):
    with pytest.raises(SampleError, match=message):
        check_sample(value, [FRAMES, IDS], "sample 0")


@pytest.mark.parametrize("value", [[], iter([])])
def test_no_samples(value):
    with pytest.raises(SampleError, match="there are no samples"):
        listed(value, [FRAMES])


@pytest.mark.parametrize("value", [7, "abc", {"a": 1}])
def test_no_list_of_samples(value):
    with pytest.raises(SampleError, match="not a list of samples"):
        listed(value, [FRAMES])


def test_numbers_become_what_the_model_takes():
    """Integers and booleans are floats; bytes of pictures too; an id of another width is an id."""
    assert one([[True, False, True]]).tolist() == [[1, 0, 1]]
    assert one(np.full((2, 3), 255, np.uint8)).max() == 255
    assert one(np.array([7], np.uint64), IDS).dtype == np.int32
    assert one(np.array([7.0, 0.0]), IDS).tolist() == [7, 0]
    assert one(np.array([True, False]), GATE).dtype == np.bool_


def test_what_fits_already_is_not_copied():
    for value, spec in (
        (np.ones((2, 3), np.float32), FRAMES),
        (np.ones(2, np.int32), IDS),
        (np.ones(2, bool), GATE),
    ):
        assert np.shares_memory(one(value, spec), value)


MORE = {
    "complex": (np.ones((2, 3), complex), FRAMES, "wrong dtype; expected float32; found complex"),
    "objects": (np.full((2, 3), None), FRAMES, "wrong dtype; expected float32; found object"),
    "too large for float32": (np.full((2, 3), 1e39), FRAMES, "holds infinity"),
    "both NaN and infinity": (np.array([[np.nan, np.inf, 0]]), FRAMES, "holds NaN"),
    "booleans as ids": (np.array([True]), IDS, r"expected integers \(int32\); found bool"),
    "integers as a mask": (np.ones(2, np.int8), GATE, "expected bool; found int8"),
    "no width": (np.ones((4, 0)), FRAMES, r"wrong shape; expected \(T, 3\); found \(4, 0\)"),
    "a scalar": (np.float32(1), FRAMES, r"wrong rank; .*found shape \(\)"),
    "an infinite id": (np.array([np.inf]), IDS, "no whole numbers.*found inf"),
    "beyond int32": (
        np.array([2**31]),
        TensorSpec("n", (1, None), "int32"),
        "out of range; expected -2147483648 to 2147483647; found 2147483648 to 2147483648",
    ),
    "one axis": (np.ones((2, 2)), IDS, r"expected shape \(T,\) without batch axis; found shape"),
}


@pytest.mark.parametrize("name", MORE)
def test_more_that_does_not_fit(name):
    value, spec, message = MORE[name]
    with pytest.raises(SampleError, match=f"^sample 4, input '{spec.name}'.*{message}"):
        one(value, spec)


LEAST = TensorSpec("x", (1, None, 3), "float32", least=(1, 5, 3))
PICTURE = TensorSpec("p", (1, None, None, 3), "float32", least=(1, 4, 8, 3))
STEPS_FIRST = TensorSpec("t", (None, 1, 3), "float32", batch_axis=1, least=(5, 1, 3))


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        (LEAST, (4, 3), "is too short; expected at least 5 time steps; found 4."),
        (LEAST, (5, 3), None),
        (PICTURE, (4, 7, 3), "is too short; expected at least 8 places along axis 1; found 7."),
        (PICTURE, (3, 9, 3), "is too short; expected at least 4 places along axis 0; found 3."),
        (PICTURE, (4, 8, 3), None),
        (STEPS_FIRST, (4, 3), "is too short; expected at least 5 time steps; found 4."),
        (STEPS_FIRST, (5, 3), None),
    ],
)
def test_the_shortest_sequence(spec, shape, message):
    value = np.ones(shape, np.float32)
    if message is None:
        assert one(value, spec).shape == shape
        return
    with pytest.raises(SampleError, match=re.escape(f"sample 4, input '{spec.name}' {message}")):
        one(value, spec)


COUNT = TensorSpec("n", (None,), "int32", counts=True)


@pytest.mark.parametrize(("count", "fits"), [(0, True), (4, True), (5, False), (-1, False)])
def test_steps_that_are_counted_are_within_the_sequence(count, fits):
    """Kernels read beyond the end otherwise."""
    sample = (np.ones((4, 3)), np.int64(count))
    if fits:
        assert check_sample(sample, [FRAMES, COUNT], "sample 0")[1] == count
        return
    expected = (
        "sample 0, input 'n' counts more time steps than the sequence has; expected 0 to 4; "
        f"found {count} to {count}."
    )
    with pytest.raises(SampleError, match=f"^{re.escape(expected)}$"):
        check_sample(sample, [FRAMES, COUNT], "sample 0")


def test_of_several_sequences_the_shortest_bounds_the_count():
    other = TensorSpec("z", (1, None, 2), "float32")
    sample = (np.ones((4, 3)), np.ones((3, 2)), np.int64(4))
    with pytest.raises(SampleError, match="expected 0 to 3; found 4 to 4"):
        check_sample(sample, [FRAMES, other, COUNT], "sample 0")


def test_a_state_of_fixed_shape_bounds_no_count():
    state = TensorSpec("h", (1, 2, 8), "float32")
    sample = (np.ones((4, 3)), np.ones((2, 8)), np.int64(4))
    assert check_sample(sample, [FRAMES, state, COUNT], "sample 0")[2] == 4


def test_where_every_input_is_fixed_sequences_bound_the_count():
    pinned = TensorSpec("x", (1, 6, 3), "float32")
    assert check_sample((np.ones((6, 3)), np.int64(6)), [pinned, COUNT], "s")[1] == 6
    with pytest.raises(SampleError, match="expected 0 to 6; found 7 to 7"):
        check_sample((np.ones((6, 3)), np.int64(7)), [pinned, COUNT], "s")


def test_what_a_sample_has_for_each_input():
    assert by_input("x", [FRAMES], "s") == ["x"]
    assert by_input(("x",), [FRAMES], "s") == ["x"]
    # One input: a list is the sequence itself, not a list of inputs.
    assert by_input([1, 2], [FRAMES], "s") == [[1, 2]]
    assert by_input(["x", "y"], [FRAMES, IDS], "s") == ["x", "y"]
    assert by_input({"ids": "y", "frames": "x"}, [FRAMES, IDS], "s") == ["x", "y"]


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ({}, "s names other inputs than the model has; expected frames, ids; found none."),
        (
            {"frames": 1, "ids": 2, "more": 3},
            "s names other inputs than the model has; expected frames, ids; "
            "found frames, ids, more.",
        ),
        ((1, 2, 3), "s has the wrong number of arrays; expected 2 (frames, ids); found 3."),
        ([1], "s has the wrong number of arrays; expected 2 (frames, ids); found 1."),
        (1, "s is one array, the model has 2 inputs; expected a tuple or dict with frames, ids."),
    ],
)
def test_samples_of_other_inputs(sample, message):
    with pytest.raises(SampleError, match=f"^{re.escape(message)}$"):
        by_input(sample, [FRAMES, IDS], "s")


def test_rows_of_different_lengths_are_no_array():
    assert as_array([[1, 2], [3, 4]], "s").shape == (2, 2)
    with pytest.raises(SampleError, match=r"^s is no array. Give one array a sequence\.$"):
        as_array([[1, 2], [3]], "s")


def generate():
    yield np.ones((2, 3))


@pytest.mark.parametrize("samples", [[1], (1,), np.ones((2, 3)), iter([1]), range(3), {1, 2}])
def test_samples_are_anything_that_can_be_gone_through(samples):
    require_samples(samples)


def test_a_function_of_samples_is_to_be_called():
    require_samples(generate())
    expected = (
        "samples is a function, not what it gives; expected an iterable of sequences; found "
        "generate. Call it; and let it give each sample without batch axis, x[0] and not [x]."
    )
    with pytest.raises(SampleError, match=f"^{re.escape(expected)}$"):
        require_samples(generate)


@pytest.mark.parametrize(("value", "kind"), [(7, "int"), (b"abc", "bytes"), ({"a": 1}, "dict")])
def test_the_kind_of_what_is_no_list_of_samples(value, kind):
    expected = f"samples is not a list of samples; expected an iterable of sequences; found {kind}."
    with pytest.raises(SampleError, match=f"^{re.escape(expected)}$"):
        require_samples(value)


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=6),
    odd=st.integers(0, 5),
    dtype=st.sampled_from(["float64", "float32", "int16", "uint8"]),
)
def test_any_list_is_checked_one_by_one(lengths, odd, dtype):
    samples = [np.ones((t, 3), dtype) for t in lengths]
    found = listed(iter(samples), [FRAMES])
    assert [s[0].shape for s in found] == [(t, 3) for t in lengths]
    assert {s[0].dtype for s in found} == {np.dtype("float32")}
    if odd < len(samples):
        samples[odd] = samples[odd][:, :2]
        with pytest.raises(SampleError, match=f"^sample {odd}, input 'frames'"):
            listed(samples, [FRAMES])


def test_whole_batches_have_the_sizes_that_are_fixed():
    """The runtime takes others, and runs what is nonsense."""
    fixed = TensorSpec("x", (1, 17, 3), "float32")
    require_arrays([np.zeros((1, 17, 3)), np.zeros((1, 40, 3))], [fixed, FRAMES])
    unknown = TensorSpec("y", (), "float32", ranked=False)
    require_arrays([np.zeros((4, 2))], [unknown])


@pytest.mark.parametrize(
    ("shapes", "text"),
    [
        ([(1, 40, 3)], r"another number of arrays; expected 2: x, frames; found 1\."),
        ([(1, 40, 3), (1, 9, 3)], r"'x' has the wrong shape; .* \(1, 17, 3\); found \(1, 40, 3\)"),
        ([(17, 3), (1, 9, 3)], r"'x' has the wrong shape; .* found \(17, 3\)"),
        ([(1, 17, 3), (1, 9, 2)], r"'frames' has .* expected \(1, any, 3\); found \(1, 9, 2\)"),
    ],
)
def test_whole_batches_that_do_not_fit_are_refused(shapes, text):
    fixed = TensorSpec("x", (1, 17, 3), "float32")
    with pytest.raises(SampleError, match=text):
        require_arrays([np.zeros(s) for s in shapes], [fixed, FRAMES])


def test_a_sample_like_the_one_before_is_checked_for_its_values():
    check = RepeatedCheck([TensorSpec("x", (1, None, 2), "float32")], "the chunk")
    x = np.ones((3, 2), np.float32)
    assert not check.passes(x)
    assert check(x)[0] is x
    assert check.passes(x)
    assert check.passes(x * 1e30)
    for other in (x[:2], x.astype(np.float64), x.tolist(), x * np.nan, x * np.inf, x[0], None):
        assert not check.passes(other)
    assert check(x.tolist())[0].dtype == np.float32
    with pytest.raises(SampleError, match="the chunk, input 'x' holds NaN"):
        check(x * np.nan)
    assert check(x)[0] is x


@pytest.mark.parametrize(
    "specs",
    [
        [TensorSpec("ids", (1, None), "int32", ids=(0, 9))],
        [TensorSpec(n, (1, None), "float32") for n in "xz"],
    ],
)
def test_samples_whose_check_says_more_are_checked_whole(specs):
    check = RepeatedCheck(specs, "the chunk")
    sample = tuple(np.ones(3, spec.dtype) for spec in specs)
    check(sample)
    assert not check.passes(sample[0])
