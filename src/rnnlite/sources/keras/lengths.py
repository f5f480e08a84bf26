"""Which axes of a Keras model's inputs are free: the batch, and the length of each sequence.

A model built for a fixed length is tried at another one. Where every layer allows it, the length is
freed; where one does not, that layer is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnnlite.errors import RnnliteError, ShapeError
from rnnlite.sources.keras.flavour import Flavour
from rnnlite.sources.keras.interface import Interface
from rnnlite.sources.keras.neutral import any_input_shape, neutral
from rnnlite.sources.program import Array, Port, Request

Trial = Callable[[Sequence[Port]], Callable[[Sequence[Array]], list[Array]]]
"""Builds the source's own function for the given input shapes; raises what the source raises."""

OTHER_LENGTHS = (1, 2)
"""A pinned length is tried with these added; one alone may be rounded away by pooling."""

RESHAPING = ("Flatten", "Reshape", "Permute", "RepeatVector", "Cropping", "ZeroPadding")


@dataclass(frozen=True, eq=False)
class Plan:
    """Input shapes decided, and the source's function for them."""

    inputs: tuple[Port, ...]
    reference: Callable[[Sequence[Array]], list[Array]]
    notes: tuple[str, ...]


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
    flavour: Flavour,
    model: Any,
    interface: Interface,
    request: Request,
    trial: Trial,
    sample: Callable[[Sequence[Port], int], list[Array]],
) -> Plan:
    """Decide the shapes of all inputs.

    Args:
        trial: see `Trial`.
        sample: makes inputs for given ports, free axes of the given length.

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
        return _fixed(model, inputs, wanted, trial, sample)
    pinned = [k for k, p in enumerate(inputs) if _sequence_like(p) and p.shape[1] is not None]
    if not pinned:
        return Plan(inputs, _built(trial, inputs, model), ())
    return _freed(flavour, model, interface, inputs, pinned, wanted is None, trial, sample)


def _sequence_like(port: Port) -> bool:
    """Whether axis 1 may be time: (B, T, ...) features, or (B, T) token ids or a mask."""
    return len(port.shape) >= 3 or (len(port.shape) == 2 and not port.dtype.startswith("float"))


def _with_length(port: Port, length: int | None) -> Port:
    return replace(port, shape=(port.shape[0], length, *port.shape[2:]))


def _built(
    trial: Trial, inputs: Sequence[Port], model: Any
) -> Callable[[Sequence[Array]], list[Array]]:
    try:
        return trial(inputs)
    except RnnliteError:
        raise
    except Exception as e:
        shapes = ", ".join(f"{p.name} {list(p.shape)}" for p in inputs)
        raise ShapeError(
            f"the model '{model.name}' cannot be called with inputs {shapes}: {first_line(e)}",
            remedy="Give --batch-size and --sequence-length as the model was built for",
        ) from e


def _fixed(model: Any, inputs: tuple[Port, ...], length: int, trial: Trial, sample: Any) -> Plan:
    """Every sequence of the given length."""
    fixed = tuple(
        _with_length(p, length)
        if len(p.shape) >= 2 and (p.shape[1] is None or _sequence_like(p))
        else p
        for p in inputs
    )
    reference = _built(trial, fixed, model)
    try:
        reference(sample(fixed, length))
    except Exception as e:
        raise ShapeError(
            f"the model '{model.name}' does not run at sequence_length {length}: {first_line(e)}",
            remedy="Leave sequence_length at auto",
        ) from e
    return Plan(fixed, reference, ())


def _freed(
    flavour: Flavour,
    model: Any,
    interface: Interface,
    inputs: tuple[Port, ...],
    pinned: list[int],
    demanded: bool,
    trial: Trial,
    sample: Any,
) -> Plan:
    """Free the pinned lengths that the layers let go: all at once, else one input at a time."""
    length = max(inputs[k].shape[1] or 0 for k in pinned)
    groups = [pinned] + ([[k] for k in pinned] if len(pinned) > 1 else [])
    free: list[int] = []
    failure: BaseException | None = None
    for group in groups:
        tried = sorted({*free, *group})
        if tried == free:
            continue
        candidate = tuple(_with_length(p, None) if k in tried else p for k, p in enumerate(inputs))
        try:
            reference = trial(candidate)
            for change in OTHER_LENGTHS:
                reference(sample(candidate, length + change))
        except RnnliteError:
            raise
        except Exception as e:  # noqa: BLE001 - whatever the source raises; blamed below
            failure = failure or e
            continue
        free = tried
        if len(free) == len(pinned):
            return Plan(candidate, reference, ())
    candidate = tuple(_with_length(p, None) if k in free else p for k, p in enumerate(inputs))
    if failure is None:
        return Plan(candidate, _built(trial, candidate, model), ())
    culprit = blame(flavour, model, interface, inputs, pinned, failure, sample)
    names = ", ".join(f"'{inputs[k].name}'" for k in pinned if k not in free)
    if demanded:
        raise ShapeError(
            f"the length of input {names} cannot be freed: it is pinned by {culprit}",
            remedy="Use sequence_length='auto' to keep it, or replace that layer by one that does "
            "not mix time steps into features",
        )
    lengths = sorted({inputs[k].shape[1] or 0 for k in pinned if k not in free})
    note = f"length {', '.join(map(str, lengths))} of input {names} is kept: pinned by {culprit}"
    return Plan(candidate, _built(trial, candidate, model), (note,))


def first_line(error: BaseException) -> str:
    """The line of a foreign error that says what is wrong.

    Keras and autograph put their own frames and headings around it.
    """
    noise = re.compile(
        r"in user code|Exception encountered when calling|Traceback|File \"|Arguments received|"
        r"Call arguments received|\W*$"
    )
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    named = [m.group(1) for m in re.finditer(r"^\s*(?:\w+\.)*\w*Error: (.+)$", text, re.MULTILINE)]
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
    model: Any,
    interface: Interface,
    inputs: Sequence[Port],
    pinned: Sequence[int],
    failure: BaseException,
    sample: Any,
) -> str:
    """Name the layer that pins the length.

    The model runs eagerly at its own length and at another one, layer by layer. The layer that
    fails is at fault, unless it was handed a feature axis that an earlier layer made of time steps.
    """
    first, _ = _record(flavour, model, interface, sample(list(inputs), 1))
    failed = None
    for change in OTHER_LENGTHS:
        other = [
            _with_length(p, (p.shape[1] or 1) + change) if k in pinned else p
            for k, p in enumerate(inputs)
        ]
        second, failed = _record(flavour, model, interface, sample(other, 1))
        if failed is not None:
            break
    if failed is None:
        return f"a layer that could not be told apart ({first_line(failure)})"
    layer, shape = failed
    before = [call for call in first if call.layer is layer]
    if before and before[0].taken and shape and before[0].taken[-1] != shape[-1]:
        for call in reversed(second):
            name = type(call.layer).__name__
            if call.given == shape and (name.startswith(RESHAPING) or call.taken != call.given):
                layer = call.layer
                break
    return f"layer '{layer.name}' ({type(layer).__name__})"


@dataclass(frozen=True, eq=False)
class _Call:
    layer: Any
    taken: tuple[int, ...]
    given: tuple[int, ...]


def _record(
    flavour: Flavour, model: Any, interface: Interface, arrays: list[Array]
) -> tuple[list[_Call], tuple[Any, tuple[int, ...]] | None]:
    """Run the model eagerly: the calls of its layers, and the innermost one that failed."""
    calls: list[_Call] = []
    failed: list[tuple[Any, tuple[int, ...]]] = []
    base = flavour.keras.layers.Layer
    original = base.__call__

    def shape_of(value: Any) -> tuple[int, ...]:
        leaves = [x for x in flavour.flatten(value) if hasattr(x, "shape")]
        return tuple(leaves[0].shape) if leaves else ()

    def recording(layer: Any, *args: Any, **kwargs: Any) -> Any:
        taken = shape_of(args[0]) if args else ()
        try:
            result = original(layer, *args, **kwargs)
        except Exception:
            if not failed:
                failed.append((layer, taken))
            raise
        calls.append(_Call(layer, taken, shape_of(result)))
        return result

    base.__call__ = recording
    try:
        with neutral(model), any_input_shape(flavour):
            interface.call([np.asarray(a) for a in arrays])
    except Exception:  # noqa: BLE001, S110 - which layer failed is what is asked
        pass
    finally:
        base.__call__ = original
    return calls, failed[0] if failed else None
