"""Rows around products become parts of kernels and biases: same numbers, fewer ops."""

import keras
import numpy as np
import pytest

import rnnlite
from graphs import Model, free, kinds, run
from rnnlite.lite import schema
from rnnlite.lite.passes.folding import fold_rows
from rnnlite.lite.structure import check_structure
from stream_parts import both, sequential

L = keras.layers

RNG = np.random.default_rng(0)
KERNEL = RNG.standard_normal((5, 3)).astype(np.float32)
TAPS = RNG.standard_normal((5, 1, 2, 3)).astype(np.float32)
STRIDES = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "padding": 1}
IN, OUT = (RNG.uniform(0.5, 1.5, n).astype(np.float32) for n in (3, 5))


class Chain:
    """Ops one behind the other on x (2, t, 3), built from front to end."""

    def __init__(self):
        self.model = Model()
        self.graph = self.model.main
        self.x = self.at = free(self.graph, [2, -1, 3])
        self.last = [2, -1, 3]

    def row(self, kind, numbers, **options):
        out = free(self.graph, self.last)
        operands = [self.at, self.graph.constant(numbers)]
        self.graph.add(kind, operands, [out], f"{kind.title()}Options", **options)
        self.at = out
        return self

    def product(self, bias=None, **options):
        self.last = [*self.last[:-1], 5]
        out = free(self.graph, self.last)
        held = None if bias is None else self.graph.constant(bias)
        operands = [self.at, self.graph.constant(KERNEL), held]
        options = {"keepNumDims": True, **options}
        self.graph.add("FULLY_CONNECTED", operands, [out], "FullyConnectedOptions", **options)
        self.graph.ir.ops[-1].graph.model.raise_version(self.graph.ir.ops[-1], 5)
        self.at = out
        return self

    def convolution(self):
        wide, conv, out = (
            free(self.graph, shape) for shape in ([2, 1, -1, 3], [2, 1, -1, 5], [2, -1, 5])
        )
        one = self.graph.constant(1, "int32")
        self.graph.add("EXPAND_DIMS", [self.at, one], [wide], "ExpandDimsOptions")
        operands = [wide, self.graph.constant(TAPS), self.graph.constant(OUT)]
        self.graph.add("CONV_2D", operands, [conv], "Conv2DOptions", **STRIDES)
        self.graph.add("SQUEEZE", [conv], [out], "SqueezeOptions", squeezeDims=[1])
        self.at, self.last = out, [2, -1, 5]
        return self

    def end(self):
        self.graph.ends([self.x], [self.at])
        return self.model.ir


def folded(built, count):
    """The kinds of ops that are left, the numbers being the same."""
    x = np.random.default_rng(1).standard_normal((2, 7, 3)).astype(np.float32)
    expected = run(schema.write(built), x)
    assert fold_rows(built) == count
    check_structure(built)
    np.testing.assert_allclose(run(schema.write(built), x), expected, atol=2e-6)
    return kinds(built.main)


def test_rows_in_front_and_behind_a_product():
    built = Chain().row("MUL", IN).row("ADD", IN).product(OUT).row("MUL", OUT).row("SUB", OUT)
    assert folded(built.end(), 4) == ["FULLY_CONNECTED"]


def test_single_numbers_are_rows_and_an_activation_comes_along():
    built = Chain().row("MUL", 0.5).product().row("ADD", [0.25], fusedActivationFunction=1).end()
    assert folded(built, 2) == ["FULLY_CONNECTED"]
    assert built.main.ops[0].options["fusedActivationFunction"] == 1


def test_normalization_behind_a_convolution_whose_axis_is_squeezed():
    built = Chain().convolution().row("ADD", OUT).row("MUL", OUT).row("ADD", IN[:1])
    assert folded(built.end(), 3) == ["EXPAND_DIMS", "CONV_2D", "SQUEEZE"]


@pytest.mark.parametrize("bound", [{"fusedActivationFunction": 1}, {}])
def test_what_follows_an_activation_or_is_read_elsewhere_stays(bound):
    built = Chain().product(**bound)
    early = built.at
    model = built.row("MUL", OUT).end()
    if not bound:
        built.graph.ends([built.x], [built.at, early])
    assert fold_rows(model) == 0


def test_a_row_that_others_read_as_well_stays_for_them():
    built = Chain().row("MUL", IN)
    shared = built.at
    model = built.product().end()
    built.graph.ends([built.x], [built.at, shared])
    assert fold_rows(model) == 1
    assert kinds(model.main) == ["MUL", "FULLY_CONNECTED"]
    assert model.main.ops[1].input(0) is built.x


def test_a_row_along_another_axis_stays():
    built = Chain().row("MUL", np.ones((2, 1, 1))).product().end()
    assert fold_rows(built) == 0


def kernels(model):
    """The content of all kernels of a model and of what it runs."""
    read = [v for graph in model.graphs for op in graph.ops for v in op.inputs if v is not None]
    held = [v.constant("float32") for v in read]
    return {a.tobytes() for a in held if a is not None and a.ndim > 1 and a.any()}


@pytest.mark.parametrize("streaming", [True, 1])
def test_a_chunk_has_the_kernels_of_the_whole(streaming):
    scaled = {"gamma_initializer": "random_normal", "beta_initializer": "random_normal"}
    net = sequential(
        L.Conv1D(4, 2, padding="causal"),
        L.BatchNormalization(**scaled),
        L.LSTM(4, return_sequences=True),
        L.LayerNormalization(**scaled),
        L.GRU(3, return_sequences=True),
        L.LayerNormalization(**scaled),
        L.Dense(2),
    )
    whole, chunk, _ = both(net, streaming)
    assert len(kernels(chunk.model)) >= 6
    assert kernels(chunk.model) <= kernels(whole)


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ([("MUL", [1.0, 5.0, 1.0])], 0),
        ([("MUL", [1.0, -3.0, 1.0])], 1),
        ([("MUL", [1.0, 0.0, 1.0])], 0),
        ([("MUL", [1e-3])], 0),
        ([("MUL", [1e3])], 0),
        ([("ADD", [1.0, 9.0, 0.0])], 0),
        ([("SUB", [1.0, 7.0, 0.0])], 1),
        # As images are scaled: 127.5 is 1 to the product.
        ([("SUB", [127.5]), ("MUL", [1 / 127.5])], 2),
        # Each feature by its own mean and deviation.
        ([("SUB", [2e-2, 2.0, 2e4]), ("MUL", [1e2, 1.0, 1e-4])], 0),
    ],
)
def test_rows_that_a_kernel_of_few_bits_cannot_hold_stay(rows, count):
    built = Chain()
    for kind, numbers in rows:
        built.row(kind, np.float32(numbers))
    model = built.product(OUT).end()
    kept = [op.kind for op in model.main.ops]
    assert fold_rows(model) == count
    assert kinds(model.main) == kept[count:]


@pytest.mark.parametrize(("factor", "count"), [(1e3, 0), (1e-3, 0), (0.0, 1), (200.0, 1)])
def test_factors_behind_a_product_leave_it_numbers_of_float16(factor, count):
    row = np.array([1.0, factor, 1.0, 1.0, 1.0], np.float32)
    assert fold_rows(Chain().product().row("MUL", row).end()) == count


@pytest.mark.parametrize(
    ("mode", "bound"), [("float16", 1e-3), ("dynamic", 1e-2), ("int16x8", 5e-3)]
)
def test_features_of_unlike_sizes_stay_as_exact(mode, bound):
    """Normalized in front of a product; 3 % of the RMS in float16 where a kernel holds that."""
    sizes = np.array([1e-4, 1e-2, 1.0, 1e2, 1e4, 1e6])
    keras.utils.set_random_seed(1)
    layers = keras.layers
    stack = [
        layers.Normalization(mean=2 * sizes, variance=sizes**2),
        layers.TimeDistributed(layers.Dense(12, activation="relu")),
        layers.GRU(8),
    ]
    model = keras.Sequential([keras.Input((None, 6)), *stack])
    rng = np.random.default_rng(0)
    samples = [
        (sizes * (2 + rng.standard_normal((t, 6)))).astype(np.float32) for t in (5, 20, 40) * 4
    ]
    options = {"calibration": samples, "io": "float32"} if mode == "int16x8" else {}
    converted = rnnlite.convert(model, quantize=mode, verify=False, **options)
    found = np.asarray(rnnlite.load(converted.tflite).predict(samples))
    expected = np.concatenate([model(x[None]).numpy() for x in samples])
    error = np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2))
    assert error < bound
