"""From a PyTorch source to a `Program`, through ONNX; the reference is the module itself.

What enters: a module, an ExportedProgram or a file, and the request. What leaves: its Program.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rnnlite.frontends.onnx.program import program_of as onnx_program
from rnnlite.frontends.onnx.reading import read
from rnnlite.frontends.onnx.request import OnnxRequest
from rnnlite.frontends.program import Program
from rnnlite.frontends.torch.calls import Call, call_of
from rnnlite.frontends.torch.exporting import exported
from rnnlite.frontends.torch.request import TorchRequest
from rnnlite.frontends.torch.sizes import Axes, counts_of, free_axes


def program_of(source: object, request: TorchRequest) -> Program:
    """Open a source of PyTorch.

    Raises:
        SourceError: the source cannot be read, is in training mode or fails on the example, or
            there is no example.
        TrustError: loading it would run code from it.
        UnsupportedError: PyTorch cannot export it, or an op has no form in LiteRT.
    """
    call = call_of(source, request.example)
    groups = free_axes(call)
    proto, kept = exported(call, groups)
    read_source = replace(read(proto), origin=call.origin)
    plain = OnnxRequest.of(replace(request, options={}))
    names = [v.name for v in proto.graph.input]
    program = onnx_program(
        read_source, plain, reference=_reference(call, names), counts=counts_of(call)
    )
    notes = _notes(call, groups, kept)
    return Program(
        program.origin, tuple(replace(e, notes=(*notes, *e.notes)) for e in program.entries)
    )


def _reference(call: Call, names: list[str]) -> Any:
    """The module as a function of the inputs that the ONNX model kept; others: the example's."""
    places = [call.names.index(n) for n in names]

    def run(arrays: Any) -> Any:
        given = [t.numpy() for t in call.inputs]
        for place, array in zip(places, arrays, strict=True):
            given[place] = array
        return call.run(given)

    return run


def _notes(call: Call, groups: list[Axes], kept: list[Axes]) -> list[str]:
    """A note on each axis that is free in the module, but not in the ONNX model."""
    return [
        f"axis {axis} of input '{call.names[k]}' stays {call.inputs[k].shape[axis]}: the trace of "
        "the module computes with it (a loop over time in Python is unrolled; write it for "
        "torch.jit.script, with rows appended to one list that is stacked, flip() in place of a "
        "list reversed; or use a recurrent layer)"
        for group in groups
        if group not in kept
        for k, axis in sorted(group)
    ]
