"""The check of scales and zero points finds each fault that it names."""

import numpy as np
import pytest

import rnnlite
from graphs import Model
from rnnlite.lite.ir import Quantization
from rnnlite.quantization.rewrite.check import check_quantization


def model(inputs, result, name, options="", constants=()):
    """One op on int8 tensors with the given (scale, zero point) each."""
    built = Model()
    main = built.main
    tensors = []
    for scale, zero_point in [*inputs, result]:
        params = Quantization.of(scale, zero_point)
        tensors.append(main.tensor((2, 3), "int8", f"t{len(tensors)}", params))
    extra = [main.constant(c, "int8" if c.ndim == 2 else "int32") for c in constants]
    main.add(name, [*tensors[:-1], *extra], tensors[-1:], options)
    main.ends(tensors[:-1], tensors[-1:])
    return built, extra


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ([(0.1, 0)], (0.2, 0), "RESHAPE"),
            "RESHAPE of 't1' .*different scales or zero points: int8 0",
        ),
        (([(0.1, 0)], (0.1, 3), "TANH"), "where the kernel prescribes QuantizationParams"),
        (([(0.1, 0), (0.1, 1)], (0.1, 0), "CONCATENATION"), "different scales or zero points"),
    ],
)
def test_faults(arguments, text):
    built, _ = model(*arguments)
    with pytest.raises(rnnlite.ModelError, match=text):
        check_quantization(built.ir)


def test_an_op_in_two_types():
    built, _ = model([(0.1, 0), (0.1, 0)], (0.1, 0), "ADD", "AddOptions")
    check_quantization(built.ir)
    other = built.main.tensor((2, 3), "int16", quantization=Quantization.of(0.1))
    built.main.ir.ops[0].set_input(1, other)
    with pytest.raises(rnnlite.ModelError, match="different types: int16, int8"):
        check_quantization(built.ir)


@pytest.mark.parametrize(
    ("kernel", "bias", "text"),
    [
        ((0.5, 0), (0.05, 0), ""),
        ((0.5, 1), (0.05, 0), r"zero points \{1\} for 3 channels"),
        ((0.5, 0), (0.06, 0), "a bias whose scales are not those of the input"),
    ],
)
def test_products(kernel, bias, text):
    constants = [np.ones((3, 3)), np.ones(3)]
    built, (w, b) = model(
        [(0.1, 4)], (0.3, -5), "FULLY_CONNECTED", "FullyConnectedOptions", constants
    )
    w.quantization, b.quantization = Quantization.of(*kernel), Quantization.of(*bias)
    if text:
        with pytest.raises(rnnlite.ModelError, match=text):
            check_quantization(built.ir)
    else:
        check_quantization(built.ir)
