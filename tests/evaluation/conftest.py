"""A classifier of sequences, a tagger of steps, a regressor, each with a worse twin; and data."""

import numpy as np
import pytest

from graphs import Model


def _file(kind, seed):
    """Op by op: the mean over time, or each step, times a kernel, and what stands behind it."""
    rng = np.random.default_rng(seed)
    units = 4 if kind in ("classifier", "tagger") else 1
    kernel = rng.standard_normal((units, 3))
    model = Model()
    main = model.main
    frames = rows = main.tensor((1, -1, 3), name="frames")
    steps = (1, -1) if kind == "tagger" else (1,)
    if kind != "tagger":
        rows = main.tensor((1, 3))
        axis = main.constant([1], "int32")
        main.add("MEAN", [frames, axis], [rows], "ReducerOptions", keepDims=False)
    last = {"regressor": "", "binary": "LOGISTIC"}.get(kind, "SOFTMAX")
    product = main.tensor((*steps, units), name="" if last else "result")
    main.add(
        "FULLY_CONNECTED",
        [rows, main.constant(kernel), None],
        [product],
        "FullyConnectedOptions",
        keepNumDims=True,
    )
    result = product
    if last:
        result = main.tensor((*steps, units), name="result")
        options = {"options": "SoftmaxOptions", "beta": 1.0} if last == "SOFTMAX" else {}
        main.add(last, [product], [result], **options)
    main.ends([frames], [result])
    return model.bytes()


@pytest.fixture(scope="package")
def model():
    """By kind and seed, the content of a file."""
    made = {}

    def get(kind, seed=1):
        if (kind, seed) not in made:
            made[kind, seed] = _file(kind, seed)
        return made[kind, seed]

    return get


@pytest.fixture(scope="package")
def rows():
    rng = np.random.default_rng(8)
    return [rng.standard_normal((t, 3)).astype(np.float32) for t in rng.integers(2, 9, 30)]
