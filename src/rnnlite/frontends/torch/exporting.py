"""Exports a module to an ONNX model with free axes.

What enters: a `Call` and its free axes. What leaves: a ModelProto, and the axes that are free in
it. A module is traced first; its recurrent layers then take any length. But a trace unrolls a loop
over time in Python. So where an axis is lost in the trace, the module is exported as TorchScript,
if TorchScript compiles it: that keeps loops. Before a trace, LSTMs with projections are rewritten
as loops and attention as products, because the exporter knows neither.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from rnnlite.errors import UnsupportedError
from rnnlite.frontends.torch.calls import Call, quiet, reason
from rnnlite.frontends.torch.rewriting import with_loops, with_packed, with_steps
from rnnlite.frontends.torch.sizes import Axes, examples, names_of, runs

MEETING = frozenset(
    [
        *("Add", "Sub", "Mul", "Div", "Mod", "Max", "Min", "Concat", "Slice"),
        *("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"),
    ]
)
"""Ops whose operands must have one dtype and may be lengths."""
log = logging.getLogger("rnnlite")


def exported(call: Call, groups: Sequence[Axes]) -> tuple[Any, list[Axes]]:
    """The module in ONNX, and those of the free axes at whose other sizes the model was checked.

    Args:
        call: the module.
        groups: its free axes, from `sizes.free_axes`.

    Raises:
        UnsupportedError: PyTorch cannot export it.
    """
    failures: list[str] = []
    best: tuple[Any, list[Axes], bool] | None = None
    for scripted in (False, True):
        try:
            proto = _export(call, groups, scripted=scripted)
        except Exception as e:  # noqa: BLE001 - the exporter's refusal, of any kind
            failures.append(reason(e))
            log.info("not exported%s: %s", " as TorchScript" if scripted else "", failures[-1])
            continue
        kept = [g for g in groups if _holds(call, proto, g)]
        if len(kept) < len(groups):
            log.info("exported with %d of %d free axes", len(kept), len(groups))
        if best is None or len(kept) > len(best[1]):
            best = proto, kept, scripted
        if len(kept) == len(groups):
            break
    if best is None:
        raise UnsupportedError(
            f"PyTorch cannot export {call.origin} to ONNX",
            expected="a module that torch.onnx.export takes",
            found=failures[0],
            remedy="Replace the part that it names",
        )
    proto, kept, scripted = best
    if len(kept) < len(groups):
        # An axis at which the model is wrong keeps the example's size: export again, with it fixed.
        proto = _export(call, kept, scripted=scripted)
    return proto, kept


def _export(call: Call, groups: Sequence[Axes], *, scripted: bool) -> Any:
    import onnx
    import torch

    from rnnlite.frontends.torch import packing, symbolics, windows
    from rnnlite.frontends.torch.attention import with_products

    buffer = io.BytesIO()
    with (
        quiet(),
        torch.no_grad(),
        _exporting(),
        windows.exportable(),
        packing.exportable(),
        symbolics.known(),
    ):
        # TorchScript compiles the module's own code, with its loops.
        module = (
            torch.jit.script(with_steps(call.inner))
            if scripted
            else with_packed(with_loops(with_products(call.wrapped)))
        )
        torch.onnx.export(
            module,
            call.inputs,
            buffer,
            dynamo=False,
            input_names=list(call.names),
            output_names=list(call.outputs),
            dynamic_axes=names_of(call, groups),
            opset_version=symbolics.OPSET,
            do_constant_folding=True,
        )
    proto = onnx.load_model_from_string(buffer.getvalue())
    # `with_packed` added results after the module's own.
    del proto.graph.output[len(call.outputs) :]
    _free_outputs(proto)
    _state_pads(proto.graph)
    _alike(proto)
    return proto


@contextmanager
def _exporting() -> Iterator[None]:
    """Export without fused attention, and print no graph on a failure.

    The exporter does not know the fused ops of attention. It prints the graph of what it refuses to
    the standard output, which belongs to the caller.
    """
    from torch import _C
    from torch.backends import mha

    fused, printed = mha.get_fastpath_enabled(), getattr(_C, "_jit_onnx_log", None)
    mha.set_fastpath_enabled(False)
    if printed is not None:
        _C._jit_onnx_log = lambda *_: None
    try:
        yield
    finally:
        mha.set_fastpath_enabled(fused)
        if printed is not None:
            _C._jit_onnx_log = printed


def _free_outputs(proto: Any) -> None:
    """Clear the sizes of outputs: they hold only for the example."""
    for value in proto.graph.output:
        for dim in value.type.tensor_type.shape.dim:
            dim.Clear()


def _state_pads(graph: Any) -> None:
    """Write padding="same" as numbers: ONNX Runtime lacks it for dilated kernels."""
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _state_pads(attribute.g)
        given = {a.name: a for a in node.attribute}
        auto = given["auto_pad"].s if "auto_pad" in given else b""
        if node.op_type != "Conv" or auto not in (b"SAME_UPPER", b"SAME_LOWER"):
            continue
        kernel, steps, holes = (
            list(given[n].ints) if n in given else []
            for n in ("kernel_shape", "strides", "dilations")
        )
        if not kernel or any(s != 1 for s in steps):
            continue
        totals = [(k - 1) * d for k, d in zip(kernel, holes or [1] * len(kernel), strict=True)]
        small, large = [t // 2 for t in totals], [t - t // 2 for t in totals]
        node.attribute.remove(given["auto_pad"])
        pads = small + large if auto == b"SAME_UPPER" else large + small
        node.attribute.add(name="pads", type=7, ints=pads)


def _alike(proto: Any) -> None:
    """Cast int32 to int64 where one node has operands of both.

    The exporter casts the lengths of packed sequences to int32; in PyTorch they are int64. Where
    both meet, as in a mask, ONNX Runtime does not load the model.
    """
    import onnx

    small, large = onnx.TensorProto.INT32, onnx.TensorProto.INT64
    if not any(n.op_type == "Cast" and n.attribute[0].i == small for n in proto.graph.node):
        return
    graph = onnx.shape_inference.infer_shapes(proto).graph
    values = (*graph.value_info, *graph.input, *graph.output)
    kinds = {v.name: v.type.tensor_type.elem_type for v in values}
    kinds.update({t.name: t.data_type for t in graph.initializer})
    nodes = []
    for node in proto.graph.node:
        given = {kinds.get(name) for name in node.input}
        for k, name in enumerate(node.input):
            if node.op_type in MEETING and {small, large} <= given and kinds.get(name) == small:
                node.input[k] = f"{name}_as_int64"
                nodes.append(onnx.helper.make_node("Cast", [name], [node.input[k]], to=large))
        nodes.append(node)
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)


def _holds(call: Call, proto: Any, group: Axes) -> bool:
    """Whether the ONNX model agrees with the module at two other sizes of a free axis."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(
            proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception:  # noqa: BLE001 - a model that does not load agrees nowhere
        return False
    place = next(iter(group))
    size = call.inputs[place[0]].shape[place[1]]
    wanted_names = {i.name for i in session.get_inputs()}
    for other in (size + 3, max(size - 2, 1)):
        sizes = dict.fromkeys(group, other)
        wanted = runs(call, sizes)
        if wanted is None:
            continue
        given = dict(zip(call.names, examples(call, sizes), strict=True))
        try:
            found = session.run(None, {n: a for n, a in given.items() if n in wanted_names})
        except Exception:  # noqa: BLE001 - the size is refused
            return False
        for a, b in zip(found, wanted, strict=True):
            if a.shape != b.shape or not np.allclose(a, b, rtol=1e-3, atol=1e-3, equal_nan=True):
                return False
    return True
