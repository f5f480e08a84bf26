"""The integers of a matrix product or convolution: kernel, bias and their scales. NumPy alone.

What enters: float kernel and bias, the input's quantization parameters, the result's scale. What
leaves: an int8 kernel with a scale for each output channel; and a bias whose scale is that of the
input times that of the kernel, so that LiteRT's kernels can add it to their sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlite.quantization.params import Array, QuantizationParams, channel_scales, quantize_weights

LARGEST_ACCUMULATOR = 2**31 - 1
LARGEST_BIAS = 2.0**30
SMALLEST_RESCALING = 2.0**-31


@dataclass(frozen=True, eq=False)
class Product:
    """An integer product.

    Attributes:
        kernel: int8, in the shape of the float one.
        scales: float32, one for each output channel.
        bias: int32 or int64, or None.
        wide: for int16 inputs, whether sums may exceed 32 bits, which needs LiteRT's slower kernel.
    """

    kernel: Array
    scales: Array
    bias: Array | None
    wide: bool

    def bias_scales(self, source: QuantizationParams) -> Array:
        """Scales of the bias (channels,), float32: the input's times those of the kernel."""
        return np.asarray(self.scales.astype(np.float64) * source.scale, np.float32)


def integer_product(
    kernel: Array, bias: Array | None, source: QuantizationParams, result_scale: float, axis: int
) -> Product:
    """Quantize kernel and bias.

    Args:
        kernel: the float kernel, of any rank.
        bias: the float bias, one number for each channel; or None.
        source: the input's quantization parameters.
        result_scale: scale of the result.
        axis: the axis of output channels in the kernel.
    """
    scales = _with_room(channel_scales(kernel, axis), bias, source, result_scale)
    integers = quantize_weights(kernel, scales, axis)
    axes = tuple(k for k in range(kernel.ndim) if k != axis)
    sums = np.abs(integers.astype(np.float64)).sum(axis=axes) * 32768
    steps = None
    if bias is not None:
        steps = np.rint(bias.reshape(-1) / (scales.astype(np.float64) * source.scale))
        sums = sums + np.abs(steps)
    wide = source.dtype == "int16" and bool(np.max(sums, initial=0.0) > LARGEST_ACCUMULATOR)
    if steps is not None and bias is not None:
        steps = steps.astype("int64" if wide else "int32").reshape(bias.shape)
    return Product(integers, scales, steps, wide)


def bias_alone(bias: Array, source: QuantizationParams, kernel: QuantizationParams) -> Array:
    """The int32 bias of a product whose kernel is no constant, but computed."""
    steps = bias.astype(np.float64) / (source.scale * kernel.scale)
    return np.clip(np.rint(steps), -LARGEST_BIAS, LARGEST_BIAS).astype(np.int32)


def _with_room(
    scales: Array, bias: Array | None, source: QuantizationParams, result_scale: float
) -> Array:
    """Widen scales so that the bias fits 30 bits, and LiteRT's kernel can rescale the sum."""
    least = np.full(len(scales), result_scale / source.scale * SMALLEST_RESCALING)
    if bias is not None:
        values = np.abs(bias.reshape(-1).astype(np.float64))
        least = np.maximum(least, values / (source.scale * LARGEST_BIAS))
    return np.asarray(np.maximum(scales, least), np.float32)
