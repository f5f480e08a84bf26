"""Packed sequences that are padded again are as long as the longest of them, as in PyTorch."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
ort = pytest.importorskip("onnxruntime")

from torch import nn  # noqa: E402
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence  # noqa: E402

from rnnlite.frontends.torch.calls import call_of  # noqa: E402
from rnnlite.frontends.torch.exporting import exported  # noqa: E402
from rnnlite.frontends.torch.packing import all_steps, exportable  # noqa: E402
from rnnlite.frontends.torch.sizes import free_axes  # noqa: E402


class Tagger(nn.Module):
    """A row a step of padded sequences, as many as the longest has, or as were given."""

    def __init__(self, batch_first, whole, **options):
        super().__init__()
        kind = nn.LSTM if options else nn.GRU
        self.rnn = kind(3, 4, batch_first=batch_first, bidirectional=True, **options)
        self.batch_first, self.whole = batch_first, whole

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, self.batch_first, enforce_sorted=False)
        total = x.shape[1 if self.batch_first else 0] if self.whole else None
        return pad_packed_sequence(self.rnn(packed)[0], self.batch_first, total_length=total)


@pytest.mark.parametrize("options", [{}, {"proj_size": 2}], ids=["GRU", "projections"])
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
def test_as_long_as_the_longest(batch_first, whole, options):
    torch.manual_seed(0)
    module = Tagger(batch_first, whole, **options).eval()
    example = torch.randn(2, 9, 3) if batch_first else torch.randn(9, 2, 3)
    call = call_of(module, (example, torch.tensor([9, 4])))
    groups = free_axes(call)
    proto, kept = exported(call, groups)
    assert kept == groups
    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).normal(size=(3, 8, 3)).astype("float32")
    data = [x if batch_first else x.swapaxes(0, 1).copy(), np.array([2, 6, 5])]
    y, counts = session.run(None, dict(zip(call.names, data, strict=True)))
    wanted, numbers = call.run(data)
    assert y.shape[1 if batch_first else 0] == (8 if whole else 6)
    np.testing.assert_allclose(y, wanted, atol=1e-5)
    np.testing.assert_array_equal(counts, numbers)


def test_outside_of_an_export_nothing_is_changed():
    native = torch._VF._pad_packed_sequence
    x, lengths = torch.randn(5, 2, 3), torch.tensor([4, 2])
    packed = pack_padded_sequence(x, lengths)
    with exportable():
        rows, counts = pad_packed_sequence(packed)
    assert torch._VF._pad_packed_sequence is native
    assert rows.shape[0] == 4
    torch.testing.assert_close(counts, lengths)
    torch.testing.assert_close(all_steps(packed)[0], rows)
