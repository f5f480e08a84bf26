"""Names and numbers of a file's inputs and outputs."""

import numpy as np
import pytest

from graphs import Model
from rnnlite.lite.ir import Signature
from rnnlite.runtime.ends import id_ranges, signature_names, spec_of
from rnnlite.specs import TensorSpec


def detail(dtype, scales=(), points=()):
    return {
        "shape_signature": np.array([1, -1, 3]),
        "dtype": dtype,
        "quantization_parameters": {"scales": np.array(scales), "zero_points": np.array(points)},
    }


@pytest.mark.parametrize(
    ("given", "dtype", "quantization"),
    [
        (detail(np.float32), "float32", None),
        (detail(np.int32), "int32", None),
        (detail(np.int8, [0.5], [-3]), "int8", (0.5, -3)),
        (detail(np.int8, [0.5, 0.25], [0, 0]), "int8", None),
        (detail(np.float32, [0.5], [0]), "float32", None),
    ],
)
def test_what_the_interpreter_says(given, dtype, quantization):
    assert spec_of("x", given) == TensorSpec("x", (1, None, 3), dtype, quantization=quantization)


def test_names_come_from_the_signature_where_there_is_one():
    model = Model()
    unused, x, y = (model.main.tensor([2], name=name) for name in ("unused", "a", "b"))
    model.main.ends([x], [y])
    assert signature_names(model.ir) == ([("a", 1)], [("b", 2)])
    graph = model.ir.main
    model.ir.signatures = [Signature("serving_default", graph, [("frames", x)], [("label", y)])]
    assert signature_names(model.ir) == ([("frames", 1)], [("label", 2)])
    assert unused.graph is graph


def test_ids_are_pairs_of_whole_numbers():
    assert id_ranges({"id_ranges": {"ids": [-4, 3.0]}}) == {"ids": (-4, 3)}
    assert id_ranges({}) == {}
