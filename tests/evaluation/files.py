"""Models whose results anybody can compute: no weights, no conversion."""

from graphs import Model


def averaging(*, steps=False, factor=1.0, name="scores", width=3, offset=0.0):
    """scores = offset + factor * the mean of x over time, x (1, any, width); of each step with
    `steps`: x itself."""
    model = Model()
    main = model.main
    x = main.tensor((1, -1, width), name="x")
    shape = (1, -1, width) if steps else (1, width)
    mean = x
    if not steps:
        mean = main.tensor(shape)
        main.add("MEAN", [x, main.constant([1], "int32")], [mean], "ReducerOptions", keepDims=False)
    scaled, y = main.tensor(shape), main.tensor(shape, name=name)
    main.add("MUL", [mean, main.constant(factor)], [scaled], "MulOptions")
    main.add("ADD", [scaled, main.constant(offset)], [y], "AddOptions")
    main.ends([x], [y])
    return model.bytes()


def several(width=3):
    """Two outputs of x (1, any, width): `mean` over time, and `twice`, x + x."""
    model = Model()
    main = model.main
    x = main.tensor((1, -1, width), name="x")
    mean = main.tensor((1, width), name="mean")
    twice = main.tensor((1, -1, width), name="twice")
    main.add("MEAN", [x, main.constant([1], "int32")], [mean], "ReducerOptions", keepDims=False)
    main.add("ADD", [x, x], [twice], "AddOptions")
    main.ends([x], [mean, twice])
    return model.bytes()


def summed():
    """One number for the whole batch: total (), of x (1, any, 3)."""
    model = Model()
    main = model.main
    x, y = main.tensor((1, -1, 3), name="x"), main.tensor((), name="total")
    axes = main.constant([0, 1, 2], "int32")
    main.add("SUM", [x, axes], [y], "ReducerOptions", keepDims=False)
    main.ends([x], [y])
    return model.bytes()
