"""The walk: from the outputs of the whole-sequence function back to its inputs, emitted anew.

What enters: a FuncGraph, how long its tensors are, the recurrences that were lowered into it, and
what its inputs are in the function of a chunk. What leaves: the value of any tensor that is asked
for, in the current graph. What does not depend on time is copied op by op, whatever it is. What
does is emitted by the rule of its op; an op without a rule is refused by the name of its layer.
Recurrences are stepped over and lowered again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.lengths.analysis import Analysis
from rnnlite.lengths.facts import Sizes as Lengths
from rnnlite.lengths.sizes import Axis, Size, free
from rnnlite.lengths.values import axes_of, is_known
from rnnlite.lowering.schedule import Options
from rnnlite.scan.scan import Lowered, ScanResult, Tensor
from rnnlite.streaming.clock import Clock
from rnnlite.streaming.copying import copied
from rnnlite.streaming.states import States
from rnnlite.streaming.twins import Twins
from rnnlite.streaming.values import WHOLE, Bounded, Sizes, SoFar, Static, Timed, Value, refused

Key = tuple[int, str]
Rule = Callable[["Emitter", Any, list[Value]], Sequence[Value]]
CountRule = Callable[["Emitter", Any, Sequence[Value]], Sequence[Value] | None]
EmitScan = Callable[["Emitter", Lowered], Sequence[Value]]

RULES: dict[str, Rule] = {}
"""By op type: what an op gives where one of its inputs has a time axis."""

TIME = Axis(-1, 0)
"""The free axis that all inputs with time share."""

FAR = (1 << 12) * 315
"""A length that stands for that of a long sequence: longer than any window, and a multiple of all
usual strides, powers of two and 3, 5, 7 and 9 among them."""


COUNTS: dict[str, CountRule] = {}
"""By op type: the rule for an op that computes a count min(length, n) (`counts`). Where the rule
gives None, the rule in `RULES` is asked."""

LIKE = {"ZerosLike": 0, "OnesLike": 1}
"""Ops that read nothing of their input but its shape -> the number that fills their result."""


def rule(*ops: str) -> Callable[[Rule], Rule]:
    """Register a rule for these ops."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(ops, function))
        return function

    return register


def count_rule(*ops: str) -> Callable[[CountRule], CountRule]:
    """Register a rule of counts for these ops."""

    def register(function: CountRule) -> CountRule:
        COUNTS.update(dict.fromkeys(ops, function))
        return function

    return register


class Emitter:
    """Emits the function of a chunk.

    Args:
        function: the ConcreteFunction of the whole sequence.
        given: what its inputs are, in their order.
        analysis: how long its tensors are, time being `TIME`.
        recurrences: those that were lowered into it.
        states: those of the stream.
        clock: which rows are there.
        place: an op's name -> the layer or op in words, for refusals.
        options: how loops are laid out.
        emit_scan: emits a recurrence, which gives what stands for all its results.

    Attributes:
        made_once: tensors that several readers of one value want, such as its rows with those
            that are not there filled. The key says what was done, and to which tensor.
    """

    def __init__(
        self,
        function: Any,
        given: Sequence[Value],
        *,
        analysis: Analysis,
        recurrences: Sequence[Lowered],
        states: States,
        clock: Clock,
        place: Callable[[str], str],
        options: Options,
        emit_scan: EmitScan,
    ) -> None:
        self._emit_scan = emit_scan
        self._whole = function.graph
        self._projected: dict[str, tuple[str, ...]] = {}
        self._scans: dict[int, int] = {}
        self.analysis, self.states, self.clock = analysis, states, clock
        self.options = options
        self.made_once: dict[Hashable, Tensor] = {}
        self._place = place
        self._values: dict[Key, Value] = {
            key_of(t): v for t, v in zip(function.inputs, given, strict=False)
        }
        for outer, inner in function.graph.captures:
            self._values.setdefault(key_of(inner), Static(outer))
        self._inputs = list(given)
        self._recurrences = recurrences
        self._results: dict[Key, Lowered] = {}
        for lowered in recurrences:
            for tensor in lowered.result.tensors():
                self._results.setdefault(key_of(tensor), lowered)

    def value(self, tensor: Tensor) -> Value:
        """What a tensor of the whole-sequence function is in that of a chunk.

        Raises:
            StreamingError: it needs more of the sequence than has come.
        """
        stack = [tensor]
        while stack:
            top = stack[-1]
            if key_of(top) in self._values:
                stack.pop()
                continue
            missing = [t for t in self._needs(top) if key_of(t) not in self._values]
            if missing:
                stack += missing
                continue
            self._make(top)
            stack.pop()
        return self._values[key_of(tensor)]

    def called(self, op: Any, function: Any, given: Sequence[Value]) -> list[Value]:
        """Emit the ops of a function in the place of the op that calls it; gives its results.

        Args:
            op: the op that calls.
            function: the called function: its graph, and its inputs, captures among them.
            given: what each input of the op is in the function of a chunk.
        """
        known = [
            (t, self.analysis.sizes(x)) for t, x in zip(function.inputs, op.inputs, strict=True)
        ]
        inner = Emitter(
            function,
            given,
            analysis=Analysis(
                function.graph, [(t, s) for t, s in known if s is not None], self._recurrences
            ),
            recurrences=self._recurrences,
            states=self.states,
            clock=self.clock,
            place=lambda name: self.place(op),
            options=self.options,
            emit_scan=self._emit_scan,
        )
        # Sizes speak of the inputs of the whole.
        inner._inputs = self._inputs
        return [inner.value(y) for y in function.graph.outputs]

    def note_lowered(self, before: ScanResult, after: ScanResult) -> None:
        """Note that a recurrence of the whole was lowered again here: its results, old and new."""
        self._scans[after.number] = before.number
        for old, new in zip(before.projected, after.projected, strict=False):
            names = tuple(op.name for op in _moved(old))
            self._projected.update((op.name, names) for op in _moved(new))

    def twins(self) -> Twins:
        """Which ops and recurrences that were emitted stand for which of the whole function."""
        ops: dict[str, tuple[str, ...]] = dict(self._projected)
        for (graph, name), value in self._values.items():
            # What is captured stands in no graph.
            if graph != id(self._whole) or isinstance(value, Sizes | Bounded):
                continue
            if tf.is_symbolic_tensor(value.tensor):
                known = ops.get(value.tensor.op.name, ())
                ops[value.tensor.op.name] = (*known, name.rpartition(":")[0])
        return Twins(ops, dict(self._scans))

    def _needs(self, tensor: Tensor) -> list[Tensor]:
        if self._numbers(tensor) is not None or self._sizes_alone(tensor) is not None:
            return []
        lowered = self._results.get(key_of(tensor))
        return list(tensor.op.inputs) if lowered is None else scan_inputs(lowered)

    def _numbers(self, tensor: Tensor) -> Sizes | None:
        """The content of a tensor that is made of sizes alone."""
        if tensor.op.type in ("Placeholder", "Const"):
            return None
        content = self.analysis.content(tensor)
        return None if content is None else Sizes(content)

    def _sizes_alone(self, tensor: Tensor) -> Lengths | None:
        """How large a tensor is whose input is read for its size alone, where no length of the
        sequence comes in: the input need not be there, nor be one that can be streamed."""
        found = self.analysis.sizes(tensor) if tensor.op.type in LIKE else None
        if found is None or not all(is_known(s) and TIME not in axes_of(s) for s in found):
            return None
        return found

    def _make(self, tensor: Tensor) -> None:
        lowered = self._results.get(key_of(tensor))
        if lowered is not None:
            found = self._emit_scan(self, lowered)
            for old, new in zip(lowered.result.tensors(), found, strict=True):
                self._values[key_of(old)] = new
            return
        numbers = self._numbers(tensor)
        if numbers is not None:
            self._values[key_of(tensor)] = numbers
            return
        op = tensor.op
        sizes = self._sizes_alone(tensor)
        if sizes is not None:
            shape = [self.number(s, op) for s in sizes]
            like = tf.fill(shape, tf.constant(LIKE[op.type], tensor.dtype))
            self._values[key_of(tensor)] = Static(like)
            return
        inputs = [self._values[key_of(t)] for t in op.inputs]
        for output, value in zip(op.outputs, self._of_op(op, inputs), strict=False):
            self._values[key_of(output)] = value

    def _of_op(self, op: Any, inputs: list[Value]) -> Sequence[Value]:
        timed = any(isinstance(v, Timed | Bounded) or self.grows(v) for v in inputs)
        if timed:
            counts = any(isinstance(v, Bounded) or self.is_length(v) for v in inputs)
            if counts and op.type in COUNTS:
                bounded = COUNTS[op.type](self, op, inputs)
                if bounded is not None:
                    return bounded
            found = RULES.get(op.type)
            if found is None:
                raise refused(self.place(op), f"{op.type} along time has no streaming form")
            if any(isinstance(v, Timed) for v in inputs) and any(
                isinstance(v, SoFar) for v in inputs
            ):
                found_ = "a result of all steps beside single steps"
                raise refused(self.place(op), WHOLE, found=found_)
            with tf.name_scope(scope_of(op.name)):
                return found(self, op, inputs)
        outputs = self.copied(op, [self.tensor(v, op) for v in inputs])
        late = [v.rows for v in inputs if isinstance(v, SoFar)]
        if not late:
            return [Static(y) for y in outputs]
        rows = late[0]
        for other in late[1:]:
            rows = rows.merged(other)
        return [SoFar(y, rows) for y in outputs]

    def grows(self, value: Value) -> bool:
        """Whether a value holds sizes that change with the length of the sequence."""
        return isinstance(value, Sizes) and any(
            TIME in axes_of(s) for s in value.content.reshape(-1)
        )

    @property
    def length(self) -> Size:
        """The length of the whole sequence, as a size."""
        return free(TIME)

    def is_length(self, value: Value) -> bool:
        """Whether a value is the length of the sequence, and nothing besides."""
        return isinstance(value, Sizes) and list(value.content.reshape(-1)) == [self.length]

    def copied(self, op: Any, inputs: Sequence[Tensor]) -> list[Tensor]:
        """A copy of an op, on inputs of the function of a chunk; gives its results."""
        return copied(op, inputs)

    def tensor(self, value: Value, op: Any) -> Tensor:
        """A value as an operand of an op that is copied; numbers become an int32 tensor.

        Raises:
            StreamingError: it is the length of the whole sequence.
        """
        if isinstance(value, Bounded):
            raise refused(self.place(op), "it computes with the length of the whole sequence")
        if not isinstance(value, Sizes):
            return value.tensor
        content = value.content
        parts = [self.number(s, op) for s in content.reshape(-1)]
        if all(isinstance(p, int) for p in parts):
            return tf.constant(np.array(parts, np.int32).reshape(content.shape))
        found = tf.stack(parts)
        # Without a RESHAPE, TensorFlow still sees the known numbers in a shape.
        return found if content.ndim == 1 else tf.reshape(found, content.shape)

    def number(self, size: Size, op: Any) -> Any:
        """A size that does not change with the length of the sequence, as an int or a scalar.

        Raises:
            StreamingError: the size changes with the length, or is not known.
        """
        if isinstance(size, int):
            return size
        axes = axes_of(size)
        if len(axes) == 1 and TIME not in axes:
            (axis,) = axes
            if size == free(axis):
                value = self._inputs[axis.input]
                return tf.shape(self.tensor(value, op))[axis.axis]
        raise refused(self.place(op), "it computes with the length of the whole sequence")

    def sizes(self, tensor: Tensor) -> Lengths:
        """How long a tensor of the whole-sequence function is.

        Raises:
            StreamingError: not even its rank is known.
        """
        found = self.analysis.sizes(tensor)
        if found is None:
            raise refused(self.place(tensor.op), "the rank of what it gives is not known")
        return found

    def constant(self, op: Any, place: int) -> Any:
        """The value of an operand that has to be a constant, as an array.

        Raises:
            StreamingError: it is none.
        """
        value = tf.get_static_value(op.inputs[place])
        if value is None:
            content = self.analysis.content(op.inputs[place])
            if content is None or not all(isinstance(x, int) for x in content.reshape(-1)):
                raise refused(self.place(op), f"operand {place} of {op.type} is no constant")
            value = content.astype(np.int64)
        return np.asarray(value)

    def place(self, op: Any) -> str:
        """An op in the words of a refusal: its layer, or the op itself."""
        return self._place(op.name)

    def around(self, op: Any) -> str:
        """In the words of a refusal, the layer around the layer of an op."""
        inner = scope_of(op.name).rstrip("/")
        return self._place(f"{scope_of(inner)}{op.type}")

    def layer(self, op: Any) -> str:
        """A short name of the layer of an op, for the names of its states."""
        name = self._place(op.name).partition("'")[2].partition("'")[0]
        if name and name != op.name:
            return name
        return scope_of(op.name).strip("/") or op.name


def _moved(tensor: Tensor) -> list[Any]:
    """The op that makes a tensor, and those that have only moved its numbers since."""
    ops = [tensor.op]
    while ops[-1].type in ("Reshape", "Identity", "Squeeze", "ExpandDims"):
        ops.append(ops[-1].inputs[0].op)
    return ops


def scan_inputs(lowered: Lowered) -> list[Tensor]:
    """All tensors that a recurrence reads."""
    scan, step = lowered.scan, lowered.result.step
    inputs = scan.inputs if step is None else step.projected
    mask = [] if scan.mask is None else [scan.mask]
    return [*inputs, *mask, *scan.initial_states]


def key_of(tensor: Tensor) -> Key:
    """The key of a tensor in tables: its graph and its name."""
    return id(tensor.graph), tensor.name


def scope_of(name: str) -> str:
    """The name scope of an op, to be entered as it stands; "" for the outermost."""
    scope = name.rpartition("/")[0]
    return f"{scope}/" if scope else ""
