"""Refuse what a target does not take: modes before a source is opened, shapes afterwards.

What enters: what is asked for, and a Program. What leaves: nothing, or a refusal that says what to
ask for instead. Ops are checked last (`lite.target_ops`).
"""

from __future__ import annotations

from collections.abc import Sequence

from rnnlite.errors import OptionError, QuantizationError, ShapeError
from rnnlite.frontends.program import Program
from rnnlite.specs import TensorSpec
from rnnlite.target import Target


def take_mode(target: Target, quantize: str | None, streaming: bool | int) -> None:
    """Refuse a mode or a stream that the target does not run.

    Raises:
        QuantizationError: the target does not run the mode.
        OptionError: a stream of chunks of any length is asked for, and the target takes no free
            shapes.
    """
    if quantize not in target.modes:
        raise QuantizationError(
            f"{target.title} does not run quantize='{quantize}'",
            expected=", ".join("float32" if m is None else m for m in target.modes),
            found=str(quantize),
        )
    if streaming is True and not target.free_shapes:
        raise OptionError(
            f"{target.title} takes no free shapes, and chunks of any length have one",
            expected="streaming=N, the steps of each chunk",
            found="streaming=True",
            remedy="Give streaming=1 (--streaming 1) for single steps, without a loop",
        )


def require_taken(
    target: Target, program: Program, chunk: Sequence[TensorSpec] | None = None
) -> None:
    """Refuse a Program that the target cannot take, whatever its ops.

    Args:
        target: what the file is made for.
        program: the source.
        chunk: the inputs of the function of a chunk, where the file holds that alone.

    Raises:
        OptionError: the Program has several signatures, and the target runs one.
        ShapeError: an input has a free axis, and the target takes none.
    """
    if len(program.entries) > 1 and not target.signatures:
        raise OptionError(
            f"{target.title} runs the first signature of a file alone",
            found=", ".join(f"'{e.signature}'" for e in program.entries),
            remedy="Convert each into a file of its own",
        )
    if target.free_shapes:
        return
    given = chunk or [spec for entry in program.entries for spec in entry.inputs]
    for spec in given:
        free = [k for k, size in enumerate(spec.shape) if size is None]
        if free:
            batch = spec.batch_axis in free
            raise ShapeError(
                f"{target.title} takes no free shapes, and input '{spec.name}' has one",
                expected="sizes for all axes",
                found=str(list(spec.shape)),
                remedy="Give batch_size=1 (--batch-size 1)"
                if batch and len(free) == 1
                else "Give sequence_length=N (--sequence-length N), the steps of every run",
            )
