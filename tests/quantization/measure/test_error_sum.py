"""The error of an output over all samples; classes that agree; what is not compared."""

import math

import numpy as np
import pytest

from rnnlite.quantization.measure.error_sum import ErrorSum, _is_distribution


@pytest.mark.parametrize(
    ("found", "expected", "error"),
    [
        ([3.0, 4.0], [3.0, 5.0], 1 / math.sqrt(34)),
        # There is nothing that an error could be relative to.
        ([0.03, 0.04], [0.0, 0.0], math.sqrt(0.00125)),
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        ([math.nan, 1.0], [1.0, 1.0], math.inf),
        ([math.inf, 1.0], [1.0, 1.0], math.inf),
        # What the source itself gives as infinity is not compared.
        ([-9.0, 1.0], [-math.inf, 1.0], 0.0),
    ],
)
def test_relative_error(found, expected, error):
    total = ErrorSum()
    total.add(np.array(found, np.float32), np.array(expected, np.float32))
    assert total.error() == pytest.approx(error, rel=1e-6)


def test_of_classes_the_share_that_differs_counts():
    total = ErrorSum()
    total.add(np.array([7, 1, 0, 3], np.int32), np.array([6, 1, 0, 3], np.int32))
    assert total.error() == 0.25


def test_what_is_not_compared_is_counted():
    total = ErrorSum()
    expected = np.array([1.0, -np.inf, np.nan, 2.0], np.float32)
    total.add(np.ones(4, np.float32), expected)
    assert total.left_out() == 0.5
    assert ErrorSum().left_out() == 0.0


def total_of(*pairs):
    total = ErrorSum()
    for found, expected in pairs:
        total.add(np.asarray(found), np.asarray(expected))
    return total


def test_an_error_is_over_all_samples_together():
    """Not a mean of errors: a sample of small values counts little."""
    total = total_of(([3.0], [4.0]), ([0.0], [3.0]))
    assert total.error() == pytest.approx(math.sqrt((1 + 9) / (16 + 9)))
    assert total.snr() == pytest.approx(-20 * math.log10(total.error()))


def test_no_error_has_no_end_of_decibels():
    assert total_of(([1.0], [1.0])).snr() == math.inf
    assert ErrorSum().error() == 0.0


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([[0.25, 0.75], [1.0, 0.0]], True),
        ([0.2, 0.3, 0.5], True),
        ([[0.5, 0.6]], False),
        ([[1.5, -0.5]], False),
        ([[1.0]], False),
        (1.0, False),
        ([[0.5004, 0.5]], True),
    ],
)
def test_what_probabilities_of_classes_are(values, wanted):
    assert _is_distribution(np.array(values)) == wanted


def test_classes_agree_by_the_row():
    rows = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    total = total_of((rows[:, ::-1], rows), (rows[:1], rows[:1]))
    assert total.agreement() == pytest.approx(1 / 4)


def test_what_is_a_distribution_once_alone_is_no_classifier():
    total = total_of(([[0.5, 0.5]], [[0.5, 0.5]]), ([[3.0, 4.0]], [[3.0, 4.0]]))
    assert total.agreement() is None
    assert ErrorSum().agreement() is None


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8, bool])
def test_whole_numbers_are_right_or_wrong(dtype):
    total = total_of((np.array([1, 0, 1, 1], dtype), np.array([1, 1, 1, 1], dtype)))
    assert (total.error(), total.agreement()) == (0.25, None)
