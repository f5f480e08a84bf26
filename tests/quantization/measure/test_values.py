"""The values of a model's tensors, read in a worker."""

import numpy as np

from graphs import Model
from rnnlite.isolation.interpreter import ValuesApart


def test_tensors_of_the_main_graph_as_they_were_computed():
    model = Model()
    x, y, z = (model.main.tensor((2, 3)) for _ in range(3))
    model.main.add("NEG", [x], [y])
    model.main.add("EXP", [y], [z])
    model.main.ends([x], [z])
    apart = ValuesApart(model.bytes(), [1, 2], ())
    row = np.array([0.0, 1.0, -2.0], np.float32)
    negated, result = apart.run([row])
    apart.close()
    # a batch that the model pins holds equal rows
    np.testing.assert_array_equal(negated, [-row, -row])
    np.testing.assert_allclose(result, np.exp([-row, -row]), rtol=1e-6)
