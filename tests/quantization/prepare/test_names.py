"""Constants without a name are called after what they are used for."""

import numpy as np

from graphs import Model
from rnnlite.quantization.prepare.names import name_constants


def test_names():
    model = Model()
    main = model.main
    x, y = main.tensor((1, 3), name="x"), main.tensor((1, 2), name="dense;dense/BiasAdd")
    z = main.tensor((1, 2), name="sum")
    kernel, bias, other, named = (
        main.constant(np.ones(shape), name="a name") for shape in ((2, 3), (2,), (1, 2), (1, 2))
    )
    for value in (kernel, bias, other):
        value.name = ""
    main.add("FULLY_CONNECTED", [x, kernel, bias], [y], "FullyConnectedOptions")
    main.add("ADD", [other, y], [z], "AddOptions")
    w = main.tensor((1, 2), name="w")
    main.add("MUL", [z, named], [w], "MulOptions")
    main.ends([x], [w])
    name_constants(model.ir)
    assert [v.name for v in (kernel, bias, other, named)] == [
        "dense kernel",
        "dense bias",
        "sum operand",
        "a name",
    ]


def test_a_constant_that_is_used_twice_is_called_after_the_first():
    model = Model()
    main = model.main
    x = main.tensor((1, 2), name="x")
    y, z = main.tensor((1, 2), name="first"), main.tensor((1, 2), name="second")
    shared = main.constant([[1.0, 2.0]])
    shared.name = ""
    main.add("ADD", [x, shared], [y], "AddOptions")
    main.add("ADD", [y, shared], [z], "AddOptions")
    main.ends([x], [z])
    name_constants(model.ir)
    assert shared.name == "first kernel"
    # What has no content is no constant, and keeps having no name.
    x.name = ""
    name_constants(model.ir)
    assert x.name == ""
