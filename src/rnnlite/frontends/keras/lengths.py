"""Which axes of a Keras model's inputs are free: the batch, and the length of each sequence.

What enters: the `Interface` of a model, the request, and `Probes` of the model. What leaves: a
`Plan`. Of a model built for a fixed length the axes that are time are freed (`freeing`) where every
layer allows it; where one does not, that layer is named.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from rnnlite.errors import RnnliteError, ShapeError
from rnnlite.frontends.keras.flavour import Flavour, layers_of
from rnnlite.frontends.keras.freeing import Freed, Probes, Traced, freed, may_be_freed, with_free
from rnnlite.frontends.keras.interface import Interface
from rnnlite.frontends.keras.neutral import any_input_shape, neutral
from rnnlite.frontends.keras.patching import Change, Mine, replaced
from rnnlite.frontends.keras.types import Function, KerasModel, Layer, Nested
from rnnlite.frontends.request import Request
from rnnlite.lengths.sizes import Axis
from rnnlite.specs import Array, Shape, TensorSpec

RESHAPING = ("Flatten", "Reshape", "Permute", "RepeatVector", "Cropping", "ZeroPadding")


@dataclass(frozen=True, eq=False)
class Plan:
    """Input shapes decided, the source's function for them, and the model traced for them."""

    inputs: tuple[TensorSpec, ...]
    reference: Callable[[Sequence[Array]], list[Array]]
    notes: tuple[str, ...]
    traced: Traced


def batch_of(interface: Interface, request: Request) -> int | None:
    """The batch size that the request comes to; None is free.

    Raises:
        ShapeError: a size below 1, or none where one is meant.
    """
    wanted = request.batch_size
    if wanted == "auto":
        pinned = {p.shape[0] for p in interface.inputs if p.shape and p.shape[0] is not None}
        return pinned.pop() if interface.declared and len(pinned) == 1 else 1
    if wanted is None or (isinstance(wanted, int) and not isinstance(wanted, bool) and wanted > 0):
        return wanted
    raise ShapeError(
        "batch_size is no batch size",
        expected='"auto", None or an int of 1 or more',
        found=repr(wanted),
    )


def plan(
    flavour: Flavour, model: KerasModel, interface: Interface, request: Request, probes: Probes
) -> Plan:
    """Decide the shapes of all inputs.

    Raises:
        ShapeError: the request cannot be met; the layer that stands against it is named.
    """
    batch = batch_of(interface, request)
    inputs = tuple(
        replace(p, shape=(batch, *p.shape[1:])) if p.shape else p for p in interface.inputs
    )
    wanted = request.sequence_length
    if wanted not in ("auto", None) and not (
        isinstance(wanted, int) and not isinstance(wanted, bool) and wanted > 0
    ):
        raise ShapeError(
            "sequence_length is no length",
            expected='"auto", None or an int of 1 or more',
            found=repr(wanted),
        )
    if isinstance(wanted, int):
        try:
            return _fixed(model, inputs, wanted, probes)
        except ShapeError as e:
            culprit = _against(flavour, model, interface, inputs, wanted, probes)
            if culprit is None:
                raise
            raise ShapeError(
                f"the model '{model.name}' does not run at sequence_length {wanted}: {culprit}",
                remedy="Leave sequence_length at auto",
            ) from e
    if not any(map(may_be_freed, inputs)):
        return _settled(model, inputs, (), probes)
    found = freed(inputs, probes)
    candidate = with_free(inputs, found.free)
    if not found.kept:
        return _settled(model, candidate, (), probes)
    culprit = blame(flavour, model, interface, inputs, found, probes)
    names = ", ".join(f"'{inputs[k].name}'" for k in found.kept)
    if wanted is None:
        raise ShapeError(
            f"the length of input {names} cannot be freed: it is pinned by {culprit}",
            remedy="Use sequence_length='auto' to keep it, or replace that layer by one that does "
            "not mix time steps into features",
        )
    kept = [inputs[k].shape for k in found.kept]
    sizes = [s[1:2] if len(s) <= 3 else s[1:-1] for s in kept]
    shown = ", ".join(dict.fromkeys(" x ".join(map(str, s)) for s in sizes))
    what = "length" if all(len(s) == 1 for s in sizes) else "size"
    note = f"{what} {shown} of input {names} is kept: pinned by {culprit}"
    return _settled(model, candidate, (note,), probes)


def _settled(
    model: KerasModel, inputs: tuple[TensorSpec, ...], notes: tuple[str, ...], probes: Probes
) -> Plan:
    """The plan for these inputs; axes declared free that only one size suits get that size."""
    traced = _tried(probes.trace, inputs, model)
    meant = traced.lengths.meant()
    for axis, size, op in meant:
        spec = inputs[axis.input]
        shape = (*spec.shape[: axis.axis], size, *spec.shape[axis.axis + 1 :])
        inputs = tuple(
            replace(p, shape=shape) if k == axis.input else p for k, p in enumerate(inputs)
        )
        note = f"axis {axis.axis} of input '{spec.name}' is kept at {size}: pinned by "
        notes = (*notes, note + layer_of(op, model))
    if meant:
        traced = _tried(probes.trace, inputs, model)
    return Plan(inputs, _tried(probes.reference, inputs, model), notes, traced)


def layer_of(op: str, model: KerasModel) -> str:
    """The innermost layer in whose scope an op stands; the op's own name where there is none.

    Where a model is called again in one graph, the scopes of its layers get a number as its own
    does: in "net_1/conv_1/Pad" of a model "net" stands its layer "conv", not "conv_1".
    """
    layers = {layer.name: layer for layer in layers_of(model)}
    outermost, *parts = op.split("/")
    number = outermost.removeprefix(model.name) if outermost.startswith(model.name) else ""
    for part in reversed(parts):
        for name in (part.removesuffix(number), part, re.sub(r"_\d+$", "", part)):
            if name in layers:
                return f"layer '{name}' ({type(layers[name]).__name__})"
    return f"'{op}'"


T = TypeVar("T")


def _tried(
    make: Callable[[Sequence[TensorSpec]], T], inputs: Sequence[TensorSpec], model: KerasModel
) -> T:
    try:
        return make(inputs)
    except RnnliteError:
        raise
    except Exception as e:
        shapes = ", ".join(f"{p.name} {list(p.shape)}" for p in inputs)
        raise ShapeError(
            f"the model '{model.name}' cannot be called with inputs {shapes}: {first_line(e)}",
            remedy="Give batch_size and sequence_length as the model was built for",
        ) from e


def _fixed(model: KerasModel, inputs: tuple[TensorSpec, ...], length: int, probes: Probes) -> Plan:
    """Every sequence of the given length."""
    axes = _time_axes(model, inputs, probes)
    fixed = tuple(
        replace(
            p, shape=tuple(length if a in axes.get(k, ()) else d for a, d in enumerate(p.shape))
        )
        for k, p in enumerate(inputs)
    )
    plan = _settled(model, fixed, (), probes)
    try:
        plan.reference(probes.sample(fixed, length))
    except Exception as e:
        raise ShapeError(
            f"the model '{model.name}' does not run at sequence_length {length}: {first_line(e)}",
            remedy="Leave sequence_length at auto",
        ) from e
    return plan


def _against(
    flavour: Flavour,
    model: KerasModel,
    interface: Interface,
    inputs: tuple[TensorSpec, ...],
    length: int,
    probes: Probes,
) -> str | None:
    """What stands against a length: the layer that pins it, or whose op does not take it."""
    try:
        found = freed(inputs, probes)
        if found.kept and all(inputs[k].shape[1] == length for k in found.kept):
            # At its own length something else is at fault.
            return None
        if found.kept:
            layer = blame(flavour, model, interface, inputs, found, probes)
            return f"it is pinned by {layer}"
        open_ = with_free(inputs, found.free)
        traced = probes.trace(open_).lengths
        values = {axis: length for axis in traced.axes if axis in traced.times}
        for demand in traced.requirements:
            if demand.kind != "meant" and demand.holds(values) is False:
                least = max((n for axis, n in traced.least.items() if axis in values), default=1)
                layer = layer_of(demand.op, model)
                if length < least:
                    return f"{layer} leaves no time step of it; expected {least} or more"
                return f"{layer} does not take it"
    except Exception:  # noqa: BLE001 - the refusal that brought us here stands then
        return None
    return None


def _time_axes(
    model: KerasModel, inputs: tuple[TensorSpec, ...], probes: Probes
) -> Mapping[int, Sequence[int]]:
    """The axes of each input that a given length belongs to."""
    open_ = {k: [a for a, d in enumerate(p.shape) if a and d is None] for k, p in enumerate(inputs)}
    found: dict[int, Sequence[int]] = {k: axes for k, axes in open_.items() if len(axes) == 1}
    if any(len(axes) > 1 for axes in open_.values()):
        times = _tried(probes.trace, inputs, model).lengths.times
        for k, axes in open_.items():
            if len(axes) > 1:
                found[k] = [a for a in axes if Axis(k, a) in times] or axes[:1]
    if any(map(may_be_freed, inputs)):
        known = freed(inputs, probes).free
        for k, spec in enumerate(inputs):
            if may_be_freed(spec):
                found[k] = known.get(k, (1,) if len(spec.shape) <= 3 else ())
    return found


_NAMED = r"^\s*(?:\w+\.)*\w*(?:Error|Warning): (.+)$"


def first_line(error: BaseException) -> str:
    """The line of a foreign error that says what is wrong.

    Keras and autograph put their own frames and headings around it.
    """
    noise = re.compile(
        r"in user code|Exception encountered when calling|Traceback|Arguments received|"
        r"Call arguments received|\W*$"
    )
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    named = [m.group(1) for m in re.finditer(_NAMED, text, re.MULTILINE)]
    # A frame is two lines: where, and the source that stands there.
    text = re.sub(r'^\s*File ".*\n.*$', "", text, flags=re.MULTILINE)
    lines = [line.strip() for line in text.splitlines()]
    plain = [line for line in lines if line and not noise.match(line)]
    for line in named:
        if not noise.match(line):
            return line[:300].rstrip(".")
    if named:
        # The heading is Keras's; what it says comes in the next line.
        start = next(k for k, line in enumerate(lines) if line.endswith(named[-1].strip()))
        plain = [line for line in lines[start + 1 :] if line and not noise.match(line)]
    return (plain[0] if plain else type(error).__name__)[:300].rstrip(".")


def blame(
    flavour: Flavour,
    model: KerasModel,
    interface: Interface,
    inputs: Sequence[TensorSpec],
    found: Freed,
    probes: Probes,
) -> str:
    """Name the layer that pins the length.

    The model runs eagerly at its own length and at another one, layer by layer. The layer that
    fails is at fault, unless it was handed a feature axis that an earlier layer made of time steps.
    """
    first, _ = _record(flavour, model, interface, probes.sample(list(inputs), 1))
    failed = None
    for changed in _other_shapes(inputs, found):
        second, failed = _record(flavour, model, interface, probes.sample(changed, 1))
        if failed is not None:
            break
    if failed is None:
        reason = "" if found.failure is None else f" ({first_line(found.failure)})"
        return f"a layer that could not be told apart{reason}"
    layer, shape = failed
    before = [call for call in first if call.layer is layer]
    if before and before[0].taken and shape and before[0].taken[-1] != shape[-1]:
        for call in reversed(second):
            name = type(call.layer).__name__
            if call.given == shape and (name.startswith(RESHAPING) or call.taken != call.given):
                layer = call.layer
                break
    return f"layer '{layer.name}' ({type(layer).__name__})"


def _other_shapes(inputs: Sequence[TensorSpec], found: Freed) -> Iterator[list[TensorSpec]]:
    """The inputs with other sizes of those that are kept: all of these at once, then each alone."""
    for shapes in itertools.zip_longest(*found.kept.values()):
        changed = dict(zip(found.kept, shapes, strict=True))
        groups = [changed] + [{k: s} for k, s in changed.items() if len(changed) > 1]
        for group in groups:
            yield [replace(p, shape=group[k]) if group.get(k) else p for k, p in enumerate(inputs)]


@dataclass(frozen=True, eq=False)
class _Call:
    layer: Layer
    taken: Shape
    given: Shape


def _record(
    flavour: Flavour, model: KerasModel, interface: Interface, arrays: list[Array]
) -> tuple[list[_Call], tuple[Layer, Shape] | None]:
    """Run the model eagerly: the calls of its layers, and the innermost one that failed."""
    calls: list[_Call] = []
    failed: list[tuple[Layer, Shape]] = []

    def shape_of(value: Nested) -> Shape:
        leaves = [x for x in flavour.flatten(value) if hasattr(x, "shape")]
        return tuple(leaves[0].shape) if leaves else ()

    def recording(original: Function, mine: Mine) -> Function:
        def called(layer: Layer, *args: Nested, **kwargs: Nested) -> Nested:
            if not mine():
                return original(layer, *args, **kwargs)
            taken = shape_of(args[0]) if args else ()
            try:
                result = original(layer, *args, **kwargs)
            except Exception:
                if not failed:
                    failed.append((layer, taken))
                raise
            calls.append(_Call(layer, taken, shape_of(result)))
            return result

        return called

    change = Change(flavour.keras.layers.Layer, "__call__", recording)
    try:
        with replaced([change]), neutral(model), any_input_shape(flavour):
            interface.call([np.asarray(a) for a in arrays])
    except Exception:  # noqa: BLE001, S110 - which layer failed is what is asked
        pass
    return calls, failed[0] if failed else None
