"""Three-dimensional convolutions as two-dimensional ones: LiteRT quantizes only the latter.

What enters: a float model, changed in place. What leaves: an equal one. The taps along the depth
are laid side by side as channels, so that one CONV_2D sums over them:

    y[b, d] = conv2d(concat_k x[b, stride d + dilation k], kernel as (KH, KW, KD * C, O))

The depth may be free, as the time of a video is. The slice of a tap then ends a fixed number of
rows before the last one. Two cases are left as they are: a free depth where the op both pads and
strides along it, for the padding then depends on the length; and a free depth beside a free batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rnnlite.lite.ir import FREE, Model, Op, Value
from rnnlite.lite.schema import SAME_PADDING
from rnnlite.quantization.params import Array
from rnnlite.quantization.plan.plan import constant

DEPTH, CHANNELS = 1, 4


def flatten_conv3d(model: Model) -> None:
    """Rewrite each CONV_3D, in place, if its kernel is constant and its shapes are as above."""
    for graph in model.graphs:
        for op in graph.ops:
            kernel = constant(op.input(1)) if op.kind == "CONV_3D" else None
            if kernel is not None and _fits(op):
                _Flattening(op, kernel).run()
                graph.remove(op)


def _fits(op: Op) -> bool:
    """Whether the shapes are known as far as need be."""
    batch, depth, *others = op.input(0).dims
    if min(others) < 0:
        return False
    padded = op.integer("padding") == SAME_PADDING
    return depth >= 0 or (batch >= 0 and not (padded and op.integer("strideD") > 1))


class _Flattening:
    """One CONV_3D."""

    def __init__(self, op: Op, kernel: Array) -> None:
        self.op, self.kernel, self.graph = op, kernel, op.output.graph
        self.free = op.input(0).dims[DEPTH] == FREE

    def run(self) -> None:
        source, result = self.op.input(0), self.op.output
        stride, dilation = self.op.integer("strideD"), self.op.integer("dilationDFactor")
        depth, out_depth = source.shape[DEPTH], result.shape[DEPTH]
        reach = (self.kernel.shape[0] - 1) * dilation + 1
        missing = reach - 1 if self.free else (out_depth - 1) * stride + reach - depth
        if self.op.integer("padding") == SAME_PADDING and missing > 0:
            source = self._add_padding(source, missing // 2, missing - missing // 2)
        taps = [
            self._add_tap(source, k * dilation, stride, out_depth, reach)
            for k in range(self.kernel.shape[0])
        ]
        stacked = taps[0]
        if len(taps) > 1:
            channels = self.kernel.shape[0] * self.kernel.shape[3]
            stacked = self._like(taps[0], {CHANNELS: channels})
            self._add("CONCATENATION", taps, stacked, axis=CHANNELS)
        self._add_convolution(stacked, result)

    def _like(self, value: Value, changes: dict[int, int]) -> Value:
        """A float value like another one with some axes of other sizes."""
        shape, signature = list(value.shape), list(value.dims)
        for axis, size in changes.items():
            shape[axis] = size
            signature[axis] = FREE if axis == DEPTH and self.free else size
        return self.graph.value("float32", shape, signature, name=value.name)

    def _add(self, kind: str, inputs: Sequence[Value], result: Value, **options: object) -> None:
        self.graph.insert(self.op, self.graph.op(kind, inputs, [result], options=options))

    def _integers(self, values: npt.ArrayLike) -> Value:
        return self.graph.constant(np.array(values, np.int32))

    def _add_padding(self, source: Value, before: int, after: int) -> Value:
        result = self._like(source, {DEPTH: source.shape[DEPTH] + before + after})
        margins = self._integers([[0, 0], [before, after], [0, 0], [0, 0], [0, 0]])
        self._add("PAD", [source, margins], result)
        return result

    def _add_tap(self, source: Value, first: int, stride: int, count: int, reach: int) -> Value:
        """Each stride-th row from one on, as many as the result has."""
        result = self._like(source, {DEPTH: count})
        begin = self._integers([0, first, 0, 0, 0])
        behind = reach - 1 - first
        last = -behind if self.free else first + stride * (count - 1) + 1
        end = self._integers([0, last, 0, 0, 0])
        strides = self._integers([1, stride, 1, 1, 1])
        # The bits of axes that are taken whole: all but the depth.
        whole = 0b11111 if self.free and behind == 0 else 0b11101
        self._add(
            "STRIDED_SLICE", [source, begin, end, strides], result, beginMask=0b11101, endMask=whole
        )
        return result

    def _add_convolution(self, stacked: Value, result: Value) -> None:
        wanted = result.shape
        frames = self._add_frames(stacked)
        product = self._frames_like(result)
        taps, height, width, channels, filters = self.kernel.shape
        flat = self.kernel.transpose(4, 1, 2, 0, 3).reshape(filters, height, width, taps * channels)
        name = self.op.input(1).name
        kernel = self.graph.constant(np.ascontiguousarray(flat), name=name)
        bias = self.op.operand(2)
        if bias is None:
            bias = self.graph.constant(np.zeros(filters, np.float32))
        fields = ("padding", "strideH", "strideW", "dilationHFactor", "dilationWFactor")
        options = {f: self.op.options[f] for f in (*fields, "fusedActivationFunction")}
        self._add("CONV_2D", [frames, kernel, bias], product, **options)
        target = [wanted[0], -1, *wanted[2:]] if self.free else [-1, *wanted[1:]]
        self._add("RESHAPE", [product, self._integers(target)], result, newShape=target)

    def _add_frames(self, source: Value) -> Value:
        """(B, D, H, W, C) as (B * D, H, W, C)."""
        result = self._frames_like(source)
        target = [-1, *source.shape[2:]]
        self._add("RESHAPE", [source, self._integers(target)], result, newShape=target)
        return result

    def _frames_like(self, source: Value) -> Value:
        batch, depth, *rest = source.shape
        frames = FREE if FREE in source.dims[:2] else batch * depth
        shape = [batch * depth, *rest]
        return self.graph.value("float32", shape, [frames, *rest], name=source.name)
