"""Attention in plain ops, beside PyTorch's own; and exported at free sizes."""

import numpy as np
import pytest

import rnnlite

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from rnnlite.frontends.torch.attention import Products, with_products  # noqa: E402

BATCH, QUERIES, KEYS, SIZE, HEADS = 2, 5, 7, 8, 2


def attention(**options):
    torch.manual_seed(0)
    return nn.MultiheadAttention(SIZE, HEADS, **options).eval()


def rows(length, size=SIZE, *, first=True):
    return torch.randn(BATCH, length, size) if first else torch.randn(length, BATCH, size)


PADDING = torch.arange(KEYS)[None] >= torch.tensor([KEYS, 3])[:, None]
CASES = {
    "batch first": ({"batch_first": True}, {}),
    "time first": ({}, {}),
    "no biases": ({"batch_first": True, "bias": False}, {}),
    "other sizes": ({"batch_first": True, "kdim": 6, "vdim": 3}, {}),
    "padding": ({"batch_first": True}, {"key_padding_mask": PADDING}),
    "weights of each head": ({"batch_first": True}, {"average_attn_weights": False}),
    "mask of booleans": ({}, {"attn_mask": torch.ones(QUERIES, KEYS).triu(2).bool()}),
    "mask of numbers": ({}, {"attn_mask": torch.arange(QUERIES * KEYS * 1.0).view(QUERIES, KEYS)}),
    "mask a head": (
        {"batch_first": True},
        {
            "attn_mask": torch.linspace(-3, 3, BATCH * HEADS * QUERIES * KEYS).view(
                -1, QUERIES, KEYS
            )
        },
    ),
    "both masks": (
        {"batch_first": True},
        {"key_padding_mask": PADDING, "attn_mask": torch.ones(QUERIES, KEYS).triu(3).bool()},
    ),
}


@pytest.mark.parametrize(("options", "call"), CASES.values(), ids=CASES)
def test_as_pytorch_computes_it(options, call):
    own = attention(**options)
    first = own.batch_first
    given = (
        rows(QUERIES, first=first),
        rows(KEYS, own.kdim, first=first),
        rows(KEYS, own.vdim, first=first),
    )
    with torch.no_grad():
        wanted, weights = own(*given, **call)
        found, shown = with_products(own)(*given, **call)
        assert with_products(own)(*given, **call, need_weights=False)[1] is None
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    np.testing.assert_allclose(shown, weights, atol=1e-6)


def test_without_a_batch():
    own = attention()
    x = torch.randn(KEYS, SIZE)
    padding = PADDING[1]
    with torch.no_grad():
        for one, other in zip(
            own(x, x, x, key_padding_mask=padding),
            with_products(own)(x, x, x, key_padding_mask=padding),
            strict=True,
        ):
            np.testing.assert_allclose(other, one, atol=1e-6)


def test_what_is_replaced():
    module = nn.Sequential(nn.Linear(3, 3))
    assert with_products(module) is module
    own = nn.ModuleList([attention(), attention(add_zero_attn=True), attention(add_bias_kv=True)])
    changed = with_products(own)
    assert [type(m) for m in own] == [nn.MultiheadAttention] * 3
    assert [type(m) for m in changed] == [Products, nn.MultiheadAttention, nn.MultiheadAttention]


class Tagger(nn.Module):
    """A recurrence, a layer of a transformer with its fused op, and attention with weights."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(6, SIZE, batch_first=True)
        self.layer = nn.TransformerEncoderLayer(SIZE, HEADS, 8, batch_first=True)
        self.last = nn.MultiheadAttention(SIZE, HEADS, batch_first=True)

    def forward(self, x):
        y = self.layer(self.rnn(x)[0])
        return self.last(y, y, y)


def test_the_length_is_free():
    torch.manual_seed(0)
    module = Tagger().eval()
    converted = rnnlite.convert(module, example=torch.zeros(1, 9, 6))
    assert converted.report.inputs[0]["shape"] == (1, None, 6)
    lite = rnnlite.load(converted.tflite)
    for length in (1, 4, 23):
        x = torch.randn(1, length, 6)
        with torch.no_grad():
            wanted = module(x)
        for a, b in zip(lite.run([x.numpy()]), wanted, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)
    assert torch.backends.mha.get_fastpath_enabled()
