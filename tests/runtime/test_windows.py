"""Windows of samples: order, bounds, and no more read than is held."""

import numpy as np
import pytest

import rnnlite
from rnnlite.errors import SampleError
from rnnlite.runtime.windows import bytes_of, windows
from rnnlite.specs import TensorSpec

X = TensorSpec("x", (None, None, 2), "float32")
Y = TensorSpec("y", (None, None, 5), "float32")


def samples(*lengths):
    return [np.full((t, 2), t, np.float32) for t in lengths]


def sizes(found):
    return [[len(sample[0]) for sample in window] for window in found]


def test_order_and_number():
    found = windows(samples(3, 1, 2, 5, 4), [X], [Y], most=2)
    assert sizes(found) == [[3, 1], [2, 5], [4]]


def test_bytes_of_inputs_and_results():
    # 3 steps: 3 * 2 * 4 bytes of input, 3 * 5 * 4 of results.
    assert bytes_of([samples(3)[0]], [X], [Y]) == 84
    assert sizes(windows(samples(3, 3, 3, 9, 1), [X], [Y], bound=168)) == [[3, 3], [3], [9], [1]]


def test_no_more_is_read_than_is_held():
    taken = []

    def endless():
        k = 0
        while True:
            taken.append(k)
            yield samples(1)[0]
            k += 1

    found = windows(endless(), [X], [Y], most=10)
    next(found)
    assert len(taken) == 11
    next(found)
    assert len(taken) == 21


def test_samples_are_named_by_their_place():
    with pytest.raises(SampleError, match="sample 102, input 'x' has the wrong shape"):
        list(windows([*samples(1, 2), np.ones((1, 3))], [X], [Y], first=100))
    with pytest.raises(SampleError, match="not a list of samples"):
        list(windows(5, [X], [Y]))
    assert list(windows([], [X], [Y])) == []


def test_predict_iter_equals_predict(exits, sequences):
    model = rnnlite.load(exits.tflite)
    expected = model.predict(sequences)
    found = list(model.predict_iter(iter(sequences)))
    assert len(found) == len(sequences)
    for name, column in expected.items():
        assert all(np.array_equal(a[name], b) for a, b in zip(found, column, strict=True))
    with pytest.raises(SampleError, match="sample 8, "):
        list(model.predict_iter([sequences[0], np.ones(3)], first=7))
