"""Lower every recurrence of a Keras model as a Scan, while the model is traced.

What enters: a model that is being traced. What leaves: `Recurrences`, and a graph in which each
recurrence is a lowered Scan.

In both Keras packages each recurrence, of whatever layer, wrapper or custom cell, calls one
function, `backend.rnn`. Within `capture`, and in its thread, that function lowers a Scan instead.
Fused shortcuts are closed meanwhile. Afterwards all is as before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import tensorflow as tf

from rnnlite.errors import InternalError, RnnliteError, UnsupportedError
from rnnlite.frontends.keras.cells import known_cell
from rnnlite.frontends.keras.flavour import Flavour
from rnnlite.frontends.keras.neutral import Changed
from rnnlite.frontends.keras.patching import Change, replaced
from rnnlite.frontends.keras.private import takes_mask, takes_training
from rnnlite.frontends.keras.types import Function, Layer, Nested, Step, Wrapper
from rnnlite.frontends.recurrences import Recurrences
from rnnlite.lowering.lower import lower
from rnnlite.lowering.schedule import Options
from rnnlite.lowering.survey import Survey
from rnnlite.scan.cells import TracedCell
from rnnlite.scan.scan import Cell, Scan, ScanResult
from rnnlite.scan.tensors import Tensor


@contextmanager
def capture(flavour: Flavour, changed: Changed, options: Options | Survey) -> Iterator[Recurrences]:
    """A context in which the recurrences of this thread become Scans; it gives them.

    Args:
        flavour: the Keras package.
        changed: what `neutral` changed in the model.
        options: how Scans are lowered; or a Survey, which only notes them.
    """
    captured = Recurrences(options)
    hook = _Hook(flavour, captured, changed, options)
    try:
        with replaced(hook.changes()):
            yield captured
    except Exception as e:
        # Keras and autograph wrap errors that are raised while tracing; a refusal is raised as it
        # is.
        if hook.refusal is not None:
            raise hook.refusal from e
        raise


def _unset(*args: Nested, **kwargs: Nested) -> Nested:
    raise InternalError("the hook is not in place")


class _Hook:
    """The functions that replace those of the Keras package during one capture."""

    def __init__(
        self, flavour: Flavour, captured: Recurrences, changed: Changed, options: Options | Survey
    ) -> None:
        self.changed = changed
        self.options = options
        self.flavour = flavour
        self.captured = captured
        self.thread = threading.get_ident()
        self.active: list[Layer] = []
        self.refusal: RnnliteError | None = None
        self.original_rnn: Function = _unset

    def changes(self) -> list[Change]:
        """All attributes that are replaced."""
        hooks = self.flavour.hooks
        found = [
            Change(hooks.backend, "rnn", lambda original, _: self._of_rnn(original)),
            Change(hooks.recurrent_layer, hooks.entry, lambda o, _: self._tracking(o)),
        ]
        if self.flavour.is_keras3:
            distributed = self.flavour.layers.TimeDistributed
            found.append(Change(distributed, "call", lambda o, _: self._time_distributed(o)))
        if hooks.numbers is not None:
            found.append(Change(hooks.numbers, "argmax", lambda o, _: self._place(o, tf.argmax)))
            found.append(Change(hooks.numbers, "argmin", lambda o, _: self._place(o, tf.argmin)))
        found += [Change(hooks.backend, n, lambda o, _: self._closed(o)) for n in hooks.fused]
        return found

    def _of_rnn(self, original: Function) -> Function:
        self.original_rnn = original
        return _not_converted(self._remembering(self.rnn))

    def _mine(self) -> bool:
        return threading.get_ident() == self.thread

    def _closed(self, original: Function) -> Function:
        def fused(*args: Nested, **kwargs: Nested) -> Nested:
            if not self._mine():
                return original(*args, **kwargs)
            raise NotImplementedError("closed while rnnlite traces the model")

        return fused

    def _remembering(self, function: Function) -> Function:
        def call(*args: Nested, **kwargs: Nested) -> Nested:
            try:
                return function(*args, **kwargs)
            except RnnliteError as e:
                self.refusal = e
                raise

        return call

    def _tracking(self, original: Function) -> Function:
        """Note which RNN layer is running, so that `rnn` knows the layer of a recurrence."""

        def tracked(layer: Layer, *args: Nested, **kwargs: Nested) -> Nested:
            if not self._mine():
                return original(layer, *args, **kwargs)
            self._refuse_dropout(layer, kwargs.get("training"))
            self.active.append(layer)
            try:
                return original(layer, *args, **kwargs)
            finally:
                self.active.pop()

        return tracked

    def _refuse_dropout(self, layer: Layer, training: object) -> None:
        """Refuse dropout that is on at inference (training=True): it is random."""
        cell = getattr(layer, "cell", None)
        cells = [cell, *(getattr(cell, "cells", None) or [])]
        if training is True and any(id(c) in self.changed.dropping for c in cells):
            self.refusal = UnsupportedError(
                f"layer '{layer.name}' drops out at inference, as it is called with training=True",
                expected="dropout that is off at inference",
                remedy="Call the layer without training=True",
            )
            raise self.refusal

    def _place(self, original: Function, find: Function) -> Function:
        """An argmax or argmin that gives the first of equal values.

        That of Keras 3 puts -0.0 below 0.0, by the sign bit, for which LiteRT has no op.
        """

        def call(x: Nested, axis: int | None = None, keepdims: bool = False) -> Nested:
            if not self._mine():
                return original(x, axis=axis, keepdims=keepdims)
            values = tf.convert_to_tensor(x)
            if not values.dtype.is_floating or not values.shape.rank:
                return original(x, axis=axis, keepdims=keepdims)
            flat = tf.reshape(values, [-1]) if axis is None else values
            found = find(flat, axis=0 if axis is None else axis, output_type=tf.int32)
            if not keepdims:
                return found
            if axis is None:
                return tf.reshape(found, [1] * values.shape.rank)
            return tf.expand_dims(found, axis)

        return call

    def _time_distributed(self, original: Function) -> Function:
        """TimeDistributed with time folded into the batch, where Keras 3 unrolls or vectorises."""

        def call(
            wrapper: Wrapper,
            inputs: Tensor,
            training: object = None,
            mask: Tensor | None = None,
        ) -> Nested:
            if not self._mine():
                return original(wrapper, inputs, training=training, mask=mask)
            kwargs: dict[str, Nested] = {}
            if mask is not None and takes_mask(wrapper.layer):
                kwargs["mask"] = _fold(mask)
            if takes_training(wrapper.layer):
                kwargs["training"] = training
            outputs = wrapper.layer.call(_fold(inputs), **kwargs)
            tree = self.flavour.keras.tree
            found: Nested = tree.map_structure(lambda y: _unfold(y, inputs), outputs)
            return found

        return call

    def rnn(
        self,
        step_function: Step,
        inputs: Nested,
        initial_states: Sequence[Nested],
        go_backwards: bool = False,
        mask: Tensor | None = None,
        constants: Sequence[Nested] | None = None,
        unroll: bool = False,
        input_length: object = None,
        time_major: bool = False,
        zero_output_for_mask: bool = False,
        return_all_outputs: bool = True,
    ) -> Nested:
        """Replaces `backend.rnn`: same arguments and results, with the loop lowered as a Scan."""
        if not self._mine():
            return self.original_rnn(
                step_function,
                inputs,
                initial_states,
                go_backwards=go_backwards,
                mask=mask,
                constants=constants,
                unroll=unroll,
                input_length=input_length,
                time_major=time_major,
                zero_output_for_mask=zero_output_for_mask,
                return_all_outputs=return_all_outputs,
            )
        layer = self.active[-1] if self.active else None
        if tf.is_tensor(input_length):
            raise UnsupportedError(
                f"layer '{getattr(layer, 'name', 'rnn')}' is given a ragged tensor",
                expected="a dense tensor with one time axis",
                remedy="Build the model on dense inputs; each sample runs at its own length",
            )
        turn: Callable[[Tensor], Tensor] = _as_it_is if time_major else _swap_time_and_batch
        cell, structure = self._cell(layer, step_function, inputs, initial_states, constants or [])
        scan = Scan(
            cell=cell,
            inputs=tuple(turn(x) for x in self.flavour.flatten(inputs)),
            initial_states=tuple(self.flavour.flatten(initial_states)),
            reverse=bool(go_backwards),
            mask=None if mask is None else turn(_with_feature_axis(mask)),
            zero_output_for_mask=bool(zero_output_for_mask),
            all_outputs=bool(return_all_outputs),
            name=getattr(layer, "name", "rnn"),
        )
        result = self._lowered(scan, unrolled=id(layer) in self.changed.unrolled)
        if result.outputs is None:
            outputs = [turn(tf.expand_dims(y, 0)) for y in result.last]
        else:
            outputs = [turn(y) for y in result.outputs]
        pack = self.flavour.pack
        return (
            structure.outputs(pack, result.last),
            structure.outputs(pack, outputs),
            pack(initial_states, list(result.states)),
        )

    def _lowered(self, scan: Scan, *, unrolled: bool) -> ScanResult:
        """Lower a Scan and keep its record."""
        # An unrolled layer that runs backwards zeroes its outputs by the mask in forward order.
        if scan.mask is None or not (unrolled and scan.reverse and scan.zero_output_for_mask):
            return self.captured.lower(scan)
        plain, schedule = lower(replace(scan, zero_output_for_mask=False), self.options)
        result = _zeroed_in_forward_order(plain, scan.mask)
        self.captured.add(scan, result, schedule)
        return result

    def _cell(
        self,
        layer: Layer | None,
        step_function: Step,
        inputs: Nested,
        states: Sequence[Nested],
        constants: Sequence[Nested],
    ) -> tuple[Cell, _Structure]:
        """The known cell, if the step is Keras's own over one; else a cell that traces the step."""
        structure = _Structure()
        cell = getattr(layer, "cell", None)
        own_step = (step_function.__module__ or "").split(".")[0] in ("keras", "tf_keras")
        if (
            cell is not None
            and own_step
            and not constants
            and len(self.flavour.flatten(inputs)) == 1
        ):
            known = known_cell(self.flavour, cell)
            if known is not None:
                return known, structure
        flatten, pack = self.flavour.flatten, self.flavour.pack

        def step(
            rows: Sequence[Tensor], flat_states: Sequence[Tensor]
        ) -> tuple[list[Tensor], list[Tensor]]:
            nested = pack(states, list(flat_states))
            output, new_states = step_function(
                pack(inputs, list(rows)), tuple(nested) + tuple(constants)
            )
            structure.template = output
            return flatten(output), flatten(new_states)

        kind = type(cell).__name__ if cell is not None else "custom step"
        return TracedCell(step, kind=kind, units=getattr(cell, "units", None)), structure


class _Structure:
    """The nesting of a step's output, known once the step is traced; by default a single tensor."""

    def __init__(self) -> None:
        self.template: Nested = None

    def outputs(
        self, pack: Callable[[Nested, Sequence[Tensor]], Nested], flat: Sequence[Tensor]
    ) -> Nested:
        return flat[0] if self.template is None else pack(self.template, list(flat))


def _zeroed_in_forward_order(result: ScanResult, mask: Tensor) -> ScanResult:
    def zeroed(keep: Tensor, y: Tensor) -> Tensor:
        for _ in range(len(y.shape) - len(keep.shape)):
            keep = tf.expand_dims(keep, -1)
        return tf.where(keep, y, tf.zeros_like(y))

    outputs = result.outputs
    return ScanResult(
        last=tuple(zeroed(mask[0], y) for y in result.last),
        outputs=None if outputs is None else tuple(zeroed(mask, y) for y in outputs),
        states=result.states,
    )


def _not_converted(function: Function) -> Function:
    """Keep autograph from rewriting this function, but not the user code that it calls."""

    def wrapper(*args: Nested, **kwargs: Nested) -> Nested:
        return function(*args, **kwargs)

    wrapper.autograph_info__ = {}  # type: ignore[attr-defined]
    return wrapper


def _swap_time_and_batch(x: Tensor) -> Tensor:
    """(B, T, ...) <-> (T, B, ...); where B or T is 1, by a reshape, which costs nothing."""
    first, second, *rest = x.shape
    if (first == 1 or second == 1) and all(d is not None for d in rest):
        shape = [second, first, *rest]
        if sum(d is None for d in shape) <= 1:
            return tf.reshape(x, [-1 if d is None else d for d in shape])
    return tf.transpose(x, [1, 0, *range(2, len(x.shape))])


def _as_it_is(x: Tensor) -> Tensor:
    return x


def _with_feature_axis(mask: Tensor) -> Tensor:
    """A mask (B, T) or (B, T, ...) as bool (B, T, 1) or (B, T, ...)."""
    mask = tf.cast(mask, tf.bool)
    return tf.expand_dims(mask, -1) if mask.shape.rank == 2 else mask


def _fold(x: Tensor) -> Tensor:
    """(B, T, ...) -> (B T, ...)."""
    shape = tf.shape(x)
    folded = tf.reshape(x, tf.concat([[-1], shape[2:]], 0))
    b, t = x.shape[:2]
    folded.set_shape([b * t if b is not None and t is not None else None, *x.shape[2:]])
    return folded


def _unfold(y: Tensor, like: Tensor) -> Tensor:
    """(B T, ...) -> (B, T, ...), with the axes of `like`."""
    result = tf.reshape(y, tf.concat([tf.shape(like)[:2], tf.shape(y)[1:]], 0))
    result.set_shape([*like.shape[:2], *y.shape[1:]])
    return result
