"""Three-dimensional convolutions as two-dimensional ones: LiteRT quantizes only the latter.

What enters: a float model, changed in place. What leaves: an equal one. The taps along the depth
are laid side by side as channels, so that one CONV_2D sums over them:

    y[b, d] = conv2d(concat_k x[b, stride d + dilation k], kernel as (KH, KW, KD * C, O))

The depth may be free, as the time of a video is: a tap then ends so many rows before the last. Not
where it is padded in strides, for the margins hang on the length, nor where the batch is free.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import dtype_code, new_constant, new_op
from rnnlite.quantization.grid import Array
from rnnlite.quantization.plan.plan import constant

DEPTH, CHANNELS = 1, 4


def flatten_conv3d(model: Any) -> None:
    """Rewrite each CONV_3D with a constant kernel and shapes as above, in place."""
    for index, content in enumerate(model.subgraphs):
        ops: list[Any] = []
        for op in content.operators or []:
            kernel = None
            if flatbuffer.op_name(model, op) == "CONV_3D":
                kernel = constant(model, (index, int(op.inputs[1])))
            if kernel is None or not _fits(content, op):
                ops.append(op)
            else:
                _Flattening(model, content, ops, op, kernel).run()
        content.operators = ops


def _fits(content: Any, op: Any) -> bool:
    """Whether the shapes are known as far as need be."""
    batch, depth, *others = _signature(content, int(op.inputs[0]))
    if min(others) < 0:
        return False
    padded = op.builtinOptions.padding == schema.Padding.SAME
    return depth >= 0 or (batch >= 0 and not (padded and op.builtinOptions.strideD > 1))


def _signature(content: Any, tensor: int) -> list[int]:
    found = content.tensors[tensor]
    shape = found.shapeSignature if found.shapeSignature is not None else found.shape
    return [int(d) for d in shape]


class _Flattening:
    """One CONV_3D."""

    def __init__(self, model: Any, content: Any, ops: list[Any], op: Any, kernel: Array) -> None:
        self.model, self.content, self.ops, self.op, self.kernel = model, content, ops, op, kernel
        self.free = False

    def run(self) -> None:
        options = self.op.builtinOptions
        source, result = int(self.op.inputs[0]), int(self.op.outputs[0])
        depth = int(self.content.tensors[source].shape[DEPTH])
        out_depth = int(self.content.tensors[result].shape[DEPTH])
        reach = (self.kernel.shape[0] - 1) * options.dilationDFactor + 1
        self.free = _signature(self.content, source)[DEPTH] < 0
        missing = reach - 1 if self.free else (out_depth - 1) * options.strideD + reach - depth
        if options.padding == schema.Padding.SAME and missing > 0:
            source = self._padded(source, missing // 2, missing - missing // 2)
        taps = [
            self._tap(source, k * options.dilationDFactor, options.strideD, out_depth, reach)
            for k in range(self.kernel.shape[0])
        ]
        stacked = taps[0]
        if len(taps) > 1:
            channels = self.kernel.shape[0] * self.kernel.shape[3]
            stacked = self._tensor(taps[0], {CHANNELS: channels})
            self._emit("CONCATENATION", taps, stacked, "ConcatenationOptions", axis=CHANNELS)
        self._convolution(stacked, result)

    def _tensor(self, like: int, changes: dict[int, int]) -> int:
        """A float tensor like another one with some axes of other sizes."""
        tensor = schema.TensorT()
        tensor.name = self.content.tensors[like].name
        tensor.type = dtype_code("float32")
        shape = [int(d) for d in self.content.tensors[like].shape]
        signature = _signature(self.content, like)
        for axis, size in changes.items():
            shape[axis] = size
            signature[axis] = -1 if axis == DEPTH and self.free else size
        tensor.shape, tensor.shapeSignature, tensor.hasRank = shape, signature, True
        self.content.tensors.append(tensor)
        return len(self.content.tensors) - 1

    def _emit(
        self, name: str, inputs: list[int], result: int, options: str = "", **fields: Any
    ) -> None:
        self.ops.append(new_op(self.model, name, inputs, [result], options=options, **fields))

    def _integers(self, values: Any) -> int:
        return new_constant(self.model, self.content, np.array(values, np.int32))

    def _padded(self, source: int, before: int, after: int) -> int:
        depth = int(self.content.tensors[source].shape[DEPTH])
        result = self._tensor(source, {DEPTH: depth + before + after})
        margins = self._integers([[0, 0], [before, after], [0, 0], [0, 0], [0, 0]])
        self._emit("PAD", [source, margins], result, "PadOptions")
        return result

    def _tap(self, source: int, first: int, stride: int, count: int, reach: int) -> int:
        """Each stride-th row from one on, as many as the result has."""
        result = self._tensor(source, {DEPTH: count})
        begin = self._integers([0, first, 0, 0, 0])
        behind = reach - 1 - first
        last = -behind if self.free else first + stride * (count - 1) + 1
        end = self._integers([0, last, 0, 0, 0])
        strides = self._integers([1, stride, 1, 1, 1])
        # The bits of axes that are taken whole: all but the depth.
        self._emit(
            "STRIDED_SLICE",
            [source, begin, end, strides],
            result,
            "StridedSliceOptions",
            beginMask=0b11101,
            endMask=0b11111 if self.free and behind == 0 else 0b11101,
        )
        return result

    def _convolution(self, stacked: int, result: int) -> None:
        options = self.op.builtinOptions
        given = [int(d) for d in self.content.tensors[stacked].shape]
        wanted = [int(d) for d in self.content.tensors[result].shape]
        frames = self._frames(stacked, given)
        product = self._frames_like(result, wanted)
        taps, height, width, channels, filters = self.kernel.shape
        flat = self.kernel.transpose(4, 1, 2, 0, 3).reshape(filters, height, width, taps * channels)
        name = self.content.tensors[int(self.op.inputs[1])].name
        kernel = new_constant(self.model, self.content, np.ascontiguousarray(flat), name=name)
        bias = int(self.op.inputs[2]) if len(self.op.inputs) > 2 else -1
        if bias < 0:
            bias = new_constant(self.model, self.content, np.zeros(filters, np.float32))
        self._emit(
            "CONV_2D",
            [frames, kernel, bias],
            product,
            "Conv2DOptions",
            padding=options.padding,
            strideH=options.strideH,
            strideW=options.strideW,
            dilationHFactor=options.dilationHFactor,
            dilationWFactor=options.dilationWFactor,
            fusedActivationFunction=options.fusedActivationFunction,
        )
        target = [wanted[0], -1, *wanted[2:]] if self.free else [-1, *wanted[1:]]
        shape = self._integers(target)
        self._emit("RESHAPE", [product, shape], result, "ReshapeOptions", newShape=target)

    def _frames(self, source: int, shape: list[int]) -> int:
        """(B, D, H, W, C) as (B * D, H, W, C)."""
        result = self._frames_like(source, shape)
        target = [-1, *shape[2:]]
        self._emit(
            "RESHAPE",
            [source, self._integers(target)],
            result,
            "ReshapeOptions",
            newShape=target,
        )
        return result

    def _frames_like(self, source: int, shape: list[int]) -> int:
        tensor = schema.TensorT()
        tensor.name = self.content.tensors[source].name
        tensor.type = dtype_code("float32")
        tensor.shape = [shape[0] * shape[1], *shape[2:]]
        free = min(_signature(self.content, source)[:2]) < 0
        tensor.shapeSignature = [-1 if free else tensor.shape[0], *shape[2:]]
        tensor.hasRank = True
        self.content.tensors.append(tensor)
        return len(self.content.tensors) - 1
