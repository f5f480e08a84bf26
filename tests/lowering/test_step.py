"""One step of a Scan: what its cell may give."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.errors import UnsupportedError
from rnnlite.lowering.lower import lower
from rnnlite.lowering.schedule import Options
from rnnlite.scan.cells import TracedCell
from rnnlite.scan.scan import Scan

X = np.random.default_rng(0).normal(size=(6, 2, 3)).astype(np.float32)


def lowered(step, **options):
    """The results of a Scan over X from zeros, by its step (x, h) -> outputs, new states."""
    cell = TracedCell(lambda rows, states: step(rows[0], states[0]), kind="custom")
    scan = Scan(
        cell=cell,
        inputs=(tf.constant(X),),
        initial_states=(tf.zeros([2, 3]),),
        name="cell_of_mine",
        **options,
    )
    made = tf.function(lambda: lower(scan, Options())[0].tensors(), autograph=False)
    return made()


def test_a_running_sum():
    y, h = lowered(lambda x, h: ([2.0 * (x + h)], [x + h]), all_outputs=True, last_output=False)
    np.testing.assert_allclose(y, 2 * np.cumsum(X, 0), rtol=1e-5)
    np.testing.assert_allclose(h, X.sum(0), rtol=1e-5)


def test_another_number_of_states():
    message = (
        r"the cell of 'cell_of_mine' \(custom\) returns another number of states than it takes; "
        "expected 1; found 2"
    )
    with pytest.raises(UnsupportedError, match=message):
        lowered(lambda x, h: ([x], [x, h]))


@pytest.mark.parametrize(
    ("step", "found"),
    [
        (lambda x, h: ([x], [tf.cast(h, tf.float16)]), r"float16\(2, 3\)"),
        (lambda x, h: ([x], [tf.concat([h, x], 1)]), r"float32\(2, 6\)"),
    ],
)
def test_a_state_that_changes_its_type(step, found):
    message = r"state 0 of 'cell_of_mine' \(custom\) changes its type; expected float32\(2, 3\); "
    with pytest.raises(UnsupportedError, match=message + "found " + found):
        lowered(step)
