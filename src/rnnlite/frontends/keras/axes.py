"""Which axes of a Keras model's inputs are free: the batch, and the length of each sequence.

What enters: the `Interface` of a model, the request, and `Probes` of the model. What leaves: a
`Plan`. If a model is built for a fixed length, the axes of time are freed (`free_axes`) where every
layer allows it. If a layer does not, it is named (`blame`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from rnnlite.errors import RnnliteError, ShapeError
from rnnlite.frontends.keras.blame import blame, first_line, place_of
from rnnlite.frontends.keras.flavour import Flavour
from rnnlite.frontends.keras.free_axes import Probes, Traced, freed, may_be_freed, with_free
from rnnlite.frontends.keras.interface import Interface
from rnnlite.frontends.keras.types import KerasModel
from rnnlite.frontends.request import Request
from rnnlite.lengths.sizes import Axis
from rnnlite.specs import Array, TensorSpec


@dataclass(frozen=True, eq=False)
class Plan:
    """The decided shapes of the inputs, and the source's function and the traced model for them."""

    inputs: tuple[TensorSpec, ...]
    reference: Callable[[Sequence[Array]], list[Array]]
    notes: tuple[str, ...]
    traced: Traced


def batch_of(interface: Interface, request: Request) -> int | None:
    """The batch size that the request asks for; None for a free batch.

    Raises:
        ShapeError: it is neither "auto", None nor an int of 1 or more.
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
        ShapeError: the request cannot be met; the layer that prevents it is named.
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
        return _planned(model, inputs, (), probes)
    found = freed(inputs, probes)
    candidate = with_free(inputs, found.free)
    if not found.kept:
        return _planned(model, candidate, (), probes)
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
    return _planned(model, candidate, (note,), probes)


def _planned(
    model: KerasModel, inputs: tuple[TensorSpec, ...], notes: tuple[str, ...], probes: Probes
) -> Plan:
    """The plan for these inputs. A free axis that is meant to have one size gets that size."""
    traced = _tried(probes.trace, inputs, model)
    meant = traced.lengths.meant()
    for axis, size, op in meant:
        spec = inputs[axis.input]
        shape = (*spec.shape[: axis.axis], size, *spec.shape[axis.axis + 1 :])
        inputs = tuple(
            replace(p, shape=shape) if k == axis.input else p for k, p in enumerate(inputs)
        )
        note = f"axis {axis.axis} of input '{spec.name}' is kept at {size}: pinned by "
        notes = (*notes, note + place_of(op, model))
    if meant:
        traced = _tried(probes.trace, inputs, model)
    return Plan(inputs, _tried(probes.reference, inputs, model), notes, traced)


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
    """The plan with every sequence at the given length."""
    axes = _time_axes(model, inputs, probes)
    fixed = tuple(
        replace(
            p, shape=tuple(length if a in axes.get(k, ()) else d for a, d in enumerate(p.shape))
        )
        for k, p in enumerate(inputs)
    )
    plan = _planned(model, fixed, (), probes)
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
    """What prevents a length, in words: the layer that pins it, or whose op does not take it."""
    try:
        found = freed(inputs, probes)
        if found.kept and all(inputs[k].shape[1] == length for k in found.kept):
            # The model fails at its own length: there is another reason.
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
                layer = place_of(demand.op, model)
                if length < least:
                    return f"{layer} leaves no time step of it; expected {least} or more"
                return f"{layer} does not take it"
    except Exception:  # noqa: BLE001 - the refusal that brought us here stands then
        return None
    return None


def _time_axes(
    model: KerasModel, inputs: tuple[TensorSpec, ...], probes: Probes
) -> Mapping[int, Sequence[int]]:
    """Index of an input -> its axes that get a given sequence length."""
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
