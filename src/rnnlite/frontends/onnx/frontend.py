"""The front end of ONNX models.

What enters: a source, and the user's request. What leaves: a `Program`.
"""

from __future__ import annotations

from rnnlite.frontends.onnx import detection
from rnnlite.frontends.onnx.request import OnnxRequest
from rnnlite.frontends.program import Program
from rnnlite.frontends.registry import FrontEnd, Match


class OnnxFrontEnd(FrontEnd[OnnxRequest]):
    """ONNX files and live onnx.ModelProtos."""

    name = "onnx"
    files = "ONNX model (.onnx)"
    objects = "an onnx.ModelProto"
    request = OnnxRequest
    kinds = (detection.FILE, detection.LIVE)

    def recognise(self, source: object) -> Match | None:
        """See `FrontEnd.recognise`."""
        kind = detection.detect(source)
        return None if kind is None else Match(kind)

    def open(self, source: object, request: OnnxRequest) -> Program:
        """See `FrontEnd.open`."""
        from rnnlite.frontends.onnx.program import program_of
        from rnnlite.frontends.onnx.reading import read

        return program_of(read(source), request)


FRONT_END = OnnxFrontEnd()
