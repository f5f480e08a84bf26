"""Objects that a worker holds, in this process: by number, until they are dropped."""

import numpy as np
import pytest

from graphs import Model
from rnnlite.isolation import held


def shifted():
    """y = x + 1, x (1, any, 3)."""
    model = Model()
    main = model.main
    x, y = main.tensor((1, -1, 3), name="x"), main.tensor((1, -1, 3), name="y")
    main.add("ADD", [x, main.constant(np.ones(3))], [y], "AddOptions")
    main.ends([x], [y])
    for number, value in enumerate(model.ir.graphs[0].values):
        value.name = f"0:{number}"
    return model.bytes()


DATA = shifted()
X = np.arange(12, dtype=np.float32).reshape(1, 4, 3)


def test_a_model_is_run():
    number, inputs, outputs, *_ = held.open_model(DATA, delegates=False)
    assert [s.shape for s in (*inputs, *outputs)] == [(1, None, 3)] * 2
    (y,) = held.run_model(number, [X])
    np.testing.assert_array_equal(y, X + 1)
    held.drop(number)
    with pytest.raises(KeyError):
        held.run_model(number, [X])
    # Dropped twice is dropped.
    held.drop(number)


def test_numbers_are_not_used_again():
    first = held.open_model(DATA, delegates=False)[0]
    held.drop(first)
    second = held.open_model(DATA, delegates=False)[0]
    held.drop(second)
    assert second != first


def test_ranges_are_watched():
    (number,) = held.open_watched(DATA, [0], [0])
    for k, row in enumerate((X[0], -2 * X[0])):
        held.watch(number, [row], f"sample {k}")
    ranges = held.ranges(number)
    assert ranges["0:0"] == (-22.0, 11.0)
    assert ranges["0:1"] == (-21.0, 12.0) or ranges["0:2"] == (-21.0, 12.0)
    assert set(held.counts(number).values()) == {24}
    held.drop(number)


def test_values_of_tensors_are_given():
    (number,) = held.open_values(DATA, [0], [0])
    (x,) = held.values(number, [X[0]])
    np.testing.assert_array_equal(x, X)
    held.drop(number)


def test_a_probe_runs_a_model_as_it_declares():
    held.probe(DATA)
    with pytest.raises(ValueError, match="Flatbuffer"):
        held.probe(b"no flatbuffer")
