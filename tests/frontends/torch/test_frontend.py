"""Modules are recognised without their code, and opened by way of ONNX."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

from rnnlite.frontends.torch import detection  # noqa: E402
from rnnlite.frontends.torch.frontend import FRONT_END  # noqa: E402
from rnnlite.frontends.torch.request import TorchRequest  # noqa: E402


def test_what_is_recognised():
    match = FRONT_END.recognise(torch.nn.Identity())
    assert match.kind is detection.MODULE
    assert FRONT_END.recognise(3) is None
    refused = {k.name for k in FRONT_END.kinds if "example" not in k.options}
    assert refused == {"pickle of PyTorch", "torch.package archive"}


def test_a_module_as_a_program():
    torch.manual_seed(0)
    module = torch.nn.Linear(4, 3).eval()
    program = FRONT_END.open(module, TorchRequest(example=torch.zeros(2, 9, 4)))
    (entry,) = program.entries
    assert (program.origin, entry.origin) == ("PyTorch module 'Linear'",) * 2
    assert [(s.name, s.shape, s.batch_axis) for s in entry.inputs] == [("input", (1, None, 4), 0)]
    assert [(s.name, s.batch_axis) for s in entry.outputs] == [("output", 0)]
    x = np.random.default_rng(0).normal(size=(1, 5, 4)).astype("float32")
    wanted = module(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_array_equal(entry.reference([x])[0], wanted)
