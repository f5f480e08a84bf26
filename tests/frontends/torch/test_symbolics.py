"""Ops that PyTorch's exporter does not know are exported, traced and in scripts."""

import io

import numpy as np
import pytest

torch = pytest.importorskip("torch")
ort = pytest.importorskip("onnxruntime")

from torch import nn  # noqa: E402

from rnnlite.frontends.torch.calls import quiet  # noqa: E402
from rnnlite.frontends.torch.symbolics import OPSET, known  # noqa: E402

X = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0))


def by_runtime(module, *, scripted=False):
    buffer = io.BytesIO()
    with quiet(), known(), torch.no_grad():
        torch.onnx.export(
            torch.jit.script(module) if scripted else module,
            (X,),
            buffer,
            dynamo=False,
            input_names=["x"],
            opset_version=OPSET,
        )
    session = ort.InferenceSession(buffer.getvalue(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": X.numpy()})[0]


@pytest.mark.parametrize(
    "norm",
    [
        nn.RMSNorm(6),
        nn.RMSNorm(6, eps=0.1),
        nn.RMSNorm((5, 6), eps=1e-3),
        nn.RMSNorm(6, elementwise_affine=False),
    ],
)
@pytest.mark.parametrize("scripted", [False, True])
def test_rms_norm(norm, scripted):
    module = nn.Sequential(norm).eval()
    if norm.weight is not None:
        nn.init.uniform_(norm.weight, 0.5, 2.0)
    wanted = module(X).detach().numpy()
    found = by_runtime(module, scripted=scripted)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)


def test_the_exporter_is_left_as_it_was():
    with known():
        pass
    refusals = (torch.onnx.errors.UnsupportedOperatorError, ValueError)
    with quiet(), pytest.raises(refusals):
        torch.onnx.export(
            nn.RMSNorm(6).eval(), (X,), io.BytesIO(), dynamo=False, opset_version=OPSET
        )
