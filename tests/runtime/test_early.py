"""Scores, and what an early result says."""

import numpy as np
import pytest

from rnnlite.runtime.early import EarlyResult, max_prob, take_score


def test_max_prob():
    assert max_prob(np.array([0.1, 0.7, 0.2])) == pytest.approx(0.7)
    assert max_prob(np.array([[0.1, 0.9], [0.5, 0.5]])) == pytest.approx(0.7)
    assert take_score("max_prob") is max_prob


def test_shares():
    found = EarlyResult([], np.array([0, 1, 1, 1]), np.zeros(4), ("a", "b", "c"))
    assert found.shares == {"a": 0.25, "b": 0.75, "c": 0.0}
    assert EarlyResult([], np.array([]), np.zeros(0), ("a",)).shares == {"a": 0.0}
