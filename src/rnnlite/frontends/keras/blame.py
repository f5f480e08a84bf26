"""Find the layer of a Keras model that is at fault, and name it for a refusal.

What enters: a live model; the name of an op, a foreign error, or inputs at which the model fails.
What leaves: the layer in words, such as "layer 'flat' (Flatten)"; or the line of the error that
tells what is wrong.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rnnlite.frontends.keras.flavour import Flavour, layers_of
from rnnlite.frontends.keras.free_axes import Freed, Probes
from rnnlite.frontends.keras.interface import Interface
from rnnlite.frontends.keras.neutral import any_input_shape, neutral
from rnnlite.frontends.keras.patching import Change, Mine, replaced
from rnnlite.frontends.keras.types import Function, KerasModel, Layer, Nested
from rnnlite.specs import Array, Shape, TensorSpec

RESHAPING = ("Flatten", "Reshape", "Permute", "RepeatVector", "Cropping", "ZeroPadding")


def in_words(layer: Layer) -> str:
    """A layer in the words of a refusal: its name and its class."""
    return f"layer '{layer.name}' ({type(layer).__name__})"


def place_of(op: str, model: KerasModel) -> str:
    """The innermost layer whose name scope has an op, in words; the op's own name if there is none.

    If a model is called twice in one graph, its scope and those of its layers get a number the
    second time: for a model "net", the op "net_1/conv_1/Pad" is of the layer "conv", not "conv_1".
    """
    layers = {layer.name: layer for layer in layers_of(model)}
    outermost, *parts = op.split("/")
    number = outermost.removeprefix(model.name) if outermost.startswith(model.name) else ""
    for part in reversed(parts):
        for name in (part.removesuffix(number), part, re.sub(r"_\d+$", "", part)):
            if name in layers:
                return in_words(layers[name])
    return f"'{op}'"


_NAMED = r"^\s*(?:\w+\.)*\w*(?:Error|Warning): (.+)$"


def first_line(error: BaseException) -> str:
    """The line of an error of Keras or TensorFlow that tells what is wrong.

    Keras and autograph put frames and headings around it.
    """
    noise = re.compile(
        r"in user code|Exception encountered when calling|Traceback|Arguments received|"
        r"Call arguments received|\W*$"
    )
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    named = [m.group(1) for m in re.finditer(_NAMED, text, re.MULTILINE)]
    # A frame has two lines: the place, and the line of source there.
    text = re.sub(r'^\s*File ".*\n.*$', "", text, flags=re.MULTILINE)
    lines = [line.strip() for line in text.splitlines()]
    plain = [line for line in lines if line and not noise.match(line)]
    for line in named:
        if not noise.match(line):
            return line[:300].rstrip(".")
    if named:
        # This line is a heading of Keras; the message is in the next line.
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

    The model runs eagerly, layer by layer, at its own length and at another one. The layer that
    fails pins the length; unless it was given a feature axis that an earlier layer made of time
    steps, which then pins it.
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
    return in_words(layer)


def _other_shapes(inputs: Sequence[TensorSpec], found: Freed) -> Iterator[list[TensorSpec]]:
    """The inputs with other sizes for those whose length is kept: first for all, then for each."""
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
