"""Scores, thresholds, exits run one after the other, and what an early result says."""

import re

import numpy as np
import pytest

from rnnlite.errors import ModelError, SampleError
from rnnlite.report.exits import Exit
from rnnlite.runtime.early import (
    EarlyResult,
    leave,
    max_prob,
    predict_early,
    require_exits,
    run_exits,
    take_score,
    take_threshold,
)
from rnnlite.runtime.model import load
from rnnlite.specs import TensorSpec
from runtime.files import doubled, exits


def test_max_prob():
    assert max_prob(np.array([0.1, 0.7, 0.2])) == pytest.approx(0.7)
    assert max_prob(np.array([[0.1, 0.9], [0.5, 0.5]])) == pytest.approx(0.7)
    assert take_score("max_prob") is max_prob


def test_shares():
    found = EarlyResult([], np.array([0, 1, 1, 1]), np.zeros(4), ("a", "b", "c"))
    assert found.shares == {"a": 0.25, "b": 0.75, "c": 0.0}
    assert EarlyResult([], np.array([]), np.zeros(0), ("a",)).shares == {"a": 0.0}


def test_a_score_of_the_users_own_is_taken():
    assert take_score(np.min) is np.min


@pytest.mark.parametrize("score", ["entropy", "", None, 0.9])
def test_what_is_no_score(score):
    expected = (
        "score is no score; expected 'max_prob', or a function from an exit's result to a number; "
        f"found {score!r}."
    )
    with pytest.raises(SampleError, match=f"^{re.escape(expected)}$"):
        take_score(score)


@pytest.mark.parametrize(
    ("threshold", "number"),
    [(0.9, 0.9), (1, 1.0), (np.float32(0.5), 0.5), (np.int64(2), 2.0), (float("inf"), np.inf)],
)
def test_thresholds(threshold, number):
    found = take_threshold(threshold)
    assert found == number
    assert type(found) is float


@pytest.mark.parametrize("threshold", [True, "0.9", None, [0.9], np.nan, float("nan"), np.bool_(1)])
def test_what_is_no_threshold(threshold):
    expected = f"threshold is no number; expected a number, such as 0.9; found {threshold!r}."
    with pytest.raises(SampleError, match=f"^{re.escape(expected)}$"):
        take_threshold(threshold)


class Model:
    """A model of three exits that notes what it ran: each adds one to what it reads.

    Args:
        fails: the signature that is not to be run.
    """

    inputs = (TensorSpec("x", (1, 2), "float32"),)
    outputs = tuple(TensorSpec(name, (1, 2), "float32") for name in "abc")
    exits = (
        Exit("a", "exit/a", ("x",), ("a", "rest_a"), 3),
        Exit("b", "exit/b", ("rest_a",), ("b", "rest_b"), 2),
        Exit("c", "exit/c", ("x", "rest_b"), ("c",), 1),
    )

    def __init__(self):
        self.ran = []

    def run(self, arrays, *, signature=None):
        self.ran.append(signature)
        total = sum(arrays) + 1
        count = {e.signature: len(e.outputs) for e in self.exits}[signature]
        return [total * (k + 1) for k in range(count)]


X = np.array([1.0, 2.0], np.float32)
A = X + 1
B = 2 * A + 1
C = X + 2 * B + 1


@pytest.mark.parametrize(
    ("bound", "place", "result"),
    [(3.0, 0, A), (3.1, 1, B), (7.0, 1, B), (7.5, 2, C), (99.0, 2, C), (-9.0, 0, A)],
)
def test_a_sample_leaves_by_the_first_exit_that_is_sure(bound, place, result):
    model = Model()
    found, left, score = leave(model, [X], bound, lambda y: float(y.max()))
    assert left == place
    np.testing.assert_array_equal(found, result)
    assert score == result.max()
    # The exits behind it are not run.
    assert model.ran == ["exit/a", "exit/b", "exit/c"][: place + 1]


def test_nothing_is_run_before_it_is_asked_for():
    model = Model()
    found = run_exits(model, {"x": X[None]})
    assert model.ran == []
    assert next(found)[0] == "a"
    assert model.ran == ["exit/a"]
    assert [name for name, _ in found] == ["b", "c"]


def test_the_callers_inputs_are_left_alone():
    given = {"x": X[None]}
    list(run_exits(Model(), given))
    assert list(given) == ["x"]


def test_a_score_that_is_no_number_is_never_sure():
    found, place, score = leave(Model(), [X], 0.0, lambda y: float("nan"))
    assert place == 2
    assert np.isnan(score)
    np.testing.assert_array_equal(found, C)


def test_each_sample_leaves_by_an_exit_of_its_own():
    found = predict_early(Model(), [X, 10 * X, 0 * X], 6.0, lambda y: float(y.max()))
    assert found.names == ("a", "b", "c")
    assert found.exits.tolist() == [1, 0, 2]
    assert found.scores.tolist() == [7.0, 21.0, 7.0]
    assert found.shares == {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}
    np.testing.assert_array_equal(found.outputs[0], B)


@pytest.mark.parametrize(
    ("samples", "threshold", "score", "message"),
    [
        ([X], "sure", "max_prob", "threshold is no number"),
        ([X], 0.5, "best", "score is no score"),
        ([X, X[:1]], 0.5, "max_prob", "sample 1, input 'x' has the wrong shape"),
        ([], 0.5, "max_prob", "there are no samples"),
    ],
)
def test_what_does_not_fit_runs_nothing(samples, threshold, score, message):
    model = Model()
    with pytest.raises(SampleError, match=message):
        predict_early(model, samples, threshold, score)
    assert model.ran == []


def test_a_file_without_exits():
    expected = (
        "the file has no exits; expected signatures 'exit/<output>'; found 'y' in one signature. "
        "Convert its source with exits=True."
    )
    with pytest.raises(ModelError, match=f"^{re.escape(expected)}$"):
        require_exits(load(doubled()))
    require_exits(load(exits()))


def test_exits_of_a_file():
    model = load(exits())
    samples = [np.array(row, np.float32) for row in ([0.1, 0.2, 0.7], [0.5, 0.4, 0.1])]
    found = model.predict_early(samples, 0.6)
    assert found.exits.tolist() == [0, 1]
    np.testing.assert_allclose(found.outputs[0], samples[0])
    # What the first left over, four times the input, halved.
    np.testing.assert_allclose(found.outputs[1], 2 * samples[1])
    assert found.scores.tolist() == pytest.approx([0.7, 1.0])
    whole = model.predict(samples)
    np.testing.assert_allclose(found.outputs[1], whole["late"][1])
