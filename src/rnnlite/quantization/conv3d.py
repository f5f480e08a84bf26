"""Three-dimensional convolutions as two-dimensional ones: LiteRT quantizes only the latter.

What enters: a float model, changed in place. What leaves: an equal one. The taps along the depth
are laid side by side as channels, so that one CONV_2D sums over them:

    y[b, d] = conv2d(concat_k x[b, stride d + dilation k], kernel as (KH, KW, KD * C, O))
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import dtype_code, new_constant, new_op
from rnnlite.quantization.grid import Array
from rnnlite.quantization.plan import constant

DEPTH, CHANNELS = 1, 4


def flatten_conv3d(model: Any) -> None:
    """Rewrite each CONV_3D with a constant kernel and a depth that is known, in place."""
    for index, content in enumerate(model.subgraphs):
        ops: list[Any] = []
        for op in content.operators or []:
            kernel = None
            if flatbuffer.op_name(model, op) == "CONV_3D":
                kernel = constant(model, (index, int(op.inputs[1])))
            if kernel is None or _signature(content, int(op.inputs[0]))[DEPTH] < 0:
                ops.append(op)
            else:
                _Flattening(model, content, ops, op, kernel).run()
        content.operators = ops


def _signature(content: Any, tensor: int) -> list[int]:
    found = content.tensors[tensor]
    shape = found.shapeSignature if found.shapeSignature is not None else found.shape
    return [int(d) for d in shape]


class _Flattening:
    """One CONV_3D."""

    def __init__(self, model: Any, content: Any, ops: list[Any], op: Any, kernel: Array) -> None:
        self.model, self.content, self.ops, self.op, self.kernel = model, content, ops, op, kernel

    def run(self) -> None:
        options = self.op.builtinOptions
        source, result = int(self.op.inputs[0]), int(self.op.outputs[0])
        depth = int(self.content.tensors[source].shape[DEPTH])
        out_depth = int(self.content.tensors[result].shape[DEPTH])
        reach = (self.kernel.shape[0] - 1) * options.dilationDFactor + 1
        missing = (out_depth - 1) * options.strideD + reach - depth
        if options.padding == schema.Padding.SAME and missing > 0:
            source = self._padded(source, missing // 2, missing - missing // 2)
        taps = [
            self._tap(source, k * options.dilationDFactor, options.strideD, out_depth)
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
            shape[axis] = signature[axis] = size
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

    def _tap(self, source: int, first: int, stride: int, count: int) -> int:
        result = self._tensor(source, {DEPTH: count})
        begin = self._integers([0, first, 0, 0, 0])
        end = self._integers([0, first + stride * (count - 1) + 1, 0, 0, 0])
        strides = self._integers([1, stride, 1, 1, 1])
        # The bits of axes that are taken whole: all but the depth.
        self._emit(
            "STRIDED_SLICE",
            [source, begin, end, strides],
            result,
            "StridedSliceOptions",
            beginMask=0b11101,
            endMask=0b11101,
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
        shape = self._integers([-1, *wanted[1:]])
        self._emit(
            "RESHAPE", [product, shape], result, "ReshapeOptions", newShape=[-1, *wanted[1:]]
        )

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
        first = _signature(self.content, source)[0]
        tensor.shapeSignature = [-1 if first < 0 else tensor.shape[0], *shape[2:]]
        tensor.hasRank = True
        self.content.tensors.append(tensor)
        return len(self.content.tensors) - 1
