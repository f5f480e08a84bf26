"""Rules of lengths as tables: what an op gives and demands, beside what TensorFlow itself does."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import op_def_registry

from rnnlite.lengths import analysis  # noqa: F401 (it registers the rules)
from rnnlite.lengths.facts import RULES, Demands, Fact, Node, filled, with_content
from rnnlite.lengths.sizes import Axis, free
from rnnlite.lengths.values import evaluate

T, U = Axis(0, 1), Axis(1, 1)
t, u = free(T), free(U)


@dataclass(frozen=True)
class Numbers:
    """An input whose numbers are known: an array of sizes."""

    array: np.ndarray

    @property
    def fact(self):
        return with_content(self.array)

    def at(self, values):
        whole = [evaluate(x, values) for x in self.array.reshape(-1)]
        return np.array(whole, np.int32).reshape(self.array.shape)


def numbers(values):
    """Numbers, sizes among them, as an input; nested lists as NumPy has them."""
    shape = np.shape(np.frompyfunc(lambda x: 0, 1, 1)(_objects(values)))
    return Numbers(filled(shape, _objects(values)))


def _objects(values):
    if not isinstance(values, list):
        return filled([], values)
    parts = [_objects(v) for v in values]
    return np.stack(parts) if parts else np.empty([0], object)


@dataclass(frozen=True)
class Ones:
    """An input of ones of which the sizes alone are known."""

    sizes: tuple
    dtype: str = "float32"

    @property
    def fact(self):
        return Fact(self.sizes)

    def at(self, values):
        return np.ones([evaluate(s, values) for s in self.sizes], self.dtype)


def ones(*sizes, dtype="float32"):
    """An input of these sizes."""
    return Ones(sizes, dtype)


class FakeOp:
    """An op as rules see it: a type, a name and attributes."""

    name = "op"

    def __init__(self, kind, attrs, outputs=()):
        self.type, self._attrs, self.outputs = kind, attrs, list(outputs)

    def get_attr(self, name):
        return self._attrs[name]


@dataclass(frozen=True)
class Case:
    """One op on some inputs.

    Attributes:
        op: its type.
        inputs: `ones` and `numbers`, flat.
        results: the sizes of each output, or the numbers.
        demands: (kind, left, right).
        attrs: what the op has besides.
        lengths: (t, u) at which TensorFlow runs it.
        refused: (t, u) at which a demand does not hold, and TensorFlow refuses it.
    """

    op: str
    inputs: tuple
    results: tuple
    demands: tuple = ()
    attrs: dict = field(default_factory=dict)
    lengths: tuple = ((12, 12), (24, 24))
    refused: tuple = ()

    @property
    def id(self):
        return f"{self.op} {[str(getattr(x, 'sizes', x)) for x in self.results]}"[:70]


def case(op, inputs, *results, demands=(), lengths=None, refused=(), **attrs):
    """A `Case`; `lengths` and `refused` may be ints, for both axes."""
    pairs = [[(n, n) if isinstance(n, int) else n for n in ns] for ns in (lengths or (), refused)]
    return Case(
        op,
        tuple(inputs),
        results,
        tuple(demands),
        attrs,
        tuple(pairs[0]) or Case.lengths,
        tuple(pairs[1]),
    )


RENAMED = {
    "dim": "axis",
    "split_dim": "axis",
    "squeeze_dims": "axis",
    "reduction_indices": "axis",
    "Select.t": "x",
    "Select.e": "y",
}
"""Arguments that Python has other names for than graphs."""


def told(one):
    """What the rule of a case's op says: facts, and requirements."""
    demands = Demands()
    node = Node(FakeOp(one.op, one.attrs), [x.fact for x in one.inputs], demands)
    return RULES[one.op].sizes(node), list(demands.found.values())


def run(one, values):
    """What TensorFlow gives, as arrays."""
    definition = op_def_registry.get(one.op)
    arrays = [x.at(values) for x in one.inputs]
    given = {}
    for arg in definition.input_arg:
        if arg.number_attr:
            count = one.attrs.get(arg.number_attr, len(arrays))
            given[arg.name], arrays = arrays[:count], arrays[count:]
        else:
            given[arg.name], *arrays = arrays
    counted = {arg.number_attr for arg in definition.input_arg}
    attrs = {k: v for k, v in one.attrs.items() if k not in counted}
    given = {
        RENAMED.get(f"{one.op}.{k}", RENAMED.get(k, k)): v for k, v in {**given, **attrs}.items()
    }
    found = getattr(tf.raw_ops, one.op)(**given)
    return [np.asarray(y) for y in tf.nest.flatten(found)]


def check(one):
    """The rule says what is expected, and TensorFlow does so."""
    facts, requirements = told(one)
    assert len(facts) == len(one.results)
    for fact, expected in zip(facts, one.results, strict=True):
        if isinstance(expected, Numbers):
            assert fact.content is not None
            assert fact.content.shape == expected.array.shape
            assert list(fact.content.reshape(-1)) == list(expected.array.reshape(-1))
        else:
            assert fact.content is None
            assert fact.sizes == expected
    assert [(r.kind, r.left, r.right) for r in requirements] == list(one.demands)
    for pair in one.lengths:
        values = dict(zip((T, U), pair, strict=True))
        assert all(r.holds(values) for r in requirements)
        for y, expected in zip(run(one, values), one.results, strict=True):
            if isinstance(expected, Numbers):
                np.testing.assert_array_equal(y, expected.at(values))
            else:
                assert y.shape == tuple(evaluate(s, values) for s in expected)
    for pair in one.refused:
        values = dict(zip((T, U), pair, strict=True))
        assert not all(r.holds(values) for r in requirements)
        with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
            run(one, values)
