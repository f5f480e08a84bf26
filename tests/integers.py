"""Quantize small models built op by op, and measure them: shared by the tests of integer ops."""

import numpy as np

from graphs import Model, run
from rnnlite.quantization.calibration import Samples, calibrate
from rnnlite.quantization.plan.plan import make_plan
from rnnlite.quantization.prepare.decompose import decompose, faint_results
from rnnlite.quantization.recipes import all_int8, all_int16
from rnnlite.quantization.rewrite.integer import rewrite_to_integers

MAGNITUDES = (1e-3, 1.0, 1e3)
SHAPE = (1, 40, 6)


class Head:
    """A model of one input, under construction; each method gives the tensor it adds."""

    def __init__(self, shape=SHAPE):
        self.model, self.shape = Model(), shape
        self.main = self.model.main
        self.x = self.main.tensor(shape)

    def op(self, name, *inputs, shape=None, options=None, **fields):
        kind = "".join(part.capitalize() for part in name.split("_")) + "Options"
        if options is None:
            options = kind if name in ("ADD", "SUB", "MUL", "DIV") else ""
        result = self.main.tensor(shape or self.shape)
        self.main.add(name, list(inputs), [result], options, **fields)
        return result

    def reduce(self, name, x, axis=-1, keep=True):
        axes = self.main.constant([axis], "int32")
        shape = list(self.shape)
        shape[axis] = 1
        if not keep:
            del shape[axis]
        return self.op(name, x, axes, shape=shape, options="ReducerOptions", keepDims=keep)

    def number(self, value):
        return self.main.constant(value)

    def bound(self, name, x, value, shape=None):
        shape = shape or x.shape
        return self.op(name, x, self.number(value), shape=shape, options="MaximumMinimumOptions")

    def end(self, y):
        self.main.ends([self.x], [y])
        return self.model


def integer_model(model, arrays, dtype, *, faint=False):
    """Quantize a model in place, calibrated on one batch of inputs; gives its bytes."""
    return calibrated([[a[0] for a in arrays]], model, dtype, faint=faint)


def calibrated(rows, model, dtype, *, faint=False):
    """Quantize a model in place, calibrated on rows of one array an input; gives its bytes."""
    precision = all_int8 if dtype == "int8" else all_int16
    tree, samples = model.ir, Samples(rows, [], ())
    small = faint_results(tree, calibrate(tree, samples).values) if faint else frozenset()
    wide = decompose(tree, precision, small)
    ranges = calibrate(tree, samples)
    plan = make_plan(tree, ranges.values, precision, allow_float=False, wide=wide)
    rewrite_to_integers(tree, plan, "float32")
    return model.bytes()


def relative_error(model, arrays, expected, dtype, *, faint=False, delegates=False):
    """The error of a quantized model on the data that it was calibrated on."""
    data = integer_model(model, arrays, dtype, faint=faint)
    (found,) = run(data, *arrays, delegates=delegates)
    return float(np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2)))


def rows(shape, magnitude, *, positive=False, spread=0.5):
    """Random rows of one magnitude, whose norms differ."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=shape) * np.exp(spread * rng.normal(size=(*shape[:-1], 1)))
    values = np.abs(values) + 0.02 if positive else values
    return (magnitude * values).astype(np.float32)
