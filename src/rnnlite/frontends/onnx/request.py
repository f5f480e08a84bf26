"""The options of ONNX models: names of tensors, and values of inputs.

What enters: the options that the user gives. What leaves: an `OnnxRequest`.
"""

from __future__ import annotations

from dataclasses import dataclass

from rnnlite.frontends.request import TensorRequest


@dataclass(frozen=True)
class OnnxRequest(TensorRequest):
    """A Request for an ONNX model; see `TensorRequest`."""
