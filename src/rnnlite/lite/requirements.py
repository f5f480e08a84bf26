"""The least release of the runtime that a file is right on, and that older ones refuse it.

What enters: a finished model, before it is named and compacted. What leaves: a `Requirement`; and
op codes by which older releases refuse the file when they load it, where the versions of its ops
do not say enough. A runtime must not find out in the middle of its work, or not at all.

Versions say when a kernel came to be, by the official converter's rules; the demands below were
found by running files on every release (`benchmarks/runtimes`):

1. FULLY_CONNECTED in int8 with a scale a channel: TFLite 2.9 takes the first one for all.
2. QUANTIZE of int8 to int16 has no kernel before LiteRT 2.1.3, though its version says so.
3. DYNAMIC_UPDATE_SLICE of int16 is version 4.
4. SUM of int16 to another scale: refused at the first run before LiteRT 1.3.
5. Loops within loops end the process on TFLite 2.9 and 2.10, and read beyond a buffer on 2.13.
6. A free batch, or a mask in a loop, with XNNPACK on TFLite 2.13 and 2.14: a change of length
   fails, or ends the process. Files of fixed shape are right.
7. A constant of float16 that XNNPACK does not take, with another in a loop: TFLite 2.13, 2.14 and
   LiteRT 1.0 compute with what is not there. Kernels of products and convolutions it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rnnlite.lite import flatbuffer
from rnnlite.lite.control_flow import in_loops
from rnnlite.lite.edit import at_version
from rnnlite.lite.passes.micro import has_fixed_shapes
from rnnlite.lite.releases import RELEASES, Release, first_with, release

KERNELS = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")

METADATA = "min_runtime_version"
"""Name of the metadata that the official converter writes: a version of TensorFlow in 16 bytes."""


@dataclass(frozen=True)
class Requirement:
    """What a file asks of the runtime.

    Attributes:
        release: the first that is right.
        reason: the op that asks for it, or the demand above, in words.
    """

    release: Release
    reason: str


def raise_versions(model: Any) -> None:
    """Give ops the version that the types of their operands ask for, in place."""
    for index, op, name in flatbuffer.operators(model):
        types = _types(model, index, [*op.inputs, *op.outputs])
        if name == "DYNAMIC_UPDATE_SLICE" and "int16" in types:
            at_version(model, op, 4)
        if name == "QUANTIZE" and types[:2] == ["int8", "int16"]:
            at_version(model, op, 2)


def requirement(model: Any) -> Requirement:
    """What the ops of a model ask for."""
    found = Requirement(RELEASES[0], "")
    for release_, reason in [*_versions(model), *_demands(model)]:
        if RELEASES.index(release_) > RELEASES.index(found.release):
            found = Requirement(release_, reason)
    return found


def refuse_older(model: Any, needed: Requirement) -> None:
    """Add an op code that the needed release is the first to have, if no op has one, in place.

    A runtime asks for all op codes of a file when it loads it, whether an op uses them or not.
    """
    known = least_release(model)
    if known is not None and RELEASES.index(known) >= RELEASES.index(needed.release):
        return
    used = {name for _, _, name in flatbuffer.operators(model)}
    new = needed.release.new
    # A runtime that was built with the ops of this file alone has one of these as well.
    op = next((name for name in new if name in used), next(iter(new)))
    flatbuffer.opcode(model, flatbuffer.builtin(op), new[op])


def set_least_release(model: Any, needed: Requirement) -> None:
    """Write the release into the metadata that LiteRT's tools read, in place."""
    flatbuffer.set_metadata(model, METADATA, needed.release.tensorflow.encode().ljust(16, b"\0"))


def least_release(model: Any) -> Release | None:
    """The first release that loads a file, ours or not; None where none does that is known."""
    least = RELEASES[0]
    for code in model.operatorCodes:
        found = first_with(flatbuffer.code_name(code), code.version)
        if found is None:
            return None
        least = max(least, found, key=RELEASES.index)
    return least


def _versions(model: Any) -> Iterator[tuple[Release, str]]:
    for _, op, name in flatbuffer.operators(model):
        version = model.operatorCodes[op.opcodeIndex].version
        found = first_with(name, version)
        if found is not None:
            yield found, f"{name} in version {version}"


def _demands(model: Any) -> Iterator[tuple[Release, str]]:
    for test, name, reason in OF_OPS:
        if any(test(model, index, op, kind) for index, op, kind in flatbuffer.operators(model)):
            yield release(name), reason
    loops = in_loops(model)
    if any(index in loops for index, *_ in flatbuffer.loops(model)):
        yield release("LiteRT 1.0"), "loops within loops"
    if has_fixed_shapes(model):
        return
    if any(
        index in loops and name in ("SELECT", "SELECT_V2")
        for index, _, name in flatbuffer.operators(model)
    ):
        yield release("LiteRT 1.0"), "a mask in a loop"
    main = model.subgraphs[0]
    signatures = [main.tensors[int(t)].shapeSignature for t in main.inputs]
    if any(s is not None and sum(int(d) < 0 for d in s) > 1 for s in signatures):
        yield release("LiteRT 1.0"), "a free batch"


def _per_channel(model: Any, index: int, op: Any, name: str) -> bool:
    if name != "FULLY_CONNECTED" or _types(model, index, op.inputs)[:2] != ["int8", "int8"]:
        return False
    grid = model.subgraphs[index].tensors[int(op.inputs[1])].quantization
    return grid is not None and grid.scale is not None and len(grid.scale) > 1


def _widened(model: Any, index: int, op: Any, name: str) -> bool:
    types = _types(model, index, [*op.inputs, *op.outputs])
    return name == "QUANTIZE" and types == ["int8", "int16"]


def _rescaled_sum(model: Any, index: int, op: Any, name: str) -> bool:
    if name != "SUM" or _types(model, index, op.inputs)[0] != "int16":
        return False
    tensors = model.subgraphs[index].tensors
    grids = [tensors[int(t)].quantization for t in (op.inputs[0], op.outputs[0])]
    return bool(grids[0].scale[0] != grids[1].scale[0])


def _half_elsewhere(model: Any, index: int, op: Any, name: str) -> bool:
    """A DEQUANTIZE of float16 whose result is read by anything but kernels."""
    if name != "DEQUANTIZE" or _types(model, index, op.inputs) != ["float16"]:
        return False
    result = int(op.outputs[0])
    readers = [
        (flatbuffer.op_name(model, o), list(map(int, o.inputs)).index(result))
        for o in model.subgraphs[index].operators
        if result in map(int, o.inputs)
    ]
    return any(kind not in KERNELS or place != 1 for kind, place in readers)


Test = Callable[[Any, int, Any, str], bool]
"""Whether an op, of a model and a subgraph by its index, with this name, makes the demand."""

OF_OPS: tuple[tuple[Test, str, str], ...] = (
    (_per_channel, "TFLite 2.10", "FULLY_CONNECTED in int8 with a scale a channel"),
    (_half_elsewhere, "LiteRT 1.1", "a constant of float16 that is no kernel"),
    (_rescaled_sum, "LiteRT 1.3", "SUM of int16 to another scale"),
    (_widened, "LiteRT 2.1.3", "QUANTIZE of int8 to int16"),
)


def _types(model: Any, index: int, tensors: Any) -> list[str]:
    content = model.subgraphs[index]
    return [flatbuffer.dtype_name(content.tensors[int(t)]) for t in tensors if int(t) >= 0]
