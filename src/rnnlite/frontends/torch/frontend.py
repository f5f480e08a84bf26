"""The front end of PyTorch, as the registry lists it.

What enters: a source, and the user's request with an example of the inputs. What leaves: a
`Program`.
"""

from __future__ import annotations

from rnnlite.frontends.program import Program
from rnnlite.frontends.registry import FrontEnd, Match
from rnnlite.frontends.torch import detection
from rnnlite.frontends.torch.request import TorchRequest


class TorchFrontEnd(FrontEnd[TorchRequest]):
    """The front end for live modules, ExportedPrograms, and files of PyTorch."""

    name = "torch"
    files = "PyTorch program (.pt2, TorchScript .pt)"
    objects = "a torch.nn.Module or ExportedProgram"
    request = TorchRequest
    kinds = (
        detection.MODULE,
        detection.EXPORTED,
        detection.PT2,
        detection.SCRIPT,
        detection.PICKLE,
        detection.PACKAGE,
    )

    def recognise(self, source: object) -> Match | None:
        """See `FrontEnd.recognise`."""
        kind = detection.detect(source)
        return None if kind is None else Match(kind)

    def open(self, source: object, request: TorchRequest) -> Program:
        """See `FrontEnd.open`."""
        from rnnlite.frontends.torch.program import program_of

        return program_of(source, request)


FRONT_END = TorchFrontEnd()
