"""Objects that a worker holds, in this process: by number, until they are dropped."""

import numpy as np
import pytest

from graphs import Model
from rnnlite.isolation import held
from runtime.files import rows, summing, two


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


def test_a_file_is_read_once_for_both_kernels(monkeypatch):
    reads = []
    read = held.schema.read
    monkeypatch.setattr(held.schema, "read", lambda data: reads.append(data) or read(data))
    monkeypatch.setattr(held, "_READ", [])
    other = DATA + b"\0"
    numbers = [
        held.open_model(data, delegates=delegates)[0]
        for data, delegates in ((DATA, True), (DATA, False), (other, False), (DATA, False))
    ]
    # The last one alone is kept.
    assert [len(data) for data in reads] == [len(DATA), len(other), len(DATA)]
    for number in numbers:
        held.drop(number)


def test_what_a_model_is_comes_with_its_number():
    number, inputs, outputs, stream, is_main = held.open_model(two().bytes(), False, "second")
    assert [s.name for s in (*inputs, *outputs)] == ["x", "of_second"]
    assert (stream, is_main) == (None, False)
    (y,) = held.run_model(number, [rows(2, 2)])
    np.testing.assert_array_equal(y, 3 * rows(2, 2))
    held.drop(number)


def test_shapes_are_known_before_a_run():
    number = held.open_model(DATA, delegates=False)[0]
    assert held.shapes_before_run(number, [(1, 7, 3)]) == ((1, 7, 3),)
    held.drop(number)


def test_a_chunk_is_run():
    number, _, _, stream, _ = held.open_model(summing(), delegates=False)
    assert [s.name for s in stream.states] == ["state/sum/h"]
    step, state = rows(1, 2), rows(1, 2) + 5
    y, after = held.run_chunk(number, [step, state])
    np.testing.assert_array_equal(y, step + state)
    np.testing.assert_array_equal(after, step + state)
    held.drop(number)


def test_whole_arrays_are_watched_and_tensors_given():
    (number,) = held.open_watched(DATA, [0], [0])
    found = held.watch_arrays(number, [X], [1], "a batch")
    np.testing.assert_array_equal(found, [X + 1])
    assert held.ranges(number)["0:0"] == (0.0, 11.0)
    held.drop(number)


@pytest.mark.parametrize(
    "call",
    [
        lambda n: held.run_model(n, []),
        lambda n: held.run_chunk(n, []),
        lambda n: held.shapes_before_run(n, []),
        lambda n: held.watch(n, [], ""),
        lambda n: held.watch_arrays(n, [], [], ""),
        lambda n: held.ranges(n),
        lambda n: held.counts(n),
        lambda n: held.values(n, []),
    ],
)
def test_a_number_that_nobody_was_given(call):
    with pytest.raises(KeyError, match="-1"):
        call(-1)
