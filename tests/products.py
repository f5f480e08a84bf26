"""A small model of a lookup and a product, for tests of passes over weights."""

import numpy as np

from graphs import Model

RNG = np.random.default_rng(3)
WEIGHTS = RNG.standard_normal((5, 8)).astype(np.float32)
TABLE = RNG.standard_normal((9, 8)).astype(np.float32)
BIAS = RNG.standard_normal(5).astype(np.float32)


def product():
    """Rows of a table times a matrix."""
    model = Model()
    main = model.main
    ids, rows, y = main.tensor((1, 3), "int32"), main.tensor((1, 3, 8)), main.tensor((1, 3, 5))
    table = main.constant(TABLE, name="table")
    weights, bias = main.constant(WEIGHTS, name="kernel"), main.constant(BIAS, name="bias")
    main.add("GATHER", [table, ids], [rows], "GatherOptions")
    fields = {"keepNumDims": True}
    main.add("FULLY_CONNECTED", [rows, weights, bias], [y], "FullyConnectedOptions", **fields)
    main.ends([ids], [y])
    return model


IDS = np.array([[0, 8, 4]], np.int32)
EXPECTED = TABLE[IDS] @ WEIGHTS.T + BIAS
