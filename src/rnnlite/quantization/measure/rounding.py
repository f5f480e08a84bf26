"""The error of rounding inputs and outputs alone, with the source between them.

What enters: the source's computation, a quantized file, samples. What leaves: the error of each
output where only inputs are rounded, and where only the output is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rnnlite.isolation.interpreter import ModelApart
from rnnlite.quantization.measure.accuracy import Reference
from rnnlite.quantization.measure.error_sum import ErrorSum
from rnnlite.quantization.params import Array
from rnnlite.runtime.quantized import dequantize
from rnnlite.runtime.quantized import quantize as to_input
from rnnlite.specs import batched

MOST_SAMPLES = 20
"""How many samples are run at most."""


@dataclass(frozen=True)
class Rounded:
    """The error of an output by rounding alone, relative to its RMS.

    Attributes:
        inputs: the error by rounding the inputs.
        output: the error by rounding the output.
    """

    inputs: float
    output: float


def rounded_alone(
    reference: Reference,
    data: bytes,
    samples: Sequence[list[Array]],
    *,
    signature: str | None = None,
) -> list[Rounded]:
    """Run the source on rounded inputs, and round its outputs, with the parameters of a file.

    Args:
        reference: the source, from batches of inputs to batches of outputs, in float.
        data: the quantized file.
        samples: for each, one array for each input, without batch axis.
        signature: a signature of the file; its first if None.

    Returns:
        one for each output; 0.0 where the inputs or outputs of the file are floats.
    """
    model = ModelApart(data, signature=signature)
    inputs, outputs = model.inputs, model.outputs
    model.close()
    batch = max((spec.batch or 1 for spec in inputs), default=1)
    sums = [(ErrorSum(), ErrorSum()) for _ in outputs]
    for row in samples[:MOST_SAMPLES]:
        arrays = [batched(a, s.batch_axis, batch) for a, s in zip(row, inputs, strict=True)]
        coarse = [dequantize(to_input(a, s), s) for a, s in zip(arrays, inputs, strict=True)]
        expected, found = reference(arrays), reference(coarse)
        for spec, a, b, (of_inputs, own) in zip(outputs, found, expected, sums, strict=True):
            of_inputs.add(a, b)
            own.add(dequantize(to_input(b, spec), spec), b)
    return [Rounded(of_inputs.error(), own.error()) for of_inputs, own in sums]
