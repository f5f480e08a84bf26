"""The model as ONNX Runtime runs it: what a conversion is compared with.

What enters: a ModelProto. What leaves: a `Runner`, from arrays to arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnnlite.errors import SourceError
from rnnlite.frontends.functions import Runner
from rnnlite.scan.tensors import Array


def runner(
    proto: Any,
    origin: str,
    inputs: Sequence[tuple[str, str]],
    outputs: Sequence[tuple[str, str]],
    fixed: Mapping[str, Array],
) -> Runner:
    """A function of arrays, one an input, to arrays, one an output.

    Args:
        proto: the ModelProto.
        origin: for messages.
        inputs: name and declared dtype of each.
        outputs: name, and the dtype to give.
        fixed: values of further inputs.

    Raises:
        SourceError: ONNX Runtime refuses the model.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(
            proto.SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
            enable_fallback=0,
        )
    except Exception as e:
        raise SourceError(
            f"ONNX Runtime refuses {origin}",
            found=" ".join(str(e).split())[:300],
            remedy="Export it again, and see that ONNX Runtime runs it",
        ) from e
    names = [name for name, _ in outputs]

    def run(arrays: Sequence[Array]) -> list[Array]:
        given = {n: np.asarray(a).astype(d) for (n, d), a in zip(inputs, arrays, strict=True)}
        found = session.run(names, {**given, **fixed})
        return [np.asarray(y).astype(d) for y, (_, d) in zip(found, outputs, strict=True)]

    return run
