"""A model of a row a step, as a file, and sequences for it."""

import numpy as np
import pytest

import runtime.files
from graphs import Model
from rnnlite.lite.ir import Signature


@pytest.fixture(scope="package")
def tagger():
    """(T, 3) to "scores" (T, 4), built op by op."""
    model = Model()
    main = model.main
    frames = main.tensor((1, -1, 3), name="frames")
    product = main.tensor((1, -1, 4))
    scores = main.tensor((1, -1, 4), name="scores")
    kernel = main.constant(np.random.default_rng(3).standard_normal((4, 3)))
    options = {"keepNumDims": True}
    inputs = [frames, kernel, None]
    main.add("FULLY_CONNECTED", inputs, [product], "FullyConnectedOptions", **options)
    main.add("SOFTMAX", [product], [scores], "SoftmaxOptions", beta=1.0)
    main.ends([frames], [scores])
    ends = (("frames", frames),), (("scores", scores),)
    model.ir.signatures = [Signature("serving_default", main.ir, *ends)]
    return model.bytes()


@pytest.fixture(scope="package")
def rows():
    """40 sequences of 1 to 9 steps."""
    rng = np.random.default_rng(5)
    return [rng.standard_normal((t, 3)).astype(np.float32) for t in rng.integers(1, 10, 40)]


@pytest.fixture(scope="session")
def small():
    """Files built op by op. Workers import test modules from elsewhere, where these are not."""
    return runtime.files
