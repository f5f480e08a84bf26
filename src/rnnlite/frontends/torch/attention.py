"""Attention as two products and a softmax, which can be exported with free axes.

What enters: a module. What leaves: the same, or a copy in which each `MultiheadAttention` computes
by plain ops. PyTorch's own layer runs one fused op, which the exporter does not know, or reshapes
by sizes that the trace takes for constants. Equations: PyTorch's documentation.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn


def with_products(module: Any) -> Any:
    """A copy of the module with its attention in plain ops; the module itself if it has none."""
    if not any(type(part) is nn.MultiheadAttention for part in module.modules()):
        return module
    changed = copy.deepcopy(module)
    for part in changed.modules():
        if type(part) is nn.MultiheadAttention and part.bias_k is None and not part.add_zero_attn:
            part.__class__ = Products
    return changed


class Products(nn.MultiheadAttention):  # type: ignore[misc]
    """Attention in plain ops, called like its base class; no `bias_k`, no `add_zero_attn`."""

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        """The output and the weights of attention, or None for these if not wanted.

        Query, key, value and output are (B, T, E) with `batch_first`, else (T, B, E); or (T, E).
        """
        single = query.dim() == 2
        rows = [self._rows(x, single=single) for x in (query, key, value)]
        q, k, v = (self._heads(x) for x in self._projected(*rows))
        scores = (q * (1.0 / self.head_dim) ** 0.5) @ k.transpose(-2, -1)
        if attn_mask is not None:
            own = attn_mask.dim() == 3
            scores = _masked(scores, attn_mask.view(scores.shape) if own else attn_mask)
        if key_padding_mask is not None:
            padding = key_padding_mask[None] if single else key_padding_mask
            scores = _masked(scores, padding[:, None, None])
        weights = scores.softmax(-1)
        joined = (weights @ v).transpose(1, 2).flatten(2)
        found = self._as_given(self.out_proj(joined), single=single)
        if not need_weights:
            return found, None
        shown = weights.mean(1) if average_attn_weights else weights
        return found, shown[0] if single else shown

    def _rows(self, x: Any, *, single: bool) -> Any:
        if single:
            return x[None]
        return x if self.batch_first else x.transpose(0, 1)

    def _as_given(self, x: Any, *, single: bool) -> Any:
        if single:
            return x[0]
        return x if self.batch_first else x.transpose(0, 1)

    def _projected(self, *rows: Any) -> list[Any]:
        if self._qkv_same_embed_dim:
            kernels = self.in_proj_weight.chunk(3)
        else:
            kernels = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        none = (None, None, None)
        biases = none if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        given = zip(rows, kernels, biases, strict=True)
        return [nn.functional.linear(x, w, b) for x, w, b in given]

    def _heads(self, x: Any) -> Any:
        """Rows (B, T, E) split into heads: (B, heads, T, size of a head)."""
        return x.reshape(x.shape[0], -1, self.num_heads, self.head_dim).transpose(1, 2)


def _masked(scores: Any, mask: Any) -> Any:
    """Scores with -inf where a boolean mask is True, or with a float mask added."""
    if mask.dtype == torch.bool:
        return scores.masked_fill(mask, float("-inf"))
    return scores + mask
