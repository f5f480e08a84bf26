"""Build the ops that stand for another one, in the subgraph that is being rewritten.

What enters: a model and a subgraph, then ops one after the other. What leaves: the new list of its
ops, and which of them are to compute in int16 in whatever trial.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import new_constant, new_op, new_tensor
from rnnlite.quantization.grid import Array
from rnnlite.quantization.plan.plan import constant

OPTIONS = {
    "ADD": "AddOptions",
    "SUB": "SubOptions",
    "MUL": "MulOptions",
    "DIV": "DivOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "SUM": "ReducerOptions",
    "MEAN": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
}
"""The options table of ops that have one."""


class Parts:
    """The new list of ops of one subgraph, and short ways to add to it and to read it."""

    def __init__(self, model: Any, content: Any) -> None:
        self.model = model
        self.content = content
        self.index = model.subgraphs.index(content)
        self.ops: list[Any] = []
        self.wide: list[Any] = []
        self.makers: dict[int, Any] = {}

    def append(self, op: Any, *, wide: bool = False) -> None:
        """An op as it stands."""
        self.ops.append(op)
        self.makers.update((int(t), op) for t in op.outputs)
        if wide:
            self.wide.append(op)

    def add(
        self,
        name: str,
        inputs: list[int],
        result: int | None = None,
        options: str = "",
        *,
        wide: bool = False,
        like: int | None = None,
        **fields: Any,
    ) -> int:
        """An op; its result is new unless one is given.

        Args:
            name: e.g. "MUL".
            inputs: tensor indices.
            result: the tensor to write.
            options: its options table, where `OPTIONS` has none.
            wide: whether it computes in int16 in any case.
            like: the tensor whose shape a new result has; the first operand's, if not given.
            fields: of the options table.
        """
        target = result
        if target is None:
            target = new_tensor(self.content, inputs[0] if like is None else like, "float32")
        options = options or OPTIONS.get(name, "")
        op = new_op(self.model, name, inputs, [target], options=options, **fields)
        self.append(op, wide=wide)
        return target

    def reduce(self, name: str, x: int, axes: int, *, keep: bool) -> int:
        """SUM, MEAN or REDUCE_MAX in int16; `axes` is a constant tensor."""
        result = self.add(name, [x, axes], wide=True, keepDims=keep)
        tensor, source = self.content.tensors[result], self.content.tensors[x]
        gone = {a % len(source.shape) for a in self.integers(axes) or ()}
        for field in ("shape", "shapeSignature"):
            dims = getattr(source, field)
            if dims is None:
                continue
            kept = [1 if k in gone else int(d) for k, d in enumerate(dims) if keep or k not in gone]
            setattr(tensor, field, kept)
        return result

    def number(self, value: float) -> int:
        """A scalar constant."""
        return new_constant(self.model, self.content, np.array(value, np.float32))

    # Reading what stands in front

    def made_by(self, tensor: int, *names: str) -> Any:
        """The op that made a tensor, if it is one of these; else None."""
        op = self.makers.get(tensor)
        return op if op is not None and flatbuffer.op_name(self.model, op) in names else None

    def constant(self, tensor: int) -> Array | None:
        """The content of a float constant."""
        return constant(self.model, (self.index, tensor))

    def scalar(self, tensor: int) -> float | None:
        """The value of a float constant of one element."""
        values = self.constant(tensor)
        return float(values.reshape(())) if values is not None and values.size == 1 else None

    def integers(self, tensor: int) -> list[int] | None:
        """The content of an int32 constant."""
        content = self.content.tensors[tensor]
        data = flatbuffer.content(self.model, content)
        if data is None or flatbuffer.dtype_name(content) != "int32":
            return None
        values = np.frombuffer(np.asarray(data, np.uint8).tobytes(), np.int32)
        return [int(v) for v in values]

    def with_scalar(self, tensor: int, name: str) -> tuple[int, float] | None:
        """The other operand and the number, where a tensor is an op of one constant number."""
        op = self.made_by(tensor, name)
        if op is None:
            return None
        a, b = map(int, op.inputs)
        for x, c in ((a, b), (b, a)) if name != "SUB" else ((a, b),):
            value = self.scalar(c)
            if value is not None and self.constant(x) is None:
                return x, value
        return None


def drop_unread(model: Any, content: Any, names: frozenset[str]) -> None:
    """Take ops of these names out of a subgraph whose results nothing reads any longer."""
    used = {int(t) for t in content.outputs}
    kept = []
    for op in reversed(content.operators or []):
        read = any(int(t) in used for t in op.outputs)
        if read or flatbuffer.op_name(model, op) not in names:
            kept.append(op)
            used.update(int(t) for t in op.inputs)
    content.operators = kept[::-1]
