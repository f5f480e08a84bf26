"""Find the first release of the runtime that is right on a file, and have older ones refuse it.

What enters: a finished model, before it is named and pruned. What leaves: a `Requirement`; and,
where the versions of its ops are not enough, an op code by which older releases refuse the file
when they load it. So none of them fails in the middle of a run, or gives wrong results.

The version of an op tells which release first had its kernel, by the rules of the official
converter. The further demands below were found by running files on every release
(`benchmarks/runtimes`):

1. FULLY_CONNECTED in int8 with a scale for each channel: TFLite 2.9 takes the first one for all.
2. QUANTIZE of int8 to int16 has no kernel before LiteRT 2.1.3, though its version says so.
3. DYNAMIC_UPDATE_SLICE of int16 is version 4.
4. SUM of int16: before LiteRT 1.3 sums beyond the range wrap around, and another scale is refused
   at the first run (`Target.kernels`).
5. Loops within loops end the process on TFLite 2.9 and 2.10, and read beyond a buffer on 2.13.
6. A free batch, or a mask in a loop, with XNNPACK on TFLite 2.13 and 2.14: a change of length
   fails, or ends the process. Files of fixed shape are right.
7. A constant of float16 that XNNPACK does not take, with another constant in a loop: TFLite 2.13,
2.14 and LiteRT 1.0 read memory that is not there. XNNPACK takes kernels of products and
convolutions.
8. Kernels that check the type or the number of axes of their operands only while they run
(`Target.kernels`, `Target.many_axes`).
9. FILL of fixed shape with a computed value, ONE_HOT of computed values: LiteRT 1.0 ends the
   process.
10. FULLY_CONNECTED of int16 with a bias of int64: LiteRT 1.0 adds wrong numbers.
11. CONV_2D of float32 by int8 that pads, over a batch that grows, with XNNPACK: LiteRT 1.0 to 1.2
    end the process.
12. A convolution of a float16 kernel with a bias of float32, with XNNPACK: LiteRT 1.1 to 1.3 read
    the bias as float16, or end the process. rnnlite writes both in float16, which every release
    reads right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from rnnlite.lite.control_flow import in_loops
from rnnlite.lite.ir import FREE, Model, Op, Value
from rnnlite.lite.record import set_metadata
from rnnlite.lite.releases import Release, first_with, release
from rnnlite.lite.schema import SAME_PADDING
from rnnlite.target import LITERT, Target

KERNELS = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")

METADATA = "min_runtime_version"
"""Name of the metadata that the official converter writes: a version of TensorFlow in 16 bytes."""


@dataclass(frozen=True)
class Requirement:
    """What a file demands of the runtime.

    Attributes:
        release: the first release that is right on the file.
        reason: the op, or the demand of the list above, that needs this release, in words.
    """

    release: Release
    reason: str


def raise_versions(model: Model) -> None:
    """Raise the version of ops, in place, to what the types of their operands demand."""
    for op in model.ops():
        types = _types((*op.operands, *op.outputs))
        if op.kind == "DYNAMIC_UPDATE_SLICE" and "int16" in types:
            model.raise_version(op, 4)
        if op.kind == "QUANTIZE" and types[:2] == ["int8", "int16"]:
            model.raise_version(op, 2)


def requirement(model: Model, target: Target = LITERT) -> Requirement:
    """What the ops of a model demand of the target's releases."""
    releases = target.releases
    found = Requirement(releases[0], "")
    for release_, reason in [*_versions(model, target), *_demands(model, target)]:
        if releases.index(release_) > releases.index(found.release):
            found = Requirement(release_, reason)
    return found


def refuse_older(model: Model, needed: Requirement, target: Target = LITERT) -> None:
    """Add, in place, an op code that the needed release is the first to have, unless there is one.

    A runtime looks for all op codes of a file when it loads it, whether an op uses them or not.
    """
    known, releases = least_release(model, target), target.releases
    if known is not None and releases.index(known) >= releases.index(needed.release):
        return
    used = {op.kind for op in model.ops()}
    new = needed.release.new
    # If possible the code of an op in the file: a runtime that was built with these ops alone then
    # loads it too.
    kind = next((name for name in new if name in used), next(iter(new)))
    model.code(kind, new[kind])


def set_least_release(model: Model, needed: Requirement) -> None:
    """Write the release into the metadata that LiteRT's tools read, in place."""
    set_metadata(model, METADATA, needed.release.tensorflow.encode().ljust(16, b"\0"))


def least_release(model: Model, target: Target = LITERT) -> Release | None:
    """The first release that loads a file of any converter; None where no known release does."""
    releases = target.releases
    least = releases[0]
    for code in model.codes:
        found = first_with(code.kind, code.version, releases)
        if found is None:
            return None
        least = max(least, found, key=releases.index)
    return least


def _versions(model: Model, target: Target) -> Iterator[tuple[Release, str]]:
    for op in model.ops():
        found = first_with(op.kind, op.version, target.releases)
        if found is not None:
            yield found, f"{op.kind} in version {op.version}"


def _demands(model: Model, target: Target) -> Iterator[tuple[Release, str]]:
    for test, name, reason in OF_OPS:
        if any(test(op) for op in model.ops()):
            yield release(name, target.releases), reason
    yield from (found for op in model.ops() for found in _of_kernels(op, target))
    loops = in_loops(model)
    inner = [op for graph in loops for op in graph.ops]
    if any(op.kind == "WHILE" for op in inner):
        yield release("LiteRT 1.0", target.releases), "loops within loops"
    if model.has_fixed_shapes:
        return
    if any(op.kind in ("SELECT", "SELECT_V2") for op in inner):
        yield release("LiteRT 1.0", target.releases), "a mask in a loop"
    if any(v.dims.count(FREE) > 1 for graph in model.called for v in graph.inputs):
        yield release("LiteRT 1.0", target.releases), "a free batch"


DATA = {"FILL": 1, "SELECT": 1, "SELECT_V2": 1, "SPLIT": 1, "TRANSPOSE_CONV": 2}
"""Kind of op -> index of the operand whose type a kernel checks, where it is not the first."""


def _of_kernels(op: Op, target: Target) -> Iterator[tuple[Release, str]]:
    """What the types and axes of an op's operands demand."""
    value = op.operand(DATA.get(op.kind, 0))
    name = None if value is None else target.kernels.get((op.kind, value.type))
    if value is not None and name is not None:
        yield release(name, target.releases), f"{op.kind} of {value.type}"
    name = target.many_axes.get(op.kind)
    if name is not None and op.output.rank > 4 and len({v.dims for v in op.operands}) > 1:
        yield release(name, target.releases), f"{op.kind} over {op.output.rank} axes"


def _wide_bias(op: Op) -> bool:
    types = _types(op.operands)
    return op.kind == "FULLY_CONNECTED" and types[0] == "int16" and types[2:] == ["int64"]


def _computed_filling(op: Op) -> bool:
    if op.kind == "FILL":
        return op.input(0).is_constant and not op.input(1).is_constant
    return op.kind == "ONE_HOT" and not all(op.input(k).is_constant for k in (2, 3))


def _per_channel(op: Op) -> bool:
    if op.kind != "FULLY_CONNECTED" or _types(op.operands)[:2] != ["int8", "int8"]:
        return False
    known = op.input(1).quantization
    return known is not None and len(known.scales) > 1


def _widened(op: Op) -> bool:
    return op.kind == "QUANTIZE" and _types((*op.operands, *op.outputs)) == ["int8", "int16"]


def _half_elsewhere(op: Op) -> bool:
    """A DEQUANTIZE of float16 whose result is read as anything but a kernel or a bias."""
    if op.kind != "DEQUANTIZE" or op.input(0).type != "float16":
        return False
    return any(use.op.kind not in KERNELS or use.place not in (1, 2) for use in op.output.uses)


def _bias_of_another_type(op: Op) -> bool:
    """A convolution of a float16 kernel with a bias of float32."""
    bias = op.operand(2) if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D") else None
    kernel = op.input(1).producer if bias is not None else None
    if bias is None or bias.data is None or kernel is None or kernel.kind != "DEQUANTIZE":
        return False
    return kernel.input(0).type == "float16"


def _padded_over_batch(op: Op) -> bool:
    if op.kind != "CONV_2D" or _types(op.operands)[:2] != ["float32", "int8"]:
        return False
    return op.options["padding"] == SAME_PADDING and op.input(0).dims[0] == FREE


Test = Callable[[Op], bool]
"""Whether an op makes the demand."""

OF_OPS: tuple[tuple[Test, str, str], ...] = (
    (_per_channel, "TFLite 2.10", "FULLY_CONNECTED in int8 with a scale a channel"),
    (_computed_filling, "LiteRT 1.1", "FILL or ONE_HOT of a computed value"),
    (_wide_bias, "LiteRT 1.1", "FULLY_CONNECTED of int16 with a bias of int64"),
    (_half_elsewhere, "LiteRT 1.1", "a constant of float16 that is no kernel"),
    (_bias_of_another_type, "LiteRT 2.0", "a convolution by float16 with a bias of float32"),
    (_padded_over_batch, "LiteRT 1.3", "CONV_2D by int8 that pads, over a free batch"),
    (_widened, "LiteRT 2.1.3", "QUANTIZE of int8 to int16"),
)


def _types(values: Iterable[Value]) -> list[str]:
    return [v.type for v in values]
