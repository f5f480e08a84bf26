"""The check of grids finds each fault that it names."""

import numpy as np
import pytest

import rnnlite
from rnnlite.lite.edit import parameters
from rnnlite.quantization.rewrite.check import check_grids
from trees import Model


def model(inputs, result, name, options="", constants=()):
    """One op on int8 tensors with the given (scale, zero point) each."""
    built = Model()
    main = built.main
    tensors = []
    for scale, zero in [*inputs, result]:
        index = main.tensor((2, 3), "int8", name=f"t{len(tensors)}")
        main.content.tensors[index].quantization = parameters(scale, zero)
        tensors.append(index)
    extra = [main.constant(c, "int8" if c.ndim == 2 else "int32") for c in constants]
    main.add(name, [*tensors[:-1], *extra], tensors[-1:], options)
    main.ends(tensors[:-1], tensors[-1:])
    return built, extra


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ([(0.1, 0)], (0.2, 0), "RESHAPE"),
            "RESHAPE of 't1' .*different grids: int8 0",
        ),
        (([(0.1, 0)], (0.1, 3), "TANH"), "where the kernel prescribes Grid"),
        (([(0.1, 0), (0.1, 1)], (0.1, 0), "CONCATENATION"), "different grids"),
    ],
)
def test_faults(arguments, text):
    built, _ = model(*arguments)
    with pytest.raises(rnnlite.ModelError, match=text):
        check_grids(built.tree)


def test_an_op_in_two_types():
    built, _ = model([(0.1, 0), (0.1, 0)], (0.1, 0), "ADD", "AddOptions")
    check_grids(built.tree)
    index = built.main.tensor((2, 3), "int16")
    built.main.content.tensors[index].quantization = parameters(0.1, 0)
    built.main.content.operators[0].inputs = [0, index]
    with pytest.raises(rnnlite.ModelError, match="different types: int16, int8"):
        check_grids(built.tree)


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
    built.main.content.tensors[w].quantization = parameters(*kernel)
    built.main.content.tensors[b].quantization = parameters(*bias)
    if text:
        with pytest.raises(rnnlite.ModelError, match=text):
            check_grids(built.tree)
    else:
        check_grids(built.tree)
