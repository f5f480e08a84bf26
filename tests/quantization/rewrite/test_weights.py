"""float16 and dynamic range: which constants change, and what the model then computes."""

import numpy as np
import pytest

from graphs import run
from products import EXPECTED, IDS, WEIGHTS, product
from rnnlite.quantization.rewrite.weights import to_dynamic, to_float16


@pytest.mark.parametrize("delegates", [False, True])
@pytest.mark.parametrize(
    ("change", "types", "limit"),
    [
        (to_float16, {"table": "float16", "kernel": "float16", "bias": "float32"}, 0.001),
        (to_dynamic, {"table": "int8", "kernel": "int8", "bias": "float32"}, 0.02),
    ],
)
def test_kernels_and_tables_change_and_biases_stay(change, types, limit, delegates):
    model = product()
    records = change(model.ir)
    assert {r.name: r.dtype for r in records} == types
    assert all(r.how for r in records if r.dtype == "float32")
    (found,) = run(model.bytes(), IDS, delegates=delegates)
    error = np.sqrt(np.mean((found - EXPECTED) ** 2) / np.mean(EXPECTED**2))
    assert 0 < error < limit


def test_values_beyond_float16_keep_their_tensor():
    model = product()
    large = WEIGHTS.copy()
    large[0, 0] = 1e5
    (kernel,) = (value for value in model.main.ir.values if value.name == "kernel")
    kernel.data = large
    kinds = {r.name: (r.dtype, r.how) for r in to_float16(model.ir)}
    assert kinds["kernel"] == ("float32", "exceeds the range of float16")
