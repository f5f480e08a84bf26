"""Sliding windows in other ops."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
ort = pytest.importorskip("onnxruntime")

from torch import nn  # noqa: E402

from rnnlite.frontends.torch.calls import call_of  # noqa: E402
from rnnlite.frontends.torch.exporting import exported  # noqa: E402
from rnnlite.frontends.torch.sizes import free_axes  # noqa: E402
from rnnlite.frontends.torch.windows import MOST_SLICES, exportable, unfolded  # noqa: E402


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("size", [1, 3, MOST_SLICES + 1])
@pytest.mark.parametrize("step", [1, 2, 7])
def test_all_windows(axis, size, step):
    x = torch.randn(20, 21, 22)
    torch.testing.assert_close(
        unfolded(x, axis, size, step), x.unfold(axis, size, step), atol=0, rtol=0
    )


class Windows(nn.Module):
    """Windows of frames, side by side."""

    def forward(self, x):
        return x.unfold(1, 4, 2).flatten(2)


def test_windows_over_an_axis_of_any_size():
    method = torch.Tensor.unfold
    with exportable():
        assert torch.Tensor.unfold is unfolded
    assert torch.Tensor.unfold is method
    call = call_of(Windows().eval(), torch.zeros(2, 9, 3))
    groups = free_axes(call)
    proto, kept = exported(call, groups)
    assert kept == groups
    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).normal(size=(3, 12, 3)).astype("float32")
    (found,) = session.run(None, {call.names[0]: x})
    np.testing.assert_array_equal(found, call.run([x])[0])
